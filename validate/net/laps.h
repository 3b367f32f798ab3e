/**
 * Seconds spent in each operation of a rank, by name and pass.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef enum { MPP_LAP_FORWARD, MPP_LAP_BACKWARD, MPP_LAP_WEIGHT, MPP_N_LAPS } MppLapKind;

typedef struct {
    const char *name; /* a literal */
    double s[MPP_N_LAPS];
    int64_t n; /* forward passes */
} MppLap;

typedef struct {
    GArray *ops; /* MppLap, in the order they were first met */
} MppLaps;

MppLaps *mpp_laps_new(void);
void mpp_laps_free(MppLaps *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppLaps, mpp_laps_free)

void mpp_laps_add(MppLaps *times, const char *name, MppLapKind kind, double seconds);

/** Forgets all. */
void mpp_laps_restart(MppLaps *times);
