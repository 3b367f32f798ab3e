/**
 * The discrete-event engine: runs a scene's program on its lanes.
 *
 * In the form of an iterative solver: new, step until it says there is no more, read, free. One step handles one
 * event. Deterministic: equal times are handled in the order they were scheduled.
 */
#pragma once

#include "sim/scene.h"
#include "sim/timeline.h"

typedef struct MppEngine MppEngine;

/** @recorded: lanes whose spans are kept, n_lanes flags; NULL: all. @scene is borrowed. */
MppEngine *mpp_engine_new(const MppScene *scene, const bool *recorded);
void mpp_engine_free(MppEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppEngine, mpp_engine_free)

/** Handles the next event. Returns: false when the step is over. The program's order must be checked. */
bool mpp_engine_step(MppEngine *engine);

double mpp_engine_now_s(const MppEngine *engine);
int64_t mpp_engine_n_events(const MppEngine *engine);

/** Messages that had to wait for an earlier one to the same peer. */
int64_t mpp_engine_n_queued(const MppEngine *engine);

/** Of one lane, known when the step is over. */
typedef struct {
    double first_s, last_s; /* start of its first pass, end of its last */
    double end_s;           /* of its last action */
    double pass_s;          /* time in passes */
    double message_s, data_s; /* time its messages, its replicas' exchanges took */
} MppLaneTimes;

const MppLaneTimes *mpp_engine_lane(const MppEngine *engine, int32_t lane);

/** MppSpan in order of their starts; of recorded lanes. */
const GArray *mpp_engine_spans(const MppEngine *engine);

const MppNetwork *mpp_engine_network(const MppEngine *engine);
