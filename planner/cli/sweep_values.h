/**
 * What a sweep goes over: an option of a job or a field of a strategy, and its values.
 */
#pragma once

#include "planner/cli/options.h"

typedef struct {
    char *name;    /* "gpus", "seq", "tp" */
    char **values; /* as they would be given, NULL at the end */
} MppSweep;

/**
 * Reads "NAME=8,16,32" or "NAME=8..1024", which doubles from the first to the last.
 * Error: MPP_ERROR_USAGE.
 */
MppSweep *mpp_sweep_parse(const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_sweep_free(MppSweep *sweep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppSweep, mpp_sweep_free)

/**
 * Sets what the sweep is over to its @index-th value: an option in @options, which borrows it, else a part of @strategy, a
 * strategy in words that may be NULL and is replaced. Error: MPP_ERROR_USAGE for a value of another kind.
 */
bool mpp_sweep_set(const MppSweep *sweep, guint index, MppJobWords *options, char **strategy, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** "15T", "300B", "2.5e11": tokens. Error: MPP_ERROR_USAGE. */
bool mpp_sweep_tokens(const char *text, double *tokens, GError **error) G_GNUC_WARN_UNUSED_RESULT;
