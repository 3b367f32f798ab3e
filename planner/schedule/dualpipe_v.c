/*
 * DualPipe-V: the bidirectional pipeline of DeepSeek-V3 (arXiv:2412.19437 §3.2.1) folded at its middle, so that a rank
 * holds chunks r and 2 pp - 1 - r and one copy of the model is enough (the "cut-in-half" of deepseek-ai/DualPipe).
 *
 * Forward passes of one chunk stand beside backward passes of the other, so that a stack can run them together and
 * hide one's exchange between experts behind the other. Here they follow each other, each as soon as it can: the
 * bubble is then smaller than that of the authors, who count the pair as one pass.
 */
#include "planner/schedule/kinds.h"

typedef struct {
    GArray *slots;
    int64_t chunk[2];
    int64_t n_forward[2], n_backward[2];
    guint paid; /* place in slots before which every gradient of an input has its weights' */
} Column;

static void add(Column *column, MppPass pass, int which, int64_t micro_batch)
{
    MppSlot slot = { pass, (int32_t)column->chunk[which], (int32_t)micro_batch };
    g_array_append_val(column->slots, slot);
}

static void forward(Column *column, int which)
{
    add(column, MPP_PASS_FORWARD, which, column->n_forward[which]++);
}

/** @split: the gradient of the weights is put off. */
static void backward(Column *column, int which, bool split)
{
    add(column, split ? MPP_PASS_INPUT : MPP_PASS_BACKWARD, which, column->n_backward[which]++);
}

/** The gradient of weights that was put off first. */
static void weight(Column *column)
{
    while (g_array_index(column->slots, MppSlot, column->paid).pass != MPP_PASS_INPUT)
        column->paid++;
    MppSlot slot = g_array_index(column->slots, MppSlot, column->paid++);
    slot.pass = MPP_PASS_WEIGHT;
    g_array_append_val(column->slots, slot);
}

static void begin(Column *column, int64_t below, int64_t rank)
{
    for (int64_t i = 0; i < 2 * below; i++)
        forward(column, 0);
    for (int64_t i = 0; i <= rank; i++) {
        forward(column, 0);
        forward(column, 1);
    }
    for (int64_t i = 0; i < below; i++) {
        backward(column, 1, true);
        weight(column);
        forward(column, 1);
    }
}

/** From the middle on gradients of weights are put off, to be there when only the first chunk's inputs are left. */
static void end(Column *column, int64_t below, int64_t rank)
{
    for (int64_t i = 0; i < below; i++) {
        backward(column, 1, false);
        forward(column, 1);
        backward(column, 0, false);
    }
    for (int64_t i = 0; i <= rank; i++) {
        int64_t half = (rank + 1) / 2;
        bool odd = rank % 2;
        backward(column, 1, odd ? i >= half : i > half);
        backward(column, 0, i >= half);
    }
    for (int64_t i = 0; i < below; i++) {
        weight(column);
        backward(column, 0, true);
    }
    for (int64_t i = 0; i <= rank; i++)
        weight(column);
}

static void fill(const MppSchedule *schedule, MppOrder *order)
{
    int64_t pp = schedule->pp;
    for (int64_t k = 0; k < pp; k++) {
        int64_t below = pp - 1 - k;
        Column column = { order->slots[k], { k, 2 * pp - 1 - k }, { 0 }, { 0 }, 0 };
        begin(&column, below, k);
        for (int64_t i = 0; i < schedule->micro_batches - 2 * pp + k + 1; i++) {
            forward(&column, 0);
            backward(&column, 1, false);
            forward(&column, 1);
            backward(&column, 0, false);
        }
        end(&column, below, k);
    }
}

const MppScheduleType mpp_dualpipe_v = { fill, 4 };
