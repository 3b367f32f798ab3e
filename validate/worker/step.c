#include "validate/worker/step.h"

#include <math.h>

#include "validate/worker/mailbox.h"

/** A forward pass whose backward pass is to come. */
typedef struct {
    MppTape *tape;
    MppValue *x, *y; /* NULL at the ends of the model */
} Pass;

struct MppStep {
    MppNet *net;
    const MppProgram *program;
    const MppStageProgram *stage;
    MppAdam adam;
    MppLaps *laps;
    MppMailbox *mailbox;
    Pass *passes;   /* n_chunks * micro_batches */
    int64_t begin;  /* mark of the step's begin */
    int64_t *marks; /* of each action's end */
    MppActionTime *times;
    MppWatchdog *watchdog; /* NULL: none */
    guint next;            /* action */
    int64_t number;
    double loss, gradient_norm;
};

MppStep *mpp_step_new(MppNet *net, const MppProgram *program, const MppAdam *adam, MppLaps *times)
{
    MppStep *step = g_new0(MppStep, 1);
    *step = (MppStep){ .net = net, .program = program, .stage = &program->stages[net->place->pp], .adam = *adam, .laps = times };
    step->mailbox = mpp_mailbox_new(net, program);
    step->passes = g_new0(Pass, (gsize)program->n_chunks * (gsize)program->micro_batches);
    step->marks = g_new0(int64_t, step->stage->actions->len);
    step->times = g_new0(MppActionTime, step->stage->actions->len);
    return step;
}

void mpp_step_free(MppStep *step)
{
    if (!step)
        return;
    for (int32_t i = 0; i < step->program->n_chunks * step->program->micro_batches; i++)
        mpp_tape_free(step->passes[i].tape);
    mpp_mailbox_free(step->mailbox);
    g_free(step->passes);
    g_free(step->marks);
    g_free(step->times);
    g_free(step);
}

void mpp_step_watch(MppStep *step, MppWatchdog *watchdog)
{
    step->watchdog = watchdog;
}

static const MppRank *rank_of(const MppStep *step)
{
    return step->net->place->rank;
}

static int64_t mark(const MppStep *step)
{
    return rank_of(step)->backend->mark(rank_of(step)->state);
}

static void clear_bucket(MppBucket *bucket, gpointer data)
{
    (void)data;
    mpp_bucket_clear_gradients(bucket);
}

void mpp_step_begin(MppStep *step, int64_t number)
{
    step->number = number;
    step->next = 0;
    mpp_net_each_bucket(step->net, clear_bucket, NULL);
    mpp_run(rank_of(step), fill, step->net->loss->tensor, 0);
    rank_of(step)->backend->forget_marks(rank_of(step)->state);
    step->begin = mark(step);
}

/* --- passes --- */

static Pass *pass_of(MppStep *step, const MppAction *action)
{
    return &step->passes[action->chunk * step->program->micro_batches + action->micro_batch];
}

static void forward(MppStep *step, const MppAction *action)
{
    const MppNet *net = step->net;
    const MppNetChunk *chunk = mpp_net_chunk(net, action->chunk);
    Pass *pass = pass_of(step, action);
    g_autoptr(MppBatch) batch = chunk->begins || chunk->ends
                                    ? mpp_batch_new(net->job, net->place, net->seed, step->number, action->micro_batch)
                                    : NULL;
    MppBuffer *input = mpp_mailbox_take(step->mailbox, true, action->chunk, action->micro_batch);
    pass->tape = mpp_tape_new(rank_of(step), step->laps);
    pass->x = input ? mpp_tape_value(pass->tape, input) : NULL;
    pass->y = mpp_net_forward(net, pass->tape, chunk, pass->x, batch);
    if (!pass->y)
        return;
    mpp_mailbox_put(step->mailbox, true, action->chunk + 1, action->micro_batch, mpp_buffer_hold(pass->y->data));
    mpp_value_drop(pass->y);
}

static void backward(MppStep *step, const MppAction *action)
{
    Pass *pass = pass_of(step, action);
    if (pass->y)
        pass->y->gradient = mpp_mailbox_take(step->mailbox, false, action->chunk, action->micro_batch);
    mpp_tape_backward(pass->tape, action->pass == MPP_PASS_INPUT);
    if (pass->x)
        mpp_mailbox_put(step->mailbox, false, action->chunk - 1, action->micro_batch, g_steal_pointer(&pass->x->gradient));
}

static void run_pass(MppStep *step, const MppAction *action)
{
    Pass *pass = pass_of(step, action);
    if (action->pass == MPP_PASS_FORWARD) {
        forward(step, action);
        return;
    }
    if (action->pass == MPP_PASS_WEIGHT)
        mpp_tape_weights(pass->tape);
    else
        backward(step, action);
    if (action->pass != MPP_PASS_INPUT)
        g_clear_pointer(&pass->tape, mpp_tape_free);
}

/* --- the end of the step --- */

/** Beside what follows, up to what needs the sums. */
static void reduce_chunk(MppStep *step, int64_t chunk)
{
    const GPtrArray *buckets = mpp_net_chunk(step->net, chunk)->buckets;
    mpp_run(rank_of(step), lane, MPP_LANE_EXCHANGE);
    for (guint i = 0; i < buckets->len; i++)
        mpp_bucket_reduce(buckets->pdata[i]);
    mpp_run(rank_of(step), lane, MPP_LANE_MAIN);
}

static void drain(const MppStep *step)
{
    mpp_mailbox_finish(step->mailbox);
    rank_of(step)->backend->join(rank_of(step)->state);
}

static void sum_tied(MppStep *step)
{
    mpp_place_sum(step->net->place, MPP_GROUP_TIED, mpp_bucket_own_gradient(step->net->ends.vocabulary_bucket));
}

static void sum_partial(MppBucket *bucket, gpointer data)
{
    (void)data;
    mpp_bucket_sum_partial(bucket);
}

/** All ranks learn the loss and the norm; tp ranks have the same loss, so one of them counts. */
static void meet(MppStep *step)
{
    const MppPlace *place = step->net->place;
    mpp_net_each_bucket(step->net, sum_partial, NULL);
    float sums[2] = { 0, (float)mpp_gradient_norm_squares(step->net) };
    mpp_run(place->rank, download, sums, step->net->loss->tensor.data, sizeof(float));
    sums[0] = place->tp == 0 ? sums[0] : 0;
    g_autoptr(MppBuffer) buffer = mpp_buffer_of(place->rank, MPP_ELEMENT_F32, 1, 2, sums);
    mpp_place_sum(place, MPP_GROUP_WORLD, buffer->tensor);
    mpp_run(place->rank, download, sums, buffer->tensor.data, sizeof sums);
    step->loss = sums[0];
    step->gradient_norm = sqrt(sums[1]);
}

static void update_bucket(MppBucket *bucket, gpointer adam)
{
    mpp_bucket_update(bucket, adam);
}

static void update(MppStep *step)
{
    MppAdam adam = step->adam;
    adam.step = step->number + 1;
    mpp_net_each_bucket(step->net, update_bucket, &adam);
}

static void gather_bucket(MppBucket *bucket, gpointer data)
{
    (void)data;
    mpp_bucket_gather(bucket);
}

/* --- the program --- */

static void act(MppStep *step, const MppAction *action)
{
    switch ((MppActionKind)action->kind) {
    case MPP_ACTION_RECEIVE: mpp_mailbox_receive(step->mailbox, action); break;
    case MPP_ACTION_PASS: run_pass(step, action); break;
    case MPP_ACTION_SEND: mpp_mailbox_send(step->mailbox, action); break;
    case MPP_ACTION_REDUCE: reduce_chunk(step, action->chunk); break;
    case MPP_ACTION_DRAIN: drain(step); break;
    case MPP_ACTION_TIED: sum_tied(step); break;
    case MPP_ACTION_BARRIER: meet(step); break;
    case MPP_ACTION_UPDATE: update(step); break;
    case MPP_ACTION_GATHER: mpp_net_each_bucket(step->net, gather_bucket, NULL); break;
    case MPP_N_ACTIONS: g_assert_not_reached();
    }
}

/** Waits for the device, once a step. */
static void read_times(MppStep *step)
{
    const MppRank *rank = rank_of(step);
    int64_t start = step->begin;
    double begin_s = mpp_run(rank, marked_s, step->begin);
    for (guint i = 0; i < step->stage->actions->len; i++) {
        step->times[i] = (MppActionTime){ mpp_run(rank, marked_s, start) - begin_s,
                                          mpp_run(rank, marked_s, step->marks[i]) - begin_s };
        start = step->marks[i];
    }
    if (step->laps)
        mpp_laps_read(step->laps, rank);
}

bool mpp_step_run(MppStep *step, MppActionKind until, GError **error)
{
    const GArray *actions = step->stage->actions;
    for (; step->next < actions->len; step->next++) {
        const MppAction *action = &g_array_index(actions, MppAction, step->next);
        if (action->kind == until)
            return true;
        mpp_watchdog_feed_action(step->watchdog, action);
        act(step, action);
        step->marks[step->next] = mark(step);
        if (!mpp_rank_check(rank_of(step), error)) {
            g_autofree char *title = mpp_action_to_text(action);
            g_prefix_error(error, "%s: ", title);
            return false;
        }
    }
    mpp_mailbox_finish(step->mailbox);
    read_times(step);
    return mpp_rank_check(rank_of(step), error);
}

double mpp_step_loss(const MppStep *step)
{
    return step->loss;
}

double mpp_step_gradient_norm(const MppStep *step)
{
    return step->gradient_norm;
}

const MppActionTime *mpp_step_action_times(const MppStep *step)
{
    return step->times;
}
