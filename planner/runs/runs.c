#include "planner/runs/runs.h"

#include <string.h>

#include "planner/base/file.h"
#include "planner/spec/model.h"
#include "planner/spec/plan_file.h"

enum { MOST = 1 << 28, MOST_RANKS = 1 << 20 };

static const MppField model_rows[] = {
    MPP_FIELD_STRING(MppRunModel, name, 0, "model"),
    MPP_FIELD_STRING(MppRunModel, family, 0, "dense, moe, …"),
    MPP_FIELD_STRING(MppRunModel, pattern, 0, "layers by pattern, as of a model"),
    MPP_FIELD_STRING(MppRunModel, attention_type, 0, "words about the attention"),
    MPP_FIELD_INT(MppRunModel, layers, 1, MPP_MODEL_MOST_LAYERS, 0, "layers"),
    MPP_FIELD_INT(MppRunModel, hidden, 1, MOST, 0, "hidden width"),
    MPP_FIELD_INT(MppRunModel, heads, 1, MOST, 0, "attention heads"),
    MPP_FIELD_INT(MppRunModel, kv_heads, 1, MOST, 0, "key-value heads"),
    MPP_FIELD_INT(MppRunModel, head_dim, 1, MOST, 0, "width of a head"),
    MPP_FIELD_INT(MppRunModel, ffn, 0, MOST, 0, "width of the MLP"),
    MPP_FIELD_INT(MppRunModel, vocab, 1, MOST, 0, "vocabulary"),
    MPP_FIELD_INT(MppRunModel, seq, 1, MOST, 0, "tokens a sequence"),
    MPP_FIELD_BOOL(MppRunModel, gated_mlp, 0, "gated MLP"),
    MPP_FIELD_BOOL(MppRunModel, tied_embeddings, 0, "tied embeddings"),
    MPP_FIELD_INT(MppRunModel, experts, 0, MOST, 0, "experts"),
    MPP_FIELD_INT(MppRunModel, topk, 0, MOST, 0, "experts a token visits"),
    MPP_FIELD_INT(MppRunModel, moe_ffn, 0, MOST, 0, "width of an expert"),
    MPP_FIELD_INT(MppRunModel, shared_experts, 0, MOST, 0, "shared experts"),
    MPP_FIELD_INT(MppRunModel, dense_layers_first, 0, MOST, 0, "leading dense layers"),
};
static const MppFields model_fields = MPP_OPEN_FIELDS("run's model", MppRunModel, model_rows);

static const MppField hardware_rows[] = {
    MPP_FIELD_STRING(MppRunHardware, gpu, 0, "device profile"),
    MPP_FIELD_STRING(MppRunHardware, internode, 0, "words about the network"),
    MPP_FIELD_INT(MppRunHardware, gpus, 1, MOST, 0, "devices"),
    MPP_FIELD_INT(MppRunHardware, gpus_per_node, 1, MOST, 0, "devices a node"),
};
static const MppFields hardware_fields = MPP_OPEN_FIELDS("run's hardware", MppRunHardware, hardware_rows);

static const MppField training_rows[] = {
    MPP_FIELD_STRING(MppRunTraining, precision, 0, "number format"),
    MPP_FIELD_STRING(MppRunTraining, optimizer, 0, "optimizer"),
    MPP_FIELD_STRING(MppRunTraining, attention, 0, "words about the attention kernel"),
    MPP_FIELD_STRING(MppRunTraining, norm_kernel, 0, "fused or unfused"),
    MPP_FIELD_STRING(MppRunTraining, kernels, 0, "switches unlike the stack's, as of --kernels"),
    MPP_FIELD_STRING(MppRunTraining, fsdp_mixed_precision, 0, "PURE: gradients are reduced in 16 bits"),
    MPP_FIELD_STRING(MppRunTraining, framework, 0, "words about the stack"),
    MPP_FIELD_INT(MppRunTraining, global_batch, 1, MOST, 0, "sequences a step"),
    MPP_FIELD_INT(MppRunTraining, micro_batch, 1, MOST, 0, "sequences a micro-batch"),
    MPP_FIELD_INT(MppRunTraining, document_tokens, 1, MOST, 0, "tokens of a packed document on average, where attention stays within them"),
    MPP_FIELD_INT(MppRunTraining, mean_seq, 1, MOST, 0, "tokens of a sequence on average"),
    MPP_FIELD_INT(MppRunTraining, target_seq, 1, MOST, 0, "tokens of the decoder's sequence beside an encoder"),
    MPP_FIELD_INT(MppRunTraining, loss_tokens, 1, MOST, 0, "tokens of a sequence in the loss"),
};
static const MppFields training_fields = MPP_OPEN_FIELDS("run's training", MppRunTraining, training_rows);

static const MppField parallel_rows[] = {
    MPP_FIELD_INT(MppRunParallel, dp, 1, MOST_RANKS, 0, "data-parallel replicas"),
    MPP_FIELD_INT(MppRunParallel, tp, 1, MOST_RANKS, 0, "tensor-parallel ranks"),
    MPP_FIELD_INT(MppRunParallel, pp, 1, MOST_RANKS, 0, "pipeline ranks"),
    MPP_FIELD_INT(MppRunParallel, vpp, 1, MOST_RANKS, 1, "chunks a rank"),
    MPP_FIELD_INT(MppRunParallel, cp, 1, MOST_RANKS, 1, "context-parallel ranks"),
    MPP_FIELD_INT(MppRunParallel, ep, 1, MOST_RANKS, 1, "expert-parallel ranks"),
    MPP_FIELD_INT(MppRunParallel, etp, 1, MOST_RANKS, 0, "tensor-parallel ranks of an expert"),
    MPP_FIELD_INT(MppRunParallel, zero, 0, 3, -1, "ZeRO stage"),
    MPP_FIELD_INT(MppRunParallel, zero_ranks, 0, MOST_RANKS, 0, "ranks of a shard group, in hybrid sharding"),
    MPP_FIELD_BOOL(MppRunParallel, sp, 0, "sequence parallel"),
    MPP_FIELD_STRING(MppRunParallel, cp_kind, 0, "ring, all-to-all (Ulysses) or all-gather"),
    MPP_FIELD_STRING(MppRunParallel, schedule, 0, "schedule"),
    MPP_FIELD_STRING(MppRunParallel, recompute, 0, "none, selective (perhaps with its modules) or full"),
    MPP_FIELD_STRING(MppRunParallel, offload, 0, "what is offloaded"),
    MPP_FIELD_INT(MppRunParallel, recompute_layers, 0, MOST, 0, "layers recomputed"),
};
static const MppFields parallel_fields = MPP_OPEN_FIELDS("run's strategy", MppRunParallel, parallel_rows);

static const MppField measured_rows[] = {
    MPP_FIELD_DOUBLE(MppRunMeasured, step_time_s, 0, 1e9, 0, "time of a step"),
    MPP_FIELD_DOUBLE(MppRunMeasured, samples_per_s, 0, 1e12, 0, "samples or sequences a second, of all devices"),
    MPP_FIELD_DOUBLE(MppRunMeasured, memory_gib_per_gpu, 0, 1e6, 0, "memory"),
    MPP_FIELD_STRING(MppRunMeasured, memory_kind, 0, "which figure"),
    MPP_FIELD_STRING(MppRunMeasured, anomaly, 0, "known not to be the plan's doing"),
};
static const MppFields measured_fields = MPP_OPEN_FIELDS("measurement", MppRunMeasured, measured_rows);

static const MppField rows[] = {
    MPP_FIELD_STRING(MppRun, id, MPP_REQUIRED, "unique name"),
    MPP_FIELD_STRING(MppRun, source, MPP_REQUIRED, "collection it belongs to"),
    MPP_FIELD_STRUCT(MppRun, model, &model_fields, MPP_REQUIRED, "what was trained"),
    MPP_FIELD_STRUCT(MppRun, hardware, &hardware_fields, MPP_REQUIRED, "on what"),
    MPP_FIELD_STRUCT(MppRun, training, &training_fields, MPP_REQUIRED, "how"),
    MPP_FIELD_STRUCT(MppRun, parallel, &parallel_fields, MPP_REQUIRED, "how it was split"),
    MPP_FIELD_STRUCT(MppRun, measured, &measured_fields, MPP_REQUIRED, "what was measured"),
};
const MppFields mpp_run_fields = MPP_OPEN_FIELDS("measured run", MppRun, rows);

static void run_free(void *data)
{
    MppRun *run = data;
    mpp_fields_clear(&mpp_run_fields, run);
    mpp_json_free(run->json);
    g_free(run);
}

GPtrArray *mpp_runs_new(void)
{
    return g_ptr_array_new_with_free_func(run_free);
}

static bool check_plan(const MppJson *json, GError **error)
{
    const cJSON *plan = mpp_json_get(json->root, "plan");
    if (!plan)
        return true;
    g_autoptr(MppPlanFile) file = mpp_plan_file_read(json, plan, error);
    return file != NULL;
}

/** Batch and step from what is stated in their place. */
static void fill_step(MppRun *run)
{
    MppRunTraining *training = &run->training;
    if (!training->global_batch && g_strcmp0(run->model.family, "cnn") == 0)
        training->global_batch = training->micro_batch * run->hardware.gpus;
    if (!(run->measured.step_time_s > 0) && run->measured.samples_per_s > 0)
        run->measured.step_time_s = (double)training->global_batch / run->measured.samples_per_s;
}

bool mpp_runs_parse(const char *name, const char *text, size_t n_bytes, int64_t number, GPtrArray *runs, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse(name, text, n_bytes, number, error);
    if (!json || !check_plan(json, error))
        return false;
    g_autofree MppRun *run = g_new0(MppRun, 1);
    if (!mpp_fields_read(&mpp_run_fields, json, json->root, run, error))
        return false;
    run->json = g_steal_pointer(&json);
    fill_step(run);
    g_ptr_array_add(runs, g_steal_pointer(&run));
    return true;
}

/** Heads of the runs from @first on that have models as wide as @run's and state theirs; 0: none does, or they differ. */
static int64_t heads_of_others(const GPtrArray *runs, guint first, const MppRun *run)
{
    int64_t heads = 0;
    for (guint i = first; i < runs->len; i++) {
        const MppRunModel *model = &((const MppRun *)runs->pdata[i])->model;
        if (model->hidden != run->model.hidden || !model->heads)
            continue;
        if (heads && heads != model->heads)
            return 0;
        heads = model->heads;
    }
    return heads;
}

bool mpp_runs_load(const char *path, GPtrArray *runs, GError **error)
{
    guint first = runs->len;
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return false;
    int64_t number = 1;
    for (const char *line = text; line < text + n_bytes; number++) {
        const char *end = memchr(line, '\n', text + n_bytes - line);
        end = end ? end : text + n_bytes;
        bool blank = line + strspn(line, " \t\r") >= end;
        if (!blank && !mpp_runs_parse(path, line, end - line, number, runs, error))
            return false;
        line = end + 1;
    }
    for (guint i = first; i < runs->len; i++) {
        MppRun *run = runs->pdata[i];
        if (!run->model.heads)
            run->model.heads = heads_of_others(runs, first, run);
    }
    return true;
}

const cJSON *mpp_run_get(const MppRun *run, const char *section, const char *key)
{
    return mpp_json_get(mpp_json_get(run->json->root, section), key);
}

const cJSON *mpp_run_plan(const MppRun *run)
{
    return mpp_json_get(run->json->root, "plan");
}

int mpp_run_out_of_memory(const MppRun *run)
{
    const cJSON *oom = mpp_run_get(run, "measured", "oom");
    return cJSON_IsBool(oom) ? cJSON_IsTrue(oom) : -1;
}

void mpp_runs_assume(GPtrArray *assumed, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *sentence = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!g_ptr_array_find_with_equal_func(assumed, sentence, g_str_equal, NULL))
        g_ptr_array_add(assumed, g_steal_pointer(&sentence));
}
