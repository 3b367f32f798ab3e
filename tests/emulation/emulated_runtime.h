/**
 * Streams of the emulated runtime: work is done at once, but messages are under way until somebody waits.
 */
#pragma once

#include <cuda_runtime_api.h>
#include <glib.h>
#include <mpi.h>
#include <stdbool.h>

struct CUstream_st {
    GArray *messages; /* MPI_Request */
};

struct CUevent_st {
    cudaStream_t stream; /* NULL: never recorded */
    bool timed;
    int64_t recorded_ns;
};

void emulated_finish(cudaStream_t stream);
