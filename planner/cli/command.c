#include "planner/cli/command.h"

#include <stdio.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/base/names.h"
#include "planner/cli/describe.h"

#define HELP_TEXT "Show this help"

const MppCommand *const mpp_commands[] = {
    &mpp_command_plan,     &mpp_command_estimate, &mpp_command_simulate, &mpp_command_schedule,
    &mpp_command_why,      &mpp_command_sweep,    &mpp_command_diff,     &mpp_command_graph,    &mpp_command_report,
    &mpp_command_emit,     &mpp_command_inspect,  &mpp_command_compare,  &mpp_command_calibrate,
    &mpp_command_validate, &mpp_command_measure,  &mpp_command_help,     NULL,
};

const MppCommand *mpp_command_find(const char *name, GError **error)
{
    const char *known[G_N_ELEMENTS(mpp_commands)];
    int n = 0;
    for (; mpp_commands[n]; n++) {
        known[n] = mpp_commands[n]->name;
        if (strcmp(known[n], name) == 0)
            return mpp_commands[n];
    }
    g_autofree char *nearest = mpp_names_suggest(known, n, name);
    mpp_error_usage(error, "unknown command \"%s\"; known: %s", name, nearest);
    return NULL;
}

static GOptionContext *context_of(const MppCommand *command, const GOptionEntry *entries, const GOptionEntry *more, char ***rest,
                                  gboolean *help)
{
    const GOptionEntry common[] = {
        { "help", 'h', 0, G_OPTION_ARG_NONE, help, HELP_TEXT, NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, rest, NULL, command->arguments },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, command->summary);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    if (more)
        g_option_context_add_main_entries(context, more, NULL);
    g_option_context_add_main_entries(context, common, NULL);
    g_autofree char *examples = g_strconcat("Examples:\n", command->examples, NULL);
    g_option_context_set_description(context, examples);
    return context;
}

static void append_entries(GArray *all, const GOptionEntry *entries)
{
    for (const GOptionEntry *entry = entries; entry && entry->long_name; entry++)
        g_array_append_val(all, *entry);
}

static GArray *all_entries(const GOptionEntry *entries, const GOptionEntry *more)
{
    const GOptionEntry help[] = { { "help", 'h', 0, G_OPTION_ARG_NONE, NULL, HELP_TEXT, NULL }, G_OPTION_ENTRY_NULL };
    GArray *all = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
    append_entries(all, entries);
    append_entries(all, more);
    append_entries(all, help);
    return all;
}

/** Hands the options that the command would parse to another form than --help. */
static void describe(const MppDescription *description, const MppCommand *command, const GOptionEntry *entries,
                     const GOptionEntry *more)
{
    g_autoptr(GArray) all = all_entries(entries, more);
    description->command(command, (const GOptionEntry *)all->data);
}

/** Says of an option that no entry has which ones there are. @error: the parser's, replaced when it is of that kind */
static void suggest_option(const GOptionEntry *entries, const GOptionEntry *more, char *const *argv, int argc, GError **error)
{
    if (!g_error_matches(*error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
        return;
    g_autoptr(GArray) all = all_entries(entries, more);
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < all->len; i++)
        g_ptr_array_add(known, g_strconcat("--", g_array_index(all, GOptionEntry, i).long_name, NULL));
    for (int i = 0; i < argc; i++) {
        if (*argv[i] != '-' || !g_str_has_suffix((*error)->message, argv[i])) /* it names the word that it stopped at */
            continue;
        g_autofree char *option = g_strndup(argv[i], strcspn(argv[i], "="));
        g_autofree char *nearest = mpp_names_suggest((const char *const *)known->pdata, (int)known->len, option);
        g_clear_error(error);
        mpp_error_usage(error, "unknown option \"%s\"; known: %s", option, nearest);
        return;
    }
}

bool mpp_command_parse(const MppCommand *command, const GOptionEntry *entries, const GOptionEntry *more, int argc, char **argv,
                       char ***rest, bool *helped, GError **error)
{
    gboolean help = FALSE;
    *rest = NULL;
    const MppDescription *description = mpp_describe_asked(argc, argv);
    *helped = description != NULL;
    if (description) {
        describe(description, command, entries, more);
        return true;
    }
    g_autoptr(GOptionContext) context = context_of(command, entries, more, rest, &help);
    g_autofree char *program = g_strconcat("mpplan ", command->name, NULL);
    g_autofree char **arguments = g_new0(char *, argc + 2); /* the parser wants the program's name first and its own copy */
    arguments[0] = program;
    for (int i = 0; i < argc; i++)
        arguments[i + 1] = argv[i];
    int n = argc + 1;
    g_set_prgname(program);
    bool parsed = g_option_context_parse(context, &n, &arguments, error);
    if (parsed && help) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
        *helped = true;
    }
    g_set_prgname("mpplan");
    if (!parsed)
        suggest_option(entries, more, argv, argc, error);
    return parsed;
}

bool mpp_command_check_range(int given, int least, int most, const char *flag, GError **error)
{
    if (given >= least && given <= most)
        return true;
    return mpp_error_usage(error, "--%s: expected a whole number from %d to %d, got %d", flag, least, most, given);
}
