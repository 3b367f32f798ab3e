/**
 * Seconds spent in each operation of a rank, by name and pass.
 */
#pragma once

#include "validate/net/rank.h"

typedef enum { MPP_LAP_FORWARD, MPP_LAP_BACKWARD, MPP_LAP_WEIGHT, MPP_N_LAPS } MppLapKind;

typedef struct {
    const char *name; /* a literal */
    double s[MPP_N_LAPS];
    int64_t n; /* forward passes */
} MppLap;

typedef struct {
    GArray *ops;   /* MppLap, in the order they were first met */
    GArray *noted; /* when they ran, not yet read */
} MppLaps;

MppLaps *mpp_laps_new(void);
void mpp_laps_free(MppLaps *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppLaps, mpp_laps_free)

/** An operation ran between two marks of the device. */
void mpp_laps_note(MppLaps *times, const char *name, MppLapKind kind, int64_t from, int64_t to);

/** Adds what was noted, before the marks are forgotten. */
void mpp_laps_read(MppLaps *times, const MppRank *rank);

/** Forgets all. */
void mpp_laps_restart(MppLaps *times);
