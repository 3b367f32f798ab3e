/**
 * What is allocated on the device: bytes in use, their peak, and the limit. No CUDA in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct MppCudaLedger MppCudaLedger;

/** @most_bytes: 0 for no limit. */
MppCudaLedger *mpp_cuda_ledger_new(double most_bytes);
void mpp_cuda_ledger_free(MppCudaLedger *ledger);

/** Whether so many more bytes keep to the limit. */
bool mpp_cuda_ledger_allows(const MppCudaLedger *ledger, size_t bytes);

/** @data was allocated, or is about to be freed; returns: whether it was known. */
void mpp_cuda_ledger_add(MppCudaLedger *ledger, const void *data, size_t bytes);
bool mpp_cuda_ledger_remove(MppCudaLedger *ledger, const void *data);

double mpp_cuda_ledger_used_bytes(const MppCudaLedger *ledger);
double mpp_cuda_ledger_most_bytes(const MppCudaLedger *ledger);

/** The most that was in use at once; with @restart, from now on. */
double mpp_cuda_ledger_peak_bytes(MppCudaLedger *ledger, bool restart);
