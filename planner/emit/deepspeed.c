/**
 * DeepSpeed: the JSON file of deepspeed.initialize() (deepspeed/runtime/config.py, release 0.19).
 *
 * The file has no place for what the training script builds: pipeline stages (PipelineModule), recomputation of layers,
 * the sequence length.
 */
#include <math.h>
#include <string.h>

#include "planner/emit/emit.h"

#define N G_GINT64_FORMAT

static void refuse_parallelism(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    if (s->pp > 1)
        mpp_emission_refuse(e, "%" N " pipeline stages (the training script builds them)", s->pp);
    if (s->sequence_parallel)
        mpp_emission_refuse(e, "sequence parallelism of the norms");
    if (s->cp > 1 && s->cp_kind != MPP_CP_ALL_TO_ALL)
        mpp_emission_refuse(e, "context parallelism by %s", mpp_names_get(&mpp_cp_names, s->cp_kind));
    if (s->cp > 1 && s->tp > 1)
        mpp_emission_refuse(e, "context and tensor parallelism together");
    if (s->ep > 1 && s->tp > 1)
        mpp_emission_refuse(e, "expert and tensor parallelism together");
    if (s->ep > 1 && s->cp > 1)
        mpp_emission_refuse(e, "expert and context parallelism together");
    if (s->ep > 1 && s->etp > 1)
        mpp_emission_refuse(e, "experts split over tensor-parallel ranks");
    if (e->job->model->moe.experts && s->ep == 1 && s->etp != s->tp)
        mpp_emission_refuse(e, "experts split otherwise than the rest");
    if (!mpp_emission_has_order(e, MPP_ORDER_CP_DP_PP))
        mpp_emission_refuse(e, "ranks in the order %s", mpp_names_get(&mpp_order_names, s->order));
}

static void refuse_rest(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    MppPrecision precision = e->job->training.precision;
    if (s->recompute != MPP_RECOMPUTE_NONE)
        mpp_emission_refuse(e, "%s recomputation (the training script calls it)",
                            mpp_names_get(&mpp_recompute_names, s->recompute));
    if (s->zero_ranks && s->zero_ranks != s->dp * s->cp)
        mpp_emission_refuse(e, "shard groups of %" N " ranks", s->zero_ranks);
    if (s->offload && !s->zero)
        mpp_emission_refuse(e, "an offloaded optimizer without ZeRO");
    if (precision != MPP_PRECISION_FP32 && precision != MPP_PRECISION_FP16 && precision != MPP_PRECISION_BF16)
        mpp_emission_refuse(e, "%s products", mpp_names_get(&mpp_precision_names, precision));
}

static const struct {
    MppOptimizer optimizer;
    const char *name;
} optimizers[] = { { MPP_OPTIMIZER_ADAM, "AdamW" }, { MPP_OPTIMIZER_LAMB, "Lamb" }, { MPP_OPTIMIZER_MUON, "Muon" } };

static void add_training(MppEmission *e, cJSON *root)
{
    const MppTraining *training = &e->job->training;
    int64_t micro_batches = mpp_strategy_micro_batches(e->strategy, training->global_batch);
    cJSON_AddNumberToObject(root, "train_batch_size", (double)training->global_batch);
    cJSON_AddNumberToObject(root, "train_micro_batch_size_per_gpu", (double)e->strategy->micro_batch);
    cJSON_AddNumberToObject(root, "gradient_accumulation_steps", (double)micro_batches);
    const char *format = training->precision == MPP_PRECISION_BF16 ? "bf16" : "fp16";
    if (training->precision != MPP_PRECISION_FP32)
        cJSON_AddBoolToObject(cJSON_AddObjectToObject(root, format), "enabled", true);
    const char *name = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(optimizers); i++)
        if (optimizers[i].optimizer == training->optimizer)
            name = optimizers[i].name;
    if (name)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "optimizer"), "type", name);
    else
        mpp_emission_refuse(e, "the %s optimizer", mpp_names_get(&mpp_optimizer_names, training->optimizer));
}

static void add_zero(MppEmission *e, cJSON *root)
{
    const MppStrategy *s = e->strategy;
    cJSON *zero = cJSON_AddObjectToObject(root, "zero_optimization");
    cJSON_AddNumberToObject(zero, "stage", (double)s->zero);
    if (!s->zero)
        return;
    cJSON_AddBoolToObject(zero, "overlap_comm", e->job->runtime->overlap.gradients_frac > 0 || s->zero == 3);
    cJSON_AddBoolToObject(zero, "contiguous_gradients", true);
    if (s->offload)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(zero, "offload_optimizer"), "device", "cpu");
    if (s->offload == MPP_OFFLOAD_PARAMETERS)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(zero, "offload_param"), "device", "cpu");
}

static void emit(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    refuse_parallelism(e);
    refuse_rest(e);
    g_autoptr(cJSON) root = cJSON_CreateObject();
    add_training(e, root);
    add_zero(e, root);
    if (s->tp > 1)
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(root, "tensor_parallel"), "autotp_size", (double)s->tp);
    if (s->cp > 1) {
        cJSON_AddNumberToObject(root, "sequence_parallel_size", (double)s->cp);
        cJSON_AddNumberToObject(root, "data_parallel_size", (double)s->dp);
    }
    if (s->ep > 1) {
        cJSON *experts = cJSON_AddObjectToObject(root, "expert_parallel");
        cJSON_AddBoolToObject(experts, "enabled", true);
        cJSON_AddNumberToObject(experts, "autoep_size", (double)s->ep);
    }
    g_autofree char *text = mpp_json_to_text(root);
    mpp_emission_add(e, "%s", text);
    if (!g_str_has_suffix(text, "\n"))
        mpp_emission_add(e, "\n");
}

/** A whole number at @key of @object; left alone when it is not there or "auto", as Hugging Face writes what its trainer fills in. */
static bool read_int(const MppJson *json, const cJSON *object, const char *key, int64_t low, int64_t *out, GError **error)
{
    enum { MOST = 1 << 26 };
    const cJSON *node = mpp_json_get(object, key);
    if (!node || (cJSON_IsString(node) && strcmp(node->valuestring, "auto") == 0))
        return true;
    bool whole = cJSON_IsNumber(node) && node->valuedouble >= (double)low && node->valuedouble <= MOST &&
                 node->valuedouble == floor(node->valuedouble);
    if (whole) {
        *out = (int64_t)node->valuedouble;
        return true;
    }
    g_autofree char *got = mpp_json_describe(node);
    return mpp_json_error(error, json, node, MPP_ERROR_SCHEMA, "expected a whole number from %" N " to %d, got %s", low, MOST,
                          got);
}

static bool enabled(const cJSON *root, const char *key)
{
    return cJSON_IsTrue(mpp_json_get(mpp_json_get(root, key), "enabled"));
}

static bool read_degrees(const MppJson *json, const MppModel *model, MppStrategy *s, GError **error)
{
    int64_t tp = 0;
    const cJSON *experts = mpp_json_get(json->root, "expert_parallel");
    if (!read_int(json, mpp_json_get(json->root, "tensor_parallel"), "autotp_size", 0, &tp, error) ||
        !read_int(json, json->root, "sequence_parallel_size", 1, &s->cp, error) ||
        !(enabled(json->root, "expert_parallel") ? read_int(json, experts, "autoep_size", 1, &s->ep, error) : true))
        return false;
    s->tp = MAX(tp, 1);
    s->etp = model->moe.experts && s->ep == 1 ? s->tp : 1;
    s->cp_kind = s->cp > 1 ? MPP_CP_ALL_TO_ALL : MPP_CP_RING;
    return true;
}

/** Parts of ZeRO that are not modelled. */
static bool refuse_zero(const MppJson *json, const cJSON *zero, GError **error)
{
    const cJSON *secondary = mpp_json_get(zero, "zero_hpz_partition_size");
    if (cJSON_IsNumber(secondary) && secondary->valuedouble > 1)
        return mpp_json_error(error, json, secondary, MPP_ERROR_UNSUPPORTED,
                              "a second partition of the parameters is not modelled");
    static const char *const quantized[] = { "zero_quantized_weights", "zero_quantized_gradients" };
    for (size_t i = 0; i < G_N_ELEMENTS(quantized); i++)
        if (cJSON_IsTrue(mpp_json_get(zero, quantized[i])))
            return mpp_json_error(error, json, mpp_json_get(zero, quantized[i]), MPP_ERROR_UNSUPPORTED,
                                  "quantized exchange is not modelled");
    return true;
}

/** @offloaded: out, whether the states of @name go to the host. */
static bool read_offload(const MppJson *json, const cJSON *zero, const char *name, bool *offloaded, GError **error)
{
    const cJSON *device = mpp_json_get(mpp_json_get(zero, name), "device");
    *offloaded = cJSON_IsString(device) && strcmp(device->valuestring, "none") != 0;
    return !*offloaded || strcmp(device->valuestring, "cpu") == 0 ||
           mpp_json_error(error, json, device, MPP_ERROR_UNSUPPORTED, "only offload to \"cpu\" is modelled");
}

static bool read_zero(const MppJson *json, MppStrategy *s, GError **error)
{
    const cJSON *zero = mpp_json_get(json->root, "zero_optimization");
    bool optimizer, parameters;
    if (!read_int(json, zero, "stage", 0, &s->zero, error) || !refuse_zero(json, zero, error))
        return false;
    if (s->zero > 3)
        return mpp_json_error(error, json, mpp_json_get(zero, "stage"), MPP_ERROR_SCHEMA, "expected a stage from 0 to 3");
    if (!read_offload(json, zero, "offload_optimizer", &optimizer, error) || !read_offload(json, zero, "offload_param", &parameters, error))
        return false;
    if (parameters && (!optimizer || s->zero != 3))
        return mpp_json_error(error, json, mpp_json_get(zero, "offload_param"), MPP_ERROR_UNSUPPORTED,
                              "only with stage 3 and \"offload_optimizer\" are offloaded parameters modelled");
    s->offload = parameters ? MPP_OFFLOAD_PARAMETERS : optimizer ? MPP_OFFLOAD_OPTIMIZER : MPP_OFFLOAD_NONE;
    return true;
}

/** Of batch, micro-batch and steps any two give the third, as DeepSpeed has it. */
static bool read_batch(const MppJson *json, MppLaunch *launch, GError **error)
{
    MppStrategy *s = &launch->strategy;
    int64_t batch = 0, micro = 0, steps = 0;
    if (!read_int(json, json->root, "train_batch_size", 1, &batch, error) ||
        !read_int(json, json->root, "train_micro_batch_size_per_gpu", 1, &micro, error) ||
        !read_int(json, json->root, "gradient_accumulation_steps", 1, &steps, error))
        return false;
    if (!micro && batch && steps && batch % (steps * s->dp) == 0)
        micro = batch / (steps * s->dp);
    if (!micro) {
        micro = batch && batch % s->dp == 0 && !steps ? batch / s->dp : 1;
        mpp_launch_assume(launch, "a micro-batch of %" N " (train_micro_batch_size_per_gpu)", micro);
    }
    s->micro_batch = micro;
    if (batch && steps && batch != micro * steps * s->dp)
        return mpp_json_error(error, json, mpp_json_get(json->root, "train_batch_size"), MPP_ERROR_INVALID,
                              "expected micro-batch * steps * dp = %" N " * %" N " * %" N, micro, steps, s->dp);
    launch->training.global_batch = batch ? batch : micro * MAX(steps, 1) * s->dp;
    if (batch || steps)
        launch->stated |= MPP_LAUNCH_GLOBAL_BATCH;
    return true;
}

static bool read_formats(const MppJson *json, MppLaunch *launch, GError **error)
{
    MppTraining *training = &launch->training;
    const cJSON *type = mpp_json_get(mpp_json_get(json->root, "optimizer"), "type");
    training->precision = enabled(json->root, "bf16") || enabled(json->root, "bfloat16") ? MPP_PRECISION_BF16
                          : enabled(json->root, "fp16")                                  ? MPP_PRECISION_FP16
                                                                                         : MPP_PRECISION_FP32;
    const cJSON *fp16 = mpp_json_get(mpp_json_get(json->root, "fp16"), "enabled"),
                *bf16 = mpp_json_get(mpp_json_get(json->root, "bf16"), "enabled");
    if (!cJSON_IsString(fp16) && !cJSON_IsString(bf16)) /* "auto" */
        launch->stated |= MPP_LAUNCH_PRECISION;
    if (!cJSON_IsString(type))
        return true;
    launch->stated |= MPP_LAUNCH_OPTIMIZER;
    training->optimizer = MPP_OPTIMIZER_ADAM;
    if (g_ascii_strcasecmp(type->valuestring, "adam") == 0)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(optimizers); i++)
        if (g_ascii_strcasecmp(type->valuestring, optimizers[i].name) == 0) {
            training->optimizer = optimizers[i].optimizer;
            return true;
        }
    return mpp_json_error(error, json, type, MPP_ERROR_UNSUPPORTED, "the optimizer %s is not modelled", type->valuestring);
}

static void list_passed_over(const MppJson *json, MppLaunch *launch)
{
    static const char *const read_keys[] = { "train_batch_size",
                                             "train_micro_batch_size_per_gpu",
                                             "gradient_accumulation_steps",
                                             "bf16",
                                             "bfloat16",
                                             "fp16",
                                             "optimizer",
                                             "zero_optimization",
                                             "tensor_parallel",
                                             "sequence_parallel_size",
                                             "data_parallel_size",
                                             "expert_parallel" };
    static const MppNames names = MPP_NAMES("key", read_keys);
    const cJSON *member;
    cJSON_ArrayForEach(member, json->root) if (mpp_names_find(&names, member->string) < 0)
        mpp_launch_pass_over(launch, member->string);
}

static bool read_launch(const MppLaunchSource *source, MppLaunch *launch, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse(source->name, source->text, strlen(source->text), 1, error);
    if (!json)
        return false;
    if (!cJSON_IsObject(json->root))
        return mpp_json_error(error, json, NULL, MPP_ERROR_SCHEMA, "expected a DeepSpeed configuration, an object");
    if (!source->model)
        return mpp_error_usage(error, "%s does not state the model, the training script does: give --model", source->name);
    list_passed_over(json, launch);
    if (!mpp_launch_set_gpus(launch, source, 0, error) || !read_degrees(json, source->model, &launch->strategy, error))
        return false;
    const MppStrategy *s = &launch->strategy;
    launch->runtime = s->tp * s->cp * s->ep == 1 ? "deepspeed" : "megatron-deepspeed"; /* ZeRO alone is used with plain models */
    return mpp_launch_set_dp(launch, source->name, error) && read_zero(json, &launch->strategy, error) &&
           read_batch(json, launch, error) && read_formats(json, launch, error);
}

const MppEmitTarget mpp_emit_deepspeed = {
    .name = "deepspeed",
    .file_name = "ds_config.json",
    .summary = "DeepSpeed: the JSON configuration of deepspeed.initialize()",
    .emit = emit,
    .read = read_launch,
};
