/**
 * Shared by the engine's files: its state, and what one calls of another.
 */
#pragma once

#include <gsl/gsl_rng.h>

#include "sim/engine.h"
#include "sim/heap.h"

typedef enum {
    MPP_EVENT_PASS_END,   /* subject: lane */
    MPP_EVENT_UPDATE_END, /* lane */
    MPP_EVENT_POST,       /* lane: its gradients are far enough for their exchange to begin */
    MPP_EVENT_FLOW_END,   /* flow */
} MppEventKind;

typedef enum {
    MPP_LANE_READY,
    MPP_LANE_IN_PASS,
    MPP_LANE_WAITS, /* for a message, an exchange or the others */
    MPP_LANE_DONE,
} MppLaneState;

typedef struct {
    int32_t next;      /* action */
    int32_t awaited;   /* message bit it waits for, -1 */
    int32_t span;      /* last span that kept it busy, -1 */
    int32_t posted;    /* reductions begun */
    uint8_t state;     /* MppLaneState */
    double speed;      /* of its pass */
    bool slowed;       /* its gradients are being exchanged */
    bool drains;       /* waits for its reductions */
    uint32_t version;  /* of its pass's end */
    double left_s, updated_s; /* of its pass, at full speed */
    MppLaneTimes times;
} MppLane;

/** Messages of one lane to one peer: sent one after another in the program's order. */
typedef struct {
    int32_t posted, sent;
    int32_t span;
    bool busy;
} MppChannel;

/** What a stage's lanes do together: reductions one after another, then the gather. */
typedef struct {
    int32_t *n_posted; /* by reduction, in the program's order */
    int32_t n_reductions, reduced;
    int32_t n_gathering;
    int32_t span, cause;
    double since_s; /* start of the exchange in flight */
    bool busy;
} MppGang;

/** The two lanes of a replica that hold the shared embedding. */
typedef struct {
    int32_t lanes[2], n;
    int32_t span;
} MppTied;

struct MppEngine {
    const MppScene *scene;
    const bool *recorded;
    MppHeap *heap;
    MppNetwork *network;
    gsl_rng *random;
    double now_s;
    int64_t n_events, n_queued;
    bool unsettled; /* transfers have started or ended at this moment */
    MppLane *lanes;
    uint64_t *arrived;   /* n_words bits of each lane: message from that chunk's neighbour is there */
    int64_t n_words;
    int32_t *local;      /* number of each chunk on its rank */
    int32_t *reduced_chunks; /* chunks in the order of their stage's reductions, stage after stage */
    int32_t *first_reduction; /* by stage */
    MppChannel *channels; /* n_peers of each lane */
    int32_t n_peers;      /* most of any stage */
    int32_t *message_links; /* two of each channel */
    MppGang *gangs;       /* by stage */
    int32_t n_gangs;
    MppTied *tied;        /* by replica */
    int32_t n_at_barrier;
    int32_t n_done;
    GArray *spans; /* MppSpan; room for all that can come */
    int32_t n_spans;
};

/* engine.c */
int32_t mpp_engine_open_span(MppEngine *engine, int32_t lane, const MppAction *action, int32_t cause);
void mpp_engine_close_span(MppEngine *engine, int32_t span);
void mpp_engine_start_flow(MppEngine *engine, int32_t flow, const MppTransfer *transfer);

/* engine_lane.c */
/** Goes on with the lane's program until it has to wait; @cause: span that let it go on. */
void mpp_engine_advance(MppEngine *engine, int32_t lane, int32_t cause);
/** The same, past the action it waited at. */
void mpp_engine_release(MppEngine *engine, int32_t lane, int32_t cause);
void mpp_engine_pass_end(MppEngine *engine, int32_t lane);
/** The exchange beside the lane's passes has begun or ended. */
void mpp_engine_slow(MppEngine *engine, int32_t lane, bool slowed);

/* engine_exchange.c */
void mpp_engine_send(MppEngine *engine, int32_t lane, const MppAction *action);
bool mpp_engine_has_arrived(const MppEngine *engine, int32_t lane, const MppAction *action);
int32_t mpp_engine_message_bit(const MppEngine *engine, const MppAction *action);
/** The lane takes part in its stage's next reduction. */
void mpp_engine_post(MppEngine *engine, int32_t lane);
/** Whether the gradients of the lane's stage are exchanged. */
bool mpp_engine_is_reduced(const MppEngine *engine, int32_t lane);
void mpp_engine_join_tied(MppEngine *engine, int32_t lane, int32_t cause);
void mpp_engine_join_barrier(MppEngine *engine, int32_t cause);
void mpp_engine_join_gather(MppEngine *engine, int32_t lane);
void mpp_engine_flow_end(MppEngine *engine, int32_t flow);

/* Flows: the lanes' channels, then a place for each gang, then one for each replica's tied embedding. */
static inline int32_t mpp_engine_gang_flow(const MppEngine *engine, int32_t stage)
{
    return engine->scene->n_lanes * engine->n_peers + stage;
}

static inline int32_t mpp_engine_tied_flow(const MppEngine *engine, int32_t replica)
{
    return mpp_engine_gang_flow(engine, engine->scene->program->pp) + replica;
}
