/*
 * Chimera (arXiv:2107.06925): two copies of the model in opposite directions, every second micro-batch through each.
 *
 * As many micro-batches as ranks go at the pace of a pass a rank, as in the paper. More of them go at three times
 * that pace, each direction's passes in the same places of an interval on every rank, so that nothing waits between
 * the first and the last: the paper's bubble for one round of micro-batches holds for any number.
 */
#include "planner/schedule/kinds.h"
#include "planner/schedule/pattern.h"

static void fill(const MppSchedule *schedule, MppOrder *order)
{
    int64_t pp = schedule->pp, last = pp - 1, hop = schedule->micro_batches <= pp ? 1 : 3;
    const MppWaves once = { 1, pp, schedule->micro_batches, schedule->micro_batches };
    for (int64_t k = 0; k < pp; k++) {
        int64_t up = last - k; /* ranks that the second copy's micro-batches have passed before this one */
        MppTrack tracks[] = {
            { MPP_PASS_BACKWARD, last * hop + 1 + (last - k) * hop, k, 0, 2 },
            { MPP_PASS_BACKWARD, last * hop + 1 + (last - up) * hop, pp + up, 1, 2 },
            { MPP_PASS_FORWARD, k * hop, k, 0, 2 },
            { MPP_PASS_FORWARD, up * hop, pp + up, 1, 2 },
        };
        mpp_pattern_merge(tracks, G_N_ELEMENTS(tracks), 2 * hop, &once, order->slots[k]);
    }
}

const MppScheduleType mpp_bidirectional_chimera = { fill, 4 };
