/**
 * The software stack a plan is to run in, as data.
 *
 * The same model on the same devices differs by 1.5 times between stacks: which kernels are fused, what is
 * hidden behind what, how gradients are kept and reduced, what the host spends to launch a kernel. A runtime
 * profile states these; no stack has a branch in the code.
 */
#pragma once

#include "planner/base/fields.h"
#include "planner/spec/context_kind.h"
#include "planner/spec/device.h"
#include "planner/spec/schedule_kind.h"

/** How a stack cuts the layers into stages when nobody says otherwise. */
typedef enum {
    MPP_STAGE_SPLIT_EVEN,   /* equal layers; a remainder goes to the earliest stages (Megatron refuses one) */
    MPP_STAGE_SPLIT_GREEDY, /* fill a stage until its share of the total cost is passed, head counted (nanotron) */
    MPP_STAGE_SPLIT_BALANCED, /* least longest stage, embedding and head counted */
    MPP_STAGE_SPLIT_MODULES, /* equal numbers of modules, of which the ends have some (DeepSpeed partition_method uniform) */
    MPP_N_STAGE_SPLITS,
} MppStageSplit;

typedef enum {
    MPP_RECOMPUTE_NONE,
    MPP_RECOMPUTE_SELECTIVE, /* the attention core */
    MPP_RECOMPUTE_FULL,      /* a layer from its input: all layers, or the first recompute_layers of each chunk */
    MPP_RECOMPUTE_OFFLOAD,   /* nothing: a layer's activations go to the host and come back; of as many layers, or all but the last */
    MPP_N_RECOMPUTES,
} MppRecompute;

/** What a stack can keep in the host's memory. */
typedef enum {
    MPP_OFFLOADED_OPTIMIZER,   /* optimizer states; the host makes the update */
    MPP_OFFLOADED_PARAMETERS,  /* with them sharded parameters and gradients (ZeRO 3 without pipeline stages) */
    MPP_OFFLOADED_ACTIVATIONS, /* of layers, without pipeline stages */
    MPP_OFFLOADED_INPUTS,      /* of recomputed layers, without pipeline stages: kernels.inputs_in_host */
    MPP_N_OFFLOADED,
} MppOffloaded;

/** What a stack computes again under selective recomputation. */
typedef enum {
    MPP_SELECTIVE_ATTENTION,     /* the attention core (arXiv:2205.05198 §5) */
    MPP_SELECTIVE_HALF_PRODUCTS, /* all but attention and every second product (torchtitan) */
    MPP_SELECTIVE_STREAMS,       /* norms and activation functions, whose outputs alone are not kept (arXiv:2503.01328) */
    MPP_N_SELECTIVES,
} MppSelective;

/** A part of a layer that selective recomputation can be of, by the names of Megatron-Core's recompute_modules. */
typedef enum {
    MPP_MODULE_CORE_ATTENTION,     /* the attention core */
    MPP_MODULE_NORMS,              /* norms that are no part of the product after them: before latent attention and experts */
    MPP_MODULE_EXPERT_ACTIVATION,  /* the activation function of experts */
    MPP_MODULE_LATENT_PROJECTIONS, /* up projections of latent attention, with their norms and rotary embedding */
    MPP_MODULE_MLP,                /* a dense MLP */
    MPP_MODULE_MOE,                /* router, experts and their exchange, shared experts */
    MPP_MODULE_SHARED_EXPERTS,
    MPP_N_MODULES,
} MppModule;

typedef enum { MPP_SEQUENCE_PARALLEL_NEVER, MPP_SEQUENCE_PARALLEL_CHOICE, MPP_SEQUENCE_PARALLEL_ALWAYS } MppSequenceParallelRule;

extern const MppNames mpp_stage_split_names, mpp_recompute_names, mpp_selective_names, mpp_module_names, mpp_offloaded_names, mpp_sequence_parallel_names;

/** Which kernels a layer runs as; decides memory traffic, kept bytes and the number of launches. */
typedef struct {
    MppAttentionKernel attention;
    bool norm_fused;
    bool elementwise_fused; /* bias, dropout, activation and residual in one kernel each */
    bool rotary_fused;
    bool cross_entropy_fused;
    bool inputs_in_host; /* of recomputed layers without pipeline stages, where the stack can (DeepSpeed's cpu_checkpointing) */
    bool loss_narrow;    /* the loss reads 16-bit logits as they are; else a copy in fp32 */
    bool logits_gathered; /* over tp: every rank computes the loss of the whole vocabulary (as where memory.logits_split is off) */
    bool loss_in_pieces; /* the vocabulary's projection and the loss take a few tokens at a time (Liger Kernel) */
    bool update_fused;  /* the optimizer updates one parameter after another, or all in one kernel: state.update_bytes are not there */
    bool experts_fused; /* the products of all local experts in one kernel */
    bool dispatch_once; /* a token goes to a rank and node once, to however many experts there (DeepEP) */
    bool experts_in_turn; /* a token goes to experts that follow each other, so to few ranks: a benchmark's gate */
    bool experts_padded; /* experts take as many tokens each, more are dropped and fewer padded: the host need not wait for counts */
    bool natural_routing; /* experts get the tokens that a trained router sends them; else as many each, as benchmarks force it */
    bool segments_grow; /* memory that was freed serves tensors of any size (PyTorch's expandable segments) */
    bool graphs; /* passes are launched whole (CUDA graphs): the host takes no time for a layer */
    bool partial_graphs; /* all of a layer is but what depends on how many tokens experts get (cuda_graph_scope attn, moe_router, moe_preprocess) */
    bool tensor_async;  /* products and the tensor-parallel exchange around them run piece by piece beside each other */
    bool context_whole; /* keys gathered over context-parallel ranks are attended to at once, where the stack has ring_in_fp32 (PyTorch's flex attention) */
    bool gradients_whole; /* sharded gradients are kept whole and sharded once, after the last micro-batch (FSDP no_sync) */
    bool expert_async;  /* experts' exchange of a forward pass beside a backward pass' computation, and the other way round (arXiv:2412.19437 §3.2.1) */
} MppKernels;

/** Host time: what the processor spends to issue work. A layer takes max(device, host). */
typedef struct {
    double kernel_s;     /* one kernel launched by eager code */
    double launch_s;     /* one more kernel that the same operator launches: 9 µs for each of Transformer Engine's products of experts (SimuMax b200_bf16, 4dcaae5) */
    double collective_s; /* one collective call */
    double member_s;     /* a collective waits this much longer for each further member: hosts launch at different times */
    double wait_s;       /* device time lost around a collective that computation waits for */
    double layer_s;      /* of a layer and pass, beyond its kernels (module hooks, autograd, checkpointing) */
    double split_s;      /* of a layer and pass in eager code over ranks of tp, besides: each operator finds out anew where its tensors lie (DTensor) */
    double gathered_s;   /* of a layer and pass under ZeRO 3, besides: hooks of each module that gather and free parameters; under ZeRO 2 if hooks_zero2 */
    double experts_s;    /* device time lost in a layer of experts: the host waits for the counts of tokens before it launches on */
    double micro_batch_s;
    double step_s;
    double waiting_p2p_frac; /* growth of a layer's host time while messages to other nodes are pending */
} MppHostCosts;

/** Gradients and optimizer. Bytes are per parameter. */
typedef struct {
    double gradient_bytes;           /* accumulation buffer */
    bool gradient_fused;             /* products of gradients add to it themselves; else a kernel of its own does */
    double bf16_kept_bytes;          /* beside weights, gradients and optimizer states when training in bf16 */
    bool bf16_accumulates_with_pp;   /* bf16 gradients are kept so in a pipeline only; else as they are, and nothing beside */
    double gradient_transient_bytes; /* of one backward pass, all at once */
    double new_gradient_bytes;       /* of the dense layer at work, beside them (Transformer Engine's placeholders) */
    bool gradients_in_host;          /* sums of sharded gradients are kept where offloaded states are: they come up for each micro-batch and go down again */
    bool gradients_anew;             /* gradients are made by a step's backward pass: there are none while a lone micro-batch's activations are */
    bool sharded_master;             /* under ZeRO 3 the sharded parameters are the master copy (FSDP) */
    double reduce_bytes;             /* on the wire, gradients */
    double fp16_gradient_bytes;      /* both of these when training in fp16; 0: as they are */
    double gather_bytes;             /* on the wire, parameters */
    double optimizer_bytes;          /* master copy and moments under Adam */
    double update_bytes;             /* beside them and the gradients while all parameters are updated at once (torch's foreach kernels) */
    bool update_flat;                /* these are one block */
    double update_traffic_bytes;     /* read and written by the update, gradient norm included */
    double bucket_bytes;             /* parameters exchanged together */
    double sharded_calls;            /* collectives that gather or scatter one layer's sharded parameters */
    double sharded_rate_frac;        /* of a collective's usual bandwidth that they reach: copies, few channels */
    double reuse_parameters;         /* a recomputed layer's are gathered once if used again before so many others are, else twice; 0: once */
    double gather_copy_bytes;        /* read and written around a gather: out of its buffer into the parameters */
    double reduce_copy_bytes;        /* around a reduction: gradients into its buffer, to the format on the wire */
    bool zero1_reduce_scatter;       /* ZeRO-1 reduce-scatters gradients; else all-reduces them */
    bool zero1_at_end;               /* ZeRO-1 exchanges gradients when all backward passes are done, whatever hides them without */
    double owner_s;                  /* owners broadcast updated parameters in turn, which takes this much longer for each; 0: one gather */
    double zero1_kept_bytes, zero0_kept_bytes; /* further buffers kept under ZeRO-1 and without */
} MppStateCosts;

/**
 * States of a training that keeps nothing in fp32 (Lightning's bf16-true, torchtune's dtype): no master copy; gradients, their sums
 * and the optimizer's moments in 16 bits.
 */
void mpp_state_costs_narrow(MppStateCosts *state);

/** Share of a transfer that the stack can hide behind computation which is there at the time. */
typedef struct {
    double gradients_frac, parameters_frac, tensor_frac, tensor_async_frac, context_frac, expert_async_frac, stages_frac, fsdp_frac;
    double slowdown_frac; /* computation takes this much longer while a transfer runs beside it */
} MppOverlap;

/** Which figure of memory a stack's users read off. */
typedef enum { MPP_FIGURE_ALLOCATED, MPP_FIGURE_RESERVED, MPP_FIGURE_DEVICE, MPP_N_FIGURES } MppMemoryFigure;

extern const MppNames mpp_memory_figure_names;

typedef struct {
    MppMemoryFigure figure;
    GPtrArray *device_figures; /* char *: collections of runs whose records mean the device's figure and do not say so */
    double logit_bytes;        /* at the peak of the loss, per logit */
    double fused_logit_bytes;  /* the same where the loss is fused; 0: no other */
    double split_logit_bytes;  /* more of it where logits are split over tp and the loss is not fused */
    bool split_unfused;        /* a fused loss is one of whole logits: over tp it is as if it were not */
    double kept_logit_bytes;   /* of a logit of a pipeline's earlier micro-batches, where the loss is not fused: outputs are kept for the step's end */
    int64_t loss_pieces;       /* into how many kernels.loss_in_pieces cuts the tokens; 0: in proportion to the vocabulary */
    bool logits_split;         /* logits stay split over tp */
    bool narrow_inputs;        /* inputs of 8-bit and 4-bit products are kept as the products read them */
    bool narrow_weights;       /* 8-bit and 4-bit copies of weights are kept beside them, as they are and transposed */
    double gated_mlp_tensors;  /* tensors of width ffn kept by a gated MLP: 3 or 4 */
    bool rotary_copies;        /* rotated keys and values are kept beside the projection's output */
    double norm_kept_elements; /* kept by an unfused norm per element beyond its input, in elements of 2 bytes */
    double fixed_bytes;        /* workspaces and buffers within the allocator */
    double context_bytes;      /* beyond the allocator: context, libraries, communication buffers */
    double lone_context_bytes; /* the same of a process that is alone and has no communicators; 0: as of several */
    double usable_frac;        /* of the capacity that the allocated peak may take */
    double fragment_frac;      /* of the allocated peak: reserved beside it in blocks that nothing fits in */
    double recompute_fragment_frac; /* further ones where layers are recomputed: their blocks come and go between those that stay */
    double deferred_buffers;   /* activation-sized buffers the allocator cannot reuse in time under tp */
    double waiting_buffers;    /* of these where the host waits for messages or for collectives between nodes */
} MppMemoryCosts;

typedef struct {
    char *name, *title;
    GPtrArray *frameworks; /* words by which a run's record names this stack */
    GPtrArray *frameworks_before_8_bit; /* words by which one names it where the device has no 8-bit products, as of its time */
    GPtrArray *frameworks_before_bf16; /* the same where it has no bf16 products */
    GPtrArray *framework_kernels; /* "words: switches": kernels of runs whose record names its framework by these words */
    GPtrArray *device_kernels;    /* the same by words of devices: what it takes there, and had when published runs were made there */
    GPtrArray *graph_devices; /* words of devices on which published runs without pipeline have kernels.graphs where shapes are known */
    char *successor;       /* runtime that a run of this name was in if it used what this one lacks */
    MppKernels kernels;
    bool rms_norms_fused;      /* norm_fused holds for RMS norms too; else they are written out and layer norms alone are one kernel */
    bool bias_in_products;     /* products add their biases (addmm); else kernels of their own do, unless elementwise ones are fused */
    bool published_in_turn;    /* records of runs have kernels.experts_in_turn */
    bool eager_unless_stated;  /* kernels are a compiler's; a run is taken as eager unless it names one or trains in 8 bits */
    MppHostCosts host;
    MppStateCosts state;
    MppOverlap overlap;
    MppMemoryCosts memory;
    bool dropout;              /* its recipes train models with learned positions with dropout */
    bool leaves_out_padding;   /* its recipes for encoders compute neither padding nor the loss of tokens that are not masked */
    double loss_traffic_bytes; /* memory traffic of the loss, forward and backward, per logit */
    MppStageSplit stage_split;
    MppSequenceParallelRule sequence_parallel;
    int64_t context_kinds; /* bit 1 << kind: exchanges of context parallelism that it has; 0: none */
    MppCpKind usual_context; /* the one of launches and records that name none */
    bool context_repeats_keys; /* fewer key-value heads than ranks of an all-to-all are repeated until each rank has one */
    bool ring_in_fp32; /* attention over context-parallel ranks goes block by block where all keys are gathered, too, adds up outputs and
                        * gradients in fp32, and each head has keys and values of its own; unless kernels.context_whole */
    bool gathers_by_layer; /* parameters that stay gathered (ZeRO-2) are gathered layer by layer in the forward pass, not after the update */
    bool hooks_zero2; /* ZeRO-2 is ZeRO-3 without gathering: its modules have the same hooks (host.gathered_s) */
    bool keeps_gathered; /* inputs gathered over tp are kept for the backward pass, instead of gathered again */
    bool narrow_gathers; /* 8-bit and 4-bit products gather their inputs over tp as they read them */
    bool experts_weighted_inside; /* the router's weights are applied within the experts, before their second product */
    double products_frac;      /* of the device's rate for products that its libraries reach, as it configures and feeds them */
    bool experts_split;     /* experts are split over tp unless a run's record says otherwise */
    GPtrArray *experts_split_words; /* words by which a record names releases where they are */
    bool writes_windows;    /* convolutions write their windows to memory before the product (im2col) */
    int64_t vocab_multiple; /* the vocabulary is padded to this times tp; 0: cut to a multiple of tp */
    int64_t usual_zero, most_zero, most_zero_with_pp;
    MppPrecision usual_precision; /* of runs whose record states none */
    MppRecompute usual_recompute, most_recompute;
    MppSelective selective;
    int64_t recompute_modules; /* a set of MppModule: those that selective recomputation can be told to compute again */
    int64_t offloads; /* a set of MppOffloaded */
    bool recompute_stops_early; /* full recomputation ends with the last tensor that is needed, before the last product */
    bool one_node; /* runs within a node */
    bool tensor_parallel, expert_parallel;
    int64_t schedules;        /* a set of MppScheduleKind; empty: it has no pipeline */
    bool skips_step_barrier;  /* a rank begins the next step before all have ended this one */
    int64_t most_empty_stages; /* stages without a layer that it trains with; -1: any number */
    int64_t micro_batches_per_stage; /* into how many a batch is cut when nothing is said; 0: into single sequences */
    int64_t fewer_micro_batches; /* micro-batches may be fewer than pp by at most this; -1: any number */
    GHashTable *sources;
} MppRuntime;

extern const MppFields mpp_runtime_fields, mpp_kernels_fields;

bool mpp_runtime_offloads(const MppRuntime *runtime, MppOffloaded what);

/**
 * Sets the switches that @words name, separated by commas, "no-" before those that are off, and the kernel of attention:
 * "rotary_fused,no-norm_fused,flash2".
 *
 * Returns: NULL, or the first word that is neither; to be freed.
 */
char *mpp_kernels_set(const char *words, MppKernels *inout) G_GNUC_WARN_UNUSED_RESULT;

/** Sets what the entries of @table, a runtime's "words: switches" or NULL, say of those whose words are in @text. */
void mpp_kernels_set_named(const GPtrArray *table, const char *text, MppKernels *inout);

MppRuntime *mpp_runtime_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;
MppRuntime *mpp_runtime_copy(const MppRuntime *runtime);
void mpp_runtime_free(MppRuntime *runtime);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppRuntime, mpp_runtime_free)
