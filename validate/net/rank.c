#include "validate/net/rank.h"

MppRank *mpp_rank_open(const MppBackend *backend, const MppBackendStart *start, GError **error)
{
    char message[512] = "";
    MppBackendState *state = backend->open(start, message, sizeof message);
    if (!state) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "backend %s: %s", backend->name, message);
        return NULL;
    }
    MppRank *rank = g_new0(MppRank, 1);
    rank->backend = backend;
    rank->state = state;
    MppBackendWorld world;
    backend->world(state, &world);
    rank->index = world.rank;
    rank->size = world.size;
    rank->host = world.host;
    return rank;
}

void mpp_rank_close(MppRank *rank, bool failed)
{
    if (!rank)
        return;
    rank->backend->close(rank->state, failed);
    g_free(rank);
}

bool mpp_rank_check(const MppRank *rank, GError **error)
{
    const char *failure = rank->backend->failure(rank->state);
    if (!failure)
        return true;
    return mpp_error_set(error, MPP_ERROR_BACKEND, "%s", failure);
}

MppBuffer *mpp_buffer_new(const MppRank *rank, MppElement element, int64_t rows, int64_t columns)
{
    MppBuffer *buffer = g_new(MppBuffer, 1);
    size_t bytes = (size_t)(rows * columns) * mpp_element_bytes(element);
    *buffer = (MppBuffer){ rank, 1, { mpp_run(rank, alloc, bytes), element, rows, columns, columns } };
    return buffer;
}

MppBuffer *mpp_buffer_zeros(const MppRank *rank, MppElement element, int64_t rows, int64_t columns)
{
    MppBuffer *buffer = mpp_buffer_new(rank, element, rows, columns);
    mpp_run(rank, fill, buffer->tensor, 0);
    return buffer;
}

MppBuffer *mpp_buffer_of(const MppRank *rank, MppElement element, int64_t rows, int64_t columns, const void *from)
{
    MppBuffer *buffer = mpp_buffer_new(rank, element, rows, columns);
    mpp_run(rank, upload, buffer->tensor.data, from, (size_t)(rows * columns) * mpp_element_bytes(element));
    return buffer;
}

MppBuffer *mpp_buffer_hold(MppBuffer *buffer)
{
    buffer->holds++;
    return buffer;
}

void mpp_buffer_drop(MppBuffer *buffer)
{
    if (!buffer || --buffer->holds > 0)
        return;
    mpp_run(buffer->rank, free, buffer->tensor.data);
    g_free(buffer);
}

MppBuffer *mpp_buffer_own(MppBuffer *buffer)
{
    if (buffer->holds == 1)
        return buffer;
    MppBuffer *copy = mpp_buffer_new(buffer->rank, buffer->tensor.element, buffer->tensor.rows, buffer->tensor.columns);
    mpp_run(buffer->rank, copy, copy->tensor, buffer->tensor);
    mpp_buffer_drop(buffer);
    return copy;
}
