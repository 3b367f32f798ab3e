/*
 * Hanayo (arXiv:2308.15762): vpp / 2 waves of two chunks a rank, down the ranks and back; whole backward passes.
 *
 * A wave takes a rank two forward and two backward passes, 6 units when a backward pass takes 2. On every rank they
 * stand in the same places of that interval when going forward takes 2 and 4 units a rank, down and back, and going
 * backward as long: a steady state without a bubble, for any number of waves and of micro-batches.
 */
#include "planner/schedule/kinds.h"
#include "planner/schedule/pattern.h"

enum { DOWN = 2, UP = 4, INTERVAL = 6 };

static void fill(const MppSchedule *schedule, MppOrder *order)
{
    int64_t pp = schedule->pp, last = pp - 1;
    const MppWaves waves = { schedule->vpp / 2, 2 * pp, pp, schedule->micro_batches };
    int64_t turn = last * DOWN + 1, before = (waves.waves - 1) * pp * INTERVAL;
    int64_t loss = before + turn + last * UP + 1, back = loss + last * DOWN + 2;
    for (int64_t k = 0; k < pp; k++) {
        MppTrack tracks[] = {
            { MPP_PASS_BACKWARD, back + (last - k) * UP, k, 0, 1 },
            { MPP_PASS_BACKWARD, loss + k * DOWN, 2 * pp - 1 - k, 0, 1 },
            { MPP_PASS_FORWARD, turn + (last - k) * UP, 2 * pp - 1 - k, 0, 1 },
            { MPP_PASS_FORWARD, k * DOWN, k, 0, 1 },
        };
        mpp_pattern_merge(tracks, G_N_ELEMENTS(tracks), INTERVAL, &waves, order->slots[k]);
    }
}

const MppScheduleType mpp_wave_hanayo = { fill, 4 };
