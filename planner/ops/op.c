#include "planner/ops/op.h"

static const char *const kind_names[MPP_N_OP_KINDS] = {
#define OP(kind, name) name,
    MPP_OP_KINDS(OP)
#undef OP
};
const MppNames mpp_op_kind_names = MPP_NAMES("kind of op", kind_names);

static const char *const collective_names[MPP_N_COLLECTIVES] = { "all-reduce", "all-gather", "reduce-scatter", "all-to-all",
                                                                 "exchange" };
const MppNames mpp_collective_names = MPP_NAMES("collective", collective_names);

MppShard mpp_shard_of(const MppStrategy *s)
{
    return (MppShard){ s->tp, s->cp, s->ep, s->etp, s->micro_batch, s->sequence_parallel, s->cp_kind, s->recompute_modules };
}

MppOp *mpp_ops_add(MppOps *ops, MppOpKind kind, const char *name)
{
    g_assert(ops->n < MPP_OPS_MOST);
    MppOp *op = &ops->ops[ops->n++];
    *op = (MppOp){ .name = name, .kind = kind };
    return op;
}

MppOpContext mpp_op_context(const MppJob *job, const MppShard *shard, const MppLayerKind *layer)
{
    double seq = mpp_training_layer_seq(&job->training, layer), tokens = (double)shard->micro_batch * seq / shard->cp;
    double element = mpp_precision_element_bytes(job->training.precision);
    double narrow = MIN(element, mpp_precision_matmul_bytes(job->training.precision));
    return (MppOpContext){
        .job = job,
        .shard = shard,
        .layer = layer,
        .element = element,
        .input = job->runtime->memory.narrow_inputs ? narrow : element,
        .gathered = job->runtime->narrow_gathers && job->training.precision != MPP_PRECISION_FP8_ROWWISE ? narrow : element,
        .tokens = tokens,
        .source = (double)shard->micro_batch * mpp_training_mean_seq(&job->training) / shard->cp,
        .seq = seq,
        .longest = mpp_training_longest_seq(&job->training, layer) / seq,
        .norm_tokens = shard->sequence_parallel ? tokens / shard->tp : tokens,
        .tp = shard->tp,
    };
}

int64_t mpp_ops_padded_vocab(const MppJob *job, int64_t tp)
{
    int64_t multiple = job->runtime->vocab_multiple * tp;
    if (!multiple)
        return job->model->vocab - job->model->vocab % tp;
    return (job->model->vocab + multiple - 1) / multiple * multiple;
}
