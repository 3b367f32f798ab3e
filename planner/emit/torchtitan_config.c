#include "planner/emit/torchtitan_config.h"

enum { MOST_RANKS = 1 << 20, MOST_BATCH = 1 << 26, MOST_LAYERS = 4096 };

static const MppField model_rows[] = {
    MPP_FIELD_STRING(MppTitanModelSection, name, 0, "model"),
    MPP_FIELD_STRING(MppTitanModelSection, flavor, 0, "its size"),
    MPP_FIELD_STRINGS(MppTitanModelSection, converters, "what replaces layers"),
};
static const MppField training_rows[] = {
    MPP_FIELD_INT(MppTitanTraining, local_batch_size, 1, MOST_BATCH, 8, "sequences a rank and pass"),
    MPP_FIELD_INT(MppTitanTraining, global_batch_size, -1, MOST_BATCH, -1, "sequences a step"),
    MPP_FIELD_INT(MppTitanTraining, seq_len, 1, MOST_BATCH, 2048, "tokens a sequence"),
    MPP_FIELD_BOOL(MppTitanTraining, enable_cpu_offload, 0, "parameters on the host"),
    MPP_FIELD_STRING(MppTitanTraining, dtype, 0, "of parameters"),
    MPP_FIELD_STRING(MppTitanTraining, mixed_precision_param, 0, "of the layers' products"),
};
static const MppField parallelism_rows[] = {
    MPP_FIELD_INT(MppTitanParallelism, data_parallel_replicate_degree, 1, MOST_RANKS, 1, "replicas"),
    MPP_FIELD_INT(MppTitanParallelism, data_parallel_shard_degree, -1, MOST_RANKS, -1,
                  "ranks of a shard group, -1: all that are left"),
    MPP_FIELD_INT(MppTitanParallelism, tensor_parallel_degree, 1, MOST_RANKS, 1, "tensor-parallel ranks"),
    MPP_FIELD_INT(MppTitanParallelism, context_parallel_degree, 1, MOST_RANKS, 1, "context-parallel ranks"),
    MPP_FIELD_STRING(MppTitanParallelism, context_parallel_rotate_method, 0, "allgather or alltoall"),
    MPP_FIELD_INT(MppTitanParallelism, pipeline_parallel_degree, 1, MOST_RANKS, 1, "pipeline ranks"),
    MPP_FIELD_INT(MppTitanParallelism, pipeline_parallel_layers_per_stage, 1, MOST_LAYERS, 0, "layers of a stage"),
    MPP_FIELD_INT(MppTitanParallelism, pipeline_parallel_microbatch_size, 1, MOST_BATCH, 1, "sequences of a micro-batch"),
    MPP_FIELD_INT(MppTitanParallelism, pipeline_parallel_first_stage_less_layers, 0, MOST_LAYERS, 1, "embedding, in layers"),
    MPP_FIELD_INT(MppTitanParallelism, pipeline_parallel_last_stage_less_layers, 0, MOST_LAYERS, 1, "head, in layers"),
    MPP_FIELD_INT(MppTitanParallelism, expert_parallel_degree, 1, MOST_RANKS, 1, "ranks experts are spread over"),
    MPP_FIELD_INT(MppTitanParallelism, expert_tensor_parallel_degree, 1, MOST_RANKS, 1, "tensor-parallel ranks of an expert"),
    MPP_FIELD_BOOL(MppTitanParallelism, enable_async_tensor_parallel, 0, "products run beside their tensor-parallel exchange"),
    MPP_FIELD_STRING(MppTitanParallelism, fsdp_reshard_after_forward, 0, "default, always or never"),
    MPP_FIELD_STRING(MppTitanParallelism, pipeline_parallel_schedule, 0, "order of passes"),
    MPP_FIELD_STRING(MppTitanParallelism, pipeline_parallel_schedule_csv, 0, "file of an order of passes"),
};
static const MppField checkpoint_rows[] = {
    MPP_FIELD_STRING(MppTitanCheckpoint, mode, 0, "none, selective or full"),
    MPP_FIELD_STRING(MppTitanCheckpoint, selective_ac_option, 0, "op, or each n-th layer"),
};
static const MppField compile_rows[] = {
    MPP_FIELD_BOOL(MppTitanCompilation, enable, 0, "torch.compile"),
    MPP_FIELD_STRINGS(MppTitanCompilation, components, "what is compiled"),
};
static const MppFields model_fields = MPP_OPEN_FIELDS("model", MppTitanModelSection, model_rows);
static const MppFields training_fields = MPP_OPEN_FIELDS("training", MppTitanTraining, training_rows);
static const MppFields parallelism_fields = MPP_OPEN_FIELDS("parallelism", MppTitanParallelism, parallelism_rows);
static const MppFields checkpoint_fields = MPP_OPEN_FIELDS("activation checkpointing", MppTitanCheckpoint, checkpoint_rows);
static const MppFields compile_fields = MPP_OPEN_FIELDS("compilation", MppTitanCompilation, compile_rows);

static const MppField float8_rows[] = { MPP_FIELD_STRING(MppTitanFloat8, recipe_name, 0, "scales of the 8-bit operands") };
static const MppFields float8_fields = MPP_OPEN_FIELDS("8-bit products", MppTitanFloat8, float8_rows);
static const MppField linear_rows[] = { MPP_FIELD_STRUCT(MppTitanLinear, float8, &float8_fields, 0, "in 8 bits") };
static const MppFields linear_fields = MPP_OPEN_FIELDS("products", MppTitanLinear, linear_rows);
static const MppField quantization_rows[] = { MPP_FIELD_STRUCT(MppTitanQuantization, linear, &linear_fields, 0, "of products") };
static const MppFields quantization_fields = MPP_OPEN_FIELDS("quantization", MppTitanQuantization, quantization_rows);

static const MppField config_rows[] = {
    MPP_FIELD_STRUCT(MppTitanConfig, model, &model_fields, 0, "model"),
    MPP_FIELD_STRUCT(MppTitanConfig, training, &training_fields, 0, "batch and formats"),
    MPP_FIELD_STRUCT(MppTitanConfig, parallelism, &parallelism_fields, 0, "degrees"),
    MPP_FIELD_STRUCT(MppTitanConfig, activation_checkpoint, &checkpoint_fields, 0, "recomputation"),
    MPP_FIELD_STRUCT(MppTitanConfig, compile, &compile_fields, 0, "compilation"),
    MPP_FIELD_STRUCT(MppTitanConfig, quantize, &quantization_fields, 0, "narrow formats"),
};
const MppFields mpp_titan_config_fields = MPP_OPEN_FIELDS("torchtitan configuration", MppTitanConfig, config_rows);

void mpp_titan_config_clear(MppTitanConfig *config)
{
    mpp_fields_clear(&mpp_titan_config_fields, config);
}
