/**
 * The program of a training step: what every rank of a pipeline does, in order.
 *
 * A plan is lowered once to this list of actions. The simulator gives each action a time, an executor carries it
 * out. All ranks of a stage run the same actions on their own shards, so a program has one list a stage. Passes
 * run one after another; sends and gradient reductions are started and go on beside them, what follows waits
 * only where an action says so.
 */
#pragma once

#include "planner/schedule/order.h"
#include "planner/spec/job.h"
#include "planner/spec/strategy.h"

typedef enum {
    MPP_ACTION_RECEIVE, /* wait for the input of the pass that follows */
    MPP_ACTION_PASS,
    MPP_ACTION_SEND,    /* start sending the pass's output to the peer; messages to one peer keep their order */
    MPP_ACTION_REDUCE,  /* a chunk's gradients are complete: start exchanging them with its replicas and its other copy */
    MPP_ACTION_DRAIN,   /* wait for the stage's reductions */
    MPP_ACTION_TIED,    /* first and last stage exchange the gradients of a shared embedding */
    MPP_ACTION_BARRIER, /* wait for all ranks: the gradient norm */
    MPP_ACTION_UPDATE,  /* optimizer */
    MPP_ACTION_GATHER,  /* updated parameters from the ranks that own them */
    MPP_N_ACTIONS,
} MppActionKind;

extern const MppNames mpp_action_names;

typedef struct {
    uint8_t kind; /* MppActionKind */
    uint8_t pass; /* MppPass: of PASS, RECEIVE and SEND */
    int16_t peer; /* of RECEIVE and SEND: index in the stage's peers */
    int32_t chunk, micro_batch;
} MppAction;

/** "pass 3F12", "reduce 1", "update". */
char *mpp_action_to_text(const MppAction *action);

/** A stage that another sends to, and the order of what it sends. */
typedef struct {
    int32_t stage;
    GArray *sends; /* int32_t: indices of SEND actions */
} MppPeer;

typedef struct {
    GArray *actions; /* MppAction */
    GArray *peers;   /* MppPeer */
} MppStageProgram;

typedef struct {
    int32_t pp, n_chunks, micro_batches;
    MppStageProgram *stages; /* pp */
} MppProgram;

typedef struct {
    bool tied_embedding; /* first and last stage hold copies of it */
    bool replicated;     /* gradients are exchanged once a step */
    bool gathers;        /* updated parameters are gathered */
    bool barrier;        /* the optimizer waits for all ranks */
} MppProgramOptions;

/** What a legal strategy exchanges at the end of a step. */
MppProgramOptions mpp_program_options(const MppJob *job, const MppStrategy *strategy);

/** @order must be checked. */
MppProgram *mpp_program_new(const MppOrder *order, const MppProgramOptions *options);
void mpp_program_free(MppProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppProgram, mpp_program_free)

static inline const MppAction *mpp_program_action(const MppProgram *program, int64_t stage, int64_t index)
{
    return &g_array_index(program->stages[stage].actions, MppAction, index);
}
