/**
 * Collectives by NCCL, on the stream of the current lane. A group of one rank copies.
 */
#include "validate/cuda/cuda_world.h"

void mpp_cuda_all_reduce(MppBackendState *s, MppBackendGroup *group, MppReduceKind kind, MppTensor x)
{
    if (mpp_cuda_failed(s) || !group->nccl)
        return;
    ncclRedOp_t op = kind == MPP_SUM ? ncclSum : ncclMax;
    mpp_cuda_check_nccl(
        s, ncclAllReduce(x.data, x.data, mpp_cuda_count(x), mpp_cuda_nccl_type(x.element), op, group->nccl, s->stream),
        "all-reduce");
}

static void copy(MppBackendState *s, MppTensor out, MppTensor in)
{
    size_t bytes = mpp_cuda_count(in) * mpp_element_bytes(in.element);
    if (out.data != in.data)
        mpp_cuda_check(s, cudaMemcpyAsync(out.data, in.data, bytes, cudaMemcpyDeviceToDevice, s->stream), "copy");
}

void mpp_cuda_reduce_scatter(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in)
{
    if (mpp_cuda_failed(s))
        return;
    if (!group->nccl) {
        copy(s, out, in);
        return;
    }
    mpp_cuda_check_nccl(s,
                        ncclReduceScatter(in.data, out.data, mpp_cuda_count(out), mpp_cuda_nccl_type(in.element), ncclSum,
                                          group->nccl, s->stream),
                        "reduce-scatter");
}

/** @in may be the caller's own part of @out. */
void mpp_cuda_all_gather(MppBackendState *s, MppBackendGroup *group, MppTensor out, MppTensor in)
{
    if (mpp_cuda_failed(s))
        return;
    if (!group->nccl) {
        copy(s, out, in);
        return;
    }
    mpp_cuda_check_nccl(
        s, ncclAllGather(in.data, out.data, mpp_cuda_count(in), mpp_cuda_nccl_type(in.element), group->nccl, s->stream),
        "all-gather");
}

/** Queues one member's rows; both advance. */
static bool exchange(MppBackendState *s, const MppBackendGroup *group, int member, MppTensor *out, int64_t received,
                     MppTensor *in, int64_t sent)
{
    size_t sent_count = (size_t)(sent * in->columns), received_count = (size_t)(received * out->columns);
    ncclDataType_t type = mpp_cuda_nccl_type(in->element);
    bool good = !sent_count ||
                mpp_cuda_check_nccl(s, ncclSend(in->data, sent_count, type, member, group->nccl, s->stream), "all-to-all");
    good = good &&
           (!received_count ||
            mpp_cuda_check_nccl(s, ncclRecv(out->data, received_count, type, member, group->nccl, s->stream), "all-to-all"));
    in->data = (char *)in->data + sent_count * mpp_element_bytes(in->element);
    out->data = (char *)out->data + received_count * mpp_element_bytes(out->element);
    return good;
}

void mpp_cuda_all_to_all(MppBackendState *s, MppBackendGroup *group, MppTensor out, const int64_t *received_rows, MppTensor in,
                         const int64_t *sent_rows)
{
    if (mpp_cuda_failed(s))
        return;
    if (!group->nccl) {
        copy(s, out, in);
        return;
    }
    bool good = mpp_cuda_check_nccl(s, ncclGroupStart(), "all-to-all");
    for (int member = 0; good && member < group->n; member++)
        good = exchange(s, group, member, &out, received_rows[member], &in, sent_rows[member]);
    mpp_cuda_check_nccl(s, ncclGroupEnd(), "all-to-all");
}

void mpp_cuda_barrier(MppBackendState *s, MppBackendGroup *group)
{
    if (!mpp_cuda_failed(s) && mpp_cuda_check(s, cudaDeviceSynchronize(), "barrier"))
        mpp_cuda_check_mpi(s, MPI_Barrier(group ? group->comm : MPI_COMM_WORLD), "barrier");
}
