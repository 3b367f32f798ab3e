#include "planner/spec/runtime.h"

#include "planner/base/words.h"
#include "planner/spec/strategy.h"

static const char *const split_names[] = { "even", "greedy", "balanced", "modules" };
const MppNames mpp_stage_split_names = MPP_NAMES("stage split", split_names);
static const char *const recompute_names[MPP_N_RECOMPUTES] = { "none", "selective", "full", "offload" };
const MppNames mpp_recompute_names = MPP_NAMES("recompute", recompute_names);
static const char *const offloaded_names[MPP_N_OFFLOADED] = { "optimizer", "parameters", "activations", "inputs" };
const MppNames mpp_offloaded_names = MPP_NAMES("offloaded state", offloaded_names);

static const char *const selective_names[] = { "attention", "half-products", "norms-and-activations" };
const MppNames mpp_selective_names = MPP_NAMES("selective recomputation", selective_names);
static const char *const module_names[MPP_N_MODULES] = { "core_attn", "layernorm", "moe_act", "mla_up_proj", "mlp", "moe", "shared_experts" };
const MppNames mpp_module_names = MPP_NAMES("module", module_names);
static const char *const sequence_names[] = { "never", "choice", "always" };
const MppNames mpp_sequence_parallel_names = MPP_NAMES("sequence-parallel rule", sequence_names);

static const MppField kernel_rows[] = {
    MPP_FIELD_ENUM(MppKernels, attention, &mpp_attention_names, MPP_ATTENTION_FLASH2, "attention core"),
    MPP_FIELD_BOOL(MppKernels, norm_fused, 1, "a norm is one kernel"),
    MPP_FIELD_BOOL(MppKernels, elementwise_fused, 1, "bias, dropout, activation, residual are fused"),
    MPP_FIELD_BOOL(MppKernels, rotary_fused, 1, "rotary embedding is one kernel"),
    MPP_FIELD_BOOL(MppKernels, cross_entropy_fused, 0, "cross entropy is fused"),
    MPP_FIELD_BOOL(MppKernels, inputs_in_host, 0, "without pipeline stages, inputs of recomputed layers go to the host"),
    MPP_FIELD_BOOL(MppKernels, loss_narrow, 0, "the loss reads 16-bit logits as they are"),
    MPP_FIELD_BOOL(MppKernels, logits_gathered, 0, "the loss gathers logits over tp"),
    MPP_FIELD_BOOL(MppKernels, loss_in_pieces, 0, "projection to the vocabulary and loss of a few tokens at a time"),
    MPP_FIELD_BOOL(MppKernels, update_fused, 0, "the update keeps no copy of all of a moment beside"),
    MPP_FIELD_BOOL(MppKernels, experts_fused, 0, "one kernel for the products of all experts of a rank"),
    MPP_FIELD_BOOL(MppKernels, dispatch_once, 0, "a token goes to a rank and node once, to however many experts there"),
    MPP_FIELD_BOOL(MppKernels, experts_in_turn, 0, "a token goes to experts that follow each other, as a benchmark's gate has it"),
    MPP_FIELD_BOOL(MppKernels, experts_padded, 0, "experts take as many tokens each: more are dropped, fewer padded"),
    MPP_FIELD_BOOL(MppKernels, natural_routing, 0, "experts get the tokens that a router sends them; else as many each"),
    MPP_FIELD_BOOL(MppKernels, segments_grow, 0, "memory that was freed serves tensors of any size"),
    MPP_FIELD_BOOL(MppKernels, graphs, 0, "passes are launched whole (CUDA graphs)"),
    MPP_FIELD_BOOL(MppKernels, partial_graphs, 0, "of layers all but the routed experts' part is launched whole"),
    MPP_FIELD_BOOL(MppKernels, tensor_async, 0, "products run beside their tensor-parallel exchange, piece by piece"),
    MPP_FIELD_BOOL(MppKernels, context_whole, 0, "keys gathered over context-parallel ranks are attended to at once, not block by block"),
    MPP_FIELD_BOOL(MppKernels, gradients_whole, 0, "sharded gradients are kept whole until the last micro-batch is through"),
    MPP_FIELD_BOOL(MppKernels, expert_async, 0, "a pass' expert exchange runs beside another micro-batch's computation"),
};
const MppFields mpp_kernels_fields = MPP_FIELDS("kernels", MppKernels, kernel_rows);

/** The switch called @name, or NULL. */
static const MppField *find_switch(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kernel_rows); i++)
        if (kernel_rows[i].type == MPP_FIELD_TYPE_BOOL && mpp_names_same(kernel_rows[i].name, name))
            return &kernel_rows[i];
    return NULL;
}

char *mpp_kernels_set(const char *words, MppKernels *inout)
{
    g_auto(GStrv) names = g_strsplit(words, ",", -1);
    for (int i = 0; names[i]; i++) {
        bool off = g_ascii_strncasecmp(names[i], "no-", 3) == 0;
        const MppField *row = find_switch(names[i] + (off ? 3 : 0));
        int attention = mpp_names_find(&mpp_attention_names, names[i]);
        if (!row && attention < 0)
            return g_strdup(names[i]);
        if (row)
            *(bool *)((char *)inout + row->offset) = !off;
        else
            inout->attention = attention;
    }
    return NULL;
}

void mpp_kernels_set_named(const GPtrArray *table, const char *text, MppKernels *inout)
{
    for (guint i = 0; table && i < table->len; i++) {
        g_auto(GStrv) parts = g_strsplit(table->pdata[i], ": ", 2);
        g_autofree char *wrong = mpp_words_has(text, parts[0]) ? mpp_kernels_set(parts[1], inout) : NULL;
        g_assert(!wrong); /* checked when it was read */
    }
}

static const MppField host_rows[] = {
    MPP_FIELD_DOUBLE(MppHostCosts, kernel_s, 0, 1e-2, 8e-6, "to launch one kernel"),
    MPP_FIELD_DOUBLE(MppHostCosts, launch_s, 0, 1e-2, 9e-6, "to launch one more kernel of the same operator"),
    MPP_FIELD_DOUBLE(MppHostCosts, collective_s, 0, 1e-1, 3e-5, "to issue one collective"),
    MPP_FIELD_DOUBLE(MppHostCosts, wait_s, 0, 1e-1, 0, "device time lost around a collective that computation waits for"),
    MPP_FIELD_DOUBLE(MppHostCosts, member_s, 0, 1e-1, 0, "a collective waits for each further member"),
    MPP_FIELD_DOUBLE(MppHostCosts, layer_s, 0, 1, 0, "of a layer and pass, beyond its kernels"),
    MPP_FIELD_DOUBLE(MppHostCosts, split_s, 0, 1, 0, "of a layer and pass in eager code over ranks of tp, besides"),
    MPP_FIELD_DOUBLE(MppHostCosts, gathered_s, 0, 1, 0, "of a layer and pass under ZeRO 3, besides"),
    MPP_FIELD_DOUBLE(MppHostCosts, experts_s, 0, 1, 0, "device time lost in a layer of experts while the host learns the counts of tokens"),
    MPP_FIELD_DOUBLE(MppHostCosts, micro_batch_s, 0, 10, 1e-3, "of a micro-batch"),
    MPP_FIELD_DOUBLE(MppHostCosts, step_s, 0, 10, 1e-2, "of a step"),
    MPP_FIELD_DOUBLE(MppHostCosts, waiting_p2p_frac, 0, 10, 0, "growth of host time while messages between nodes are pending"),
};
static const MppFields host_fields = MPP_FIELDS("host costs", MppHostCosts, host_rows);

static const MppField state_rows[] = {
    MPP_FIELD_DOUBLE(MppStateCosts, gradient_bytes, 0, 16, 4, "accumulation buffer"),
    MPP_FIELD_BOOL(MppStateCosts, gradient_fused, true, "products of gradients add to the accumulation buffer themselves"),
    MPP_FIELD_DOUBLE(MppStateCosts, bf16_kept_bytes, 0, 16, 0, "kept beside when training in bf16"),
    MPP_FIELD_BOOL(MppStateCosts, bf16_accumulates_with_pp, 0, "bf16 gradients have an accumulation buffer in a pipeline only"),
    MPP_FIELD_DOUBLE(MppStateCosts, gradient_transient_bytes, 0, 16, 0, "gradients of one backward pass beside it"),
    MPP_FIELD_DOUBLE(MppStateCosts, new_gradient_bytes, 0, 16, 0, "gradients of the layer at work, beside them"),
    MPP_FIELD_BOOL(MppStateCosts, gradients_in_host, 0, "sums of sharded gradients are kept where offloaded optimizer states are"),
    MPP_FIELD_BOOL(MppStateCosts, gradients_anew, 0, "gradients are freed after the step, and come as activations go"),
    MPP_FIELD_BOOL(MppStateCosts, sharded_master, 0, "under ZeRO 3 the sharded parameters are the master copy"),
    MPP_FIELD_DOUBLE(MppStateCosts, reduce_bytes, 0, 8, 4, "gradients on the wire"),
    MPP_FIELD_DOUBLE(MppStateCosts, fp16_gradient_bytes, 0, 8, 0, "accumulation buffer and gradients on the wire in fp16; 0: as otherwise"),
    MPP_FIELD_DOUBLE(MppStateCosts, gather_bytes, 0, 8, 2, "parameters on the wire"),
    MPP_FIELD_DOUBLE(MppStateCosts, optimizer_bytes, 0, 64, 12, "master copy and moments"),
    MPP_FIELD_DOUBLE(MppStateCosts, update_bytes, 0, 16, 0, "beside them and gradients while all parameters are updated at once"),
    MPP_FIELD_BOOL(MppStateCosts, update_flat, 0, "these are one block"),
    MPP_FIELD_DOUBLE(MppStateCosts, update_traffic_bytes, 0, 256, 34, "memory traffic of the update"),
    MPP_FIELD_DOUBLE(MppStateCosts, bucket_bytes, 0, 1e12, 1.6e8, "parameters exchanged together"),
    MPP_FIELD_DOUBLE(MppStateCosts, sharded_calls, 1, 1000, 1, "collectives for a layer's sharded parameters: 1, or one a tensor"),
    MPP_FIELD_DOUBLE(MppStateCosts, sharded_rate_frac, 0.01, 1, 1, "of the usual bandwidth that these reach"),
    MPP_FIELD_DOUBLE(MppStateCosts, reuse_parameters, 0, 1e15, 0,
                     "others used before a recomputed layer's parameters are used again, up to which these are kept; 0: always"),
    MPP_FIELD_DOUBLE(MppStateCosts, gather_copy_bytes, 0, 64, 0, "memory traffic of copies around a gather of sharded parameters"),
    MPP_FIELD_DOUBLE(MppStateCosts, reduce_copy_bytes, 0, 64, 0, "the same around a reduction of their gradients"),
    MPP_FIELD_BOOL(MppStateCosts, zero1_reduce_scatter, 1, "ZeRO-1 reduce-scatters gradients"),
    MPP_FIELD_BOOL(MppStateCosts, zero1_at_end, 0, "ZeRO-1 exchanges gradients after the last backward pass, behind nothing"),
    MPP_FIELD_DOUBLE(MppStateCosts, owner_s, 0, 1, 0, "each owner's broadcast of updated parameters takes longer than its part of a gather"),
    MPP_FIELD_DOUBLE(MppStateCosts, zero1_kept_bytes, 0, 16, 0, "further buffers under ZeRO-1"),
    MPP_FIELD_DOUBLE(MppStateCosts, zero0_kept_bytes, 0, 16, 0, "further buffers without ZeRO"),
};
static const MppFields state_fields = MPP_FIELDS("gradients and optimizer", MppStateCosts, state_rows);

static const MppField overlap_rows[] = {
    MPP_FIELD_DOUBLE(MppOverlap, gradients_frac, 0, 1, 0, "gradient exchange behind the last backward pass"),
    MPP_FIELD_DOUBLE(MppOverlap, parameters_frac, 0, 1, 0, "parameter gather behind the first forward pass"),
    MPP_FIELD_DOUBLE(MppOverlap, tensor_frac, 0, 1, 0, "tensor-parallel exchange"),
    MPP_FIELD_DOUBLE(MppOverlap, tensor_async_frac, 0, 1, 0, "the same with kernels.tensor_async"),
    MPP_FIELD_DOUBLE(MppOverlap, context_frac, 0, 1, 0.9, "context-parallel exchange"),
    MPP_FIELD_DOUBLE(MppOverlap, expert_async_frac, 0, 1, 0.9, "expert exchange with kernels.expert_async"),
    MPP_FIELD_DOUBLE(MppOverlap, stages_frac, 0, 1, 0, "messages between stages"),
    MPP_FIELD_DOUBLE(MppOverlap, fsdp_frac, 0, 1, 1, "gathers and scatters of sharded parameters"),
    MPP_FIELD_DOUBLE(MppOverlap, slowdown_frac, 0, 1, 0, "computation is slower by this under a transfer"),
};
static const MppFields overlap_fields = MPP_FIELDS("overlap", MppOverlap, overlap_rows);

static const char *const figure_names[MPP_N_FIGURES] = { "allocated", "reserved", "device" };
const MppNames mpp_memory_figure_names = MPP_NAMES("memory figure", figure_names);

static const MppField memory_rows[] = {
    MPP_FIELD_ENUM(MppMemoryCosts, figure, &mpp_memory_figure_names, MPP_FIGURE_ALLOCATED, "figure that its users report"),
    MPP_FIELD_STRINGS(MppMemoryCosts, device_figures, "collections of runs that report the device's figure without saying so"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, logit_bytes, 0, 64, 6, "at the peak of the loss, per logit"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, fused_logit_bytes, 0, 64, 0, "the same where the loss is fused; 0: no other"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, split_logit_bytes, 0, 64, 0, "more of it over several ranks of tp where the loss is not fused"),
    MPP_FIELD_BOOL(MppMemoryCosts, split_unfused, 0, "over several ranks of tp a fused loss takes what one does that is not"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, kept_logit_bytes, 0, 64, 0, "of earlier micro-batches in a pipeline where it is not fused"),
    MPP_FIELD_INT(MppMemoryCosts, loss_pieces, 0, 1 << 20, 0, "pieces of a loss in pieces; 0: in proportion to the vocabulary"),
    MPP_FIELD_BOOL(MppMemoryCosts, logits_split, 1, "logits stay split over tp"),
    MPP_FIELD_BOOL(MppMemoryCosts, narrow_inputs, 0, "inputs of 8-bit and 4-bit products are kept as the products read them"),
    MPP_FIELD_BOOL(MppMemoryCosts, narrow_weights, 0, "8-bit and 4-bit copies of weights and of their transposes are kept"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, gated_mlp_tensors, 0, 8, 4, "tensors of width ffn kept by a gated MLP"),
    MPP_FIELD_BOOL(MppMemoryCosts, rotary_copies, 0, "rotated keys and values are kept too"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, norm_kept_elements, 0, 32, 4, "kept by an unfused norm, per element"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, fixed_bytes, 0, 1e12, 1.2e8, "workspaces within the allocator"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, context_bytes, 0, 1e12, 4e9, "context, libraries, communication buffers"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, lone_context_bytes, 0, 1e12, 0, "the same of a process alone; 0: as of several"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, usable_frac, 0.1, 1, 0.92, "of the capacity for the allocated peak"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, fragment_frac, 0, 1, 0, "of the allocated peak, reserved but in no use"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, recompute_fragment_frac, 0, 1, 0, "more of it where layers are recomputed"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, deferred_buffers, 0, 256, 0, "buffers not reused in time under tp"),
    MPP_FIELD_DOUBLE(MppMemoryCosts, waiting_buffers, 0, 256, 0, "the same where the host does not run ahead of the device"),
};
static const MppFields memory_fields = MPP_FIELDS("memory", MppMemoryCosts, memory_rows);

static const MppField rows[] = {
    MPP_FIELD_STRING(MppRuntime, name, MPP_REQUIRED, "name, as flags and files use it"),
    MPP_FIELD_STRING(MppRuntime, title, MPP_REQUIRED, "name, as reports show it"),
    MPP_FIELD_STRINGS(MppRuntime, frameworks, "words by which a run's record names this stack"),
    MPP_FIELD_STRINGS(MppRuntime, frameworks_before_8_bit, "words by which one names it where the device has no 8-bit products"),
    MPP_FIELD_STRINGS(MppRuntime, frameworks_before_bf16, "words by which one names it where the device has no bf16 products"),
    MPP_FIELD_STRINGS(MppRuntime, framework_kernels, "words of frameworks, a colon, and switches of kernels that runs of theirs have"),
    MPP_FIELD_STRINGS(MppRuntime, device_kernels, "words of devices, a colon, and switches of kernels that runs on them have"),
    MPP_FIELD_STRINGS(MppRuntime, graph_devices, "words of devices on which published runs without pipeline have kernels.graphs where shapes are known"),
    MPP_FIELD_STRING(MppRuntime, successor, 0, "runtime that a run of this name was in if it used what this one lacks"),
    MPP_FIELD_STRUCT(MppRuntime, kernels, &mpp_kernels_fields, 0, "which kernels a layer runs as"),
    MPP_FIELD_BOOL(MppRuntime, rms_norms_fused, 1, "a fused norm may be an RMS norm; else layer norms alone are"),
    MPP_FIELD_BOOL(MppRuntime, bias_in_products, 0, "products add their biases; else kernels of their own do unless they are fused"),
    MPP_FIELD_BOOL(MppRuntime, eager_unless_stated, 0, "a run that names no compiler ran without, unless in 8 bits"),
    MPP_FIELD_BOOL(MppRuntime, published_in_turn, 0, "published runs are a benchmark's, whose gate takes experts in turn"),
    MPP_FIELD_STRUCT(MppRuntime, host, &host_fields, 0, "host time"),
    MPP_FIELD_STRUCT(MppRuntime, state, &state_fields, 0, "gradients and optimizer, bytes per parameter"),
    MPP_FIELD_STRUCT(MppRuntime, overlap, &overlap_fields, 0, "share of a transfer that can be hidden"),
    MPP_FIELD_STRUCT(MppRuntime, memory, &memory_fields, 0, "memory"),
    MPP_FIELD_BOOL(MppRuntime, dropout, 0, "its recipes train models with learned positions with dropout"),
    MPP_FIELD_BOOL(MppRuntime, leaves_out_padding, 0, "its recipes for encoders compute no padding, and the loss of masked tokens alone"),
    MPP_FIELD_DOUBLE(MppRuntime, loss_traffic_bytes, 0, 1000, 30, "memory traffic of the loss, per logit"),
    MPP_FIELD_ENUM(MppRuntime, stage_split, &mpp_stage_split_names, MPP_STAGE_SPLIT_EVEN, "how layers are cut into stages"),
    MPP_FIELD_ENUM(MppRuntime, sequence_parallel, &mpp_sequence_parallel_names, MPP_SEQUENCE_PARALLEL_CHOICE,
                   "whether norms split the sequence over tp"),
    MPP_FIELD_BOOL(MppRuntime, ring_in_fp32, 0, "context-parallel attention goes block by block, adds up in fp32 and repeats keys and values for every head"),
    MPP_FIELD_BOOL(MppRuntime, experts_weighted_inside, 0, "the router's weights are applied before the experts' second product"),
    MPP_FIELD_DOUBLE(MppRuntime, products_frac, 0.05, 2, 1, "of the device's rate for products that its libraries reach"),
    MPP_FIELD_BOOL(MppRuntime, experts_split, 0, "experts are split over tp unless a run's record says otherwise"),
    MPP_FIELD_BOOL(MppRuntime, gathers_by_layer, 0, "parameters that stay gathered are gathered as the forward pass comes to them"),
    MPP_FIELD_STRINGS(MppRuntime, experts_split_words, "words by which a record names releases where they are"),
    MPP_FIELD_BOOL(MppRuntime, keeps_gathered, 0, "gathered inputs of products are kept for the backward pass"),
    MPP_FIELD_BOOL(MppRuntime, hooks_zero2, 0, "ZeRO-2 hooks the modules that ZeRO-3 does"),
    MPP_FIELD_BOOL(MppRuntime, narrow_gathers, 0, "8-bit and 4-bit products gather their inputs as they read them"),
    MPP_FIELD_BOOL(MppRuntime, writes_windows, 0, "a convolution's windows are written to memory before the product (im2col)"),
    MPP_FIELD_INT(MppRuntime, vocab_multiple, 0, 1 << 20, 1, "the vocabulary is padded to this times tp; 0: cut to a multiple of tp"),
    MPP_FIELD_INT(MppRuntime, usual_zero, 0, 3, 1, "ZeRO stage that its users take when nothing is said"),
    MPP_FIELD_ENUM(MppRuntime, usual_precision, &mpp_precision_names, MPP_PRECISION_BF16, "number format of a run when nothing is said"),
    MPP_FIELD_ENUM(MppRuntime, usual_recompute, &mpp_recompute_names, MPP_RECOMPUTE_NONE, "recomputation when nothing is said"),
    MPP_FIELD_ENUM(MppRuntime, most_recompute, &mpp_recompute_names, MPP_RECOMPUTE_FULL, "the most it computes again"),
    MPP_FIELD_ENUM(MppRuntime, selective, &mpp_selective_names, MPP_SELECTIVE_ATTENTION, "what selective recomputation computes again"),
    MPP_FIELD_SET(MppRuntime, recompute_modules, &mpp_module_names, 0, "parts of a layer that it can be told to compute again"),
    MPP_FIELD_SET(MppRuntime, offloads, &mpp_offloaded_names, 0, "what it can keep in the host's memory"),
    MPP_FIELD_BOOL(MppRuntime, recompute_stops_early, 0, "full recomputation ends before a layer's last product"),
    MPP_FIELD_INT(MppRuntime, most_zero, 0, 3, 3, "highest ZeRO stage"),
    MPP_FIELD_INT(MppRuntime, most_zero_with_pp, 0, 3, 1, "highest ZeRO stage with pipeline stages"),
    MPP_FIELD_BOOL(MppRuntime, one_node, 0, "runs within a node"),
    MPP_FIELD_BOOL(MppRuntime, tensor_parallel, 1, "has tensor parallelism"),
    MPP_FIELD_SET(MppRuntime, context_kinds, &mpp_cp_names, (1 << MPP_N_CPS) - 1,
                  "exchanges of context parallelism that it has; none: it has no context parallelism"),
    MPP_FIELD_ENUM(MppRuntime, usual_context, &mpp_cp_names, MPP_CP_RING, "the one of launches and records that name none"),
    MPP_FIELD_BOOL(MppRuntime, context_repeats_keys, 0, "key-value heads fewer than the ranks of an all-to-all are repeated"),
    MPP_FIELD_BOOL(MppRuntime, expert_parallel, 1, "has expert parallelism"),
    MPP_FIELD_SET(MppRuntime, schedules, &mpp_schedule_names, 1 << MPP_SCHEDULE_1F1B | 1 << MPP_SCHEDULE_INTERLEAVED,
                  "pipeline schedules that it has; none: it has no pipeline"),
    MPP_FIELD_BOOL(MppRuntime, skips_step_barrier, 0, "a rank begins the next step before all have ended this one"),
    MPP_FIELD_INT(MppRuntime, most_empty_stages, -1, 1 << 20, -1, "stages without a layer that it trains with; -1: any"),
    MPP_FIELD_INT(MppRuntime, micro_batches_per_stage, 0, 1 << 20, 0,
                  "micro-batches for each stage when nothing is said; 0: of one sequence each"),
    MPP_FIELD_INT(MppRuntime, fewer_micro_batches, -1, 1 << 20, -1, "micro-batches may be fewer than pp by this; -1: any"),
    MPP_FIELD_TEXTS(MppRuntime, sources, "source of each number, by field name"),
};
const MppFields mpp_runtime_fields = MPP_FIELDS("runtime", MppRuntime, rows);

void mpp_state_costs_narrow(MppStateCosts *state)
{
    const double element = 2;
    state->reduce_bytes = MIN(state->reduce_bytes, element);
    state->gradient_bytes = MIN(state->gradient_bytes, element);
    state->zero0_kept_bytes = MIN(state->zero0_kept_bytes, element);
    state->optimizer_bytes = 2 * element;
    state->update_bytes = MIN(state->update_bytes, element);
    state->update_traffic_bytes /= 2;
    state->sharded_master = false;
    state->bf16_kept_bytes = 0;
}

bool mpp_runtime_offloads(const MppRuntime *runtime, MppOffloaded what)
{
    return (runtime->offloads >> what) & 1;
}

/** Whether all texts of @field are words, a colon and switches. Error: MPP_ERROR_SCHEMA at the first that is not. */
static bool check_switches(const MppJson *json, const char *field, GError **error)
{
    const cJSON *text;
    cJSON_ArrayForEach(text, mpp_json_get(json->root, field)) {
        MppKernels unused;
        const char *colon = strstr(text->valuestring, ": ");
        g_autofree char *wrong = colon ? mpp_kernels_set(colon + strlen(": "), &unused) : NULL;
        if (!colon || wrong)
            return mpp_json_error(error, json, text, MPP_ERROR_SCHEMA, "expected words, a colon and switches of kernels, got \"%s\"",
                                  wrong ? wrong : text->valuestring);
    }
    return true;
}

MppRuntime *mpp_runtime_read(const MppJson *json, GError **error)
{
    g_autoptr(MppRuntime) runtime = g_new0(MppRuntime, 1);
    if (!mpp_fields_read(&mpp_runtime_fields, json, json->root, runtime, error) || !check_switches(json, "framework_kernels", error) ||
        !check_switches(json, "device_kernels", error))
        return NULL;
    return g_steal_pointer(&runtime);
}

MppRuntime *mpp_runtime_copy(const MppRuntime *runtime)
{
    MppRuntime *copy = g_new0(MppRuntime, 1);
    mpp_fields_copy(&mpp_runtime_fields, runtime, copy);
    return copy;
}

void mpp_runtime_free(MppRuntime *runtime)
{
    if (!runtime)
        return;
    mpp_fields_clear(&mpp_runtime_fields, runtime);
    g_free(runtime);
}
