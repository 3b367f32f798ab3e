/**
 * Orders of passes for people: a chart of who works when, and a comparison.
 */
#pragma once

#include "planner/cost/order_cost.h"

/** One row a rank, time from left to right in @width columns, and what the signs mean. */
void mpp_schedule_text_chart(const MppOrder *order, const MppReplay *replay, int width);

typedef struct MppTable MppTable;

/** A table to which mpp_schedule_text_row() adds schedules. */
MppTable *mpp_schedule_text_table(void);

/** @note: said behind the figures, or NULL. @cap_bytes: what a rank may allocate */
void mpp_schedule_text_row(MppTable *table, const char *name, const MppOrderCost *cost, double cap_bytes, const char *note);
