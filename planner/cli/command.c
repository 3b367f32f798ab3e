#include "planner/cli/command.h"

#include <stdio.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/base/names.h"
#include "planner/cli/describe.h"

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

static void add_entries(MppArguments *arguments, const GOptionEntry *entries)
{
    for (const GOptionEntry *entry = entries; entry->long_name; entry++)
        g_array_append_val(arguments->entries, *entry);
}

/** All options of a command, the job's first; what is positional is the last. */
static void set_entries(MppArguments *arguments, const MppCommand *command, MppJobWords *job, const GOptionEntry *own)
{
    const GOptionEntry common[] = {
        { "help", 'h', 0, G_OPTION_ARG_NONE, &arguments->helped, "Show this help", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->rest, NULL, command->arguments },
        G_OPTION_ENTRY_NULL,
    };
    arguments->entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
    if (job) {
        GOptionEntry entries[MPP_N_JOB_ENTRIES];
        *job = mpp_job_words_none();
        job->flags = true;
        mpp_job_options_entries(job, entries);
        add_entries(arguments, entries);
    }
    add_entries(arguments, own);
    add_entries(arguments, common);
}

static GOptionContext *context_of(const MppCommand *command, const MppArguments *arguments)
{
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, command->summary);
    g_option_context_add_main_entries(context, (const GOptionEntry *)arguments->entries->data, NULL);
    g_autofree char *examples = g_strconcat("Examples:\n", command->examples, NULL);
    g_option_context_set_description(context, examples);
    return context;
}

/** Says of an option that no entry has which ones there are. @error: the parser's, replaced when it is of that kind */
static void suggest_option(const GArray *entries, char *const *argv, int argc, GError **error)
{
    if (!g_error_matches(*error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
        return;
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < entries->len; i++)
        if (mpp_describe_is_option(&g_array_index(entries, GOptionEntry, i)))
            g_ptr_array_add(known, g_strconcat("--", g_array_index(entries, GOptionEntry, i).long_name, NULL));
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

bool mpp_command_parse(const MppCommand *command, MppJobWords *job, const GOptionEntry *entries, int argc, char **argv,
                       MppArguments *arguments, GError **error)
{
    set_entries(arguments, command, job, entries);
    const MppDescription *description = mpp_describe_asked(argc, argv);
    if (description) {
        description->command(command, (const GOptionEntry *)arguments->entries->data);
        arguments->helped = TRUE;
        return true;
    }
    g_autoptr(GOptionContext) context = context_of(command, arguments);
    g_autofree char *program = g_strconcat("mpplan ", command->name, NULL);
    g_autofree char **words = g_new0(char *, argc + 2); /* the parser wants the program's name first and its own copy */
    words[0] = program;
    for (int i = 0; i < argc; i++)
        words[i + 1] = argv[i];
    int n = argc + 1;
    g_set_prgname(program);
    bool parsed = g_option_context_parse(context, &n, &words, error);
    if (parsed && arguments->helped) {
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
    }
    g_set_prgname("mpplan");
    if (!parsed)
        suggest_option(arguments->entries, argv, argc, error);
    return parsed;
}

void mpp_arguments_clear(MppArguments *arguments)
{
    if (arguments->entries)
        mpp_options_clear((const GOptionEntry *)arguments->entries->data);
    g_clear_pointer(&arguments->entries, g_array_unref);
}

bool mpp_command_check_range(int given, int least, int most, const char *flag, GError **error)
{
    if (given >= least && given <= most)
        return true;
    return mpp_error_usage(error, "--%s: expected a whole number from %d to %d, got %d", flag, least, most, given);
}

bool mpp_command_check_needs(bool given, const char *flag, bool there, const char *needed, GError **error)
{
    return !given || there || mpp_error_usage(error, "--%s says nothing without --%s", flag, needed);
}
