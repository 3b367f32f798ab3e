/**
 * The options of Megatron that a plan sets, in the two forms they are given: arguments of Megatron-LM's scripts
 * (megatron/training/arguments.py, most of them made from TransformerConfig's fields) and fields of a Megatron-Bridge
 * configuration (docs/megatron-lm-to-megatron-bridge.md).
 */
#pragma once

#include "planner/emit/emit.h"

/** Whether an argument stands alone, has one value, or one and more. */
typedef enum { MPP_KNOB_ALONE, MPP_KNOB_ONE, MPP_KNOB_MANY } MppKnobArity;

/*
 * X(ID, argument, arity, field, otherwise): the field of a Megatron-Bridge configuration (NULL: none that an override
 * can set) and what it is when the argument is not given. An argument that stands alone sets the opposite of
 * @otherwise, true or false.
 */
#define MPP_MEGATRON_KNOBS(X)                                                                                                    \
    X(TP, "tensor-model-parallel-size", ONE, "model.tensor_model_parallel_size", "1")                                            \
    X(SEQUENCE_PARALLEL, "sequence-parallel", ALONE, "model.sequence_parallel", "false")                                         \
    X(PP, "pipeline-model-parallel-size", ONE, "model.pipeline_model_parallel_size", "1")                                        \
    X(VPP, "num-virtual-stages-per-pipeline-rank", ONE, "model.virtual_pipeline_model_parallel_size", "null")                    \
    X(GROUP, "microbatch-group-size-per-virtual-pipeline-stage", ONE, "model.microbatch_group_size_per_vp_stage", "null")            \
    X(VPP_LAYERS, "num-layers-per-virtual-pipeline-stage", ONE, NULL, NULL)                                                      \
    X(LAYOUT, "pipeline-model-parallel-layout", ONE, "model.pipeline_model_parallel_layout", "null")                             \
    X(FIRST_LAYERS, "decoder-first-pipeline-num-layers", ONE, "model.num_layers_in_first_pipeline_stage", "null")                \
    X(LAST_LAYERS, "decoder-last-pipeline-num-layers", ONE, "model.num_layers_in_last_pipeline_stage", "null")                   \
    X(COUNT_EMBEDDING, "account-for-embedding-in-pipeline-split", ALONE, "model.account_for_embedding_in_pipeline_split", "false") \
    X(COUNT_LOSS, "account-for-loss-in-pipeline-split", ALONE, "model.account_for_loss_in_pipeline_split", "false")              \
    X(CP, "context-parallel-size", ONE, "model.context_parallel_size", "1")                                                      \
    X(CP_COMM, "cp-comm-type", MANY, "model.cp_comm_type", "null")                                                               \
    X(EP, "expert-model-parallel-size", ONE, "model.expert_model_parallel_size", "1")                                            \
    X(ETP, "expert-tensor-parallel-size", ONE, "model.expert_tensor_parallel_size", "null")                                      \
    X(MAPPING, "use-tp-pp-dp-mapping", ALONE, "dist.use_tp_pp_dp_mapping", "false")                                              \
    X(ZERO1, "use-distributed-optimizer", ALONE, "ddp.use_distributed_optimizer", "false")                                       \
    X(ZERO1_OF_OPTIMIZER, NULL, ALONE, "optimizer.use_distributed_optimizer", "false")                                           \
    X(INSTANCES, "num-distributed-optimizer-instances", ONE, "ddp.num_distributed_optimizer_instances", "1")                     \
    X(FSDP, "use-megatron-fsdp", ALONE, "ddp.use_megatron_fsdp", "false")                                                        \
    X(SHARDING, "data-parallel-sharding-strategy", ONE, "ddp.data_parallel_sharding_strategy", "no_shard")                       \
    X(CHECKPOINT, "ckpt-format", ONE, "checkpoint.ckpt_format", "torch_dist")                                                    \
    X(OVERLAP_GRADIENTS, "overlap-grad-reduce", ALONE, "ddp.overlap_grad_reduce", "false")                                       \
    X(OVERLAP_PARAMETERS, "overlap-param-gather", ALONE, "ddp.overlap_param_gather", "false")                                    \
    X(OVERLAP_TENSOR, "tp-comm-overlap", ALONE, "model.tp_comm_overlap", "false")                                                \
    X(OVERLAP_EXPERTS, "overlap-moe-expert-parallel-comm", ALONE, "model.overlap_moe_expert_parallel_comm", "false")             \
    X(OFFLOAD, "optimizer-cpu-offload", ALONE, "optimizer.optimizer_cpu_offload", "false")                                       \
    X(OFFLOAD_SHARE, "optimizer-offload-fraction", ONE, "optimizer.optimizer_offload_fraction", "0.0")                           \
    X(PRECISION_AWARE, "use-precision-aware-optimizer", ALONE, "optimizer.use_precision_aware_optimizer", "false")               \
    X(RECOMPUTE, "recompute-granularity", ONE, "model.recompute_granularity", "null")                                            \
    X(RECOMPUTE_METHOD, "recompute-method", ONE, "model.recompute_method", "null")                                               \
    X(RECOMPUTE_LAYERS, "recompute-num-layers", ONE, "model.recompute_num_layers", "null")                                       \
    X(RECOMPUTE_MODULES, "recompute-modules", MANY, "model.recompute_modules", NULL)                                             \
    X(RECOMPUTE_ACTIVATIONS, "recompute-activations", ALONE, NULL, NULL)                                                         \
    X(ACTIVATION_OFFLOAD, NULL, ALONE, "model.cpu_offloading", "false")                                                          \
    X(ACTIVATION_OFFLOAD_LAYERS, "cpu-offloading-num-layers", ONE, "model.cpu_offloading_num_layers", "0")                       \
    X(WEIGHT_OFFLOAD, NULL, ALONE, "model.cpu_offloading_weights", "false")                                                      \
    X(MICRO_BATCH, "micro-batch-size", ONE, "train.micro_batch_size", NULL)                                                      \
    X(GLOBAL_BATCH, "global-batch-size", ONE, "train.global_batch_size", NULL)                                                   \
    X(SEQ, "seq-length", ONE, "model.seq_length", NULL)                                                                          \
    X(SEQ_OF_DATA, NULL, ONE, "dataset.sequence_length", NULL)                                                                   \
    X(MIXED_PRECISION, NULL, ONE, "mixed_precision", NULL)                                                                       \
    X(BF16, "bf16", ALONE, NULL, NULL)                                                                                           \
    X(FP16, "fp16", ALONE, NULL, NULL)                                                                                           \
    X(FP8, "fp8-format", ONE, NULL, NULL)                                                                                        \
    X(FP8_RECIPE, "fp8-recipe", ONE, NULL, NULL)                                                                                 \
    X(FP4, "fp4-format", ONE, NULL, NULL)                                                                                        \
    X(FP4_RECIPE, "fp4-recipe", ONE, NULL, NULL)                                                                                 \
    X(OPTIMIZER, "optimizer", ONE, "optimizer.optimizer", "adam")                                                                \
    X(ATTENTION_DROPOUT, "attention-dropout", ONE, "model.attention_dropout", "0.1")                                             \
    X(HIDDEN_DROPOUT, "hidden-dropout", ONE, "model.hidden_dropout", "0.1")                                                      \
    X(ATTENTION_BACKEND, "attention-backend", ONE, NULL, NULL)                                                                   \
    X(FLASH_ATTENTION, "use-flash-attn", ALONE, NULL, NULL)                                                                      \
    X(NO_SOFTMAX_FUSION, "no-masked-softmax-fusion", ALONE, "model.masked_softmax_fusion", "true")                               \
    X(NO_ROPE_FUSION, "no-rope-fusion", ALONE, "model.apply_rope_fusion", "true")                                                \
    X(NO_SWIGLU_FUSION, "no-bias-swiglu-fusion", ALONE, NULL, NULL)                                                              \
    X(NO_GELU_FUSION, "no-bias-gelu-fusion", ALONE, NULL, NULL)                                                                  \
    X(NO_ACTIVATION_FUSION, NULL, ALONE, "model.bias_activation_fusion", "true")                                                 \
    X(NO_DROPOUT_FUSION, "no-bias-dropout-fusion", ALONE, "model.bias_dropout_fusion", "true")                                   \
    X(CROSS_ENTROPY_FUSION, "cross-entropy-loss-fusion", ALONE, "model.cross_entropy_loss_fusion", "false")                      \
    X(LAYERS, "num-layers", ONE, NULL, NULL)                                                                                     \
    X(HIDDEN, "hidden-size", ONE, NULL, NULL)                                                                                    \
    X(FFN, "ffn-hidden-size", ONE, NULL, NULL)                                                                                   \
    X(HEADS, "num-attention-heads", ONE, NULL, NULL)                                                                             \
    X(GROUPED, "group-query-attention", ALONE, NULL, NULL)                                                                       \
    X(GROUPS, "num-query-groups", ONE, NULL, NULL)                                                                               \
    X(HEAD_DIM, "kv-channels", ONE, NULL, NULL)                                                                                  \
    X(POSITIONS, "max-position-embeddings", ONE, NULL, NULL)                                                                     \
    X(POSITION_KIND, "position-embedding-type", ONE, NULL, NULL)                                                                 \
    X(ROTARY, "use-rotary-position-embeddings", ALONE, NULL, NULL)                                                               \
    X(VOCAB, "vocab-size", ONE, NULL, NULL)                                                                                      \
    X(SWIGLU, "swiglu", ALONE, NULL, NULL)                                                                                       \
    X(SQUARED_RELU, "squared-relu", ALONE, NULL, NULL)                                                                           \
    X(NORM, "normalization", ONE, NULL, NULL)                                                                                    \
    X(NO_BIAS, "disable-bias-linear", ALONE, NULL, NULL)                                                                         \
    X(QKV_BIAS, "add-qkv-bias", ALONE, NULL, NULL)                                                                               \
    X(QK_NORM, "qk-layernorm", ALONE, NULL, NULL)                                                                                \
    X(UNTIED, "untie-embeddings-and-output-weights", ALONE, NULL, NULL)                                                          \
    X(WINDOW, "window-size", ONE, NULL, NULL)                                                                                    \
    X(WINDOW_SKIP, "window-attn-skip-freq", ONE, NULL, NULL)                                                                     \
    X(SOFTMAX, "softmax-type", ONE, NULL, NULL)                                                                                  \
    X(HYBRID, "is-hybrid-model", ALONE, NULL, NULL)                                                                              \
    X(PATTERN, "hybrid-override-pattern", ONE, NULL, NULL)                                                                       \
    X(SSM_HEADS, "mamba-num-heads", ONE, NULL, NULL)                                                                             \
    X(SSM_HEAD_DIM, "mamba-head-dim", ONE, NULL, NULL)                                                                           \
    X(SSM_GROUPS, "mamba-num-groups", ONE, NULL, NULL)                                                                           \
    X(SSM_STATE, "mamba-state-dim", ONE, NULL, NULL)                                                                             \
    X(SPEC, "spec", MANY, NULL, NULL)                                                                                            \
    X(MTP_LAYERS, "mtp-num-layers", ONE, NULL, NULL)                                                                             \
    X(MLA, "multi-latent-attention", ALONE, NULL, NULL)                                                                          \
    X(Q_LORA, "q-lora-rank", ONE, NULL, NULL)                                                                                    \
    X(KV_LORA, "kv-lora-rank", ONE, NULL, NULL)                                                                                  \
    X(QK_NOPE, "qk-head-dim", ONE, NULL, NULL)                                                                                   \
    X(QK_ROPE, "qk-pos-emb-head-dim", ONE, NULL, NULL)                                                                           \
    X(V_DIM, "v-head-dim", ONE, NULL, NULL)                                                                                      \
    X(EXPERTS, "num-experts", ONE, NULL, NULL)                                                                                   \
    X(TOPK, "moe-router-topk", ONE, NULL, NULL)                                                                                  \
    X(EXPERT_FFN, "moe-ffn-hidden-size", ONE, NULL, NULL)                                                                        \
    X(SHARED_FFN, "moe-shared-expert-intermediate-size", ONE, NULL, NULL)                                                        \
    X(SHARED_GATE, "moe-shared-expert-gate", ALONE, NULL, NULL)                                                                  \
    X(EXPERT_LAYERS, "moe-layer-freq", ONE, NULL, NULL)                                                                          \
    X(ROUTER_BIAS, "moe-router-enable-expert-bias", ALONE, NULL, NULL)                                                           \
    X(ROUTER_SCORE, "moe-router-score-function", ONE, NULL, NULL)                                                                \
    X(GROUPED_GEMM, "moe-grouped-gemm", ALONE, NULL, NULL)                                                                       \
    X(DISPATCHER, "moe-token-dispatcher-type", ONE, "model.moe_token_dispatcher_type", NULL)                                                                  \
    X(FLEX_BACKEND, "moe-flex-dispatcher-backend", ONE, "model.moe_flex_dispatcher_backend", NULL)

#define MPP_KNOB_ID(id, argument, arity, field, otherwise) MPP_KNOB_##id,
typedef enum { MPP_MEGATRON_KNOBS(MPP_KNOB_ID) MPP_N_KNOBS } MppKnob;

typedef struct {
    const char *argument; /* without its dashes; NULL: none */
    MppKnobArity arity;
    const char *field, *otherwise;
} MppKnobRow;

extern const MppKnobRow mpp_knob_rows[MPP_N_KNOBS];

/** Values of CP_COMM by how ranks exchange: Transformer Engine's cp_comm_type, to which it is passed on. */
extern const char *const mpp_knob_cp_comms[MPP_N_CPS];

/** Values as text, values of MPP_KNOB_MANY joined by spaces; "" for an argument that stands alone; NULL: not given. */
typedef struct {
    char *values[MPP_N_KNOBS];
    bool seen[MPP_N_KNOBS]; /* the text names it, be it to switch it off */
} MppKnobs;

void mpp_knobs_set(MppKnobs *knobs, MppKnob knob, const char *format, ...) G_GNUC_PRINTF(3, 4);
void mpp_knobs_clear(MppKnobs *knobs);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MppKnobs, mpp_knobs_clear)

/** The knob whose argument is @name ('-' and '_' alike), or -1. */
int mpp_knobs_find_argument(const char *name);

/** The knob whose field is @name, or -1. */
int mpp_knobs_find_field(const char *name);

/** Knobs being read, of the text called @name; errors show them as fields or as arguments. */
typedef struct {
    const MppKnobs *knobs;
    const char *name;
    bool fields;
} MppKnobReader;

/** A whole number from @low to @high into @out, which keeps its value when the knob is not given. Error: MPP_ERROR_SCHEMA. */
bool mpp_knob_int(const MppKnobReader *reader, MppKnob knob, int64_t low, int64_t high, int64_t *out,
                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

static inline bool mpp_knob_given(const MppKnobReader *reader, MppKnob knob)
{
    return reader->knobs->values[knob] != NULL;
}

/** Whether the knob is given and its value is @text. */
bool mpp_knob_is(const MppKnobReader *reader, MppKnob knob, const char *text);

/** Sets an error at the knob: "run.sh: --cp-comm-type: …" or "…: model.cp_comm_type: …". Returns false. */
bool mpp_knob_error(const MppKnobReader *reader, MppKnob knob, MppError code, GError **error, const char *format,
                    ...) G_GNUC_PRINTF(5, 6);
