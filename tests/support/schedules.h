/**
 * Schedules of every kind and many shapes, for table tests.
 */
#pragma once

#include "planner/schedule/schedule.h"

/** Calls @check for every legal schedule with pp 1 to 16, vpp 1 to 8, up to 128 micro-batches and some group sizes. */
void schedules_for_each(void (*check)(const MppSchedule *schedule));

/** "interleaved pp 4 vpp 2 m 8 group 4" */
char *schedules_title(const MppSchedule *schedule);

/** "0F0 0F1 0B0 0B1": slots of a rank; "0F0 0B0 | 1F0 1B0": of all ranks. */
char *schedules_slots_text(const GArray *slots);
char *schedules_order_text(const MppOrder *order);

/** A rank's slots as text. */
typedef struct {
    MppSchedule schedule;
    int64_t rank;
    const char *slots;
} SchedulesRow;

/** Asserts that every row's rank has these slots. */
void schedules_expect(const SchedulesRow *rows, size_t n_rows);

/** Durations of an order's chunks, freed together. */
typedef struct {
    double *forward_s, *input_s, *weight_s, *message_s;
    MppDurations durations; /* borrows them */
} SchedulesTimes;

/** Times of a rank's passes of one micro-batch through all its chunks. */
typedef struct {
    double forward_s, input_s, weight_s;
} SchedulesPasses;

/** Chunks all alike. */
SchedulesTimes *schedules_equal_times(const MppSchedule *schedule, const SchedulesPasses *passes, double message_s);

/** Drawn from 0.1 to 2 s, messages below 1 s and half the time none; now and then all alike. */
SchedulesTimes *schedules_random_times(GRand *rand, const MppOrder *order);
void schedules_times_free(SchedulesTimes *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SchedulesTimes, schedules_times_free)
