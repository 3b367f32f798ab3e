#include "validate/cuda/cuda_ledger.h"

#include <glib.h>

struct MppCudaLedger {
    GHashTable *sizes; /* address → bytes */
    double used_bytes, peak_bytes, most_bytes;
};

MppCudaLedger *mpp_cuda_ledger_new(double most_bytes)
{
    MppCudaLedger *ledger = g_new0(MppCudaLedger, 1);
    ledger->sizes = g_hash_table_new(NULL, NULL);
    ledger->most_bytes = most_bytes;
    return ledger;
}

void mpp_cuda_ledger_free(MppCudaLedger *ledger)
{
    if (!ledger)
        return;
    g_hash_table_unref(ledger->sizes);
    g_free(ledger);
}

bool mpp_cuda_ledger_allows(const MppCudaLedger *ledger, size_t bytes)
{
    return ledger->most_bytes <= 0 || ledger->used_bytes + (double)bytes <= ledger->most_bytes;
}

void mpp_cuda_ledger_add(MppCudaLedger *ledger, const void *data, size_t bytes)
{
    g_hash_table_insert(ledger->sizes, (gpointer)data, GSIZE_TO_POINTER(bytes));
    ledger->used_bytes += (double)bytes;
    ledger->peak_bytes = MAX(ledger->peak_bytes, ledger->used_bytes);
}

bool mpp_cuda_ledger_remove(MppCudaLedger *ledger, const void *data)
{
    gpointer bytes;
    if (!g_hash_table_steal_extended(ledger->sizes, data, NULL, &bytes))
        return false;
    ledger->used_bytes -= (double)GPOINTER_TO_SIZE(bytes);
    return true;
}

double mpp_cuda_ledger_used_bytes(const MppCudaLedger *ledger)
{
    return ledger->used_bytes;
}

double mpp_cuda_ledger_most_bytes(const MppCudaLedger *ledger)
{
    return ledger->most_bytes;
}

double mpp_cuda_ledger_peak_bytes(MppCudaLedger *ledger, bool restart)
{
    double peak_bytes = ledger->peak_bytes;
    if (restart)
        ledger->peak_bytes = ledger->used_bytes;
    return peak_bytes;
}
