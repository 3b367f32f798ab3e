/**
 * What the ranks of a pipeline hold at their fullest moments. It follows from the order alone.
 */
#pragma once

#include "planner/schedule/schedule.h"

/**
 * Fullest moments of one rank's memory: each row counts, for each chunk of the rank, the micro-batches whose
 * activations are held; rows that another covers are left out. A forward pass adds one; a whole backward pass, or
 * the weight gradient after the input's, takes it away.
 */
typedef struct {
    int64_t n_local; /* chunks on the rank */
    int64_t n_rows;
    int64_t most;    /* largest sum of a row */
    int32_t *chunks; /* n_local, rising */
    int32_t *counts; /* n_rows * n_local */
} MppPeaks;

MppPeaks mpp_order_peaks(const MppOrder *order, int64_t rank);
void mpp_peaks_clear(MppPeaks *peaks);

/** Largest sum over a row of count * weight. @weights: of each chunk of the pipeline */
double mpp_peaks_weigh(const MppPeaks *peaks, const double *weights);

/** Peaks of all ranks by schedule, made when first asked for; may be shared by threads. */
typedef struct MppPeaksTable MppPeaksTable;

MppPeaksTable *mpp_peaks_table_new(void);
void mpp_peaks_table_free(MppPeaksTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppPeaksTable, mpp_peaks_table_free)

/** Returns: schedule->pp peaks, lent until the table is freed. */
const MppPeaks *mpp_peaks_table_get(MppPeaksTable *table, const MppSchedule *schedule);
