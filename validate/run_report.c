#include "validate/run_report.h"

#include <math.h>
#include <string.h>

enum { MOST_RANKS = 1 << 20, MOST_CHUNKS = 1 << 20, MOST_MICRO_BATCHES = 1 << 24, MOST_STEPS = 1 << 20 };
static const double most_s = 1e9, most_bytes = 1e18;

static const MppField action_rows[] = {
    MPP_FIELD_ENUM(MppMeasuredAction, kind, &mpp_action_names, MPP_REQUIRED, "what it does"),
    MPP_FIELD_ENUM(MppMeasuredAction, pass, &mpp_pass_names, MPP_PASS_FORWARD, "pass that it runs or serves"),
    MPP_FIELD_INT(MppMeasuredAction, chunk, 0, MOST_CHUNKS, 0, "chunk of the pipeline"),
    MPP_FIELD_INT(MppMeasuredAction, micro_batch, 0, MOST_MICRO_BATCHES, 0, "micro-batch"),
    MPP_FIELD_DOUBLE(MppMeasuredAction, start_s, 0, most_s, MPP_REQUIRED, "begin, from that of the step"),
    MPP_FIELD_DOUBLE(MppMeasuredAction, duration_s, 0, most_s, MPP_REQUIRED, "duration"),
};
static const MppFields action_fields = MPP_FIELDS("measured action", MppMeasuredAction, action_rows);

static const MppField op_rows[] = {
    MPP_FIELD_STRING(MppMeasuredOp, name, MPP_REQUIRED, "operation"),
    MPP_FIELD_DOUBLE(MppMeasuredOp, forward_s, 0, most_s, 0, "a step's forward passes"),
    MPP_FIELD_DOUBLE(MppMeasuredOp, backward_s, 0, most_s, 0, "a step's backward passes"),
    MPP_FIELD_DOUBLE(MppMeasuredOp, weight_s, 0, most_s, 0, "weight gradients put off"),
};
static const MppFields op_fields = MPP_FIELDS("measured operation", MppMeasuredOp, op_rows);

static const MppField rank_rows[] = {
    MPP_FIELD_INT(MppMeasuredRank, rank, 0, MOST_RANKS, MPP_REQUIRED, "rank"),
    MPP_FIELD_INT(MppMeasuredRank, stage, 0, MOST_RANKS, MPP_REQUIRED, "pipeline stage"),
    MPP_FIELD_DOUBLE(MppMeasuredRank, peak_bytes, 0, most_bytes, 0, "most memory allocated at once"),
    MPP_FIELD_STRUCTS(MppMeasuredRank, actions, &action_fields, 0, "the stage's program, timed"),
    MPP_FIELD_STRUCTS(MppMeasuredRank, ops, &op_fields, 0, "operations within passes"),
};
const MppFields mpp_measured_rank_fields = MPP_FIELDS("measured rank", MppMeasuredRank, rank_rows);

static const MppField compared_rows[] = {
    MPP_FIELD_INT(MppComparedStep, step, 1, MOST_STEPS, MPP_REQUIRED, "step, from 1"),
    MPP_FIELD_DOUBLE(MppComparedStep, loss, -most_s, most_s, MPP_REQUIRED, "mean loss of a token, split"),
    MPP_FIELD_DOUBLE(MppComparedStep, whole_loss, -most_s, most_s, MPP_REQUIRED, "and whole"),
    MPP_FIELD_DOUBLE(MppComparedStep, norm, 0, most_bytes, MPP_REQUIRED, "norm of all gradients, split"),
    MPP_FIELD_DOUBLE(MppComparedStep, whole_norm, 0, most_bytes, MPP_REQUIRED, "and whole"),
    MPP_FIELD_DOUBLE(MppComparedStep, worst_gradient, 0, most_bytes, MPP_REQUIRED, "largest difference of a gradient"),
    MPP_FIELD_STRING(MppComparedStep, parameter, 0, "parameter that it belongs to"),
};
static const MppFields compared_fields = MPP_FIELDS("compared step", MppComparedStep, compared_rows);

static const MppField report_rows[] = {
    MPP_FIELD_STRING(MppRunReport, backend, MPP_REQUIRED, "backend that ran"),
    MPP_FIELD_BOOL(MppRunReport, slice, false, "one rank was each stage's first in turn, alone"),
    MPP_FIELD_DOUBLES(MppRunReport, steps_s, 0, most_s, "measured steps"),
    MPP_FIELD_DOUBLES(MppRunReport, losses, -most_s, most_s, "mean loss of a token, step by step"),
    MPP_FIELD_STRUCTS(MppRunReport, ranks, &mpp_measured_rank_fields, 0, "by rank"),
    MPP_FIELD_STRUCTS(MppRunReport, numerics, &compared_fields, 0, "split beside whole model"),
};
const MppFields mpp_run_report_fields = MPP_FIELDS("run report", MppRunReport, report_rows);

MppRunReport *mpp_run_report_new(const char *backend)
{
    MppRunReport *report = g_new0(MppRunReport, 1);
    report->backend = g_strdup(backend);
    report->steps_s = g_array_new(FALSE, TRUE, sizeof(double));
    report->losses = g_array_new(FALSE, TRUE, sizeof(double));
    report->ranks = g_array_new(FALSE, TRUE, sizeof(MppMeasuredRank));
    report->numerics = g_array_new(FALSE, TRUE, sizeof(MppComparedStep));
    return report;
}

void mpp_run_report_free(MppRunReport *report)
{
    if (!report)
        return;
    mpp_fields_clear(&mpp_run_report_fields, report);
    g_free(report);
}

char *mpp_measured_rank_to_text(const MppMeasuredRank *rank)
{
    g_autoptr(cJSON) json = mpp_fields_write(&mpp_measured_rank_fields, rank, true);
    return mpp_json_to_text(json);
}

bool mpp_run_report_add_rank(MppRunReport *report, const char *text, GError **error)
{
    MppMeasuredRank rank;
    g_autoptr(MppJson) json = mpp_json_parse("rank", text, strlen(text), 1, error);
    if (!json || !mpp_fields_read(&mpp_measured_rank_fields, json, json->root, &rank, error))
        return false;
    g_array_append_val(report->ranks, rank);
    return true;
}

MppRunReport *mpp_run_report_read(const MppJson *json, GError **error)
{
    g_autoptr(MppRunReport) report = g_new0(MppRunReport, 1);
    if (!mpp_fields_read(&mpp_run_report_fields, json, json->root, report, error))
        return NULL;
    return g_steal_pointer(&report);
}

static int by_value(gconstpointer a, gconstpointer b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double mpp_median(const double *values, int64_t n)
{
    g_autofree double *sorted = g_memdup2(values, (gsize)n * sizeof(double));
    qsort(sorted, (size_t)n, sizeof(double), by_value);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

double mpp_run_report_step_s(const MppRunReport *report)
{
    return report->steps_s->len ? mpp_median((const double *)(void *)report->steps_s->data, report->steps_s->len) : 0;
}

double mpp_run_report_worst(const MppRunReport *report)
{
    double worst = 0;
    for (guint i = 0; i < report->numerics->len; i++) {
        const MppComparedStep *step = &g_array_index(report->numerics, MppComparedStep, i);
        worst = fmax(worst, step->worst_gradient);
        worst = fmax(worst, fabs(step->loss - step->whole_loss) / fabs(step->whole_loss));
        worst = fmax(worst, fabs(step->norm - step->whole_norm) / step->whole_norm);
    }
    return worst;
}
