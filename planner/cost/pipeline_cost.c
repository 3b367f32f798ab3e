#include "planner/cost/pipeline_cost.h"

#include "planner/cost/pipeline_chunks.h"

/** Loads as the rule counts them: seconds when balanced, nanotron's own estimate of work when greedy. */
static MppChain chain_of(MppPipelineCost *pipeline)
{
    const MppShardCost *shard = pipeline->shard;
    const MppStrategy *s = pipeline->strategy;
    const MppModel *model = shard->job->model;
    bool seconds = s->stage_split == MPP_STAGE_SPLIT_BALANCED;
    bool uniform = model->n_kinds == 1;
    for (int64_t i = 0; i < (uniform ? 1 : model->n_layers); i++) {
        const MppBlockCost *block = &shard->kinds[model->kind_of_layer[i]];
        const MppPassCost *cost = &block->by_recompute[s->recompute_layers ? MPP_RECOMPUTE_NONE : s->recompute];
        pipeline->load[i] = seconds ? cost->forward_s + cost->backward_s
                                    : (4.0 * model->hidden + 3.0 * model->ffn) * model->hidden;
    }
    const MppPassCost *first = &shard->embedding.by_recompute[0], *last = &shard->head.by_recompute[0];
    return (MppChain){
        .n_layers = model->n_layers,
        .uniform = uniform,
        .load = pipeline->load,
        .first_load = seconds ? first->forward_s + first->backward_s : 0,
        .last_load = seconds ? last->forward_s + last->backward_s : (double)model->vocab * model->hidden,
    };
}

static void split_layers(MppPipelineCost *pipeline)
{
    const MppStrategy *s = pipeline->strategy;
    int64_t n_layers = pipeline->shard->job->model->n_layers;
    if (s->stage_layers) {
        for (int64_t c = 0; c < pipeline->model_chunks; c++)
            pipeline->layers[c] = g_array_index(s->stage_layers, int64_t, c);
        return;
    }
    if (s->stage_split == MPP_STAGE_SPLIT_EVEN || pipeline->model_chunks == 1) {
        mpp_partition_even(n_layers, pipeline->model_chunks, pipeline->layers);
        return;
    }
    if (s->stage_split == MPP_STAGE_SPLIT_MODULES) {
        mpp_partition_modules(n_layers, pipeline->model_chunks, pipeline->layers);
        return;
    }
    MppChain chain = chain_of(pipeline);
    if (s->stage_split == MPP_STAGE_SPLIT_GREEDY)
        mpp_partition_greedy(&chain, pipeline->model_chunks, pipeline->layers);
    else if (!mpp_partition_balanced(&chain, pipeline->model_chunks, NULL, pipeline->layers))
        mpp_partition_even(n_layers, pipeline->model_chunks, pipeline->layers); /* chunks without layers: only the ends */
}

bool mpp_pipeline_cost_inputs_in_host(const MppPipelineCost *pipeline)
{
    const MppStrategy *s = pipeline->strategy;
    const MppJob *job = pipeline->shard->job;
    bool can = job->training.kernels.inputs_in_host && mpp_runtime_offloads(job->runtime, MPP_OFFLOADED_INPUTS);
    return can && s->recompute == MPP_RECOMPUTE_FULL && s->pp == 1;
}

double mpp_pipeline_cost_kept_bytes(const MppPipelineCost *pipeline, const MppBlockCost *block, MppRecompute recompute)
{
    bool away = recompute == MPP_RECOMPUTE_FULL && mpp_pipeline_cost_inputs_in_host(pipeline);
    return away ? 0 : block->by_recompute[recompute].kept_bytes;
}

double mpp_pipeline_cost_working_bytes(const MppPipelineCost *pipeline, int64_t index)
{
    const MppShardCost *shard = pipeline->shard;
    const MppChunkCost *chunk = &pipeline->chunks[index];
    double most = 0;
    bool away = mpp_pipeline_cost_inputs_in_host(pipeline);
    for (int64_t kind = 0; kind < shard->job->model->n_kinds; kind++) {
        const MppPassCost *cost = &shard->kinds[kind].by_recompute[pipeline->strategy->recompute];
        if (chunk->stored.n[kind])
            most = MAX(most, shard->kinds[kind].by_recompute[MPP_RECOMPUTE_NONE].working_bytes);
        if (chunk->recomputed.n[kind])
            most = MAX(most, cost->working_bytes + (away ? 2 * cost->kept_bytes : 0)); /* its input and the one on its way */
    }
    return most;
}

double mpp_pipeline_cost_output_bytes(const MppPipelineCost *pipeline)
{
    double copies = (double)pipeline->n_chunks / pipeline->model_chunks, earlier = (double)pipeline->schedule.micro_batches / copies - 1;
    return pipeline->strategy->pp > 1 ? MAX(0, earlier) * pipeline->shard->output_bytes : 0;
}

static void sum_stage(MppPipelineCost *pipeline, int64_t k)
{
    MppStageCost *stage = &pipeline->stages[k];
    const MppPeaks *peaks = &pipeline->peaks[k];
    *stage = (MppStageCost){ .activation_bytes = mpp_peaks_weigh(peaks, pipeline->kept_bytes) };
    double share = (double)pipeline->model_chunks / pipeline->n_chunks; /* 1, or a half: exact */
    for (int64_t i = 0; i < peaks->n_local; i++) {
        const MppChunkCost *chunk = &pipeline->chunks[peaks->chunks[i]];
        bool last = peaks->chunks[i] % pipeline->model_chunks == pipeline->model_chunks - 1;
        stage->forward_s += share * chunk->forward_s;
        stage->backward_s += share * chunk->backward_s;
        stage->loss_bytes = last ? pipeline->shard->head_bytes : stage->loss_bytes;
        stage->output_bytes += last ? mpp_pipeline_cost_output_bytes(pipeline) : 0;
        stage->copied_bytes += chunk->copied_bytes;
        stage->parameters += chunk->parameters;
        stage->expert_parameters += chunk->expert_parameters;
        stage->working_bytes = MAX(stage->working_bytes, mpp_pipeline_cost_working_bytes(pipeline, peaks->chunks[i]));
    }
}

MppPipelineCost *mpp_pipeline_cost_new(int64_t most_chunks, int64_t n_layers)
{
    MppPipelineCost *pipeline = g_new0(MppPipelineCost, 1);
    int64_t most = 2 * most_chunks;
    pipeline->layers = g_new(int64_t, most);
    pipeline->chunks = g_new(MppChunkCost, most);
    pipeline->stages = g_new(MppStageCost, most);
    pipeline->forward_s = g_new(double, most);
    pipeline->input_s = g_new(double, most);
    pipeline->weight_s = g_new(double, most);
    pipeline->kept_bytes = g_new(double, most);
    pipeline->message_s = g_new(double, most);
    pipeline->load = g_new(double, n_layers);
    pipeline->end_s = g_new(double, most);
    pipeline->chunk_end_s = g_new(double, most);
    return pipeline;
}

/** The one that was given, if any. */
static void forget_order(MppPipelineCost *pipeline)
{
    if (!pipeline->order_peaks)
        return;
    for (int64_t k = 0; k < pipeline->schedule.pp; k++)
        mpp_peaks_clear(&pipeline->order_peaks[k]);
    g_clear_pointer(&pipeline->order_peaks, g_free);
    g_clear_pointer(&pipeline->order, mpp_order_free);
    pipeline->peaks = NULL;
}

void mpp_pipeline_cost_free(MppPipelineCost *pipeline)
{
    if (!pipeline)
        return;
    void *const arrays[] = { pipeline->layers,   pipeline->chunks,     pipeline->stages, pipeline->forward_s, pipeline->input_s,
                             pipeline->weight_s, pipeline->kept_bytes, pipeline->load,   pipeline->end_s,
                             pipeline->chunk_end_s, pipeline->message_s, pipeline->work };
    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_free(arrays[i]);
    forget_order(pipeline);
    mpp_order_free(pipeline->order);
    mpp_peaks_table_free(pipeline->own_peaks);
    g_free(pipeline);
}

void mpp_pipeline_cost_share_peaks(MppPipelineCost *pipeline, MppPeaksTable *table)
{
    pipeline->shared_peaks = table;
}

static bool same_mesh(const MppStrategy *a, const MppStrategy *b)
{
    return a->dp == b->dp && a->tp == b->tp && a->pp == b->pp && a->cp == b->cp && a->ep == b->ep && a->etp == b->etp &&
           a->order == b->order && a->zero_ranks == b->zero_ranks;
}

static void take_peaks(MppPipelineCost *pipeline)
{
    if (!pipeline->shared_peaks && !pipeline->own_peaks)
        pipeline->own_peaks = mpp_peaks_table_new();
    MppPeaksTable *table = pipeline->shared_peaks ? pipeline->shared_peaks : pipeline->own_peaks;
    pipeline->peaks = mpp_peaks_table_get(table, &pipeline->schedule);
}

/** Most fills of a search differ in what the mesh does not depend on. */
const MppMesh *mpp_pipeline_cost_mesh(MppPipelineCost *pipeline, const MppJob *job, const MppStrategy *s)
{
    if (pipeline->exchange.job != job || !same_mesh(&pipeline->placed, s))
        pipeline->exchange.mesh = mpp_mesh_new(s, job->cluster, job->gpus);
    pipeline->exchange.job = job;
    pipeline->placed = *s;
    return &pipeline->exchange.mesh;
}

/** Returns: whether chunks have to be summed anew, whatever else has changed. */
static bool set_schedule(MppPipelineCost *pipeline, const MppStrategy *s)
{
    int64_t n_chunks = pipeline->n_chunks;
    bool apart = pipeline->ends_apart;
    MppSchedule schedule = mpp_schedule_of(s, pipeline->shard->job->training.global_batch);
    forget_order(pipeline);
    bool known = pipeline->peaks && mpp_schedule_equal(&schedule, &pipeline->schedule);
    pipeline->schedule = schedule;
    pipeline->bounded = false;
    if (!known)
        take_peaks(pipeline);
    pipeline->n_chunks = mpp_schedule_n_chunks(&schedule);
    pipeline->splits_backward = mpp_schedule_kind_shape(schedule.kind)->splits_backward;
    pipeline->ends_apart = mpp_schedule_rank(&schedule, 0) != mpp_schedule_rank(&schedule, pipeline->n_chunks - 1);
    return pipeline->n_chunks != n_chunks || pipeline->ends_apart != apart;
}

void mpp_pipeline_cost_sum_stages(MppPipelineCost *pipeline)
{
    pipeline->exchange.strategy = pipeline->strategy;
    pipeline->replayed = false;
    for (int64_t k = 0; k < pipeline->strategy->pp; k++)
        sum_stage(pipeline, k);
}

void mpp_pipeline_cost_fill_chunks(MppPipelineCost *pipeline, const MppShardCost *shard, const MppStrategy *s)
{
    const MppJob *job = shard->job;
    pipeline->shard = shard;
    pipeline->strategy = s;
    pipeline->exchange.strategy = s;
    mpp_pipeline_cost_mesh(pipeline, job, s);
    pipeline->model_chunks = s->pp * s->vpp;
    set_schedule(pipeline, s);
    split_layers(pipeline);
    mpp_pipeline_chunks_sum(pipeline);
}

void mpp_pipeline_cost_fill(MppPipelineCost *pipeline, const MppShardCost *shard, const MppStrategy *s)
{
    mpp_pipeline_cost_fill_chunks(pipeline, shard, s);
    mpp_pipeline_cost_sum_stages(pipeline);
}

void mpp_pipeline_cost_reschedule(MppPipelineCost *pipeline, const MppStrategy *s)
{
    pipeline->strategy = s;
    if (set_schedule(pipeline, s))
        mpp_pipeline_chunks_sum(pipeline);
}

void mpp_pipeline_cost_recompute(MppPipelineCost *pipeline, const MppStrategy *s)
{
    pipeline->strategy = s;
    pipeline->exchange.strategy = s;
    mpp_pipeline_chunks_sum(pipeline);
    mpp_pipeline_cost_sum_stages(pipeline);
}
