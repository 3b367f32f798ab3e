/**
 * Seconds spent in each operation of a rank, by name and pass.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef enum { MPP_OP_TIME_FORWARD, MPP_OP_TIME_BACKWARD, MPP_OP_TIME_WEIGHT, MPP_N_OP_TIMES } MppOpTimeKind;

typedef struct {
    const char *name; /* a literal */
    double s[MPP_N_OP_TIMES];
    int64_t n; /* forward passes */
} MppOpTime;

typedef struct {
    GArray *ops; /* MppOpTime, in the order they were first met */
} MppOpTimes;

MppOpTimes *mpp_op_times_new(void);
void mpp_op_times_free(MppOpTimes *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppOpTimes, mpp_op_times_free)

void mpp_op_times_add(MppOpTimes *times, const char *name, MppOpTimeKind kind, double seconds);

/** Forgets all. */
void mpp_op_times_restart(MppOpTimes *times);
