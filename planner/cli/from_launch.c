#include "planner/cli/from_launch.h"

#include <stdio.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/base/file.h"
#include "planner/base/units.h"
#include "planner/cli/plan_text.h"
#include "planner/cli/terminal.h"
#include "planner/spec/rules.h"
#include "sim/answer.h"

static const struct {
    const char *option;
    const MppEmitTarget *target;
    const char *help, *argument;
} sources[MPP_N_FROM] = {
    { "from-megatron", &mpp_emit_megatron, "A launch of Megatron-LM: its arguments, or a script that gives them", "ARGS" },
    { "from-megatron-bridge", &mpp_emit_megatron_bridge, "A launch of Megatron-Bridge: a file of overrides, one a line", "FILE" },
    { "from-deepspeed", &mpp_emit_deepspeed, "A launch of DeepSpeed: its JSON", "FILE" },
    { "from-torchtitan", &mpp_emit_torchtitan_toml, "A launch of torchtitan: its TOML", "FILE" },
};

void mpp_from_options_entries(MppFromOptions *options, GOptionEntry *entries)
{
    for (int i = 0; i < MPP_N_FROM; i++)
        entries[i] = (GOptionEntry){ sources[i].option,  0, 0, G_OPTION_ARG_FILENAME, &options->texts[i], sources[i].help,
                                     sources[i].argument };
}

void mpp_from_options_clear(MppFromOptions *options)
{
    for (int i = 0; i < MPP_N_FROM; i++)
        g_clear_pointer(&options->texts[i], g_free);
}

bool mpp_from_options_given(const MppFromOptions *options, bool *given, GError **error)
{
    int first = -1;
    for (int i = 0; i < MPP_N_FROM; i++) {
        if (options->texts[i] && first >= 0)
            return mpp_error_usage(error, "--%s and --%s: one launch at a time", sources[first].option, sources[i].option);
        if (options->texts[i])
            first = i;
    }
    *given = first >= 0;
    return true;
}

bool mpp_from_options_file(const char *framework, const char *path, MppFromOptions *out, GError **error)
{
    g_autofree char *wanted = g_strconcat("from-", framework, NULL);
    *out = (MppFromOptions){ 0 };
    for (int i = 0; i < MPP_N_FROM; i++) {
        if (strcmp(sources[i].option, wanted) == 0) {
            out->texts[i] = g_strdup(path);
            return true;
        }
    }
    return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "%s: launches of %s are not read; expected a plan file", path, framework);
}

/** The launch's text: the file called @given, or for arguments itself when there is no such file. */
static bool load(int source, const char *given, const char **name, char **text, GError **error)
{
    bool arguments = strcmp(sources[source].argument, "ARGS") == 0;
    bool file = !arguments || g_file_test(given, G_FILE_TEST_IS_REGULAR);
    *name = file ? given : "the launch";
    *text = file ? NULL : g_strdup(given);
    size_t n_bytes;
    return !file || mpp_file_read(given, text, &n_bytes, error);
}

/** What @text names goes before what the launch states; dp follows unless it is named. */
static bool override(const char *text, int64_t gpus, MppStrategy *strategy, GError **error)
{
    MppStrategyFields named;
    if (!mpp_strategy_parse(text, strategy, &named, error))
        return false;
    if (!(named & mpp_strategy_field("dp")))
        strategy->dp = mpp_strategy_dp_on(strategy, gpus);
    bool shape = named & (mpp_strategy_field("pp") | mpp_strategy_field("vpp"));
    if (shape && !(named & mpp_strategy_field("stage_layers")))
        g_clear_pointer(&strategy->stage_layers, g_array_unref);
    if (shape && !(named & mpp_strategy_field("schedule")))
        strategy->schedule = strategy->vpp > 1 ? MPP_SCHEDULE_INTERLEAVED : MPP_SCHEDULE_1F1B;
    return true;
}

static bool complete(const MppJobWords *job, const char *name, MppLaunch *read, const char *strategy_text, MppFromLaunch *out,
                     GError **error)
{
    out->inputs = mpp_job_words_launch_inputs(job, read, error);
    if (!out->inputs)
        return false;
    out->strategy = read->strategy;
    read->strategy.stage_layers = NULL;
    out->strategy.stage_split = out->inputs->runtime.stage_split;
    out->passed_over = g_ptr_array_ref(read->passed_over);
    if (strategy_text && !override(strategy_text, out->inputs->gpus, &out->strategy, error))
        return false;
    if (mpp_rules_check(&out->inputs->job, &out->strategy, error))
        return true;
    g_prefix_error(error, "%s: ", name);
    return false;
}

MppFromLaunch *mpp_from_launch_new(const MppJobWords *job, const MppFromOptions *from, const char *strategy_text,
                                   GError **error)
{
    int source = 0;
    while (!from->texts[source])
        source++;
    const char *name;
    g_autofree char *text = NULL;
    if (!load(source, from->texts[source], &name, &text, error))
        return NULL;
    g_autoptr(MppFromLaunch) launch = g_new0(MppFromLaunch, 1);
    launch->target = sources[source].target;
    g_autoptr(MppLaunch) read = mpp_job_words_launch(job, launch->target, name, text, error);
    return read && complete(job, name, read, strategy_text, launch, error) ? g_steal_pointer(&launch) : NULL;
}

void mpp_from_launch_free(MppFromLaunch *launch)
{
    if (!launch)
        return;
    mpp_inputs_free(launch->inputs);
    mpp_strategy_clear(&launch->strategy);
    g_clear_pointer(&launch->passed_over, g_ptr_array_unref);
    g_free(launch);
}

static void add_row(MppTable *table, const char *name, const MppStrategy *strategy, const MppEstimate *estimate,
                    double reference_s)
{
    g_autofree char *title = mpp_strategy_title(strategy), *step = mpp_units_seconds(estimate->step_s);
    g_autofree char *peak = mpp_units_bytes(estimate->peak_bytes);
    mpp_table_add(table, "%s", name);
    mpp_table_add(table, "%s", title);
    mpp_table_add(table, "%s", step);
    mpp_table_add(table, "%+.1f %%", 100 * (estimate->step_s / reference_s - 1));
    mpp_table_add(table, "%.1f %%", 100 * estimate->mfu);
    mpp_table_add(table, "%s%s", peak, estimate->fits ? "" : " (does not fit)");
}

static bool has_line(GStrv lines, const char *line)
{
    for (int i = 0; lines[i]; i++)
        if (strcmp(lines[i], line) == 0)
            return true;
    return false;
}

/** Lines of @text without indentation, continuation marks and comments. */
static GStrv bare_lines(const char *text)
{
    GStrv lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++) {
        char *line = g_strstrip(lines[i]);
        if (g_str_has_suffix(line, " \\"))
            line[strlen(line) - 2] = '\0';
        if (*line == '#')
            *line = '\0';
    }
    return lines;
}

static void print_lines(GStrv lines, GStrv others, char mark)
{
    for (int i = 0; lines[i]; i++)
        if (*lines[i] && !has_line(others, lines[i]))
            printf("  %c %s\n", mark, lines[i]);
}

/** What differs between the files that the target would be given for the two plans. */
static void print_changes(const MppFromLaunch *launch, const MppStrategy *best)
{
    g_autoptr(GError) refused = NULL;
    g_autofree char *now = mpp_emit_text(launch->target, launch->inputs, &launch->strategy, NULL, &refused);
    g_autofree char *then = now ? mpp_emit_text(launch->target, launch->inputs, best, NULL, &refused) : NULL;
    if (!then) {
        printf("\n  in its words   %s\n", refused->message);
        return;
    }
    g_auto(GStrv) old = bare_lines(now), new = bare_lines(then);
    printf("\n  to change in the launch (- now, + then)\n");
    print_lines(old, new, '-');
    print_lines(new, old, '+');
}

static void print_passed_over(const GPtrArray *words)
{
    if (!words->len)
        return;
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < words->len; i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "", (const char *)words->pdata[i]);
    g_autofree char *list = g_string_free(text, FALSE);
    printf("  not read  %s\n", list);
}

static void print_faster(const MppFromLaunch *launch, const MppEstimate *now, const MppEstimate *best)
{
    g_autofree char *unsure = mpp_plan_text_unsure(&launch->inputs->job, &launch->strategy);
    if (now->step_s == best->step_s)
        puts("  the launch is as fast as the best plan");
    else
        printf("  the launch is %.1f %% faster than the best plan%s\n", 100 * (1 - now->step_s / best->step_s), unsure);
}

void mpp_from_launch_print(const MppFromLaunch *launch, const MppRankedPlan *better)
{
    puts("");
    if (!better) {
        puts("  nothing fits on these devices");
        print_passed_over(launch->passed_over);
        return;
    }
    const MppStrategy *best = &better->candidate.strategy;
    const MppEstimate *then = better->estimate;
    g_autoptr(MppEstimate) now = mpp_answer_new(&launch->inputs->job, &launch->strategy);
    g_autoptr(MppTable) table = mpp_table_new("|layout|step >||MFU >|peak >");
    add_row(table, "now", &launch->strategy, now, now->step_s);
    add_row(table, "best", best, then, now->step_s);
    mpp_table_print(table);
    if (now->fits && now->step_s <= then->step_s) {
        print_faster(launch, now, then);
    } else {
        g_autofree char *reason = mpp_plan_text_reason(then, now);
        printf("  the launch needs %s\n", reason);
        print_changes(launch, best);
    }
    print_passed_over(launch->passed_over);
}
