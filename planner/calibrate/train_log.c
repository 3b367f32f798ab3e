#include "planner/calibrate/train_log.h"

#include <gsl/gsl_statistics_double.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/base/file.h"

#define NUMBER "[0-9][0-9,]*(?:\\.[0-9]+)?"

/** A line of a step: groups `step` and `value`, and `batch` where it is stated. */
typedef struct {
    const char *framework;
    MppLogUnit unit;
    const char *pattern;
} StepFormat;

/* Megatron-LM: training_log(); DeepSpeed: ThroughputTimer and PipelineEngine; torchtitan: MetricsProcessor.log() */
static const StepFormat step_formats[] = {
    { "megatron", MPP_LOG_MILLISECONDS,
      "iteration +(?<step>[0-9]+)/ *[0-9]+ \\|.*?elapsed time per iteration \\(ms\\): *(?<value>" NUMBER
      ")(?:.*?global batch size: *(?<batch>[0-9]+))?" },
    { "megatron", MPP_LOG_SECONDS,
      "iteration +(?<step>[0-9]+)/ *[0-9]+ \\|.*?elapsed time per iteration \\(s\\): *(?<value>" NUMBER
      ")(?:.*?global batch size: *(?<batch>[0-9]+))?" },
    { "deepspeed", MPP_LOG_SAMPLES_PER_S,
      "(?:global_step=|stop\\] [0-9]+/)(?<step>[0-9]+), RunningAvgSamplesPerSec=" NUMBER ", CurrSamplesPerSec=(?<value>" NUMBER ")" },
    { "deepspeed", MPP_LOG_SECONDS, "steps: (?<step>[0-9]+) loss: .*?iter time \\(s\\): (?<value>" NUMBER ")" },
    { "torchtitan", MPP_LOG_TOKENS_PER_S, "step: +(?<step>[0-9]+) .*?tps: +(?<value>" NUMBER ")" },
    { "maxtext", MPP_LOG_SECONDS, "completed step: (?<step>[0-9]+), seconds: (?<value>" NUMBER ")" },
};

static const double mib = 1024.0 * 1024, gib = 1024.0 * 1024 * 1024, gb = 1e9;

/** A statement of memory: group `value`. Megatron's MB are MiB, DeepSpeed's GB are GiB, Megatron-Bridge's are 1e9. */
static const struct {
    const double *unit;
    bool reserved;
    const char *pattern;
} memory_formats[] = {
    { &mib, false, "memory \\(MB\\) \\|.*?max allocated: *(?<value>" NUMBER ")" },
    { &mib, true, "memory \\(MB\\) \\|.*?max reserved: *(?<value>" NUMBER ")" },
    { &gb, false, "mem-max-allocated-gigabytes: *(?<value>" NUMBER ")" },
    { &gb, true, "mem-max-reserved-gigabytes: *(?<value>" NUMBER ")" },
    { &gib, false, "MaxMemAllocated=(?<value>" NUMBER ") ?GB" },
    { &gib, true, "memory: +(?<value>" NUMBER ")GiB\\(" },
};

void mpp_train_log_free(MppTrainLog *log)
{
    if (!log)
        return;
    g_free(log->name);
    g_array_unref(log->steps);
    g_free(log);
}

/** Logs are bytes: what is no UTF-8 in them does not matter. */
static GRegex *compile(const char *pattern)
{
    return g_regex_new(pattern, G_REGEX_RAW, 0, NULL);
}

/** Group @name as a number, thousands' commas left out; 0 where it did not take part. */
static double group_number(const GMatchInfo *match, const char *name)
{
    g_autofree char *text = g_match_info_fetch_named(match, name);
    if (!text || !*text)
        return 0;
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    g_autofree char *digits = g_strjoinv("", parts);
    return g_ascii_strtod(digits, NULL);
}

/** Counts lines from one match to the next, so that a long log is walked once. */
typedef struct {
    const char *at;
    int64_t line;
} LineCounter;

static int64_t line_of(LineCounter *counter, const char *place)
{
    for (; counter->at < place; counter->at++)
        counter->line += *counter->at == '\n';
    return counter->line;
}

/** Appends the lines of @format. Error: MPP_ERROR_SCHEMA. */
static bool read_steps(const StepFormat *format, const char *text, MppTrainLog *log, GError **error)
{
    g_autoptr(GRegex) regex = compile(format->pattern);
    g_autoptr(GMatchInfo) match = NULL;
    LineCounter counter = { text, 1 };
    for (bool more = g_regex_match(regex, text, 0, &match); more; more = g_match_info_next(match, NULL)) {
        int start;
        g_match_info_fetch_pos(match, 0, &start, NULL);
        MppLogStep step = { line_of(&counter, text + start), (int64_t)group_number(match, "step"), group_number(match, "value"),
                            strstr(format->pattern, "<batch>") ? (int64_t)group_number(match, "batch") : 0 };
        if (!(step.value > 0))
            return mpp_error_set(error, MPP_ERROR_SCHEMA, "%s:%" G_GINT64_FORMAT ": expected a step time or rate above 0, got 0",
                                 log->name, step.line);
        g_array_append_val(log->steps, step);
    }
    return true;
}

static double most_of(const char *pattern, const char *text)
{
    g_autoptr(GRegex) regex = compile(pattern);
    g_autoptr(GMatchInfo) match = NULL;
    double most = 0;
    for (bool more = g_regex_match(regex, text, 0, &match); more; more = g_match_info_next(match, NULL))
        most = MAX(most, group_number(match, "value"));
    return most;
}

static void read_memory(const char *text, MppTrainLog *log)
{
    for (size_t i = 0; i < G_N_ELEMENTS(memory_formats); i++) {
        double *bytes = memory_formats[i].reserved ? &log->reserved_bytes : &log->allocated_bytes;
        *bytes = MAX(*bytes, most_of(memory_formats[i].pattern, text) * *memory_formats[i].unit);
    }
}

/** @text without the colours of a terminal. */
static char *plain(const char *text)
{
    g_autoptr(GRegex) colours = compile("\\x1b\\[[0-9;]*m");
    return g_regex_replace_literal(colours, text, -1, 0, "", 0, NULL);
}

MppTrainLog *mpp_train_log_parse(const char *name, const char *text, GError **error)
{
    g_autofree char *clean = plain(text);
    g_autoptr(MppTrainLog) log = g_new0(MppTrainLog, 1);
    log->name = g_strdup(name);
    log->steps = g_array_new(FALSE, FALSE, sizeof(MppLogStep));
    for (size_t i = 0; i < G_N_ELEMENTS(step_formats) && !log->steps->len; i++) {
        log->framework = step_formats[i].framework;
        log->unit = step_formats[i].unit;
        if (!read_steps(&step_formats[i], clean, log, error))
            return NULL;
    }
    read_memory(clean, log);
    if (log->steps->len)
        return g_steal_pointer(&log);
    g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX,
                "%s: expected a line with a step time as Megatron-LM, DeepSpeed, torchtitan or MaxText print it, found none", name);
    return NULL;
}

MppTrainLog *mpp_train_log_load(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    return mpp_file_read(path, &text, &n_bytes, error) ? mpp_train_log_parse(path, text, error) : NULL;
}

static double seconds_of(const MppTrainLog *log, const MppLogRun *run, double value)
{
    switch (log->unit) {
    case MPP_LOG_MILLISECONDS: return value * 1e-3;
    case MPP_LOG_SAMPLES_PER_S: return run->global_batch / value;
    case MPP_LOG_TOKENS_PER_S: return (double)run->global_batch * run->seq / run->gpus / value;
    default: return value;
    }
}

/** Seconds of the steps that are not the first of a start and of @run's batch size. */
static GArray *later_steps(const MppTrainLog *log, const MppLogRun *run)
{
    GArray *seconds = g_array_new(FALSE, FALSE, sizeof(double));
    int64_t last = -1;
    bool first = true;
    for (guint i = 0; i < log->steps->len; i++) {
        const MppLogStep *step = &g_array_index(log->steps, MppLogStep, i);
        if (step->number == last) /* another rank's line */
            continue;
        first = i == 0 || step->number < last;
        last = step->number;
        double one_s = seconds_of(log, run, step->value);
        if (!first && (!step->batch || step->batch == run->global_batch))
            g_array_append_val(seconds, one_s);
    }
    return seconds;
}

static double median_of(double *values, guint n)
{
    return gsl_stats_median(values, 1, n);
}

/** Median and spread of @n values. */
static double level_of(const double *values, guint n, double *spread_s)
{
    const double deviation_of_normal = 1.4826; /* standard deviation over median deviation */
    g_autofree double *sorted = g_memdup2(values, n * sizeof *values);
    double median = median_of(sorted, n);
    for (guint i = 0; i < n; i++)
        sorted[i] = ABS(values[i] - median);
    *spread_s = deviation_of_normal * median_of(sorted, n);
    return median;
}

static bool nothing_left(const MppTrainLog *log, const MppLogRun *run, GError **error)
{
    const MppLogStep *last = &g_array_index(log->steps, MppLogStep, log->steps->len - 1);
    if (last->batch && last->batch != run->global_batch)
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                    "%s:%" G_GINT64_FORMAT ": expected steps of %" G_GINT64_FORMAT " sequences as the launch says, got %" G_GINT64_FORMAT,
                    log->name, last->line, run->global_batch, last->batch);
    else
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                    "%s:%" G_GINT64_FORMAT ": expected at least two lines of steps after a start: the first is warm-up", log->name,
                    last->line);
    return false;
}

bool mpp_train_log_steady(const MppTrainLog *log, const MppLogRun *run, MppLogSteady *out, GError **error)
{
    const double far = 3; /* in standard deviations */
    g_autoptr(GArray) later = later_steps(log, run);
    if (!later->len)
        return nothing_left(log, run, error);
    const double *seconds = (const double *)later->data;
    guint n = later->len, warm = 0;
    double spread_s, level_s = level_of(seconds + n / 2, n - n / 2, &spread_s);
    while (warm < n / 2 && seconds[warm] > level_s + far * spread_s)
        warm++;
    out->step_s = level_of(seconds + warm, n - warm, &spread_s);
    out->spread_frac = spread_s / out->step_s;
    out->n_steps = (int)(n - warm);
    return true;
}
