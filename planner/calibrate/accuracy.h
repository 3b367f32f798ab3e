/**
 * Predicted beside measured: one row a run, and statistics by source.
 */
#pragma once

#include "planner/calibrate/spread.h"
#include "planner/cost/memory.h"
#include "planner/cost/shares.h"
#include "planner/runs/run_job.h"

typedef struct {
    const MppRun *run; /* borrowed */
    char *skipped;     /* reason, or NULL */
    double step_time_s;
    double p10_s, p90_s; /* the interval that holds 80 % of such runs; 0 until set */
    MppMemory memory;    /* of the stage on which the record's figure was read */
    double memory_bytes; /* that figure: of it, allocated, reserved or the device's */
    bool fits;
    MppRunJob *job; /* NULL when skipped */
    MppShares shares; /* of the step time */
} MppPrediction;

/** Predicts every run; order kept. Free with mpp_predictions_free(). */
GArray *mpp_predictions_new(const GPtrArray *runs, const MppProfiles *profiles);
void mpp_predictions_free(GArray *predictions);

/** Sets their intervals: of the run's source where its runs were fitted, else of what the prediction rests on. */
void mpp_predictions_set_intervals(GArray *predictions, const MppSpreads *spreads);

/** Statistics of one source. Errors are predicted / measured - 1. */
typedef struct {
    const char *source;
    int rows, predicted;
    int n_times; /* the next seven are of step times */
    double mape, median, bias, p90, worst;
    const char *worst_id;
    int n_intervals, n_inside; /* with an interval, known anomalies aside, and measurements inside it */
    int n_memory;
    double memory_mape, memory_bias;
    int fits_fits, fits_oom, oom_fits, oom_oom; /* predicted_measured */
    int n_groups; /* of at least 5 runs whose records differ in the plan and in what was measured only */
    double regret_mean, regret_worst, spearman;
} MppAccuracy;

/** One row a source, sorted by name; runs marked as anomalies are left out when @clean. */
GArray *mpp_accuracy_by_source(const GArray *predictions, bool clean);

/** All runs as one. */
MppAccuracy mpp_accuracy_overall(const GArray *predictions, bool clean);
