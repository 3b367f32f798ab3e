/*
 * Two chunks a rank, r and 2 pp - 1 - r: forward passes go down the ranks and back, so rank 0 holds the first and the
 * last chunk. Backward passes are split. ZB-V: arXiv:2401.10241 §6; V-half, V-min: arXiv:2405.15362.
 */
#include "planner/schedule/kinds.h"
#include "planner/schedule/pattern.h"

/** A rank's slots as they are appended: how many of each pass and chunk there are. */
typedef struct {
    GArray *slots;
    int64_t chunk[2], micro_batches;
    int64_t n[MPP_N_PASSES][2];
} Column;

/** The next micro-batch's pass through the first or second chunk; one that the step does not have is left out. */
static void add(Column *column, MppPass pass, int which)
{
    int64_t micro_batch = column->n[pass][which]++;
    if (micro_batch >= column->micro_batches)
        return;
    MppSlot slot = { pass, (int32_t)column->chunk[which], (int32_t)micro_batch };
    g_array_append_val(column->slots, slot);
}

static void add_backward(Column *column, int which)
{
    add(column, MPP_PASS_INPUT, which);
    add(column, MPP_PASS_WEIGHT, which);
}

/** Every rank ends its warm-up with 2 pp passes held and keeps them until the last forward pass. */
static void fill_zb_rank(Column *column, int64_t pp, int64_t rank, int64_t micro_batches)
{
    int64_t(*n)[2] = column->n;
    for (int64_t i = 0; i < 2 * (pp - rank) - 1; i++)
        add(column, MPP_PASS_FORWARD, 0);
    for (int64_t i = 0; i < rank; i++) {
        add(column, MPP_PASS_FORWARD, 1);
        add(column, MPP_PASS_FORWARD, 0);
    }
    for (int64_t i = 0; i < pp - rank; i++) {
        add(column, MPP_PASS_FORWARD, 1);
        add_backward(column, 1);
    }
    while (n[MPP_PASS_FORWARD][1] < micro_batches) {
        if (n[MPP_PASS_FORWARD][0] < micro_batches)
            add(column, MPP_PASS_FORWARD, 0);
        add_backward(column, 0);
        add(column, MPP_PASS_FORWARD, 1);
        add_backward(column, 1);
    }
    for (int64_t i = 0; i < rank; i++) {
        add(column, MPP_PASS_INPUT, 0);
        add(column, MPP_PASS_INPUT, 1);
    }
    for (int64_t i = 0; i < pp - rank; i++)
        add_backward(column, 0);
    for (int which = 1; which >= 0; which--)
        while (n[MPP_PASS_WEIGHT][which] < micro_batches)
            add(column, MPP_PASS_WEIGHT, which);
}

/** With fewer micro-batches than fill the pipeline, the order is that of a full one with the others left out. */
static void fill_zb(const MppSchedule *schedule, MppOrder *order)
{
    int64_t pp = schedule->pp, m = schedule->micro_batches;
    for (int64_t k = 0; k < pp; k++) {
        Column column = { order->slots[k], { k, 2 * pp - 1 - k }, m, { { 0 } } };
        fill_zb_rank(&column, pp, k, MAX(m, 2 * pp - 1));
    }
}

/** Times between the starts of a pass on neighbouring ranks, by pass and chunk, and before the first backward passes. */
typedef struct {
    int64_t forward[2], backward[2];
    int64_t wait[2];
} Block;

/**
 * One micro-batch's six passes of equal length take 6; starts of one rank differ modulo that, which the waits see to.
 * @most: activations that a rank may hold
 */
static void fill_block(const MppSchedule *schedule, const Block *block, int64_t most, MppOrder *order)
{
    enum { INTERVAL = 6 };
    int64_t pp = schedule->pp, last = pp - 1;
    const MppWaves once = { 1, 2 * pp, schedule->micro_batches, schedule->micro_batches };
    for (int64_t k = 0; k < pp; k++) {
        int64_t turn = last * block->forward[0] + 1, loss = turn + last * block->forward[1] + 1 + block->wait[0];
        int64_t back = loss + last * block->backward[1] + 1 + block->wait[1];
        MppTrack tracks[] = {
            { MPP_PASS_INPUT, loss + k * block->backward[1], 2 * pp - 1 - k, 0, 1 },
            { MPP_PASS_INPUT, back + (last - k) * block->backward[0], k, 0, 1 },
            { MPP_PASS_FORWARD, turn + (last - k) * block->forward[1], 2 * pp - 1 - k, 0, 1 },
            { MPP_PASS_FORWARD, k * block->forward[0], k, 0, 1 },
        };
        mpp_pattern_merge(tracks, G_N_ELEMENTS(tracks), INTERVAL, &once, order->slots[k]);
    }
    mpp_pattern_fill_weights(order, most);
}

static void fill_half(const MppSchedule *schedule, MppOrder *order)
{
    const Block block = { { 2, 1 }, { 1, 2 }, { 0, schedule->pp % 2 ? 1 : 4 } };
    fill_block(schedule, &block, schedule->pp + 2, order);
}

static void fill_min(const MppSchedule *schedule, MppOrder *order)
{
    const Block block = { { 1, 1 }, { 1, 1 }, { schedule->pp % 3 ? 0 : 2, 0 } };
    fill_block(schedule, &block, 2 * (schedule->pp + 4) / 3, order);
}

const MppScheduleType mpp_v_shape_zb = { fill_zb, 4 };
const MppScheduleType mpp_v_shape_half = { fill_half, 4 };
const MppScheduleType mpp_v_shape_min = { fill_min, 4 };
