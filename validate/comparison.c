#include "validate/comparison.h"

#include <math.h>

/** Rows of the comparison of actions. */
typedef enum { FORWARD, BACKWARD, INPUT, WEIGHT, REDUCE, TIED, UPDATE, GATHER, WAITING, N_LINES } Line;

static const char *const line_names[N_LINES] = {
    "forward passes", "backward passes", "gradients of inputs", "gradients of weights", "gradients between replicas",
    "tied embedding", "update",          "updated parameters",  "waiting, messages",
};

static Line line_of(int action, int pass)
{
    switch ((MppActionKind)action) {
    case MPP_ACTION_PASS:
        return pass == MPP_PASS_FORWARD    ? FORWARD
               : pass == MPP_PASS_BACKWARD ? BACKWARD
               : pass == MPP_PASS_INPUT    ? INPUT
                                           : WEIGHT;
    case MPP_ACTION_REDUCE: return REDUCE;
    case MPP_ACTION_TIED: return TIED;
    case MPP_ACTION_UPDATE: return UPDATE;
    case MPP_ACTION_GATHER: return GATHER;
    default: return WAITING;
    }
}

static void clear_time(gpointer data)
{
    g_free(((MppComparedTime *)data)->name);
}

void mpp_comparison_free(MppComparison *comparison)
{
    if (!comparison)
        return;
    g_array_unref(comparison->actions);
    g_array_unref(comparison->ops);
    g_free(comparison);
}

/** Of the mean lane; what is in no other line is waiting. */
static void simulated_lines(const MppSimulation *simulation, double step_s, double *lines)
{
    for (guint i = 0; i < simulation->spans->len; i++) {
        const MppSpan *span = &g_array_index(simulation->spans, MppSpan, i);
        Line line = line_of(span->action, span->pass);
        if (line != WAITING)
            lines[line] += (span->end_s - span->start_s) / simulation->n_lanes;
    }
    lines[WAITING] = step_s;
    for (int i = 0; i < WAITING; i++)
        lines[WAITING] -= lines[i];
}

static void measure_lines(const MppRunReport *report, double step_s, double *lines)
{
    for (guint r = 0; r < report->ranks->len; r++) {
        const GArray *actions = g_array_index(report->ranks, MppMeasuredRank, r).actions;
        for (guint i = 0; i < actions->len; i++) {
            const MppMeasuredAction *action = &g_array_index(actions, MppMeasuredAction, i);
            Line line = line_of(action->kind, action->pass);
            if (line != WAITING)
                lines[line] += action->duration_s / report->ranks->len;
        }
    }
    lines[WAITING] = step_s;
    for (int i = 0; i < WAITING; i++)
        lines[WAITING] -= lines[i];
}

static void compare_actions(MppComparison *comparison, const MppSimulation *simulation, const MppSimulation *slice,
                            const MppRunReport *report)
{
    double predicted[N_LINES] = { 0 }, measured[N_LINES] = { 0 };
    simulated_lines(simulation, comparison->predicted_s, predicted);
    if (slice)
        simulated_lines(slice, comparison->measured_s, measured);
    else
        measure_lines(report, comparison->measured_s, measured);
    for (int i = 0; i < N_LINES; i++) {
        MppComparedTime time = { g_strdup(line_names[i]), predicted[i], measured[i], i <= WEIGHT };
        if (predicted[i] != 0 || measured[i] != 0)
            g_array_append_val(comparison->actions, time);
        else
            g_free(time.name);
    }
}

static void add_measured(GArray *ops, const char *name, double seconds)
{
    for (guint i = 0; i < ops->len; i++) {
        MppComparedTime *time = &g_array_index(ops, MppComparedTime, i);
        if (g_str_equal(time->name, name)) {
            time->measured_s += seconds;
            return;
        }
    }
    MppComparedTime time = { .name = g_strdup(name), .measured_s = seconds };
    g_array_append_val(ops, time);
}

static void compare_ops(MppComparison *comparison, const MppRunReport *report)
{
    for (guint r = 0; r < report->ranks->len; r++) {
        const GArray *ops = g_array_index(report->ranks, MppMeasuredRank, r).ops;
        for (guint i = 0; i < ops->len; i++) {
            const MppMeasuredOp *op = &g_array_index(ops, MppMeasuredOp, i);
            add_measured(comparison->ops, op->name, (op->forward_s + op->backward_s + op->weight_s) / report->ranks->len);
        }
    }
}

static void compare_memory(MppComparison *comparison, const MppSimulation *simulation, const MppRunReport *report)
{
    g_autoptr(MppEstimate) estimate = mpp_estimate_from((MppPipelineCost *)simulation->pipeline);
    comparison->predicted_bytes = estimate->peak_bytes;
    for (guint r = 0; r < report->ranks->len; r++)
        comparison->measured_bytes = fmax(comparison->measured_bytes,
                                          g_array_index(report->ranks, MppMeasuredRank, r).peak_bytes);
}

static void leave_as_predicted(GArray *ops)
{
    for (guint i = 0; i < ops->len; i++) {
        MppComparedTime *op = &g_array_index(ops, MppComparedTime, i);
        op->measured_s = op->between_ranks ? op->predicted_s : op->measured_s;
    }
}

static void compare_steps(MppComparison *comparison, const MppRunReport *report)
{
    const double *steps_s = (const double *)(void *)report->steps_s->data;
    comparison->measured_s = mpp_run_report_step_s(report);
    comparison->least_s = INFINITY;
    for (guint i = 0; i < report->steps_s->len; i++) {
        comparison->least_s = fmin(comparison->least_s, steps_s[i]);
        comparison->most_s = fmax(comparison->most_s, steps_s[i]);
    }
}

MppComparison *mpp_comparison_new(const MppSimulation *simulation, const MppSimulation *measured, const MppRunReport *report)
{
    MppComparison *comparison = g_new0(MppComparison, 1);
    comparison->predicted_s = simulation->step_s;
    if (measured)
        comparison->measured_s = comparison->least_s = comparison->most_s = measured->step_s;
    else
        compare_steps(comparison, report);
    comparison->actions = g_array_new(FALSE, TRUE, sizeof(MppComparedTime));
    g_array_set_clear_func(comparison->actions, clear_time);
    comparison->ops = mpp_predicted_ops(simulation->pipeline);
    g_array_set_clear_func(comparison->ops, clear_time);
    compare_actions(comparison, simulation, measured, report);
    compare_ops(comparison, report);
    if (measured)
        leave_as_predicted(comparison->ops);
    compare_memory(comparison, simulation, report);
    return comparison;
}

double mpp_comparison_error_frac(const MppComparison *comparison)
{
    return comparison->measured_s / comparison->predicted_s - 1;
}

/** The one of @times that differs most in the direction of @sign, against @best. */
static const MppComparedTime *worse(const GArray *times, double sign, const MppComparedTime *best)
{
    for (guint i = 0; i < times->len; i++) {
        const MppComparedTime *time = &g_array_index(times, MppComparedTime, i);
        double gap_s = sign * (time->measured_s - time->predicted_s);
        if (!time->of_passes && (!best || gap_s > sign * (best->measured_s - best->predicted_s)))
            best = time;
    }
    return best;
}

const MppComparedTime *mpp_comparison_culprit(const MppComparison *comparison)
{
    double sign = comparison->measured_s > comparison->predicted_s ? 1 : -1;
    return worse(comparison->ops, sign, worse(comparison->actions, sign, NULL));
}

static cJSON *times_json(const GArray *times)
{
    cJSON *array = cJSON_CreateArray();
    for (guint i = 0; i < times->len; i++) {
        const MppComparedTime *time = &g_array_index(times, MppComparedTime, i);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", time->name);
        cJSON_AddNumberToObject(one, "predicted_s", time->predicted_s);
        cJSON_AddNumberToObject(one, "measured_s", time->measured_s);
        cJSON_AddItemToArray(array, one);
    }
    return array;
}

cJSON *mpp_comparison_json(const MppComparison *comparison)
{
    cJSON *json = cJSON_CreateObject(), *step = cJSON_AddObjectToObject(json, "step_s");
    cJSON_AddNumberToObject(step, "predicted", comparison->predicted_s);
    cJSON_AddNumberToObject(step, "measured", comparison->measured_s);
    cJSON_AddNumberToObject(step, "least", comparison->least_s);
    cJSON_AddNumberToObject(step, "most", comparison->most_s);
    cJSON *memory = cJSON_AddObjectToObject(json, "peak_bytes");
    cJSON_AddNumberToObject(memory, "predicted", comparison->predicted_bytes);
    cJSON_AddNumberToObject(memory, "measured", comparison->measured_bytes);
    cJSON_AddItemToObject(json, "actions", times_json(comparison->actions));
    cJSON_AddItemToObject(json, "operations", times_json(comparison->ops));
    cJSON_AddStringToObject(json, "explains_most", mpp_comparison_culprit(comparison)->name);
    return json;
}
