/**
 * Times single operations on all ranks at once, as samples.
 *
 * The same operations are timed in rounds: what disturbs a machine for seconds then spoils one time of each, not all of
 * one. A time is that of as many calls as take a while, on the slowest rank.
 */
#pragma once

#include "planner/calibrate/samples.h"
#include "validate/net/rank.h"
#include "validate/worker/watchdog.h"

typedef struct {
    const MppRank *rank;
    MppBackendGroup *world; /* NULL: alone */
    MppWatchdog *watchdog;
    MppSamples *samples;
    GPtrArray *timings;
    guint next;
} MppStopwatch;

typedef void (*MppStopwatchCall)(const MppRank *rank, gpointer data);

/** @samples: where samples go; borrowed like the rest. @watchdog: NULL for none. */
MppStopwatch *mpp_stopwatch_new(const MppRank *rank, MppSamples *samples, MppWatchdog *watchdog);
void mpp_stopwatch_free(MppStopwatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppStopwatch, mpp_stopwatch_free)

/**
 * Times @call, takes @sample over. All ranks time the same operations in the same order, in every round.
 * Returns: seconds of one call in the first round, the same on all ranks.
 */
double mpp_stopwatch_take(MppStopwatch *watch, MppSample sample, MppStopwatchCall call, gpointer data);

/** The next round begins. */
void mpp_stopwatch_rewind(MppStopwatch *watch);

/** Fills the samples' medians and spreads. */
void mpp_stopwatch_finish(MppStopwatch *watch);
