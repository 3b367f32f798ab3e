/**
 * What a run measured, as JSON: written by rank 0 of the worker, read by the command that started it.
 */
#pragma once

#include "planner/base/fields.h"
#include "planner/schedule/program.h"

/** One action, over the measured steps: medians of its begin and its duration. */
typedef struct {
    MppActionKind kind;
    MppPass pass;
    int64_t chunk, micro_batch;
    double start_s, duration_s;
} MppMeasuredAction;

/** An operation within passes: mean seconds a step. */
typedef struct {
    char *name;
    double forward_s, backward_s, weight_s;
} MppMeasuredOp;

typedef struct {
    int64_t rank, stage;
    double peak_bytes;
    GArray *actions; /* MppMeasuredAction, in the stage's order */
    GArray *ops;     /* MppMeasuredOp */
} MppMeasuredRank;

/** A step of a model split and whole. */
typedef struct {
    int64_t step; /* from 1 */
    double loss, whole_loss;
    double norm, whole_norm; /* of all gradients */
    double worst_gradient;   /* difference against the largest gradient of its parameter */
    char *parameter;         /* whose gradient that is */
} MppComparedStep;

typedef struct {
    char *backend;
    bool slice;       /* one rank was each stage's first in turn, alone */
    GArray *steps_s;  /* double: of each measured step, the slowest rank's */
    GArray *losses;   /* double: of every step, warm-up included */
    GArray *ranks;    /* MppMeasuredRank */
    GArray *numerics; /* MppComparedStep; empty where not asked for */
} MppRunReport;

extern const MppFields mpp_measured_rank_fields, mpp_run_report_fields;

MppRunReport *mpp_run_report_new(const char *backend);
void mpp_run_report_free(MppRunReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppRunReport, mpp_run_report_free)

/** One rank's part as text, and that text read back into @report. Errors: those of mpp_fields_read(). */
char *mpp_measured_rank_to_text(const MppMeasuredRank *rank);
bool mpp_run_report_add_rank(MppRunReport *report, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Error: MPP_ERROR_SCHEMA. */
MppRunReport *mpp_run_report_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Median of the measured steps; 0 without any. */
double mpp_run_report_step_s(const MppRunReport *report);

/** Largest relative difference of a loss, a norm or a gradient. */
double mpp_run_report_worst(const MppRunReport *report);

/** Middle value, or the mean of the two; @values: n > 0 of them. */
double mpp_median(const double *values, int64_t n);
