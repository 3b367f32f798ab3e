/**
 * Logs of training runs, as the frameworks print them: step times and memory of a run that took place.
 *
 * Read are the lines of Megatron-LM and what is built on it (Megatron-Bridge, Megatron-DeepSpeed), DeepSpeed, torchtitan
 * and MaxText. Everything else in a log is passed over.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** What the number on a step's line is. */
typedef enum {
    MPP_LOG_SECONDS,
    MPP_LOG_MILLISECONDS,
    MPP_LOG_SAMPLES_PER_S, /* of all devices */
    MPP_LOG_TOKENS_PER_S,  /* of one device */
} MppLogUnit;

typedef struct {
    int64_t line;   /* in the file, from 1 */
    int64_t number; /* of the step */
    double value;
    int64_t batch; /* sequences of the step; 0: not stated */
} MppLogStep;

typedef struct {
    char *name; /* of the file */
    const char *framework;
    MppLogUnit unit;
    GArray *steps; /* MppLogStep, in the order of the file */
    double allocated_bytes, reserved_bytes; /* the most that any line states; 0: not stated */
} MppTrainLog;

/** Errors: those of mpp_file_read(); MPP_ERROR_SYNTAX where no line states a step time, MPP_ERROR_SCHEMA where it is zero. */
MppTrainLog *mpp_train_log_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The same of @text, called @name. */
MppTrainLog *mpp_train_log_parse(const char *name, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void mpp_train_log_free(MppTrainLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppTrainLog, mpp_train_log_free)

/** What the run was, to make seconds of rates. */
typedef struct {
    int64_t global_batch, seq, gpus;
} MppLogRun;

/** Steps once the run is warm. */
typedef struct {
    double step_s;      /* median */
    double spread_frac; /* standard deviation over the median, from the median deviation */
    int n_steps;        /* it was taken from */
} MppLogSteady;

/**
 * The step time of @run in @log. Left out are the first line after each start (its step compiles, allocates and connects),
 * later ones as long as they are slower than the rest by more than its spread, and steps of another batch size (ramp-up).
 *
 * Error: MPP_ERROR_INVALID where nothing is left.
 */
bool mpp_train_log_steady(const MppTrainLog *log, const MppLogRun *run, MppLogSteady *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;
