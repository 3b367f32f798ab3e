/**
 * The order of passes on every rank of a pipeline: what a schedule means, spelled out.
 *
 * A model is cut into chunks; a route is the sequence of chunks that a micro-batch visits forwards, and in reverse
 * backwards. Most schedules have one route through all chunks; bidirectional ones have two, each through its own
 * copy of the stages. Every rank runs its slots strictly in order. Memory depends on the order alone, time on
 * durations too.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "planner/base/error.h"
#include "planner/base/names.h"

typedef enum {
    MPP_PASS_FORWARD,
    MPP_PASS_BACKWARD, /* both gradients */
    MPP_PASS_INPUT,    /* gradient of the input; the weights' follows in a slot of its own */
    MPP_PASS_WEIGHT,
    MPP_N_PASSES,
} MppPass;

extern const MppNames mpp_pass_names; /* "F", "B", "I", "W" */

enum { MPP_MOST_ROUTES = 2 };

typedef struct {
    MppPass pass;
    int32_t chunk; /* of the whole pipeline */
    int32_t micro_batch;
} MppSlot;

typedef struct {
    int32_t pp, n_chunks, micro_batches;
    int32_t n_routes;    /* 1, or 2 with two copies of the model */
    int32_t *rank_of;    /* n_chunks */
    int32_t *route_of;   /* micro_batches: 0 or 1. Route r has chunks r * n_chunks / n_routes onwards, in model order */
    GArray **slots;      /* pp arrays of MppSlot */
} MppOrder;

/** An order without slots; one route, chunk c on rank c mod pp. */
MppOrder *mpp_order_new(int64_t pp, int64_t n_chunks, int64_t micro_batches);
void mpp_order_free(MppOrder *order);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppOrder, mpp_order_free)

/** Appends a slot to the rank that has @chunk. */
void mpp_order_add(MppOrder *order, MppPass pass, int64_t chunk, int64_t micro_batch);

/** "3F12": forward pass of micro-batch 12 through chunk 3. */
char *mpp_slot_to_text(const MppSlot *slot);

/** First chunk of @micro_batch's route, and how many it visits. */
int64_t mpp_order_route(const MppOrder *order, int64_t micro_batch, int64_t *n_visited);

/** Whether @chunk is the first of a route, whether the last. */
bool mpp_order_begins(const MppOrder *order, int64_t chunk);
bool mpp_order_ends(const MppOrder *order, int64_t chunk);

/** Whether weight gradients have slots of their own. */
bool mpp_order_splits_backward(const MppOrder *order);

/**
 * Checks that every pass of every micro-batch stands exactly once on the right rank, backward after forward, weight
 * after input gradient, and that the ranks cannot wait for each other for ever.
 * Error: MPP_ERROR_INVALID; for a deadlock the message prints the cycle of slots.
 */
bool mpp_order_check(const MppOrder *order, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Durations; arrays of n_chunks. */
typedef struct {
    const double *forward_s;
    const double *input_s;  /* gradient of the input, recomputation included */
    const double *weight_s; /* gradient of the weights; a whole backward pass takes both */
    const double *message_s; /* between a chunk and the next, one way, where they are on different ranks */
} MppDurations;

/** When each slot runs: arrays parallel to order->slots. */
typedef struct {
    const MppOrder *order; /* borrowed */
    double **start_s, **end_s;
    double length_s; /* of the longest rank */
    void *work;
} MppReplay;

/** Longest path through the order: a slot starts when its rank is free and its input has arrived. */
MppReplay *mpp_replay_new(const MppOrder *order, const MppDurations *durations);

/** Runs the order anew, whose slots have changed places on their ranks. Returns: its length; INFINITY: ranks wait for each other. */
double mpp_replay_again(MppReplay *replay);

/** Sets the times of the slots to those of the last run. */
void mpp_replay_time(MppReplay *replay);
void mpp_replay_free(MppReplay *replay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppReplay, mpp_replay_free)

/**
 * The same, only when each chunk and each rank ends its last pass: out, @chunk_end_s n_chunks, @stage_end_s pp.
 * @work: room for mpp_replay_work_bytes(), as g_malloc gives it.
 * Returns: the largest of them.
 */
double mpp_replay_ends(const MppOrder *order, const MppDurations *durations, void *work, double *chunk_end_s, double *stage_end_s);
size_t mpp_replay_work_bytes(const MppOrder *order);

/** When @rank began its first slot in the replay that used @work last. */
double mpp_replay_start_s(const MppOrder *order, const void *work, int64_t rank);

