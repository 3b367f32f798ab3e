/**
 * What a user's present launch costs, and what would be better.
 */
#pragma once

#include "planner/api/best_plan.h"
#include "planner/cli/options.h"

enum { MPP_N_FROM = 4 };

/** One option for each target that can be read; at most one may be given. */
typedef struct {
    char *texts[MPP_N_FROM]; /* arguments or the name of a file; NULL: not given */
} MppFromOptions;

/** Fills @entries (MPP_N_FROM of them, not ended) to parse into @options. */
void mpp_from_options_entries(MppFromOptions *options, GOptionEntry *entries);
void mpp_from_options_clear(MppFromOptions *options);

/** Whether one is given. Error: MPP_ERROR_USAGE for more than one. */
bool mpp_from_options_given(const MppFromOptions *options, bool *given, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** A launch of the stack called @framework, in the file @path. Error: MPP_ERROR_UNSUPPORTED where its launches are not read. */
bool mpp_from_options_file(const char *framework, const char *path, MppFromOptions *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** A launch as a job and a strategy. */
typedef struct {
    const MppEmitTarget *target;
    MppInputs *inputs;
    MppStrategy strategy;
    GPtrArray *passed_over; /* words of it that the estimate does not depend on */
} MppFromLaunch;

/**
 * Reads the launch that is given; @strategy_text, or NULL, names what it leaves open or what is to be tried instead.
 * Errors: those of mpp_job_words_launch(), of files, MPP_ERROR_INVALID with the id of the rule that is broken.
 */
MppFromLaunch *mpp_from_launch_new(const MppJobWords *job, const MppFromOptions *from, const char *strategy_text,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_from_launch_free(MppFromLaunch *launch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppFromLaunch, mpp_from_launch_free)

/**
 * Prints the best plan of the same job beside the launch's, what to change for it, and what was passed over.
 * @better: that plan; NULL: none fits
 */
void mpp_from_launch_print(const MppFromLaunch *launch, const MppRankedPlan *better);
