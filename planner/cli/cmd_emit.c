#include <stdio.h>

#include "planner/base/file.h"
#include "planner/cli/command.h"
#include "planner/cli/terminal.h"
#include "planner/emit/emit.h"
#include "planner/spec/plan_file.h"
#include "sim/answer.h"

static void list_targets(void)
{
    g_autoptr(MppTable) table = mpp_table_new("target|file|what it is|read back");
    for (int i = 0; mpp_emit_targets[i]; i++) {
        const MppEmitTarget *target = mpp_emit_targets[i];
        mpp_table_add(table, "%s", target->name);
        mpp_table_add(table, "%s", target->file_name);
        mpp_table_add(table, "%s", target->summary);
        mpp_table_add(table, "%s", target->read ? "yes" : "no");
    }
    mpp_table_print(table);
}

static bool write_text(const char *text, const char *path, GError **error)
{
    if (path)
        return mpp_file_write(path, text, error);
    fputs(text, stdout);
    return true;
}

static bool emit(const char *to, const char *path, const char *output, GError **error)
{
    const MppEmitTarget *target = mpp_emit_find(to, error);
    g_autoptr(MppPlanFile) file = target ? mpp_plan_file_load(path, error) : NULL;
    g_autoptr(MppEstimate) predicted = file ? mpp_answer_new(&file->inputs->job, &file->strategy) : NULL;
    g_autofree char *text = file ? mpp_emit_text(target, file->inputs, &file->strategy, predicted, error) : NULL;
    return text && write_text(text, output, error);
}

static bool run(int argc, char **argv, GError **error)
{
    char *to = NULL, *output = NULL;
    gboolean list = FALSE;
    const GOptionEntry entries[] = {
        { "to", 'T', 0, G_OPTION_ARG_STRING, &to, "The framework to write for", "TARGET" },
        { "list", 'l', 0, G_OPTION_ARG_NONE, &list, "List the targets", NULL },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "Write to FILE", "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_emit, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (list) {
        list_targets();
        return true;
    }
    if (!to)
        return mpp_error_usage(error, "--to is missing: the target to write for; mpplan emit --list shows them");
    if (!arguments.rest || arguments.rest[1])
        return mpp_error_usage(error, "emit needs one plan file");
    return emit(to, arguments.rest[0], output, error);
}

const MppCommand mpp_command_emit = {
    .name = "emit",
    .arguments = "[PLAN.json]",
    .summary = "Write a saved plan as the arguments or the configuration of a framework.",
    .examples = "  mpplan emit --list\n"
                "  mpplan emit --to megatron plan.json -o run.sh\n"
                "  mpplan emit --to deepspeed plan.json -o ds_config.json\n",
    .run = run,
};
