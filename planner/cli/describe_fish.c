/**
 * Completion for fish.
 */
#include <stdio.h>

#include "planner/cli/describe.h"

/** @text in single quotes. */
static char *quoted(const char *text)
{
    GString *out = g_string_new("'");
    for (const char *c = text; *c; c++) {
        if (*c == '\'' || *c == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *c);
    }
    g_string_append_c(out, '\'');
    return g_string_free(out, FALSE);
}

static void begin(void)
{
    printf("# Completion of mpplan for fish, written by mpplan help --completion fish.\n"
           "complete -c mpplan -f\n");
    for (int i = 0; mpp_commands[i]; i++) {
        g_autofree char *summary = quoted(mpp_commands[i]->summary);
        printf("complete -c mpplan -n __fish_use_subcommand -a %s -d %s\n", mpp_commands[i]->name, summary);
    }
}

static void print_values(const MppOptionValues *values)
{
    g_autofree char *words = quoted(values->words);
    if (*values->words)
        printf(" -a %s", words);
    if (values->files)
        printf(" -F");
}

static void command(const MppCommand *command, const GOptionEntry *entries)
{
    g_auto(MppOptionValues) positional = mpp_describe_positional(command);
    const char *or_none = command == &mpp_command_plan ? "__fish_use_subcommand; or " : ""; /* without a command, plan is meant */
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        if (!mpp_describe_is_option(entry))
            continue;
        g_autofree char *help = quoted(entry->description);
        printf("complete -c mpplan -n '%s__fish_seen_subcommand_from %s' -l %s", or_none, command->name, entry->long_name);
        if (entry->short_name)
            printf(" -s %c", entry->short_name);
        printf(" -d %s", help);
        if (entry->arg != G_OPTION_ARG_NONE) {
            g_auto(MppOptionValues) values = mpp_describe_values(entry);
            printf(" -x");
            print_values(&values);
        }
        printf("\n");
    }
    if (!*positional.words && !positional.files)
        return;
    printf("complete -c mpplan -n '__fish_seen_subcommand_from %s'", command->name);
    print_values(&positional);
    printf("\n");
}

static void end(void)
{
}

const MppDescription mpp_description_fish = { .name = "fish", .begin = begin, .command = command, .end = end };
