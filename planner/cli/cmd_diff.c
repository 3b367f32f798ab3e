#include <stdio.h>

#include "planner/api/plan_json.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"
#include "sim/answer.h"

/** A choice as a cell: layers of chunks as runs of equal ones, "1 2x62 1". */
static char *cell(const cJSON *choice)
{
    if (cJSON_IsString(choice))
        return g_strdup(choice->valuestring);
    if (cJSON_IsBool(choice))
        return g_strdup(cJSON_IsTrue(choice) ? "true" : "false");
    if (cJSON_IsNumber(choice))
        return g_strdup_printf("%g", choice->valuedouble);
    GString *text = g_string_new(NULL);
    for (const cJSON *first = choice->child, *next; first; first = next) {
        int alike = 0;
        for (next = first; next && next->valuedouble == first->valuedouble; next = next->next)
            alike++;
        g_string_append_printf(text, "%s%g", text->len ? " " : "", first->valuedouble);
        if (alike > 1)
            g_string_append_printf(text, "x%d", alike);
    }
    return g_string_free(text, FALSE);
}

static void add_strategy_rows(MppTable *table, const MppStrategy *a, const MppStrategy *b)
{
    g_autoptr(cJSON) left = mpp_fields_write(&mpp_strategy_fields, a, false);
    g_autoptr(cJSON) right = mpp_fields_write(&mpp_strategy_fields, b, false);
    const cJSON *member;
    cJSON_ArrayForEach(member, left) {
        const cJSON *other = mpp_json_get(right, member->string);
        if (cJSON_Compare(member, other, true))
            continue;
        g_autofree char *one = cell(member), *two = cell(other);
        mpp_table_add(table, "%s", member->string);
        mpp_table_add(table, "%s", one);
        mpp_table_add(table, "%s", two);
        mpp_table_add(table, "%s", "");
    }
}

static void add_time_row(MppTable *table, const char *name, double a_s, double b_s, double step_s)
{
    g_autofree char *one = mpp_units_seconds(a_s), *two = mpp_units_seconds(b_s);
    mpp_table_add(table, "%s", name);
    mpp_table_add(table, "%s", one);
    mpp_table_add(table, "%s", two);
    mpp_table_add(table, "%+.1f %%", 100 * (b_s - a_s) / step_s);
}

static void add_memory_rows(MppTable *table, const MppMemory *a, const MppMemory *b)
{
    for (int i = 0; i <= MPP_N_MEMORY_PARTS; i++) {
        bool sum = i == MPP_N_MEMORY_PARTS;
        double a_bytes = sum ? a->allocated_bytes : a->bytes[i], b_bytes = sum ? b->allocated_bytes : b->bytes[i];
        g_autofree char *one = mpp_units_bytes(a_bytes), *two = mpp_units_bytes(b_bytes);
        if (a_bytes == 0 && b_bytes == 0)
            continue;
        mpp_table_add(table, "%s", sum ? "peak memory" : mpp_names_get(&mpp_memory_titles, i));
        mpp_table_add(table, "%s", one);
        mpp_table_add(table, "%s", two);
        mpp_table_add(table, "%s", "");
    }
}

static void print_diff(const MppPlanFile *a, const MppPlanFile *b, const MppEstimate *first, const MppEstimate *second)
{
    g_autofree char *title_a = mpp_inputs_title(a->inputs), *title_b = mpp_inputs_title(b->inputs);
    printf("A  %s\nB  %s\n\n", title_a, title_b);
    g_autoptr(MppTable) table = mpp_table_new("|A >|B >|of A's step >");
    add_strategy_rows(table, &a->strategy, &b->strategy);
    add_time_row(table, "step", first->step_s, second->step_s, first->step_s);
    for (int i = 0; i < MPP_N_SHARES; i++)
        if (first->shares.s[i] != second->shares.s[i])
            add_time_row(table, mpp_names_get(&mpp_share_titles, i), first->shares.s[i], second->shares.s[i], first->step_s);
    add_memory_rows(table, &first->stages[first->fullest_stage].memory, &second->stages[second->fullest_stage].memory);
    mpp_table_print(table);
}

static bool write_diff(const MppPlanFile *a, const MppPlanFile *b, const MppEstimate *first, const MppEstimate *second, GError **error)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddItemToObject(root, "a", mpp_plan_json(&a->inputs->job, &a->strategy, first));
    cJSON_AddItemToObject(root, "b", mpp_plan_json(&b->inputs->job, &b->strategy, second));
    return mpp_json_write(root, NULL, error);
}

static bool diff(const char *a_path, const char *b_path, bool json, GError **error)
{
    g_autoptr(MppPlanFile) a = mpp_plan_file_load(a_path, error);
    g_autoptr(MppPlanFile) b = a ? mpp_plan_file_load(b_path, error) : NULL;
    if (!b)
        return false;
    g_autoptr(MppEstimate) first = mpp_answer_new(&a->inputs->job, &a->strategy);
    g_autoptr(MppEstimate) second = mpp_answer_new(&b->inputs->job, &b->strategy);
    if (json)
        return write_diff(a, b, first, second, error);
    print_diff(a, b, first, second);
    return true;
}

static bool run(int argc, char **argv, GError **error)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print both plans as JSON", NULL },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_diff, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (!arguments.rest || g_strv_length(arguments.rest) != 2)
        return mpp_error_usage(error, "diff needs two plan files");
    return diff(arguments.rest[0], arguments.rest[1], json, error);
}

const MppCommand mpp_command_diff = {
    .name = "diff",
    .arguments = "A.json B.json",
    .summary = "Show how two saved plans differ, in choices, time and memory.",
    .examples = "  mpplan diff a.json b.json\n",
    .run = run,
};
