/**
 * A simulation's spans by lane and stream, in order of their starts: what each lane did, as reports and drawings take it.
 *
 * An exchange between replicas is recorded once and stands here on every lane that takes part in it.
 */
#pragma once

#include "sim/simulate.h"

typedef struct {
    GArray *streams[MPP_N_STREAMS]; /* int32_t: indices of spans. On COMPUTE and DATA none overlap */
} MppLaneTracks;

typedef struct {
    const MppSimulation *simulation; /* borrowed */
    MppLaneTracks *lanes;            /* of the simulation */
    int32_t *stage_of_chunk;
    bool *receives; /* [chunk][MPP_PASS_FORWARD or MPP_PASS_BACKWARD]: the pass takes a message */
} MppTracks;

/** @chosen: a flag for each lane, the others stay empty; NULL: all. */
MppTracks *mpp_tracks_new(const MppSimulation *simulation, const bool *chosen);
void mpp_tracks_free(MppTracks *tracks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppTracks, mpp_tracks_free)

static inline guint mpp_tracks_count(const MppTracks *tracks, int32_t lane, MppStream stream)
{
    return tracks->lanes[lane].streams[stream]->len;
}

static inline const MppSpan *mpp_tracks_span(const MppTracks *tracks, int32_t lane, MppStream stream, guint i)
{
    int32_t index = g_array_index(tracks->lanes[lane].streams[stream], int32_t, i);
    return &g_array_index(tracks->simulation->spans, MppSpan, index);
}

/** The chunk whose pass takes what @sent, a SEND, carries. */
int32_t mpp_tracks_target_chunk(const MppSpan *sent);

/** The lane it goes to: the target chunk's stage in the same replica. */
int32_t mpp_tracks_target_lane(const MppTracks *tracks, const MppSpan *sent);

/** The lane that sent @pass its input, and the chunk it came from; false: it got no message. */
bool mpp_tracks_source(const MppTracks *tracks, const MppSpan *pass, int32_t *lane, int32_t *chunk);

/** A pass's time less its collectives': what its lane computed. */
double mpp_tracks_compute_s(const MppSimulation *simulation, const MppSpan *pass);
