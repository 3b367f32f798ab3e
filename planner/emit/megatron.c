/**
 * Megatron-LM: a shell script that starts pretrain_gpt.py, or pretrain_mamba.py for layers by pattern, with the plan's arguments.
 */
#include <string.h>

#include "planner/emit/megatron_forms.h"
#include "planner/emit/shell_words.h"

#define N G_GINT64_FORMAT

/** Processes a node: the most that divide the devices, 8 or the node's at most. */
static int64_t node_processes(const MppJob *job)
{
    enum { USUAL_NODE = 8 };
    int64_t n = MIN(mpp_cluster_domain(job->cluster, 0, job->gpus), USUAL_NODE);
    while (job->gpus % n)
        n--;
    return n;
}

static void add_arguments(MppEmission *e, const MppKnobs *knobs)
{
    for (int i = 0; i < MPP_N_KNOBS; i++) {
        const MppKnobRow *row = &mpp_knob_rows[i];
        const char *value = knobs->values[i];
        if (!value || !row->argument)
            continue;
        const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._,+- ";
        bool plain = strspn(value, letters) == strlen(value) && (row->arity == MPP_KNOB_MANY || !strchr(value, ' '));
        g_autofree char *quoted = plain ? g_strdup(value) : g_shell_quote(value);
        mpp_emission_add(e, "    --%s%s%s \\\n", row->argument, *value ? " " : "", quoted);
    }
}

static void emit(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    int64_t processes = node_processes(e->job);
    g_auto(MppKnobs) knobs = { 0 };
    mpp_megatron_write_strategy(e, &knobs);
    mpp_megatron_write_training(e, &knobs);
    mpp_megatron_write_model(e, &knobs);
    mpp_emission_add(e, "#!/bin/sh\n");
    mpp_emission_add_header(e, "#");
    mpp_emission_add(
        e, "# Run by each node in a checkout of Megatron-LM. What is given to this script is passed on: data, tokenizer,\n"
           "# learning rate, checkpoints. TORCHRUN_OPTIONS: how several nodes meet.\n");
    if ((s->tp > 1 || s->cp > 1) && s->zero < 2) /* arguments.py asks for it before Blackwell */
        mpp_emission_add(e, "export CUDA_DEVICE_MAX_CONNECTIONS=1\n");
    mpp_emission_add(e, "exec torchrun --nproc-per-node %" N " --nnodes %" N " $TORCHRUN_OPTIONS pretrain_%s.py \\\n", processes,
                     e->job->gpus / processes, e->job->model->pattern ? "mamba" : "gpt");
    add_arguments(e, &knobs);
    mpp_emission_add(e, "    \"$@\"\n");
}

/** Options that change what is computed or exchanged in a way that is not modelled. */
static const char *const not_modelled[] = {
    "tensor-parallel-num-weight-shards",
    "expert-tensor-parallel-num-weight-shards",
    "hierarchical-context-parallel-sizes",
    "distribute-saved-activations",
    "decrease-batch-size-if-needed",
    "encoder-tensor-model-parallel-size",
    "encoder-pipeline-model-parallel-size",
    "encoder-num-layers",
    "use-torch-fsdp2",
    "hybrid-layer-pattern",
    "hybrid-attention-ratio",
    "hybrid-mlp-ratio",
    "heterogeneous-layers-config-path",
    "yaml-cfg",
    "moe-expert-capacity-factor",
};

static bool refuse_option(const char *launch, const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(not_modelled); i++)
        if (mpp_names_same(not_modelled[i], name))
            return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "%s: --%s is not modelled", launch, not_modelled[i]);
    return true;
}

/** What a word of the launch says beside Megatron's own options. */
typedef struct {
    int64_t processes, nodes; /* of torchrun; 0: not stated */
} World;

static bool is_option(const char *word)
{
    return word && g_str_has_prefix(word, "--") && word[2];
}

static bool read_world(const char *launch, const char *name, const char *value, World *world, bool *read, GError **error)
{
    bool processes = mpp_names_same(name, "nproc-per-node");
    *read = processes || mpp_names_same(name, "nnodes");
    gint64 n;
    if (!*read)
        return true;
    if (!value || !g_ascii_string_to_signed(value, 10, 1, 1 << 20, &n, NULL))
        return mpp_error_set(error, MPP_ERROR_SCHEMA,
                             "%s: --%s: expected a whole number, got \"%s\"; give --gpus and leave it out", launch, name,
                             value ? value : "");
    *(processes ? &world->processes : &world->nodes) = n;
    return true;
}

/** Words that follow an option and are not options themselves: at most one, or all. */
static char *take_values(GStrv words, int *at, MppKnobArity arity)
{
    GString *values = g_string_new(NULL);
    for (int n = 0;
         words[*at + 1] && !is_option(words[*at + 1]) && strcmp(words[*at + 1], ")") != 0 && (arity == MPP_KNOB_MANY || n < 1);
         n++)
        g_string_append_printf(values, "%s%s", n ? " " : "", words[++*at]);
    return g_string_free(values, FALSE);
}

static void pass_over(GStrv words, int *at, const char *word, MppLaunch *launch)
{
    g_autofree char *values = take_values(words, at, MPP_KNOB_MANY);
    g_autofree char *all = *values ? g_strdup_printf("%s %s", word, values) : g_strdup(word);
    mpp_launch_pass_over(launch, all);
}

static bool read_option(const char *name, GStrv words, int *at, MppKnobs *knobs, World *world, MppLaunch *launch, GError **error)
{
    const char *word = words[*at];
    g_auto(GStrv) pair = g_strsplit(word + 2, "=", 2);
    int knob = mpp_knobs_find_argument(pair[0]);
    bool world_read;
    if (!read_world(name, pair[0], pair[1] ? pair[1] : words[*at + 1], world, &world_read, error) ||
        !refuse_option(name, pair[0], error))
        return false;
    if (world_read) {
        *at += !pair[1];
        return true;
    }
    if (knob < 0) {
        pass_over(words, at, word, launch);
        if (mpp_names_same(pair[0], "rampup-batch-size"))
            mpp_launch_assume(launch, "the batch that the ramp-up ends with (--rampup-batch-size)");
        return true;
    }
    MppKnobArity arity = mpp_knob_rows[knob].arity;
    g_autofree char *value = arity == MPP_KNOB_ALONE ? g_strdup("") : pair[1] ? g_strdup(pair[1]) : take_values(words, at, arity);
    if (arity != MPP_KNOB_ALONE && !*value)
        return mpp_error_set(error, MPP_ERROR_SCHEMA, "%s: --%s: a value is missing", name, mpp_knob_rows[knob].argument);
    mpp_knobs_set(knobs, knob, "%s", value);
    return true;
}

static bool read_launch(const MppLaunchSource *source, MppLaunch *launch, GError **error)
{
    g_auto(GStrv) words = mpp_shell_words(source->name, source->text, error);
    g_auto(MppKnobs) knobs = { 0 };
    World world = { 0 };
    if (!words)
        return false;
    for (int i = 0; words[i]; i++)
        if (is_option(words[i]) && !read_option(source->name, words, &i, &knobs, &world, launch, error))
            return false;
    MppKnobReader reader = { &knobs, source->name, false };
    g_autoptr(GError) refused = NULL;
    if (!source->model && !(launch->model = mpp_megatron_read_model(&reader, &refused))) {
        if (refused)
            g_propagate_error(error, g_steal_pointer(&refused));
        else
            mpp_error_usage(
                error,
                "%s does not state the model (--num-layers, --hidden-size, --num-attention-heads, --seq-length): give --model",
                source->name);
        return false;
    }
    if (launch->model && !mpp_knob_given(&reader, MPP_KNOB_VOCAB))
        mpp_launch_assume(launch, "a vocabulary of %" N " tokens (--vocab-size)", launch->model->vocab);
    launch->runtime = "megatron-core";
    return mpp_launch_set_gpus(launch, source, world.processes * MAX(world.nodes, 1), error) &&
           mpp_megatron_read_launch(&reader, mpp_launch_model(launch, source), launch, error);
}

const MppEmitTarget mpp_emit_megatron = {
    .name = "megatron",
    .file_name = "megatron.sh",
    .summary = "Megatron-LM / Megatron-Core: a script with the arguments of pretrain_gpt.py",
    .emit = emit,
    .read = read_launch,
};
