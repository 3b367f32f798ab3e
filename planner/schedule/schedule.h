/**
 * Pipeline schedules: the order of forward and backward passes on each stage.
 *
 * A model is cut into pp * vpp chunks; chunk c runs on stage c mod pp. A schedule gives each stage its slots in
 * order. Memory, bounds and simulation all take their in-flight counts and their order from here.
 * Formulas and sources: GPipe arXiv:1811.06965; 1F1B arXiv:2006.09503, 2104.04473; interleaved 2104.04473 §2.2.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "planner/spec/strategy.h"

typedef enum { MPP_PASS_FORWARD, MPP_PASS_BACKWARD } MppPass;

typedef struct {
    MppPass pass;
    int64_t chunk; /* of the whole model, 0 … pp * vpp - 1 */
    int64_t micro_batch;
} MppSlot;

/** A pipeline's shape. */
typedef struct {
    MppScheduleKind kind;
    int64_t pp, vpp, micro_batches;
} MppSchedule;

MppSchedule mpp_schedule_of(const MppStrategy *strategy, int64_t global_batch);

/** Slots of one stage in a step: 2 * vpp * micro_batches. */
int64_t mpp_schedule_n_slots(const MppSchedule *schedule);

/** Slot @index of @stage. */
MppSlot mpp_schedule_slot(const MppSchedule *schedule, int64_t stage, int64_t index);

/** The same for a caller that runs through all slots and knows the stage's warm-up. */
MppSlot mpp_schedule_slot_after(const MppSchedule *schedule, int64_t stage, int64_t index, int64_t warmup);

/** Forward slots of @stage before its first backward one. */
int64_t mpp_schedule_warmup(const MppSchedule *schedule, int64_t stage);

/** Micro-batches of @chunk whose activations @stage holds at its fullest moment. */
int64_t mpp_schedule_in_flight(const MppSchedule *schedule, int64_t chunk);

/** Durations a replay needs; arrays of pp * vpp chunks. */
typedef struct {
    const double *forward_s, *backward_s;
    double message_s; /* between chunks on different stages, one way */
} MppDurations;

/**
 * Longest path through the schedule: every slot starts when its stage is free and its input has arrived.
 * @stage_end_s: out, pp times at which a stage ends its last slot, counted from the first slot of stage 0
 *
 * Returns: the largest of them.
 */
double mpp_schedule_replay(const MppSchedule *schedule, const MppDurations *durations, double *stage_end_s);

/**
 * A lower bound of the replay in O(pp * vpp): for each stage, what must come before its first slot, its own work,
 * and what must follow its last.
 */
double mpp_schedule_bound(const MppSchedule *schedule, const MppDurations *durations);
