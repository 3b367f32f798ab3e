#include "planner/cost/pipeline_cost.h"

#include "planner/cost/collective.h"

/** Recomputation of a strategy's layers that are recomputed at all. */
static int64_t recomputed_layers(const MppStrategy *s, int64_t layers)
{
    if (s->recompute == MPP_RECOMPUTE_NONE)
        return 0;
    return s->recompute_layers ? MIN(s->recompute_layers, layers) : layers;
}

typedef struct {
    double forward_s, backward_s, weight_s, kept_bytes, parameters, expert_parameters;
} Sums;

static void add_block(const MppPipelineCost *pipeline, const MppBlockCost *block, MppRecompute recompute, double n, Sums *sums)
{
    const MppPassCost *cost = &block->by_recompute[recompute];
    MppShardedLayer sharded = mpp_exchange_layer(&pipeline->exchange, block, cost);
    sums->forward_s += n * (cost->forward_s + sharded.forward_s);
    sums->backward_s += n * (cost->backward_s + sharded.backward_s);
    sums->weight_s += n * cost->weight_s;
    sums->kept_bytes += n * cost->kept_bytes;
    sums->parameters += n * block->parameters;
    sums->expert_parameters += n * block->expert_parameters;
}

/** Transfers of sharded parameters at the ends of a chunk's passes. */
static MppShardedLayer chunk_ends(const MppPipelineCost *pipeline, const MppChunkCost *chunk)
{
    const MppShardCost *shard = pipeline->shard;
    if (!chunk->layers)
        return (MppShardedLayer){ 0 };
    const MppBlockCost *block = &shard->kinds[shard->job->model->kind_of_layer[chunk->first_layer]];
    return mpp_exchange_layer(&pipeline->exchange, block, &block->by_recompute[MPP_RECOMPUTE_NONE]);
}

static void set_durations(MppPipelineCost *pipeline, int64_t index)
{
    const MppChunkCost *chunk = &pipeline->chunks[index];
    pipeline->forward_s[index] = chunk->forward_s;
    pipeline->input_s[index] = chunk->backward_s - chunk->weight_s;
    pipeline->weight_s[index] = chunk->weight_s;
    pipeline->kept_bytes[index] = chunk->kept_bytes;
}

static void sum_chunk(MppPipelineCost *pipeline, int64_t index, int64_t first, int64_t layers)
{
    const MppShardCost *shard = pipeline->shard;
    const MppModel *model = shard->job->model;
    const MppStrategy *s = pipeline->strategy;
    int64_t again = recomputed_layers(s, layers);
    MppChunkCost *chunk = &pipeline->chunks[index];
    *chunk = (MppChunkCost){ .first_layer = first,
                             .layers = layers,
                             .recomputed = mpp_shard_cost_count(model, first, again),
                             .stored = mpp_shard_cost_count(model, first + again, layers - again) };
    Sums sums = { 0 };
    for (int64_t kind = 0; kind < model->n_kinds; kind++) {
        if (chunk->stored.n[kind])
            add_block(pipeline, &shard->kinds[kind], MPP_RECOMPUTE_NONE, chunk->stored.n[kind], &sums);
        if (chunk->recomputed.n[kind])
            add_block(pipeline, &shard->kinds[kind], s->recompute, chunk->recomputed.n[kind], &sums);
    }
    if (index == 0)
        add_block(pipeline, &shard->embedding, MPP_RECOMPUTE_NONE, 1, &sums);
    if (index == pipeline->model_chunks - 1) {
        add_block(pipeline, &shard->head, MPP_RECOMPUTE_NONE, 1, &sums);
        if (model->tied_embeddings && mpp_pipeline_cost_ends_apart(pipeline))
            sums.parameters += shard->embedding.parameters;
    }
    MppShardedLayer ends = chunk_ends(pipeline, chunk);
    chunk->forward_s = sums.forward_s + ends.first_s + shard->job->runtime->host.micro_batch_s / s->vpp;
    chunk->backward_s = sums.backward_s + ends.last_s;
    chunk->weight_s = sums.weight_s;
    chunk->kept_bytes = sums.kept_bytes;
    chunk->parameters = sums.parameters;
    chunk->expert_parameters = sums.expert_parameters;
    set_durations(pipeline, index);
}

/** A chunk like an earlier one. */
static void copy_chunk(MppPipelineCost *pipeline, int64_t index, int64_t from, int64_t first_layer)
{
    pipeline->chunks[index] = pipeline->chunks[from];
    pipeline->chunks[index].first_layer = first_layer;
    set_durations(pipeline, index);
}

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
    MppChain chain = chain_of(pipeline);
    if (s->stage_split == MPP_STAGE_SPLIT_GREEDY)
        mpp_partition_greedy(&chain, pipeline->model_chunks, pipeline->layers);
    else if (!mpp_partition_balanced(&chain, pipeline->model_chunks, NULL, pipeline->layers))
        mpp_partition_even(n_layers, pipeline->model_chunks, pipeline->layers); /* chunks without layers: only the ends */
}

double mpp_pipeline_cost_working_bytes(const MppPipelineCost *pipeline, int64_t index)
{
    const MppShardCost *shard = pipeline->shard;
    const MppChunkCost *chunk = &pipeline->chunks[index];
    double most = 0;
    for (int64_t kind = 0; kind < shard->job->model->n_kinds; kind++)
        if (chunk->recomputed.n[kind])
            most = MAX(most, shard->kinds[kind].by_recompute[pipeline->strategy->recompute].working_bytes);
    return most;
}

static void sum_stage(MppPipelineCost *pipeline, int64_t k)
{
    MppStageCost *stage = &pipeline->stages[k];
    const MppPeaks *peaks = &pipeline->peaks[k];
    *stage = (MppStageCost){ .activation_bytes = mpp_peaks_weigh(peaks, pipeline->kept_bytes) };
    double copies = (double)pipeline->n_chunks / pipeline->model_chunks;
    for (int64_t i = 0; i < peaks->n_local; i++) {
        const MppChunkCost *chunk = &pipeline->chunks[peaks->chunks[i]];
        bool last = peaks->chunks[i] % pipeline->model_chunks == pipeline->model_chunks - 1;
        stage->forward_s += chunk->forward_s / copies;
        stage->backward_s += chunk->backward_s / copies;
        stage->loss_bytes = last ? pipeline->shard->head_bytes : stage->loss_bytes;
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
    pipeline->load = g_new(double, n_layers);
    pipeline->end_s = g_new(double, most);
    pipeline->chunk_end_s = g_new(double, most);
    return pipeline;
}

void mpp_pipeline_cost_free(MppPipelineCost *pipeline)
{
    if (!pipeline)
        return;
    void *const arrays[] = { pipeline->layers,   pipeline->chunks,     pipeline->stages, pipeline->forward_s, pipeline->input_s,
                             pipeline->weight_s, pipeline->kept_bytes, pipeline->load,   pipeline->end_s,
                             pipeline->chunk_end_s, pipeline->work };
    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_free(arrays[i]);
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

bool mpp_pipeline_cost_ends_apart(const MppPipelineCost *pipeline)
{
    return mpp_schedule_rank(&pipeline->schedule, 0) != mpp_schedule_rank(&pipeline->schedule, pipeline->model_chunks - 1);
}

/** Most fills of a search differ in what the mesh does not depend on. */
static void place(MppPipelineCost *pipeline, const MppJob *job, const MppStrategy *s)
{
    if (pipeline->exchange.job != job || !same_mesh(&pipeline->placed, s))
        pipeline->exchange.mesh = mpp_mesh_new(s, job->cluster, job->gpus);
    pipeline->exchange.job = job;
    pipeline->exchange.strategy = s;
    pipeline->placed = *s;
}

static void sum_chunks(MppPipelineCost *pipeline)
{
    int64_t n = pipeline->model_chunks, first = 0;
    bool uniform = pipeline->shard->job->model->n_kinds == 1;
    for (int64_t c = 0; c < n; first += pipeline->layers[c++]) {
        bool inner = c > 1 && c < n - 1 && uniform;
        if (inner && pipeline->layers[c] == pipeline->layers[c - 1])
            copy_chunk(pipeline, c, c - 1, first);
        else
            sum_chunk(pipeline, c, first, pipeline->layers[c]);
    }
    for (int64_t c = n; c < pipeline->n_chunks; c++) {
        pipeline->layers[c] = pipeline->layers[c - n];
        copy_chunk(pipeline, c, c - n, pipeline->chunks[c - n].first_layer);
    }
}

void mpp_pipeline_cost_fill(MppPipelineCost *pipeline, const MppShardCost *shard, const MppStrategy *s)
{
    const MppJob *job = shard->job;
    pipeline->shard = shard;
    pipeline->strategy = s;
    pipeline->replayed = false;
    place(pipeline, job, s);
    MppSchedule schedule = mpp_schedule_of(s, job->training.global_batch);
    bool known = pipeline->peaks && mpp_schedule_equal(&schedule, &pipeline->schedule);
    pipeline->schedule = schedule;
    if (!known)
        take_peaks(pipeline);
    pipeline->model_chunks = s->pp * s->vpp;
    pipeline->n_chunks = mpp_schedule_n_chunks(&schedule);
    double wire_s = mpp_collective_message_s(job->cluster, shard->message_bytes, &pipeline->exchange.mesh.groups[MPP_AXIS_PP]);
    pipeline->message_s = wire_s * (1 - job->runtime->overlap.stages_frac);

    split_layers(pipeline);
    sum_chunks(pipeline);
    for (int64_t k = 0; k < s->pp; k++)
        sum_stage(pipeline, k);
}

static void add_shares(const MppPipelineCost *pipeline, const MppBlockCost *block, MppRecompute recompute, double n,
                       MppPass pass, MppShares *out)
{
    const MppPassCost *cost = &block->by_recompute[recompute];
    MppShardedLayer sharded = mpp_exchange_layer(&pipeline->exchange, block, cost);
    bool forward = pass == MPP_PASS_FORWARD;
    mpp_shares_add(out, n, forward ? &cost->forward : &cost->backward);
    out->s[MPP_SHARE_DP] += n * (forward ? sharded.forward_s : sharded.backward_s);
}

void mpp_pipeline_cost_pass_shares(const MppPipelineCost *pipeline, int64_t index, MppPass pass, MppShares *out)
{
    const MppShardCost *shard = pipeline->shard;
    const MppChunkCost *chunk = &pipeline->chunks[index];
    *out = (MppShares){ { 0 } };
    for (int64_t kind = 0; kind < shard->job->model->n_kinds; kind++) {
        add_shares(pipeline, &shard->kinds[kind], MPP_RECOMPUTE_NONE, chunk->stored.n[kind], pass, out);
        add_shares(pipeline, &shard->kinds[kind], pipeline->strategy->recompute, chunk->recomputed.n[kind], pass, out);
    }
    if (index % pipeline->model_chunks == 0)
        add_shares(pipeline, &shard->embedding, MPP_RECOMPUTE_NONE, 1, pass, out);
    if (index % pipeline->model_chunks == pipeline->model_chunks - 1)
        add_shares(pipeline, &shard->head, MPP_RECOMPUTE_NONE, 1, pass, out);
    MppShardedLayer ends = chunk_ends(pipeline, chunk);
    out->s[MPP_SHARE_DP] += pass == MPP_PASS_FORWARD ? ends.first_s : ends.last_s;
    if (pass == MPP_PASS_FORWARD)
        out->s[MPP_SHARE_HOST] += shard->job->runtime->host.micro_batch_s / pipeline->strategy->vpp;
}

void mpp_pipeline_cost_shares(const MppPipelineCost *pipeline, int64_t index, MppShares *out)
{
    MppShares backward;
    mpp_pipeline_cost_pass_shares(pipeline, index, MPP_PASS_FORWARD, out);
    mpp_pipeline_cost_pass_shares(pipeline, index, MPP_PASS_BACKWARD, &backward);
    mpp_shares_add(out, 1, &backward);
}
