#include "validate/worker/step.h"

/** Whether all of the parameter is on every tp rank. */
static bool is_whole(const MppNetParameter *parameter)
{
    const MppSplit *split = &parameter->split;
    bool whole = split->n_columns == split->columns;
    for (int i = 0; i < split->n_segments; i++)
        whole = whole && split->segments[i].n == split->segments[i].rows;
    return whole;
}

/** The first so many elements of the parameter that count here: none, all, or but the keys' and values'. */
static int64_t counted(const MppBucket *bucket, const MppNetParameter *parameter)
{
    const MppPlace *place = bucket->place;
    if (bucket->shard != MPP_GROUP_EXPERT_DP && place->tp > 0 && is_whole(parameter))
        return 0;
    if (parameter->partial == MPP_PARTIAL_KV && place->groups[MPP_GROUP_KV].index > 0)
        return parameter->split.segments[0].n * parameter->split.n_columns;
    return mpp_net_parameter_size(parameter);
}

typedef struct {
    const MppNet *net;
    MppBuffer *total;
} Sum;

static void add_bucket(MppBucket *bucket, gpointer data)
{
    const Sum *sum = data;
    const MppRankGroup *groups = bucket->place->groups;
    bool copy_of_tied = bucket == sum->net->ends.vocabulary_bucket && groups[MPP_GROUP_TIED].index > 0;
    bool other_copy = groups[MPP_GROUP_COPIES].index > 0;
    bool other_replica = groups[bucket->replicas].index > 0 || (bucket->zero == 0 && groups[bucket->shard].index > 0);
    if (copy_of_tied || other_copy || other_replica)
        return;
    for (guint i = 0; i < bucket->parameters->len; i++) {
        const MppNetParameter *parameter = bucket->parameters->pdata[i];
        int64_t from, n = mpp_bucket_overlap(parameter, bucket->own_first, bucket->own_size, &from);
        n = MIN(n, counted(bucket, parameter) - from);
        if (n > 0)
            mpp_run(bucket->place->rank, add_squares, sum->total->tensor,
                    mpp_tensor_columns(mpp_bucket_own_gradient(bucket), parameter->offset + from - bucket->own_first, n));
    }
}

double mpp_gradient_norm_squares(const MppNet *net)
{
    const MppRank *rank = net->place->rank;
    g_autoptr(MppBuffer) total = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, 1);
    Sum sum = { net, total };
    mpp_net_each_bucket(net, add_bucket, &sum);
    float squares = 0;
    mpp_run(rank, download, &squares, total->tensor.data, sizeof squares);
    return squares;
}
