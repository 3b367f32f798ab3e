#include "planner/api/job_words.h"

#include "planner/base/error.h"
#include "planner/spec/rules.h"
#include "planner/spec/zoo.h"

enum { MOST_GPUS = 1 << 20, MOST_TOKENS = 1 << 26 };

MppJobWords mpp_job_words_none(void)
{
    const int64_t no = MPP_JOB_NOT_GIVEN;
    return (MppJobWords){ .gpus = no, .global_batch = no, .seq = no, .document_tokens = no, .mean_seq = no, .target_seq = no, .loss_tokens = no };
}

/** The word's own name, as the user knows it. */
static char *shown(const MppJobWords *w, const char *name)
{
    return w->flags ? g_strconcat("--", name, NULL) : g_strdelimit(g_strdup(name), "-", '_');
}

static bool find_name(const MppJobWords *w, const MppNames *names, const char *text, const char *word, int *out, GError **error)
{
    g_autofree char *name = shown(w, word);
    return mpp_names_read(names, text, name, out, error);
}

static bool check_count(const MppJobWords *w, int64_t given, int64_t most, const char *word, GError **error)
{
    if (given == MPP_JOB_NOT_GIVEN || (given >= 1 && given <= most))
        return true;
    g_autofree char *name = shown(w, word);
    return mpp_error_usage(error, "%s: expected a whole number from 1 to %" G_GINT64_FORMAT ", got %" G_GINT64_FORMAT, name, most, given);
}

/** Sequences of less than @w's tokens, and losses of some of them. Error: MPP_ERROR_INVALID when there are more. */
static bool set_lengths(const MppJobWords *w, MppTraining *training, GError **error)
{
    const struct {
        const char *word;
        int64_t given, *to;
    } lengths[] = {
        { "document-tokens", w->document_tokens, &training->document_tokens },
        { "mean-seq", w->mean_seq, &training->mean_seq },
        { "target-seq", w->target_seq, &training->target_seq },
        { "loss-tokens", w->loss_tokens, &training->loss_tokens },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        if (!check_count(w, lengths[i].given, MOST_TOKENS, lengths[i].word, error))
            return false;
        if (lengths[i].given != MPP_JOB_NOT_GIVEN)
            *lengths[i].to = lengths[i].given;
    }
    return mpp_training_check(training, NULL, NULL, error);
}

static bool set_seq_and_batch(const MppJobWords *w, const MppLaunch *launch, MppInputs *inputs, GError **error)
{
    MppTraining *training = &inputs->training;
    if (!check_count(w, w->seq, MOST_TOKENS, "seq", error) || !check_count(w, w->global_batch, MOST_TOKENS, "global-batch", error))
        return false;
    if (w->seq != MPP_JOB_NOT_GIVEN && inputs->model.sequential) {
        g_autofree char *seq_name = shown(w, "seq");
        return mpp_error_usage(error, "%s: %s takes samples, not sequences of tokens", seq_name, inputs->model.name);
    }
    if (w->seq != MPP_JOB_NOT_GIVEN)
        training->seq = w->seq;
    if (w->global_batch != MPP_JOB_NOT_GIVEN) {
        training->global_batch = w->global_batch;
        return true;
    }
    if (launch && launch->stated & MPP_LAUNCH_GLOBAL_BATCH)
        return true;
    training->global_batch = mpp_training_default_batch(&inputs->model, training->seq, inputs->gpus);
    g_autofree char *name = shown(w, "global-batch");
    mpp_inputs_assume(inputs, "global batch %" G_GINT64_FORMAT " (%s)", training->global_batch, name);
    return true;
}

static char *known_switches(const char *wrong)
{
    g_autofree const char **names = g_new(const char *, mpp_kernels_fields.n_rows);
    int n = 0;
    for (int i = 0; i < mpp_kernels_fields.n_rows; i++)
        if (mpp_kernels_fields.rows[i].type == MPP_FIELD_TYPE_BOOL)
            names[n++] = mpp_kernels_fields.rows[i].name;
    return mpp_names_suggest(names, n, wrong);
}

static bool unknown_switch(const MppJobWords *w, const char *wrong, GError **error)
{
    bool off = g_ascii_strncasecmp(wrong, "no-", 3) == 0;
    g_autofree char *known = known_switches(wrong + (off ? 3 : 0)), *option = shown(w, "kernels");
    g_autofree char *kernels = mpp_names_suggest(mpp_attention_names.names, mpp_attention_names.n_names, wrong);
    return mpp_error_usage(error, "%s: unknown switch \"%s\"; known, and with no- before them: %s; for attention: %s", option, wrong, known,
                           kernels);
}

static bool set_kernels(const MppJobWords *w, MppInputs *inputs, GError **error)
{
    MppKernels *kernels = &inputs->training.kernels;
    g_autofree char *wrong = w->kernels ? mpp_kernels_set(w->kernels, kernels) : NULL;
    if (wrong)
        return unknown_switch(w, wrong, error);
    const MppAttentionRate *rate = mpp_device_attention(&inputs->cluster.device, kernels->attention);
    if (!rate || rate->forward_frac > 0)
        return true;
    g_autofree char *option = shown(w, "kernels");
    return mpp_error_usage(error, "%s: the %s has no rate for %s", option, inputs->cluster.device.title,
                           mpp_names_get(&mpp_attention_names, kernels->attention));
}

/** The format of products in --precision, which "-true" makes that of all states (Lightning's bf16-true). */
static char *products_format(const char *precision, bool *narrow_states)
{
    *narrow_states = precision && g_str_has_suffix(precision, "16-true");
    return *narrow_states ? g_strndup(precision, strlen(precision) - strlen("-true")) : g_strdup(precision);
}

static bool set_names(const MppJobWords *w, MppInputs *inputs, GError **error)
{
    MppTraining *training = &inputs->training;
    g_autofree char *format = products_format(w->precision, &training->narrow_states);
    const char *optimizer_name = w->optimizer && mpp_names_same(w->optimizer, "adamw") ? "adam" : w->optimizer; /* the same states */
    const MppDevice *device = &inputs->cluster.device;
    int precision = (int)training->precision, optimizer = (int)training->optimizer;
    if (!find_name(w, &mpp_precision_names, format, "precision", &precision, error) ||
        !find_name(w, &mpp_optimizer_names, optimizer_name, "optimizer", &optimizer, error))
        return false;
    training->precision = precision;
    if (training->narrow_states)
        mpp_state_costs_narrow(&inputs->runtime.state);
    training->optimizer = optimizer;
    g_autofree char *format_name = shown(w, "precision");
    if (device->peak_flop_per_s.by_precision[precision] > 0)
        return true;
    return mpp_error_usage(error, "%s: the %s has no %s products", format_name, device->title,
                 mpp_names_get(&mpp_precision_names, precision));
}

/** Model (@given, taken over, or the named one), cluster and stack; NULL when one could not be read. */
static MppInputs *open_inputs(const MppJobWords *w, MppModel *given, const MppLaunch *launch, GError **error)
{
    g_autoptr(MppModel) model = given ? given : mpp_zoo_model(w->model, error);
    const char *usual = model && model->sequential ? MPP_JOB_RUNTIME_OF_LISTED : MPP_JOB_RUNTIME;
    const char *stack = launch ? launch->runtime : usual;
    g_autoptr(MppCluster) cluster = model ? mpp_zoo_cluster(w->cluster ? w->cluster : MPP_JOB_CLUSTER, error) : NULL;
    g_autoptr(MppRuntime) runtime = cluster ? mpp_zoo_runtime(w->runtime ? w->runtime : stack, error) : NULL;
    if (!runtime)
        return NULL;
    return mpp_inputs_new(g_steal_pointer(&model), g_steal_pointer(&cluster), g_steal_pointer(&runtime));
}

/** The words' job on @gpus devices; @launch: what is taken where the words are silent, or NULL. */
static MppInputs *make_inputs(const MppJobWords *w, int64_t gpus, MppModel *given, const MppLaunch *launch, GError **error)
{
    g_autoptr(MppInputs) inputs = open_inputs(w, given, launch, error);
    g_autofree char *cluster = shown(w, "cluster"), *runtime = shown(w, "runtime");
    if (!inputs)
        return NULL;
    inputs->gpus = gpus;
    inputs->training = mpp_training_default(&inputs->model, &inputs->runtime, &inputs->cluster.device, gpus);
    if (launch)
        mpp_launch_apply(launch, &inputs->training);
    if (!w->cluster)
        mpp_inputs_assume(inputs, "cluster %s (%s)", inputs->cluster.title, cluster);
    if (!w->runtime)
        mpp_inputs_assume(inputs, "%s (%s)", inputs->runtime.title, runtime);
    for (guint i = 0; launch && i < launch->assumed->len; i++)
        mpp_inputs_assume(inputs, "%s", (const char *)launch->assumed->pdata[i]);
    if (!set_seq_and_batch(w, launch, inputs, error) || !set_lengths(w, &inputs->training, error) || !set_names(w, inputs, error) ||
        !set_kernels(w, inputs, error))
        return NULL;
    mpp_inputs_bind(inputs);
    return g_steal_pointer(&inputs);
}

static bool check_given(const MppJobWords *w, const MppModel *model, GError **error)
{
    g_autofree char *model_name = shown(w, "model"), *gpus_name = shown(w, "gpus");
    const char *example = w->flags ? "--model gpt.json" : "\"llama-3.1-8b\"";
    if (!w->model && !model)
        return mpp_error_usage(error, "%s is missing; try %s, or a Hugging Face config.json", model_name, example);
    if (w->gpus == MPP_JOB_NOT_GIVEN)
        return mpp_error_usage(error, "%s is missing: how many devices?", gpus_name);
    return check_count(w, w->gpus, MOST_GPUS, "gpus", error);
}

MppInputs *mpp_job_words_inputs(const MppJobWords *w, MppModel *model, GError **error)
{
    g_autoptr(MppModel) given = model;
    return check_given(w, given, error) ? make_inputs(w, w->gpus, g_steal_pointer(&given), NULL, error) : NULL;
}

MppLaunch *mpp_job_words_launch(const MppJobWords *w, const MppEmitTarget *target, const char *name, const char *text,
                                GError **error)
{
    g_autoptr(MppModel) model = w->model ? mpp_zoo_model(w->model, error) : NULL;
    if ((w->model && !model) || !check_count(w, w->gpus, MOST_GPUS, "gpus", error))
        return NULL;
    const MppLaunchSource source = { name, text, model, w->gpus == MPP_JOB_NOT_GIVEN ? 0 : w->gpus };
    return mpp_emit_read(target, &source, error);
}

MppInputs *mpp_job_words_launch_inputs(const MppJobWords *w, MppLaunch *launch, GError **error)
{
    return make_inputs(w, launch->gpus, g_steal_pointer(&launch->model), launch, error);
}

/** What is not named follows from the rest, or is the stack's habit. */
static bool complete(const MppJob *job, const char *text, MppStrategy *strategy, GError **error)
{
    MppStrategyFields named;
    *strategy = mpp_strategy_single();
    if (!mpp_strategy_parse(text, strategy, &named, error))
        return false;
    if (!(named & mpp_strategy_field("dp")))
        strategy->dp = mpp_strategy_dp_on(strategy, job->gpus);
    if (strategy->vpp > 1 && !(named & mpp_strategy_field("schedule")))
        strategy->schedule = MPP_SCHEDULE_INTERLEAVED;
    if (!(named & mpp_strategy_field("vpp")))
        strategy->vpp = mpp_schedule_kind_shape(strategy->schedule)->least_vpp;
    if (!(named & mpp_strategy_field("stage_split")))
        strategy->stage_split = job->runtime->stage_split;
    if (!(named & mpp_strategy_field("etp")) && strategy->ep == 1 && job->model->moe.experts)
        strategy->etp = strategy->tp;
    if (!(named & mpp_strategy_field("sequence_parallel")) && strategy->tp > 1)
        strategy->sequence_parallel = job->runtime->sequence_parallel == MPP_SEQUENCE_PARALLEL_ALWAYS;
    return true;
}

bool mpp_job_words_strategy(const MppJob *job, const char *text, MppStrategy *strategy, GError **error)
{
    if (!complete(job, text, strategy, error))
        return false;
    if (mpp_rules_check(job, strategy, error))
        return true;
    mpp_strategy_clear(strategy);
    return false;
}
