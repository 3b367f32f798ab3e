#include <stdlib.h>
#include <string.h>

#include "validate/cpu/cpu.h"

enum { ALIGNMENT = 64 }; /* a cache line; the first one holds the size */

void *mpp_cpu_alloc(MppBackendState *s, size_t bytes)
{
    if (mpp_cpu_failed(s))
        return NULL;
    double used_bytes = s->used_bytes + (double)bytes;
    size_t rounded = (bytes + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    bool allowed = s->most_bytes <= 0 || used_bytes <= s->most_bytes;
    char *block = allowed ? aligned_alloc(ALIGNMENT, rounded) : NULL;
    if (!block) {
        mpp_cpu_fail(s, "out of memory: %.0f bytes wanted, %.0f of %.0f in use", (double)bytes, s->used_bytes, s->most_bytes);
        return NULL;
    }
    memcpy(block, &bytes, sizeof bytes);
    s->used_bytes = used_bytes;
    s->peak_bytes = used_bytes > s->peak_bytes ? used_bytes : s->peak_bytes;
    return block + ALIGNMENT;
}

void mpp_cpu_free(MppBackendState *s, void *data)
{
    if (!data)
        return;
    size_t bytes;
    char *block = (char *)data - ALIGNMENT;
    memcpy(&bytes, block, sizeof bytes);
    s->used_bytes -= (double)bytes;
    free(block);
}

double mpp_cpu_peak_bytes(MppBackendState *s, bool restart)
{
    double peak_bytes = s->peak_bytes;
    if (restart)
        s->peak_bytes = s->used_bytes;
    return peak_bytes;
}

void mpp_cpu_move(MppBackendState *s, void *to, const void *from, size_t bytes)
{
    if (!mpp_cpu_failed(s) && bytes)
        memcpy(to, from, bytes);
}

float *mpp_cpu_scratch(MppBackendState *s, size_t n)
{
    if (n <= s->n_scratch)
        return s->scratch;
    free(s->scratch);
    s->scratch = malloc(n * sizeof(float));
    s->n_scratch = s->scratch ? n : 0;
    if (!s->scratch)
        mpp_cpu_fail(s, "out of memory: %zu bytes of work space wanted", n * sizeof(float));
    return s->scratch;
}
