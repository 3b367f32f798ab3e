/**
 * The best candidates seen so far: the fastest of each layout, the front of step time against memory, and all that
 * beat a given step time.
 */
#pragma once

#include "planner/spec/strategy.h"

typedef struct {
    MppStrategy strategy;
    double step_s;
    double peak_bytes;
    int family; /* order of enumeration, for ties */
    int member;
} MppCandidate;

typedef struct {
    int top;          /* layouts wanted */
    double slack;     /* the front reaches to this times the best step */
    double within_s;  /* contenders are below this step time, */
    double near_frac; /* or above the best by less than this share */
    GArray *fastest;  /* MppCandidate, one a layout, fastest first, at most top */
    GArray *front;    /* MppCandidate, by rising step and falling memory */
    GArray *contenders; /* MppCandidate, fastest first */
} MppBoard;

/** @top and @slack 0: no layouts, no front. No contenders but those the caller sets within_s or near_frac for. */
MppBoard *mpp_board_new(int top, double slack);
MppBoard *mpp_board_copy(const MppBoard *board);
void mpp_board_free(MppBoard *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppBoard, mpp_board_free)

/** Plans that a reader would call the same layout. */
bool mpp_board_same_layout(const MppStrategy *a, const MppStrategy *b);

/** A step of this length or more changes nothing on the board, whatever its memory. */
double mpp_board_limit_s(const MppBoard *board);

/** Whether a candidate of at least @bound_s and exactly @peak_bytes could still change the board. */
bool mpp_board_wants(const MppBoard *board, const MppStrategy *strategy, double bound_s, double peak_bytes);

void mpp_board_add(MppBoard *board, const MppCandidate *candidate);

/** Adds all of @other's candidates. */
void mpp_board_merge(MppBoard *board, const MppBoard *other);
