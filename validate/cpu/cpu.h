/**
 * Shared by the CPU plug-in's files: its state and its functions, one file a kind.
 *
 * A rank is one process on one core: BLAS with one thread, MPI between ranks. Everything is done at once, in fp32;
 * sums over many elements are taken in double.
 */
#pragma once

#include <mpi.h>

#include "validate/backend.h"

struct MppBackendState {
    int rank, size, host; /* host: lowest rank on it */
    bool alone;
    double used_bytes, peak_bytes, most_bytes;
    float *scratch; /* of attention */
    size_t n_scratch;
    double *marks_s;
    size_t n_marks, most_marks; /* most_marks: that there is room for */
    char failure[512];          /* empty: none */
};

struct MppBackendGroup {
    MPI_Comm comm;
    int n;
};

/** Keeps the first failure. */
void mpp_cpu_fail(MppBackendState *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool mpp_cpu_failed(const MppBackendState *s)
{
    return s->failure[0] != '\0';
}

static inline float *mpp_cpu_row(MppTensor x, int64_t row)
{
    return (float *)x.data + row * x.stride;
}

static inline int32_t mpp_cpu_index(MppTensor x, int64_t row)
{
    return ((const int32_t *)x.data)[row * x.stride];
}

/** Elements, for work memory that lives until the next call. NULL is a failure. */
float *mpp_cpu_scratch(MppBackendState *s, size_t n);

#define DECLARE(name) __typeof__(*((MppBackend *)NULL)->name) mpp_cpu_##name;
MPP_BACKEND_FUNCTIONS(DECLARE)
#undef DECLARE

/* cpu_memory.c */
void mpp_cpu_move(MppBackendState *s, void *to, const void *from, size_t bytes);

/* cpu_ranks.c */
bool mpp_cpu_ranks_open(MppBackendState *s, char *message, size_t size);
void mpp_cpu_ranks_close(MppBackendState *s, bool failed);
