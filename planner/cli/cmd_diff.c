#include <stdio.h>

#include "planner/api/plan_json.h"
#include "planner/base/units.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"
#include "sim/answer.h"

static void add_strategy_rows(MppTable *table, const MppStrategy *a, const MppStrategy *b)
{
    g_autoptr(cJSON) left = mpp_fields_write(&mpp_strategy_fields, a, false);
    g_autoptr(cJSON) right = mpp_fields_write(&mpp_strategy_fields, b, false);
    const cJSON *member;
    cJSON_ArrayForEach(member, left) {
        const cJSON *other = mpp_json_get(right, member->string);
        if (cJSON_Compare(member, other, true))
            continue;
        char *one = cJSON_PrintUnformatted(member), *two = cJSON_PrintUnformatted(other);
        mpp_table_add(table, "%s", member->string);
        mpp_table_add(table, "%s", one);
        mpp_table_add(table, "%s", two ? two : "");
        mpp_table_add(table, "%s", "");
        cJSON_free(one);
        cJSON_free(two);
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

static void print_diff(const MppPlanFile *a, const MppPlanFile *b)
{
    g_autoptr(MppEstimate) first = mpp_answer_new(&a->inputs->job, &a->strategy);
    g_autoptr(MppEstimate) second = mpp_answer_new(&b->inputs->job, &b->strategy);
    g_autofree char *title_a = mpp_inputs_title(a->inputs), *title_b = mpp_inputs_title(b->inputs);
    printf("A  %s\nB  %s\n\n", title_a, title_b);
    g_autoptr(MppTable) table = mpp_table_new("|A >|B >|of A's step >");
    add_strategy_rows(table, &a->strategy, &b->strategy);
    add_time_row(table, "step", first->step_s, second->step_s, first->step_s);
    for (int i = 0; i < MPP_N_SHARES; i++)
        if (first->shares.s[i] != second->shares.s[i])
            add_time_row(table, mpp_names_get(&mpp_share_titles, i), first->shares.s[i], second->shares.s[i], first->step_s);
    const MppMemory *full_a = &first->stages[first->fullest_stage].memory, *full_b = &second->stages[second->fullest_stage].memory;
    for (int i = 0; i <= MPP_N_MEMORY_PARTS; i++) {
        bool sum = i == MPP_N_MEMORY_PARTS;
        g_autofree char *one = mpp_units_bytes(sum ? full_a->allocated_bytes : full_a->bytes[i]);
        g_autofree char *two = mpp_units_bytes(sum ? full_b->allocated_bytes : full_b->bytes[i]);
        mpp_table_add(table, "%s", sum ? "peak memory" : mpp_names_get(&mpp_memory_titles, i));
        mpp_table_add(table, "%s", one);
        mpp_table_add(table, "%s", two);
        mpp_table_add(table, "%s", "");
    }
    mpp_table_print(table);
}

static bool run(int argc, char **argv, GError **error)
{
    g_auto(GStrv) files = NULL;
    bool helped;
    if (!mpp_command_parse(&mpp_command_diff, NULL, NULL, argc, argv, &files, &helped, error) || helped)
        return helped;
    if (!files || g_strv_length(files) != 2) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "diff needs two plan files");
        return false;
    }
    g_autoptr(MppPlanFile) a = mpp_plan_file_load(files[0], error);
    g_autoptr(MppPlanFile) b = a ? mpp_plan_file_load(files[1], error) : NULL;
    if (!b)
        return false;
    print_diff(a, b);
    return true;
}

const MppCommand mpp_command_diff = {
    .name = "diff",
    .arguments = "A.json B.json",
    .summary = "Show how two saved plans differ, in choices, time and memory.",
    .examples = "  mpplan diff a.json b.json\n",
    .run = run,
};
