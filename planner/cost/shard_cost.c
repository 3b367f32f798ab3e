#include "planner/cost/shard_cost.h"

/**
 * Megatron scatters a message over tp when the sequence is not split already (arXiv:2104.04473 §4.1); with
 * sequence parallelism each rank has its part anyway.
 */
static double message_bytes(const MppJob *job, const MppShard *shard)
{
    MppOpContext at = mpp_op_context(job, shard, &job->model->kinds[0]);
    return at.tokens / at.tp * job->model->hidden * at.element;
}

static double logit_bytes(const MppJob *job)
{
    const MppMemoryCosts *memory = &job->runtime->memory;
    bool other = job->training.kernels.cross_entropy_fused && memory->fused_logit_bytes > 0;
    return other ? memory->fused_logit_bytes : memory->logit_bytes;
}

void mpp_shard_cost(const MppJob *job, const MppBlockPlace *place, MppShardCost *out)
{
    MppOps ops;
    *out = (MppShardCost){ .job = job, .place = *place };
    for (int64_t i = 0; i < job->model->n_kinds; i++) {
        mpp_ops_layer(job, &place->shard, &job->model->kinds[i], &ops);
        mpp_block_cost(job, place, &ops, true, &out->kinds[i]);
    }
    mpp_ops_embedding(job, &place->shard, &ops);
    mpp_block_cost(job, place, &ops, false, &out->embedding);
    mpp_ops_head(job, &place->shard, &ops);
    mpp_block_cost(job, place, &ops, false, &out->head);

    const MppShard *shard = &place->shard;
    out->message_bytes = message_bytes(job, shard);
    bool logits = job->model->head == MPP_HEAD_LM || job->model->head == MPP_HEAD_MASKED_LM;
    double vocab = (double)mpp_ops_padded_vocab(job, shard->tp) / (job->runtime->memory.logits_split ? shard->tp : 1);
    double tokens = (double)shard->micro_batch * job->training.seq / shard->cp;
    out->head_bytes = logits ? tokens * vocab * logit_bytes(job) : 0;
}
