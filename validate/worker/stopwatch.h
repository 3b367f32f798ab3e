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
    int32_t *hosts;         /* of each rank: the lowest rank on the same host */
    int64_t busy_ranks;     /* most ranks of a host */
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
 * Times @call, takes @sample over and fills in how many ranks are at work on a host. All ranks time the same operations in the same order, in every round.
 * Returns: seconds of one call in the first round, the same on all ranks.
 */
double mpp_stopwatch_take(MppStopwatch *watch, MppSample sample, MppStopwatchCall call, gpointer data);

/**
 * How many hosts each of the groups of @n neighbouring ranks lies on.
 * Returns: 0 where they are not alike, or lie unevenly on their hosts; @n_ranks is a multiple of @n.
 */
int64_t mpp_stopwatch_nodes(const int32_t *hosts, int64_t n_ranks, int64_t n);

/** The next round begins. */
void mpp_stopwatch_rewind(MppStopwatch *watch);

/** Fills the samples' medians and spreads. */
void mpp_stopwatch_finish(MppStopwatch *watch);
