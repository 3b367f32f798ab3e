/*
 * Weight gradients in slots of their own fill the bubbles. ZB-H1 and ZB-H2: arXiv:2401.10241; over several chunks a
 * rank: interleaved 1F1B (arXiv:2104.04473) with the same rule.
 *
 * A rank runs 1F1B and puts weight gradients off until it holds all it may; then each comes after the gradient of
 * an input. The more forward passes it begins with, the more bubble the gradients put off can fill.
 */
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

const MppScheduleType mpp_zero_bubble_h1 = { fill_h1, 3 };
const MppScheduleType mpp_zero_bubble_h2 = { fill_h2, 4 };
const MppScheduleType mpp_zero_bubble_interleaved = { fill_interleaved, 4 };
