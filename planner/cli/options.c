#include "planner/cli/options.h"

#include <string.h>

#include "planner/spec/zoo.h"

#define DEFAULT_CLUSTER "h100-sxm5-80gb"
#define DEFAULT_RUNTIME "megatron-core"

enum { MOST_GPUS = 1 << 20 };
static const int64_t not_given = G_MININT64;

void mpp_job_options_entries(MppJobOptions *o, GOptionEntry *entries)
{
    o->gpus = o->seq = o->global_batch = not_given;
    const GOptionEntry all[MPP_N_JOB_ENTRIES] = {
        { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model: a built-in name, our JSON, or a Hugging Face config.json", "MODEL" },
        { "gpus", 'g', 0, G_OPTION_ARG_INT64, &o->gpus, "Number of devices", "N" },
        { "cluster", 'c', 0, G_OPTION_ARG_FILENAME, &o->cluster, "Cluster or device: a built-in name or a JSON file", "CLUSTER" },
        { "runtime", 'r', 0, G_OPTION_ARG_FILENAME, &o->runtime, "Software stack (default " DEFAULT_RUNTIME ")", "RUNTIME" },
        { "global-batch", 'b', 0, G_OPTION_ARG_INT64, &o->global_batch, "Sequences a step", "N" },
        { "seq", 's', 0, G_OPTION_ARG_INT64, &o->seq, "Tokens a sequence", "N" },
        { "precision", 'p', 0, G_OPTION_ARG_STRING, &o->precision, "fp32, tf32, fp16, bf16, fp8, mxfp8 or nvfp4", "FORMAT" },
        { "optimizer", 0, 0, G_OPTION_ARG_STRING, &o->optimizer, "adam, lamb, sgd or muon", "NAME" },
        { "attention", 0, 0, G_OPTION_ARG_STRING, &o->attention, "unfused, fused-softmax, flash1, flash2 or flash3", "KERNEL" },
        G_OPTION_ENTRY_NULL,
    };
    memcpy(entries, all, sizeof all);
}

void mpp_job_options_clear(MppJobOptions *o)
{
    char *strings[] = { o->model, o->cluster, o->runtime, o->precision, o->optimizer, o->attention };
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        g_free(strings[i]);
    *o = (MppJobOptions){ 0 };
}

static char *shell_word(const char *text)
{
    static const char plain[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_./:=,+@";
    return *text && !text[strspn(text, plain)] ? g_strdup(text) : g_shell_quote(text);
}

char *mpp_job_options_to_text(const MppJobOptions *options)
{
    GOptionEntry entries[MPP_N_JOB_ENTRIES];
    MppJobOptions given;
    mpp_job_options_entries(&given, entries); /* whose values lie in given */
    given = *options;
    GString *text = g_string_new(NULL);
    for (int i = 0; entries[i].long_name; i++) {
        const void *at = entries[i].arg_data;
        bool whole = entries[i].arg == G_OPTION_ARG_INT64;
        if (whole ? *(const int64_t *)at == not_given : !*(char *const *)at)
            continue;
        g_autofree char *word = whole ? g_strdup_printf("%" G_GINT64_FORMAT, *(const int64_t *)at) : shell_word(*(char *const *)at);
        g_string_append_printf(text, "%s--%s %s", text->len ? " " : "", entries[i].long_name, word);
    }
    return g_string_free(text, FALSE);
}

static bool usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool usage(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, MPP_ERROR, MPP_ERROR_USAGE, message);
    return false;
}

static bool find_name(const MppNames *names, const char *text, const char *flag, int *out, GError **error)
{
    if (!text)
        return true;
    int value = mpp_names_find(names, text);
    if (value < 0) {
        g_autofree char *known = mpp_names_suggest(names->names, names->n_names, text);
        return usage(error, "--%s: unknown %s \"%s\"; known: %s", flag, names->title, text, known);
    }
    *out = value;
    return true;
}

static bool check_count(int64_t given, int64_t most, const char *flag, GError **error)
{
    if (given == not_given || (given >= 1 && given <= most))
        return true;
    return usage(error, "--%s: expected a whole number from 1 to %" G_GINT64_FORMAT ", got %" G_GINT64_FORMAT, flag, most, given);
}

static bool set_seq_and_batch(const MppJobOptions *o, const MppLaunch *launch, MppInputs *inputs, GError **error)
{
    enum { MOST = 1 << 26 };
    MppTraining *training = &inputs->training;
    if (!check_count(o->seq, MOST, "seq", error) || !check_count(o->global_batch, MOST, "global-batch", error))
        return false;
    if (o->seq != not_given)
        training->seq = o->seq;
    if (o->global_batch != not_given) {
        training->global_batch = o->global_batch;
        return true;
    }
    if (launch && launch->stated & MPP_LAUNCH_GLOBAL_BATCH)
        return true;
    training->global_batch = mpp_training_default_batch(&inputs->model, training->seq, inputs->gpus);
    mpp_inputs_assume(inputs, "global batch %" G_GINT64_FORMAT " (--global-batch)", training->global_batch);
    return true;
}

static bool set_names(const MppJobOptions *o, MppInputs *inputs, GError **error)
{
    MppTraining *training = &inputs->training;
    const MppDevice *device = &inputs->cluster.device;
    int precision = (int)training->precision, optimizer = (int)training->optimizer, attention = (int)training->kernels.attention;
    if (!find_name(&mpp_precision_names, o->precision, "precision", &precision, error) ||
        !find_name(&mpp_optimizer_names, o->optimizer, "optimizer", &optimizer, error) ||
        !find_name(&mpp_attention_names, o->attention, "attention", &attention, error))
        return false;
    training->precision = precision;
    training->optimizer = optimizer;
    training->kernels.attention = attention;
    const MppAttentionRate *rate = mpp_device_attention(device, attention);
    if (rate && !(rate->forward_frac > 0))
        return usage(error, "--attention: the %s has no rate for %s", device->title, mpp_names_get(&mpp_attention_names, attention));
    if (device->peak_flop_per_s.by_precision[precision] > 0)
        return true;
    return usage(error, "--precision: the %s has no %s products", device->title, mpp_names_get(&mpp_precision_names, precision));
}

/** Model (the launch's own, taken over, where it has one), cluster and stack; NULL when one could not be read. */
static MppInputs *open_inputs(const MppJobOptions *o, MppLaunch *launch, GError **error)
{
    const char *stack = launch ? launch->runtime : DEFAULT_RUNTIME;
    g_autoptr(MppModel) model = launch && launch->model ? g_steal_pointer(&launch->model) : mpp_zoo_model(o->model, error);
    g_autoptr(MppCluster) cluster = model ? mpp_zoo_cluster(o->cluster ? o->cluster : DEFAULT_CLUSTER, error) : NULL;
    g_autoptr(MppRuntime) runtime = cluster ? mpp_zoo_runtime(o->runtime ? o->runtime : stack, error) : NULL;
    if (!runtime)
        return NULL;
    return mpp_inputs_new(g_steal_pointer(&model), g_steal_pointer(&cluster), g_steal_pointer(&runtime));
}

/** The options' job on @gpus devices; @launch: what is taken where the options are silent, or NULL. */
static MppInputs *make_inputs(const MppJobOptions *o, int64_t gpus, MppLaunch *launch, GError **error)
{
    g_autoptr(MppInputs) inputs = open_inputs(o, launch, error);
    if (!inputs)
        return NULL;
    inputs->gpus = gpus;
    inputs->training = mpp_training_default(&inputs->model, &inputs->runtime, &inputs->cluster.device, gpus);
    if (launch)
        mpp_launch_apply(launch, &inputs->training);
    if (!o->cluster)
        mpp_inputs_assume(inputs, "cluster %s (--cluster)", inputs->cluster.title);
    if (!o->runtime)
        mpp_inputs_assume(inputs, "%s (--runtime)", inputs->runtime.title);
    for (guint i = 0; launch && i < launch->assumed->len; i++)
        mpp_inputs_assume(inputs, "%s", (const char *)launch->assumed->pdata[i]);
    if (!set_seq_and_batch(o, launch, inputs, error) || !set_names(o, inputs, error))
        return NULL;
    mpp_inputs_bind(inputs);
    return g_steal_pointer(&inputs);
}

MppInputs *mpp_job_options_inputs(const MppJobOptions *o, GError **error)
{
    if (!o->model && !usage(error, "--model is missing; try --model gpt.json, or a Hugging Face config.json"))
        return NULL;
    if (o->gpus == not_given && !usage(error, "--gpus is missing: how many devices?"))
        return NULL;
    return check_count(o->gpus, MOST_GPUS, "gpus", error) ? make_inputs(o, o->gpus, NULL, error) : NULL;
}

MppLaunch *mpp_job_options_launch(const MppJobOptions *o, const MppEmitTarget *target, const char *name, const char *text, GError **error)
{
    g_autoptr(MppModel) model = o->model ? mpp_zoo_model(o->model, error) : NULL;
    if ((o->model && !model) || !check_count(o->gpus, MOST_GPUS, "gpus", error))
        return NULL;
    const MppLaunchSource source = { name, text, model, o->gpus == not_given ? 0 : o->gpus };
    return mpp_emit_read(target, &source, error);
}

MppInputs *mpp_job_options_launch_inputs(const MppJobOptions *o, MppLaunch *launch, GError **error)
{
    return make_inputs(o, launch->gpus, launch, error);
}
