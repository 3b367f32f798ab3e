#include "planner/cost/pipeline_chunks.h"

#include "planner/cost/collective.h"

typedef struct {
    double forward_s, backward_s, weight_s, kept_bytes, copied_bytes, parameters, expert_parameters;
} Sums;

/** Over which inputs on their way to the host are split: DeepSpeed's --partition-activations, where the sequence is not split already. */
static double input_ranks(const MppStrategy *s)
{
    return s->sequence_parallel ? 1 : (double)s->tp;
}

static void add_block(const MppPipelineCost *pipeline, const MppBlockCost *block, MppRecompute recompute, double n, Sums *sums)
{
    const MppPassCost *cost = &block->by_recompute[recompute];
    MppShardedLayer sharded = mpp_exchange_layer(&pipeline->exchange, block, cost);
    sums->forward_s += n * (cost->forward_s + sharded.forward_s);
    sums->backward_s += n * (cost->backward_s + sharded.backward_s);
    sums->weight_s += n * cost->weight_s;
    double kept = mpp_pipeline_cost_kept_bytes(pipeline, block, recompute);
    sums->kept_bytes += n * kept;
    sums->copied_bytes += n * (cost->copied_bytes + (cost->kept_bytes - kept) / input_ranks(pipeline->strategy));
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

/** Which layers the chunk has, and which of them are recomputed. */
static void place_layers(MppPipelineCost *pipeline, int64_t index, int64_t first)
{
    const MppModel *model = pipeline->shard->job->model;
    int64_t layers = pipeline->layers[index], again = mpp_strategy_recomputed(pipeline->strategy, layers);
    MppChunkCost *chunk = &pipeline->chunks[index];
    chunk->first_layer = first;
    chunk->layers = layers;
    mpp_model_count_kinds(model, first, again, &chunk->recomputed);
    mpp_model_count_kinds(model, first + again, layers - again, &chunk->stored);
}

/**
 * How long a rank whose chunk takes @chunk_s waits for the next micro-batch's input, which is read ahead, beside the passes of
 * all the rank's chunks: as many tokens a micro-batch whatever they are split over.
 */
static double input_wait_s(const MppPipelineCost *pipeline, double chunk_s)
{
    const MppJob *job = pipeline->shard->job;
    const MppStrategy *s = pipeline->strategy;
    if (!(job->cluster->input_tokens_per_s > 0))
        return 0;
    double read_s = (double)(s->micro_batch * job->training.seq) / job->cluster->input_tokens_per_s;
    return MAX(0, read_s - (double)s->vpp * chunk_s);
}

/**
 * What copying @bytes of activations adds to a chunk's pass of @pass_s. Copies run beside all of it, however many of its layers
 * they are of, and slow it meanwhile.
 */
static double copies_s(const MppJob *job, double bytes, double pass_s)
{
    double all_s = bytes / job->cluster->device.host_link_bytes_per_s, hidden_s = MIN(all_s, pass_s);
    return all_s - hidden_s * (1 - job->runtime->overlap.slowdown_frac);
}

static void sum_chunk(MppPipelineCost *pipeline, int64_t index)
{
    const MppShardCost *shard = pipeline->shard;
    const MppModel *model = shard->job->model;
    const MppStrategy *s = pipeline->strategy;
    MppChunkCost *chunk = &pipeline->chunks[index];
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
        if (model->tied_embeddings && pipeline->ends_apart)
            sums.parameters += shard->embedding.parameters;
    }
    MppShardedLayer ends = chunk_ends(pipeline, chunk);
    chunk->forward_s = sums.forward_s + ends.first_s + shard->job->runtime->host.micro_batch_s / s->vpp;
    chunk->backward_s = sums.backward_s + ends.last_s;
    chunk->copies_forward_s = copies_s(shard->job, sums.copied_bytes, chunk->forward_s);
    chunk->copies_backward_s = copies_s(shard->job, sums.copied_bytes, chunk->backward_s);
    chunk->forward_s += chunk->copies_forward_s;
    chunk->backward_s += chunk->copies_backward_s;
    chunk->input_s = index == 0 ? input_wait_s(pipeline, chunk->forward_s + chunk->backward_s) : 0;
    chunk->forward_s += chunk->input_s;
    chunk->weight_s = sums.weight_s;
    chunk->kept_bytes = sums.kept_bytes;
    chunk->copied_bytes = sums.copied_bytes;
    chunk->parameters = sums.parameters;
    chunk->expert_parameters = sums.expert_parameters;
    set_durations(pipeline, index);
}

/** As the chunk before it, which has the same layers. */
static void copy_costs(MppPipelineCost *pipeline, int64_t index)
{
    MppChunkCost *chunk = &pipeline->chunks[index];
    int64_t first = chunk->first_layer;
    *chunk = chunk[-1];
    chunk->first_layer = first;
    set_durations(pipeline, index);
}

static bool same_counts(const MppKindCounts *a, const MppKindCounts *b, int64_t n_kinds)
{
    for (int64_t i = 0; i < n_kinds; i++)
        if (a->n[i] != b->n[i])
            return false;
    return true;
}

/** Neither is at an end of the model, and both have the same layers in the same order, as far as costs go. */
static bool alike(const MppPipelineCost *pipeline, int64_t index)
{
    if (index < 2 || index == pipeline->model_chunks - 1)
        return false;
    const MppChunkCost *chunk = &pipeline->chunks[index], *before = chunk - 1;
    const MppModel *model = pipeline->shard->job->model;
    const uint8_t *kind_of_layer = model->kind_of_layer;
    return chunk->layers > 0 && chunk->layers == before->layers &&
           kind_of_layer[chunk->first_layer] == kind_of_layer[before->first_layer] &&
           same_counts(&chunk->stored, &before->stored, model->n_kinds) &&
           same_counts(&chunk->recomputed, &before->recomputed, model->n_kinds);
}

double mpp_pipeline_cost_message_bytes(const MppPipelineCost *pipeline, int64_t index)
{
    const MppChunkCost *chunk = &pipeline->chunks[index];
    return mpp_shard_cost_message_bytes(pipeline->shard, chunk->first_layer + chunk->layers);
}

/** A transformer's are all as large; of others, most as the one before. */
static void set_messages(MppPipelineCost *pipeline)
{
    const MppJob *job = pipeline->shard->job;
    const MppGroup *group = &pipeline->exchange.mesh.groups[MPP_AXIS_PP];
    double bytes = 0;
    for (int64_t c = 0; c < pipeline->n_chunks; c++) {
        double before = bytes;
        bytes = c && !job->model->sequential ? before : mpp_pipeline_cost_message_bytes(pipeline, c);
        pipeline->message_s[c] = bytes == before ? pipeline->message_s[c - 1]
                                                 : mpp_collective_message_s(job->cluster, bytes, group) *
                                                       (1 - job->runtime->overlap.stages_frac);
    }
}

void mpp_pipeline_chunks_sum(MppPipelineCost *pipeline)
{
    int64_t n = pipeline->model_chunks, first = 0;
    for (int64_t c = 0; c < n; first += pipeline->layers[c++]) {
        place_layers(pipeline, c, first);
        if (alike(pipeline, c))
            copy_costs(pipeline, c);
        else
            sum_chunk(pipeline, c);
    }
    for (int64_t c = n; c < pipeline->n_chunks; c++) {
        pipeline->layers[c] = pipeline->layers[c - n];
        pipeline->chunks[c] = pipeline->chunks[c - n];
        set_durations(pipeline, c);
    }
    set_messages(pipeline);
    pipeline->bounded = false;
}

static void add_shares(const MppPipelineCost *pipeline, const MppBlockCost *block, MppRecompute recompute, double n, MppPass pass,
                       MppShares *out)
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
    out->s[MPP_SHARE_OFFLOAD] += pass == MPP_PASS_FORWARD ? chunk->copies_forward_s : chunk->copies_backward_s;
    if (pass == MPP_PASS_FORWARD)
        out->s[MPP_SHARE_HOST] += shard->job->runtime->host.micro_batch_s / pipeline->strategy->vpp + chunk->input_s;
}

void mpp_pipeline_cost_shares(const MppPipelineCost *pipeline, int64_t index, MppShares *out)
{
    MppShares backward;
    mpp_pipeline_cost_pass_shares(pipeline, index, MPP_PASS_FORWARD, out);
    mpp_pipeline_cost_pass_shares(pipeline, index, MPP_PASS_BACKWARD, &backward);
    mpp_shares_add(out, 1, &backward);
}
