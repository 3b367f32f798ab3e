#include "planner/calibrate/residuals.h"

#include <math.h>
#include <string.h>

#include "planner/base/file.h"

static const char *const header = "source,id,job,device,runtime,techniques,host_bound,experts,held_out,measured_over_predicted";
static const char *const held[] = { "source", "run" };
static const char *const technique_between = "+";

static void clear_residual(gpointer data)
{
    MppResidual *residual = data;
    g_free(residual->source);
    g_free(residual->id);
    g_free(residual->device);
    g_free(residual->runtime);
    g_free(residual->job);
}

GArray *mpp_residuals_new(void)
{
    GArray *residuals = g_array_new(FALSE, FALSE, sizeof(MppResidual));
    g_array_set_clear_func(residuals, clear_residual);
    return residuals;
}

static bool is_timed(const MppPrediction *prediction)
{
    const MppRunMeasured *measured = &prediction->run->measured;
    return !prediction->skipped && prediction->step_time_s > 0 && measured->step_time_s > 0 && !measured->anomaly;
}

static char *job_name(const MppJob *job)
{
    char *name = g_strdup_printf("%s|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT "|%" G_GINT64_FORMAT, job->model->name, job->training.seq,
                                 job->gpus, job->training.global_batch);
    return g_strdelimit(name, ",\r\n", ';');
}

void mpp_residuals_add(GArray *residuals, const GArray *predictions, bool run_held)
{
    for (guint i = 0; i < predictions->len; i++) {
        const MppPrediction *one = &g_array_index(predictions, MppPrediction, i);
        if (!is_timed(one))
            continue;
        const MppJob *job = &one->job->job;
        MppResidual residual = { .source = g_strdup(one->run->source),
                                 .id = g_strdup(one->run->id),
                                 .device = g_strdup(job->cluster->device.name),
                                 .runtime = g_strdup(job->runtime->name),
                                 .job = job_name(job),
                                 .techniques = mpp_techniques_of(&one->job->strategy),
                                 .basis = mpp_basis_of(job, &one->shares),
                                 .run_held = run_held,
                                 .log_ratio = log(one->run->measured.step_time_s / one->step_time_s) };
        g_array_append_val(residuals, residual);
    }
}

MppTechniques mpp_residuals_techniques(const GArray *residuals, const char *without)
{
    enum { FEWEST_RUNS = 20, FEWEST_SOURCES = 3 };
    MppTechniques fitted = 0;
    for (int t = 0; t < MPP_N_TECHNIQUES; t++) {
        g_autoptr(GHashTable) sources = g_hash_table_new(g_str_hash, g_str_equal);
        int runs = 0;
        for (guint i = 0; i < residuals->len; i++) {
            const MppResidual *one = &g_array_index(residuals, MppResidual, i);
            if (one->run_held || !(one->techniques >> t & 1) || g_strcmp0(one->source, without) == 0)
                continue;
            g_hash_table_add(sources, one->source);
            runs++;
        }
        fitted |= (MppTechniques)(runs >= FEWEST_RUNS && g_hash_table_size(sources) >= FEWEST_SOURCES) << t;
    }
    return fitted;
}

/** A stack that does what no fit has seen counts as not fitted. */
static void set_techniques_fitted(GArray *residuals)
{
    g_autoptr(GHashTable) by_source = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < residuals->len; i++) {
        MppResidual *one = &g_array_index(residuals, MppResidual, i);
        gpointer known = NULL;
        if (!g_hash_table_lookup_extended(by_source, one->source, NULL, &known)) {
            known = GUINT_TO_POINTER(mpp_residuals_techniques(residuals, one->source));
            g_hash_table_insert(by_source, one->source, known);
        }
        one->basis.stack_fitted &= !(one->techniques & ~GPOINTER_TO_UINT(known));
    }
}

void mpp_residuals_set_fitted(GArray *residuals)
{
    for (guint i = 0; i < residuals->len; i++) {
        MppResidual *one = &g_array_index(residuals, MppResidual, i);
        for (guint k = 0; k < residuals->len; k++) {
            const MppResidual *other = &g_array_index(residuals, MppResidual, k);
            bool elsewhere = strcmp(one->source, other->source) != 0;
            one->basis.device_fitted |= elsewhere && strcmp(one->device, other->device) == 0;
            one->basis.stack_fitted |= elsewhere && strcmp(one->runtime, other->runtime) == 0;
        }
    }
    set_techniques_fitted(residuals);
}

static bool read_number(const char *text, double *out)
{
    char *end = NULL;
    *out = g_ascii_strtod(text, &end);
    return end > text && !*end && isfinite(*out);
}

/** Adds the error of @line's run to @log_ratios, by source and id, if it has a time and a prediction. */
static bool read_blind_line(GHashTable *log_ratios, const char *line)
{
    enum { SOURCE, ID, MEASURED, PREDICTED, N_PARTS };
    g_auto(GStrv) parts = g_strsplit(line, ",", N_PARTS + 1);
    double measured, predicted;
    if (g_strv_length(parts) < N_PARTS)
        return false;
    if (!*parts[MEASURED] || !*parts[PREDICTED])
        return true;
    if (!read_number(parts[MEASURED], &measured) || !read_number(parts[PREDICTED], &predicted) || !(measured > 0 && predicted > 0))
        return false;
    double log_ratio = log(measured / predicted);
    g_hash_table_insert(log_ratios, g_strconcat(parts[SOURCE], ",", parts[ID], NULL), g_memdup2(&log_ratio, sizeof log_ratio));
    return true;
}

bool mpp_residuals_take_blind(GArray *residuals, const char *path, GError **error)
{
    static const char *const begin = "source,id,measured_s,predicted_s,";
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return false;
    g_autoptr(GHashTable) log_ratios = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i] && (*lines[i] || !i || lines[i + 1]); i++)
        if (i ? !read_blind_line(log_ratios, lines[i]) : !g_str_has_prefix(lines[0], begin)) {
            g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s:%d:1: expected %s%s… of compare --csv", path, i + 1,
                        i ? "a line of " : "", begin);
            return false;
        }
    for (guint i = 0; i < residuals->len; i++) {
        MppResidual *one = &g_array_index(residuals, MppResidual, i);
        g_autofree char *run = g_strconcat(one->source, ",", one->id, NULL);
        const double *log_ratio = one->run_held ? NULL : g_hash_table_lookup(log_ratios, run);
        one->log_ratio = log_ratio ? *log_ratio : one->log_ratio;
    }
    return true;
}

bool mpp_residuals_write(const GArray *residuals, const char *path, GError **error)
{
    GString *text = g_string_new(header);
    g_string_append_c(text, '\n');
    for (guint i = 0; i < residuals->len; i++) {
        const MppResidual *one = &g_array_index(residuals, MppResidual, i);
        char ratio[G_ASCII_DTOSTR_BUF_SIZE];
        g_autofree char *techniques = mpp_techniques_text(one->techniques, technique_between);
        g_ascii_formatd(ratio, sizeof(ratio), "%.5g", exp(one->log_ratio));
        g_string_append_printf(text, "%s,%s,%s,%s,%s,%s,%d,%d,%s,%s\n", one->source, one->id, one->job, one->device, one->runtime, techniques,
                               one->basis.host_bound, one->basis.experts, held[one->run_held], ratio);
    }
    g_autofree char *csv = g_string_free(text, FALSE);
    return mpp_file_write(path, csv, error);
}

/** @line: taken apart. */
static bool read_line(GArray *residuals, const char *line)
{
    enum { SOURCE, ID, JOB, DEVICE, RUNTIME, TECHNIQUES, HOST_BOUND, EXPERTS, HELD, RATIO, N_PARTS };
    g_auto(GStrv) parts = g_strsplit(line, ",", -1);
    if (g_strv_length(parts) != N_PARTS)
        return false;
    double ratio;
    bool run_held = strcmp(parts[HELD], held[true]) == 0;
    MppTechniques techniques;
    if (!mpp_techniques_read(parts[TECHNIQUES], technique_between, &techniques))
        return false;
    if (!read_number(parts[RATIO], &ratio) || !(ratio > 0) || !(run_held || strcmp(parts[HELD], held[false]) == 0))
        return false;
    MppResidual residual = { .source = g_strdup(parts[SOURCE]), .id = g_strdup(parts[ID]), .job = g_strdup(parts[JOB]), .device = g_strdup(parts[DEVICE]),
                             .runtime = g_strdup(parts[RUNTIME]), .techniques = techniques, .run_held = run_held, .log_ratio = log(ratio),
                             .basis = { .host_bound = *parts[HOST_BOUND] == '1', .experts = *parts[EXPERTS] == '1' } };
    g_array_append_val(residuals, residual);
    return true;
}

GArray *mpp_residuals_load(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GArray) residuals = mpp_residuals_new();
    for (int i = 0; lines[i] && (*lines[i] || lines[i + 1]); i++)
        if (i ? !read_line(residuals, lines[i]) : strcmp(lines[0], header) != 0) {
            g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s:%d:1: expected %s%s", path, i + 1, i ? "a line of " : "", header);
            return NULL;
        }
    mpp_residuals_set_fitted(residuals);
    return g_steal_pointer(&residuals);
}
