#include "planner/cost/shard_cost.h"

/**
 * Megatron scatters a message over tp when the sequence is not split already (arXiv:2104.04473 §4.1); with
 * sequence parallelism each rank has its part anyway.
 */
static double message_bytes_per_number(const MppJob *job, const MppShard *shard)
{
    MppOpContext at = mpp_op_context(job, shard, &job->model->kinds[0]);
    return at.tokens / at.tp * at.element;
}

double mpp_shard_cost_message_bytes(const MppShardCost *shard, int64_t layer)
{
    return (double)mpp_shape_elements(mpp_model_shape_at(shard->job->model, layer)) * shard->message_bytes_per_number;
}

/** Read as they are: the logits, their gradient, and the logarithms of the softmax where the loss is not fused; those gathered by rank, too. */
static double logit_bytes(const MppJob *job, int64_t tp)
{
    const MppMemoryCosts *memory = &job->runtime->memory;
    bool split = mpp_ops_logits_split(job, tp), fused = job->training.kernels.cross_entropy_fused && !(split && memory->split_unfused);
    if (job->training.kernels.loss_narrow)
        return mpp_precision_element_bytes(job->training.precision) * ((fused ? 2 : 3) + (tp > 1 && !split));
    if (fused && memory->fused_logit_bytes > 0)
        return memory->fused_logit_bytes;
    return memory->logit_bytes + (split && !fused ? memory->split_logit_bytes : 0);
}

/**
 * In pieces: one's logits and their gradient, the gradient of all hidden states, and that of the projection in the format of its
 * weights. Where as many tokens as the vocabulary is wider than the model make a piece, its logits, in 16 and 32 bits, take what
 * the hidden states take (Liger Kernel, fused_linear_cross_entropy); pieces of a given number sum up the hidden states' gradient in
 * fp32 and cast it at their end (torchtitan's ChunkedLossWrapper).
 */
static double pieces_bytes(const MppShardCost *shard, double tokens, double logits)
{
    const MppJob *job = shard->job;
    double element = mpp_precision_element_bytes(job->training.precision), pieces = (double)job->runtime->memory.loss_pieces;
    double piece = pieces > 0 ? logits / pieces * logit_bytes(job, shard->place.shard.tp) : 0;
    return piece + tokens * (double)job->model->hidden * (pieces > 0 ? 4 + element : element + 4 + element) + shard->head.parameters * element;
}

static void add_to_whole(const MppBlockCost *block, double n, MppBlockCost *whole)
{
    for (MppRecompute i = 0; i < MPP_N_RECOMPUTES; i++) {
        whole->by_recompute[i].forward_s += n * block->by_recompute[i].forward_s;
        whole->by_recompute[i].backward_s += n * block->by_recompute[i].backward_s;
        whole->by_recompute[i].kept_bytes += n * block->by_recompute[i].kept_bytes;
    }
    whole->parameters += n * block->parameters;
    whole->expert_parameters += n * block->expert_parameters;
}

static void sum_whole(MppShardCost *shard)
{
    const MppModel *model = shard->job->model;
    MppKindCounts layers;
    mpp_model_count_kinds(model, 0, model->n_layers, &layers);
    shard->whole = (MppBlockCost){ 0 };
    add_to_whole(&shard->embedding, 1, &shard->whole);
    add_to_whole(&shard->head, 1, &shard->whole);
    for (int64_t i = 0; i < model->n_kinds; i++)
        add_to_whole(&shard->kinds[i], layers.n[i], &shard->whole);
}

void mpp_shard_cost(const MppJob *job, const MppBlockPlace *place, MppShardCost *out)
{
    MppOps ops;
    out->job = job;
    out->place = *place;
    out->message_bytes_per_number = message_bytes_per_number(job, &place->shard);
    for (int64_t i = 0; i < job->model->n_kinds; i++) {
        mpp_ops_layer(job, &place->shard, &job->model->kinds[i], &ops);
        mpp_block_cost(job, place, &ops, &job->model->kinds[i], &out->kinds[i]);
    }
    mpp_ops_embedding(job, &place->shard, &ops);
    mpp_block_cost(job, place, &ops, NULL, &out->embedding);
    mpp_ops_head(job, &place->shard, &ops);
    mpp_block_cost(job, place, &ops, NULL, &out->head);
    sum_whole(out);

    const MppShard *shard = &place->shard;
    double tokens = (double)shard->micro_batch * job->training.seq / shard->cp;
    tokens *= mpp_training_loss_frac(&job->training);
    double logits = tokens * mpp_ops_logits(job, shard->tp);
    out->head_bytes = job->training.kernels.loss_in_pieces ? pieces_bytes(out, tokens, logits) : logits * logit_bytes(job, shard->tp);
    out->output_bytes = logits * (job->training.kernels.cross_entropy_fused ? 0 : job->runtime->memory.kept_logit_bytes);
}
