#include "planner/cli/sweep_values.h"

#include <math.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/spec/strategy.h"

enum { MOST_VALUES = 64 };

void mpp_sweep_free(MppSweep *sweep)
{
    if (!sweep)
        return;
    g_free(sweep->name);
    g_strfreev(sweep->values);
    g_free(sweep);
}

/** Values from @low to @high, each twice the one before; the last is @high. NULL: not such a range. */
static char **doubled(const char *text)
{
    g_auto(GStrv) ends = g_strsplit(text, "..", 2);
    gint64 low, high;
    if (g_strv_length(ends) != 2 || !g_ascii_string_to_signed(ends[0], 10, 1, G_MAXINT64 / 2, &low, NULL) ||
        !g_ascii_string_to_signed(ends[1], 10, low, G_MAXINT64 / 2, &high, NULL))
        return NULL;
    g_autoptr(GStrvBuilder) values = g_strv_builder_new();
    for (gint64 value = low; value < high; value *= 2) {
        g_autofree char *one = g_strdup_printf("%" G_GINT64_FORMAT, value);
        g_strv_builder_add(values, one);
    }
    g_strv_builder_add(values, ends[1]);
    return g_strv_builder_end(values);
}

MppSweep *mpp_sweep_parse(const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autoptr(MppSweep) sweep = g_new0(MppSweep, 1);
    if (equals && equals > text && equals[1]) {
        bool range = strstr(equals, "..") && !strpbrk(equals, ",/");
        sweep->name = g_strdelimit(g_strndup(text, equals - text), "_", '-');
        sweep->values = range ? doubled(equals + 1) : g_strsplit(equals + 1, ",", -1);
    }
    guint n = sweep->values ? g_strv_length(sweep->values) : 0;
    if (n > 0 && n <= MOST_VALUES)
        return g_steal_pointer(&sweep);
    if (n)
        mpp_error_usage(error, "\"%s\" has %u values; at most %d are swept over", text, n, MOST_VALUES);
    else
        mpp_error_usage(error, "\"%s\": expected NAME=VALUES, like gpus=8..1024 (doubling) or precision=bf16,fp8", text);
    return NULL;
}

static bool set_option(const GOptionEntry *entry, char *value, GError **error)
{
    if (entry->arg != G_OPTION_ARG_INT64) {
        *(char **)entry->arg_data = value;
        return true;
    }
    gint64 number;
    if (!g_ascii_string_to_signed(value, 10, 1, G_MAXINT64, &number, NULL))
        return mpp_error_usage(error, "--%s: expected a whole number from 1 on, got \"%s\"", entry->long_name, value);
    *(int64_t *)entry->arg_data = number;
    return true;
}

static bool unknown(const char *name, const GOptionEntry *entries, GError **error)
{
    const char *known[MPP_N_JOB_ENTRIES];
    int n = 0;
    for (; entries[n].long_name; n++)
        known[n] = entries[n].long_name;
    g_autofree char *nearest = mpp_names_suggest(known, n, name);
    return mpp_error_usage(error, "\"%s\" is nothing to sweep over; known: %s, and the parts of a strategy (tp, pp, mbs, …)", name, nearest);
}

bool mpp_sweep_set(const MppSweep *sweep, guint index, MppJobWords *options, char **strategy, GError **error)
{
    GOptionEntry entries[MPP_N_JOB_ENTRIES];
    mpp_job_options_entries(options, entries);
    for (const GOptionEntry *entry = entries; entry->long_name; entry++)
        if (strcmp(entry->long_name, sweep->name) == 0)
            return set_option(entry, sweep->values[index], error);
    g_autofree char *field = g_strdelimit(g_strdup(sweep->name), "-", '_');
    if (!mpp_strategy_has_key(field))
        return unknown(sweep->name, entries, error);
    char *both = g_strdup_printf("%s%s%s=%s", *strategy ? *strategy : "", *strategy ? "," : "", field, sweep->values[index]);
    g_free(*strategy);
    *strategy = both;
    return true;
}

bool mpp_sweep_tokens(const char *text, double *tokens, GError **error)
{
    static const struct { const char *suffix; double unit; } units[] = {
        { "", 1 }, { "K", 1e3 }, { "M", 1e6 }, { "B", 1e9 }, { "T", 1e12 }
    };
    char *end;
    double number = g_ascii_strtod(text, &end);
    for (size_t i = 0; i < G_N_ELEMENTS(units) && end > text; i++)
        if (g_ascii_strcasecmp(end, units[i].suffix) == 0 && number > 0 && isfinite(number)) {
            *tokens = number * units[i].unit;
            return true;
        }
    return mpp_error_usage(error, "--tokens: expected a number of tokens like 15T or 300B, got \"%s\"", text);
}
