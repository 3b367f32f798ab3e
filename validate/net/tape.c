#include "validate/net/tape.h"

/** A weight's gradient put off. */
typedef struct {
    const char *name;
    MppTensor gradient;
    MppBuffer *dy, *x;
    int64_t first, n;
} Job;

struct MppTape {
    const MppRank *rank;
    MppLaps *times;
    GPtrArray *nodes, *values;
    GArray *jobs; /* Job */
    bool splits;
    int64_t lap; /* mark at which the last operation ended */
};

static void clear_job(gpointer data)
{
    Job *job = data;
    mpp_buffer_drop(job->dy);
    mpp_buffer_drop(job->x);
}

static void free_value(gpointer data)
{
    MppValue *value = data;
    mpp_buffer_drop(value->data);
    mpp_buffer_drop(value->gradient);
    g_free(value);
}

static void clear_node(MppNode *node)
{
    for (int i = 0; i < MPP_NODE_SAVED; i++)
        g_clear_pointer(&node->saved[i], mpp_buffer_drop);
    if (node->owned)
        node->free_owned(g_steal_pointer(&node->owned));
}

static void free_node(gpointer data)
{
    clear_node(data);
    g_free(data);
}

static int64_t mark(const MppTape *tape)
{
    return tape->times ? tape->rank->backend->mark(tape->rank->state) : 0;
}

MppTape *mpp_tape_new(const MppRank *rank, MppLaps *times)
{
    MppTape *tape = g_new0(MppTape, 1);
    tape->rank = rank;
    tape->times = times;
    tape->nodes = g_ptr_array_new_with_free_func(free_node);
    tape->values = g_ptr_array_new_with_free_func(free_value);
    tape->jobs = g_array_new(FALSE, FALSE, sizeof(Job));
    g_array_set_clear_func(tape->jobs, clear_job);
    tape->lap = mark(tape);
    return tape;
}

void mpp_tape_free(MppTape *tape)
{
    if (!tape)
        return;
    g_ptr_array_unref(tape->nodes);
    g_ptr_array_unref(tape->values);
    g_array_unref(tape->jobs);
    g_free(tape);
}

const MppRank *mpp_tape_rank(const MppTape *tape)
{
    return tape->rank;
}

MppValue *mpp_tape_value(MppTape *tape, MppBuffer *data)
{
    MppValue *value = g_new0(MppValue, 1);
    *value = (MppValue){
        .holds = 1,
        .element = data->tensor.element,
        .rows = data->tensor.rows,
        .columns = data->tensor.columns,
        .data = data,
        .rank = tape->rank,
    };
    g_ptr_array_add(tape->values, value);
    return value;
}

MppValue *mpp_tape_result(MppTape *tape, MppElement element, int64_t rows, int64_t columns)
{
    return mpp_tape_value(tape, mpp_buffer_new(tape->rank, element, rows, columns));
}

MppValue *mpp_value_hold(MppValue *value)
{
    value->holds++;
    return value;
}

void mpp_value_drop(MppValue *value)
{
    if (--value->holds == 0)
        g_clear_pointer(&value->data, mpp_buffer_drop);
}

void mpp_value_give(MppValue *value, MppBuffer *gradient)
{
    if (!value->gradient) {
        value->gradient = gradient;
        return;
    }
    value->gradient = mpp_buffer_own(value->gradient);
    mpp_run(value->rank, add, value->gradient->tensor, value->gradient->tensor, gradient->tensor);
    mpp_buffer_drop(gradient);
}

gpointer mpp_tape_add(MppTape *tape, size_t size, const char *name, MppBackward backward, MppValue *x, MppValue *y)
{
    MppNode *node = g_malloc0(size);
    node->name = name;
    node->backward = backward;
    node->inputs[0] = x;
    node->output = y;
    g_ptr_array_add(tape->nodes, node);
    if (tape->times && name) {
        int64_t end = mark(tape);
        mpp_laps_note(tape->times, name, MPP_LAP_FORWARD, tape->lap, end);
        tape->lap = end;
    }
    return node;
}

static void run_backwards(MppTape *tape)
{
    for (guint i = tape->nodes->len; i-- > 0;) {
        MppNode *node = tape->nodes->pdata[i];
        int64_t start = mark(tape);
        if (!node->output || node->output->gradient)
            node->backward(tape, node);
        clear_node(node);
        if (node->output)
            g_clear_pointer(&node->output->gradient, mpp_buffer_drop);
        if (tape->times && node->name)
            mpp_laps_note(tape->times, node->name, MPP_LAP_BACKWARD, start, mark(tape));
    }
}

void mpp_tape_backward(MppTape *tape, bool splits)
{
    tape->splits = splits;
    run_backwards(tape);
}

MppTape *mpp_tape_part(MppTape *whole)
{
    MppTape *part = mpp_tape_new(whole->rank, whole->times);
    g_array_unref(part->jobs);
    part->jobs = g_array_ref(whole->jobs);
    return part;
}

void mpp_tape_part_backward(MppTape *part, MppTape *whole)
{
    part->splits = whole->splits;
    run_backwards(part);
}

void mpp_tape_part_free(MppTape *part, MppTape *whole)
{
    whole->lap = part->lap;
    mpp_tape_free(part);
}

static void run_job(MppTape *tape, const Job *job)
{
    MppTensor dy = mpp_tensor_rows(job->dy->tensor, job->first, job->n), x = mpp_tensor_rows(job->x->tensor, job->first, job->n);
    mpp_run(tape->rank, matmul, job->gradient, dy, true, x, false, true);
}

void mpp_tape_weight(MppTape *tape, const char *name, MppTensor gradient, MppBuffer *dy, MppBuffer *x, int64_t first, int64_t n)
{
    Job job = { name, gradient, dy, x, first, n };
    if (!tape->splits) {
        run_job(tape, &job);
        return;
    }
    mpp_buffer_hold(dy);
    mpp_buffer_hold(x);
    g_array_append_val(tape->jobs, job);
}

void mpp_tape_weights(MppTape *tape)
{
    for (guint i = 0; i < tape->jobs->len; i++) {
        const Job *job = &g_array_index(tape->jobs, Job, i);
        int64_t start = mark(tape);
        run_job(tape, job);
        if (tape->times)
            mpp_laps_note(tape->times, job->name, MPP_LAP_WEIGHT, start, mark(tape));
    }
    g_array_set_size(tape->jobs, 0);
}
