/*
 * Weight gradients in slots of their own fill the bubbles. ZB-H1 and ZB-H2: arXiv:2401.10241; over several chunks a
 * rank: interleaved 1F1B (arXiv:2104.04473) with the same rule.
 *
 * A rank runs 1F1B and puts weight gradients off until it holds all it may; then each comes after the gradient of
 * an input. The more forward passes it begins with, the more bubble the gradients put off can fill.
 */
#include <math.h>

#include "planner/schedule/kinds.h"
#include "planner/schedule/turn.h"

/** What a rank does: forward passes before the first backward one, and units it may hold. */
typedef struct {
    int64_t warmup, most;
} Plan;

static void fill_rank(const MppSchedule *schedule, int64_t rank, Plan plan, GArray *slots)
{
    MppTurn forward = mpp_turn_begin(schedule, MPP_PASS_FORWARD, rank);
    MppTurn input = mpp_turn_begin(schedule, MPP_PASS_INPUT, rank), weight = mpp_turn_begin(schedule, MPP_PASS_WEIGHT, rank);
    int64_t total = schedule->vpp * schedule->micro_batches, n_forward = MIN(plan.warmup, total), n_weight = 0;
    g_array_set_size(slots, 3 * total);
    MppSlot *slot = (MppSlot *)slots->data;
    for (int64_t i = 0; i < n_forward; i++)
        *slot++ = mpp_turn_next(&forward);
    for (int64_t i = 0; i < total; i++) {
        *slot++ = mpp_turn_next(&input);
        if (n_forward - n_weight == plan.most || n_forward == total) {
            *slot++ = mpp_turn_next(&weight);
            n_weight++;
        }
        if (n_forward < total) {
            *slot++ = mpp_turn_next(&forward);
            n_forward++;
        }
    }
    for (; n_weight < total; n_weight++)
        *slot++ = mpp_turn_next(&weight);
}

static Plan plan_h1(const MppSchedule *schedule, int64_t rank)
{
    return (Plan){ schedule->pp - rank, schedule->pp };
}

static Plan plan_h2(const MppSchedule *schedule, int64_t rank)
{
    return (Plan){ 2 * (schedule->pp - rank) - 1, 2 * schedule->pp - 1 };
}

static Plan plan_interleaved(const MppSchedule *schedule, int64_t rank)
{
    int64_t before = (schedule->vpp - 1) * mpp_schedule_group(schedule);
    return (Plan){ before + schedule->pp - rank, before + schedule->pp };
}

static void fill(const MppSchedule *schedule, Plan (*plan)(const MppSchedule *schedule, int64_t rank), MppOrder *order)
{
    for (int64_t k = 0; k < schedule->pp; k++)
        fill_rank(schedule, k, plan(schedule, k), order->slots[k]);
}

static void fill_h1(const MppSchedule *schedule, MppOrder *order)
{
    fill(schedule, plan_h1, order);
}

static void fill_h2(const MppSchedule *schedule, MppOrder *order)
{
    fill(schedule, plan_h2, order);
}

static void fill_interleaved(const MppSchedule *schedule, MppOrder *order)
{
    fill(schedule, plan_interleaved, order);
}

/** @put_off: weight gradients that a rank may put off; each fills a part of the bubble while it is the shortest pass. */
static MppBubbles bubbles(const MppSchedule *schedule, const MppPassTimes *t, int64_t put_off)
{
    if (t->weight_s > MIN(t->forward_s, t->input_s))
        return (MppBubbles){ NAN, NAN };
    int64_t hops = schedule->pp - 1;
    double waits_s = hops * (t->forward_s + t->input_s) - MIN(schedule->micro_batches - 1, put_off) * t->weight_s;
    return (MppBubbles){ MAX(waits_s, hops * t->forward_s), MAX(waits_s, 0) };
}

static MppBubbles bubbles_h1(const MppSchedule *schedule, const MppPassTimes *times)
{
    return bubbles(schedule, times, schedule->pp - 1);
}

static MppBubbles bubbles_h2(const MppSchedule *schedule, const MppPassTimes *times)
{
    return bubbles(schedule, times, 2 * (schedule->pp - 1));
}

static MppBubbles bubbles_interleaved(const MppSchedule *schedule, const MppPassTimes *t)
{
    if (t->weight_s > MIN(t->forward_s, t->input_s) || mpp_schedule_group(schedule) != schedule->pp)
        return (MppBubbles){ NAN, NAN };
    double bubble_s = (schedule->pp - 1) * (t->forward_s + t->input_s - t->weight_s) / schedule->vpp;
    return (MppBubbles){ bubble_s, bubble_s };
}

static int64_t in_flight_h1(const MppSchedule *schedule, int64_t rank)
{
    return MIN(plan_h1(schedule, rank).most, schedule->micro_batches);
}

static int64_t in_flight_h2(const MppSchedule *schedule, int64_t rank)
{
    return MIN(plan_h2(schedule, rank).most, schedule->micro_batches);
}

static int64_t in_flight_interleaved(const MppSchedule *schedule, int64_t rank)
{
    return MIN(plan_interleaved(schedule, rank).most, schedule->vpp * schedule->micro_batches);
}

const MppScheduleType mpp_zero_bubble_h1 = { fill_h1, bubbles_h1, in_flight_h1, 3 };
const MppScheduleType mpp_zero_bubble_h2 = { fill_h2, bubbles_h2, in_flight_h2, 4 };
const MppScheduleType mpp_zero_bubble_interleaved = { fill_interleaved, bubbles_interleaved, in_flight_interleaved, 4 };
