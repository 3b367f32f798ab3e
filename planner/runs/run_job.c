#include "planner/runs/run_job.h"

#include <string.h>

#include "planner/base/words.h"
#include "planner/runs/run_kernels.h"
#include "planner/runs/run_match.h"
#include "planner/runs/run_model.h"
#include "planner/runs/run_test_name.h"
#include "planner/spec/plan_file.h"
#include "planner/spec/rules.h"

static MppRunJob *run_job_new(void)
{
    MppRunJob *run_job = g_new0(MppRunJob, 1);
    run_job->assumed = g_ptr_array_new_with_free_func(g_free);
    return run_job;
}

void mpp_run_job_free(MppRunJob *run_job)
{
    if (!run_job)
        return;
    mpp_model_free(run_job->model);
    mpp_cluster_free(run_job->cluster);
    mpp_runtime_free(run_job->runtime);
    mpp_strategy_clear(&run_job->strategy);
    g_clear_pointer(&run_job->assumed, g_ptr_array_unref);
    g_free(run_job);
}

/**
 * A record's "fp32" says how tensors are kept: where the device has TF32, published runs multiply in it. What scales belong to
 * "fp8" its label may say.
 */
static MppPrecision stated_precision(const MppRun *run, const MppDevice *device, MppPrecision otherwise)
{
    MppPrecision precision = mpp_run_match_precision(run->training.precision, otherwise);
    if (precision == MPP_PRECISION_FP8 && mpp_run_match_label(run, "rowwise"))
        return MPP_PRECISION_FP8_ROWWISE;
    bool has_tf32 = device->peak_flop_per_s.by_precision[MPP_PRECISION_TF32] > 0;
    return precision == MPP_PRECISION_FP32 && has_tf32 ? MPP_PRECISION_TF32 : precision;
}

/**
 * Lengths of a masked language model's sequences where a record is silent and the stack leaves out padding. 15 % of the
 * tokens are masked (arXiv:1810.04805 §3.1). Sequences cut at 512 tokens from Wikipedia have half as many on average
 * (arXiv:2107.02027 §3), and half a bin more where those of a batch are padded to the next multiple of 64 (LDDL's bins in
 * NVIDIA's recipe, which has them for these alone); those cut at 128 are nearly full.
 */
static void fill_lengths(const MppRun *run, const MppRunJob *out, MppTraining *training)
{
    enum { CUT = 512, BIN = 64 };
    const double masked_frac = 0.15;
    bool binned = training->seq >= CUT;
    int64_t text = binned ? training->seq / 2 : training->seq;
    bool assumed = out->runtime->leaves_out_padding && out->model->head == MPP_HEAD_MASKED_LM;
    training->mean_seq = assumed && binned ? text + BIN / 2 : 0;
    training->loss_tokens = assumed ? MAX(1, (int64_t)(masked_frac * text)) : 0;
    if (run->training.mean_seq)
        training->mean_seq = run->training.mean_seq;
    training->target_seq = run->training.target_seq;
    training->document_tokens = run->training.document_tokens;
    if (run->training.loss_tokens)
        training->loss_tokens = run->training.loss_tokens;
}

/**
 * Formats of states unlike the stack's. "PURE" is Composer's word for gradients that are reduced as they are; "true" and "pure"
 * in a number format say that nothing is kept in fp32, "fp32 gradients" that these are, where a stack's tuned recipes do otherwise.
 * An optimizer's "bf16 moments" are narrow beside a master copy (Megatron-LM's exp_avg_dtype, TransformerEngine's FusedAdam).
 */
static void adapt_states(const MppRun *run, MppRunJob *out)
{
    MppStateCosts *state = &out->runtime->state;
    const double element = 2;
    if (g_strcmp0(run->training.fsdp_mixed_precision, "PURE") == 0)
        state->reduce_bytes = MIN(state->reduce_bytes, element);
    if (mpp_run_match_wide_gradients(run->training.precision))
        state->gradient_bytes = state->reduce_bytes = 2 * element;
    out->job.training.narrow_states = mpp_run_match_narrow_states(run->training.precision);
    if (out->job.training.narrow_states) {
        mpp_state_costs_narrow(state);
    } else if (mpp_run_match_narrow_moments(run->training.optimizer)) {
        state->optimizer_bytes = MAX(0, state->optimizer_bytes - 2 * element);
        state->update_traffic_bytes = MAX(0, state->update_traffic_bytes - 4 * element);
    }
    if (mpp_run_match_wide_reduction(run->training.precision))
        state->reduce_bytes = 2 * element;
}

/** Words that say nothing to us, and what is taken in their place. */
static void note_words(const MppRunTraining *from, MppPrecision precision, MppOptimizer optimizer, GPtrArray *assumed)
{
    const char *format = mpp_names_get(&mpp_precision_names, precision), *name = mpp_names_get(&mpp_optimizer_names, optimizer);
    if (!mpp_words_has(from->precision, format))
        mpp_runs_assume(assumed, "%s for %s", format, from->precision ? from->precision : "a precision that is not stated");
    if (from->optimizer && !mpp_words_has(from->optimizer, name))
        mpp_runs_assume(assumed, "%s for %s", name, from->optimizer);
}

static void fill_training(const MppRun *run, MppRunJob *out)
{
    const MppRunTraining *from = &run->training;
    MppTraining *training = &out->job.training;
    *training = mpp_training_default(out->model, out->runtime, &out->cluster->device, out->job.gpus);
    training->seq = out->model->sequential ? 1 : run->model.seq;
    training->global_batch = from->global_batch;
    MppPrecision usual = out->runtime->usual_precision == MPP_PRECISION_BF16 ? training->precision : out->runtime->usual_precision;
    training->precision = stated_precision(run, &out->cluster->device, usual);
    training->optimizer = mpp_run_match_optimizer(from->optimizer);
    note_words(from, mpp_run_match_precision(from->precision, usual), training->optimizer, out->assumed);
    fill_lengths(run, out, training);
}

/** ZeRO stage by the record's own field, its FSDP words, or the stack's habit. */
static int64_t zero_stage(const MppRun *run, const MppRuntime *runtime, int64_t pp)
{
    if (run->parallel.zero >= 0)
        return run->parallel.zero;
    const cJSON *fsdp = mpp_run_get(run, "parallel", "fsdp");
    if (fsdp && !cJSON_IsFalse(fsdp) && !cJSON_IsNull(fsdp))
        return cJSON_IsString(fsdp) && strstr(fsdp->valuestring, "GRAD") ? 2 : 3;
    return MIN(runtime->usual_zero, pp > 1 ? runtime->most_zero_with_pp : 3);
}

/** Ranks of a shard group: as stated, or those of a node where the record says that sharding is hybrid; 0: all. */
static int64_t shard_ranks(const MppRun *run, const MppRunJob *out, const MppStrategy *s)
{
    int64_t all = s->dp * s->cp, node = mpp_cluster_tier(out->cluster, 0)->devices / s->tp;
    int64_t parts = mpp_run_test_name(run->model.name).sharded_parts, otherwise = parts > 1 ? all / parts : 0;
    int64_t ranks = run->parallel.zero_ranks ? run->parallel.zero_ranks : mpp_run_match_hybrid(run) ? node : otherwise;
    return s->zero > 0 && ranks > 0 && ranks < all && all % ranks == 0 ? ranks : 0;
}

/** Chunks of a stage; interleaving is of two at least. */
static int64_t chunks_of_stage(const MppRunParallel *from, int64_t pp)
{
    bool interleaved = from->schedule && strstr(from->schedule, "interleaved");
    return pp == 1 ? 1 : interleaved ? MAX(from->vpp, 2) : from->vpp;
}

/** Sequences of a micro-batch; where none is stated, the stack's habit decides into how many a pipeline's batch is cut. */
static int64_t micro_batch(const MppRun *run, const MppRuntime *runtime, const MppStrategy *s)
{
    if (run->training.micro_batch || s->pp == 1 || !runtime->micro_batches_per_stage)
        return MAX(run->training.micro_batch, 1);
    return MAX(run->training.global_batch / (s->dp * s->pp * runtime->micro_batches_per_stage), 1);
}

/** Ranks that an expert is split over: as stated, or as the test is named, or by the stack's habit. */
static int64_t expert_ranks(const MppRun *run, const MppRunJob *out, const MppStrategy *s)
{
    if (!out->model->moe.experts)
        return 1;
    bool split = out->runtime->experts_split || mpp_words_longest(out->runtime->experts_split_words, run->training.framework);
    int64_t stated = run->parallel.etp ? run->parallel.etp : mpp_run_test_name(run->model.name).etp;
    return stated ? stated : s->ep > 1 && !split ? 1 : s->tp;
}

static void fill_strategy(const MppRun *run, MppRunJob *out)
{
    const MppRunParallel *from = &run->parallel;
    MppStrategy *s = &out->strategy;
    *s = mpp_strategy_single();
    s->tp = MAX(from->tp, 1);
    s->pp = MAX(from->pp, 1);
    s->cp = from->cp;
    s->cp_kind = s->cp > 1 ? mpp_run_match_context(from->cp_kind, out->runtime->usual_context) : MPP_CP_RING;
    s->dp = from->dp ? from->dp : mpp_strategy_dp_on(s, run->hardware.gpus);
    s->vpp = chunks_of_stage(from, s->pp);
    s->ep = out->model->moe.experts ? from->ep : 1;
    s->etp = expert_ranks(run, out, s);
    s->sequence_parallel = s->tp > 1 && (from->sp || out->runtime->sequence_parallel == MPP_SEQUENCE_PARALLEL_ALWAYS);
    s->micro_batch = micro_batch(run, out->runtime, s);
    s->zero = zero_stage(run, out->runtime, s->pp);
    s->zero_ranks = shard_ranks(run, out, s);
    s->schedule = (MppScheduleKind)mpp_run_match_schedule(from->schedule, s->vpp);
    const MppScheduleShape *shape = mpp_schedule_kind_shape(s->schedule);
    if (s->pp > 1)
        s->vpp = shape->most_vpp == shape->least_vpp ? shape->least_vpp : s->vpp;
    s->stage_split = out->runtime->stage_split;
    s->recompute = MIN(mpp_run_match_recompute(from->recompute, out->runtime->usual_recompute), out->runtime->most_recompute);
    if (s->recompute == MPP_RECOMPUTE_SELECTIVE)
        s->recompute_modules = mpp_run_match_modules(from->recompute, out->runtime);
    int64_t layers_of_chunk = (out->model->n_layers + s->pp * s->vpp - 1) / (s->pp * s->vpp);
    bool all = mpp_run_test_name(run->model.name).recomputes_all;
    if (s->recompute == MPP_RECOMPUTE_FULL && from->recompute_layers < layers_of_chunk && !all)
        s->recompute_layers = from->recompute_layers;
    if (from->offload && strstr(from->offload, "activations") && mpp_runtime_offloads(out->runtime, MPP_OFFLOADED_ACTIVATIONS)) {
        const char *layers = strstr(from->offload, "layers ");
        s->recompute = MPP_RECOMPUTE_OFFLOAD;
        s->recompute_layers = MIN(layers ? g_ascii_strtoll(layers + strlen("layers "), NULL, 10) : 0, layers_of_chunk - 1);
    }
    if (from->offload && strstr(from->offload, "optimizer"))
        s->offload = strstr(from->offload, "param") && s->zero == 3 ? MPP_OFFLOAD_PARAMETERS : MPP_OFFLOAD_OPTIMIZER;
}

/**
 * What workspaces of cuBLAS, one of the forward and one of the backward thread, have over those of deterministic mode, in bytes:
 * tests of flash attention and those of any order run without it, and take PyTorch's usual size (8.125 MiB before Hopper, else 32).
 */
static double test_workspaces(const MppRun *run, const MppDevice *device)
{
    const double mib = 1 << 20, threads = 2, deterministic = 32 * mib, usual = 8.125 * mib;
    MppRunTestName test = mpp_run_test_name(run->model.name);
    bool hopper = device->peak_flop_per_s.by_precision[MPP_PRECISION_FP8] > 0; /* has as much in either mode */
    bool usual_size = test.any_order || (test.named && mpp_words_has(run->training.attention, "flash"));
    return usual_size && !hopper ? threads * (usual - deterministic) : 0;
}

/** Completes the job in out's runtime. Error: the rule that the runtime's strategy breaks. */
static bool split_by(const MppRun *run, MppRunJob *out, GError **error)
{
    out->job = (MppJob){ .model = out->model, .cluster = out->cluster, .runtime = out->runtime, .gpus = run->hardware.gpus };
    out->runtime->memory.fixed_bytes += test_workspaces(run, &out->cluster->device);
    fill_training(run, out);
    adapt_states(run, out);
    fill_strategy(run, out);
    return mpp_run_fill_kernels(run, &out->job, error) && mpp_training_check(&out->job.training, NULL, NULL, error) && mpp_rules_check(&out->job, &out->strategy, error);
}

static const char *missing_field(const MppRun *run, const MppModel *model)
{
    const struct { const char *name; bool there; } needed[] = {
        { "model.seq", run->model.seq || model->sequential },
        { "hardware.gpu", run->hardware.gpu },
        { "hardware.gpus", run->hardware.gpus },
        { "training.global_batch", run->training.global_batch },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!needed[i].there)
            return needed[i].name;
    return NULL;
}

/** The job of the run's own plan. */
static MppRunJob *planned(const MppRun *run, const MppProfiles *profiles, char **skipped)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppPlanFile) file = mpp_plan_file_read(run->json, mpp_run_plan(run), &error);
    if (!file) {
        *skipped = g_strdup(error->message);
        return NULL;
    }
    MppInputs *inputs = file->inputs;
    MppRunJob *out = run_job_new();
    for (guint i = 0; inputs->assumed && i < inputs->assumed->len; i++)
        mpp_runs_assume(out->assumed, "%s", (const char *)inputs->assumed->pdata[i]);
    out->model = g_memdup2(&inputs->model, sizeof inputs->model);
    inputs->model = (MppModel){ 0 };
    out->cluster = mpp_profiles_known_cluster(profiles, &inputs->cluster);
    out->runtime = mpp_profiles_known_runtime(profiles, &inputs->runtime);
    out->strategy = file->strategy;
    file->strategy.stage_layers = NULL;
    out->job = (MppJob){ out->model, out->cluster, out->runtime, inputs->training, inputs->gpus };
    return out;
}

MppRunJob *mpp_run_job_new(const MppRun *run, const MppProfiles *profiles, char **skipped)
{
    if (mpp_run_plan(run))
        return planned(run, profiles, skipped);
    g_autoptr(MppRunJob) out = run_job_new();
    g_autoptr(GError) error = NULL;
    out->model = mpp_run_model(run, out->assumed, skipped);
    if (!out->model)
        return NULL;
    const char *missing = missing_field(run, out->model);
    if (missing) {
        *skipped = g_strdup_printf("%s is not stated", missing);
        return NULL;
    }
    out->cluster = mpp_profiles_cluster(profiles, run, out->assumed);
    if (!out->cluster) {
        *skipped = g_strdup_printf("no device profile for %s", run->hardware.gpu);
        return NULL;
    }
    if (mpp_run_match_schedule(run->parallel.schedule, 1) < 0) {
        *skipped = g_strdup_printf("schedule %s is not modelled", run->parallel.schedule);
        return NULL;
    }
    MppRuntime *next = mpp_profiles_runtime(profiles, run, out->assumed);
    for (guint hops = 0; next && hops <= profiles->runtimes->len; hops++) { /* a chain of successors has no more */
        mpp_runtime_free(out->runtime);
        out->runtime = next;
        g_clear_error(&error);
        if (split_by(run, out, &error))
            return g_steal_pointer(&out);
        next = mpp_profiles_successor(profiles, next);
    }
    *skipped = g_strdup(error->message);
    return NULL;
}
