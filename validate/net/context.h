/**
 * Which positions of a sequence a context-parallel rank has.
 *
 * The sequence is cut into 2 cp runs; rank i has runs i and 2 cp - 1 - i, so that causal attention is the same work
 * on every rank (arXiv:2310.05209, Megatron's context parallelism).
 */
#pragma once

#include <stdint.h>

typedef struct {
    int64_t row;      /* first, of the rank's rows of a sequence */
    int64_t position; /* of that row in the sequence */
    int64_t n;
} MppContextRun;

static inline int mpp_context_n_runs(int64_t cp)
{
    return cp > 1 ? 2 : 1;
}

/** Run @i of rank @index's of @cp; @seq: of the whole sequence, a multiple of 2 cp. */
static inline MppContextRun mpp_context_run(int64_t seq, int64_t cp, int64_t index, int i)
{
    if (cp == 1)
        return (MppContextRun){ 0, 0, seq };
    int64_t n = seq / (2 * cp);
    return (MppContextRun){ i * n, (i == 0 ? index : 2 * cp - 1 - index) * n, n };
}
