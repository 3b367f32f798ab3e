/**
 * The sections of torchtitan's TOML that a plan depends on, with the defaults of torchtitan 0.2 (job_config.py). Others
 * are passed over.
 */
#pragma once

#include "planner/base/fields.h"

typedef struct {
    char *name, *flavor;
    GPtrArray *converters;
} MppTitanModelSection;

typedef struct {
    int64_t local_batch_size, global_batch_size, seq_len;
    bool enable_cpu_offload;
    char *dtype, *mixed_precision_param;
} MppTitanTraining;

typedef struct {
    int64_t data_parallel_replicate_degree, data_parallel_shard_degree, tensor_parallel_degree, context_parallel_degree;
    int64_t pipeline_parallel_degree, pipeline_parallel_layers_per_stage, pipeline_parallel_microbatch_size;
    int64_t pipeline_parallel_first_stage_less_layers, pipeline_parallel_last_stage_less_layers;
    int64_t expert_parallel_degree, expert_tensor_parallel_degree;
    bool enable_async_tensor_parallel;
    char *fsdp_reshard_after_forward, *context_parallel_rotate_method, *pipeline_parallel_schedule, *pipeline_parallel_schedule_csv;
} MppTitanParallelism;

typedef struct {
    char *mode, *selective_ac_option;
} MppTitanCheckpoint;

typedef struct {
    bool enable;
    GPtrArray *components;
} MppTitanCompilation;

typedef struct {
    char *recipe_name;
} MppTitanFloat8;

typedef struct {
    MppTitanFloat8 float8;
} MppTitanLinear;

typedef struct {
    MppTitanLinear linear;
} MppTitanQuantization;

typedef struct {
    MppTitanModelSection model;
    MppTitanTraining training;
    MppTitanParallelism parallelism;
    MppTitanCheckpoint activation_checkpoint;
    MppTitanCompilation compile;
    MppTitanQuantization quantize;
} MppTitanConfig;

extern const MppFields mpp_titan_config_fields;

void mpp_titan_config_clear(MppTitanConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MppTitanConfig, mpp_titan_config_clear)
