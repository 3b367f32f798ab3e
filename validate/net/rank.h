/**
 * This process as one rank: its opened backend, and memory on its device.
 *
 * Device work is written mpp_run(rank, matmul, c, a, false, b, true, false). After a failure it does nothing any
 * more; mpp_rank_check() tells, and the step looks there between actions.
 */
#pragma once

#include <glib.h>

#include "planner/base/error.h"
#include "validate/backend.h"

typedef struct {
    const MppBackend *backend;
    MppBackendState *state;
    int64_t index, size, host; /* host: lowest rank on the same one */
    bool slice; /* one rank in the place of any: what others would send is made up (validate/net/place.h) */
} MppRank;

#define mpp_run(rank, function, ...) ((rank)->backend->function((rank)->state, __VA_ARGS__))

/** Error: MPP_ERROR_BACKEND. */
MppRank *mpp_rank_open(const MppBackend *backend, const MppBackendStart *start, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** @failed: ends the other ranks too. */
void mpp_rank_close(MppRank *rank, bool failed);

/** Error: MPP_ERROR_BACKEND with the device's first failure. */
bool mpp_rank_check(const MppRank *rank, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Memory of the device, shared by those who hold it. Rows lie without gaps. */
typedef struct {
    const MppRank *rank;
    int holds;
    MppTensor tensor;
} MppBuffer;

/** Holds its maker. Its tensor has data NULL after a failure. */
MppBuffer *mpp_buffer_new(const MppRank *rank, MppElement element, int64_t rows, int64_t columns);
MppBuffer *mpp_buffer_zeros(const MppRank *rank, MppElement element, int64_t rows, int64_t columns);

/** With the values at @from. */
MppBuffer *mpp_buffer_of(const MppRank *rank, MppElement element, int64_t rows, int64_t columns, const void *from);

MppBuffer *mpp_buffer_hold(MppBuffer *buffer);
void mpp_buffer_drop(MppBuffer *buffer); /* NULL: nothing */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppBuffer, mpp_buffer_drop)

/** Takes @buffer over; returns it, or a copy if others hold it too: theirs must not change. */
MppBuffer *mpp_buffer_own(MppBuffer *buffer);

static inline MppTensor mpp_tensor_rows(MppTensor x, int64_t first, int64_t n)
{
    x.data = x.data ? (char *)x.data + (size_t)(first * x.stride) * mpp_element_bytes(x.element) : NULL;
    x.rows = n;
    return x;
}

static inline MppTensor mpp_tensor_columns(MppTensor x, int64_t first, int64_t n)
{
    x.data = x.data ? (char *)x.data + (size_t)first * mpp_element_bytes(x.element) : NULL;
    x.columns = n;
    return x;
}

/** The same elements as other rows; @x has no gaps. */
static inline MppTensor mpp_tensor_shaped(MppTensor x, int64_t rows, int64_t columns)
{
    return (MppTensor){ x.data, x.element, rows, columns, columns };
}
