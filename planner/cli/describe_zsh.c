/**
 * Completion for zsh.
 */
#include <stdio.h>
#include <string.h>

#include "planner/cli/describe.h"

/** Within single quotes of an _arguments specification: what has a meaning there is escaped. */
static char *escaped(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *c = text; *c; c++) {
        if (strchr("[]:\\", *c))
            g_string_append_c(out, '\\');
        if (*c == '\'')
            g_string_append(out, "'\\''");
        else
            g_string_append_c(out, *c);
    }
    return g_string_free(out, FALSE);
}

static void begin(void)
{
    printf("#compdef mpplan\n# Completion of mpplan for zsh, written by mpplan help --completion zsh.\n"
           "_mpplan() {\n"
           "    local -a commands=(\n");
    for (int i = 0; mpp_commands[i]; i++) {
        g_autofree char *summary = escaped(mpp_commands[i]->summary);
        printf("        '%s:%s'\n", mpp_commands[i]->name, summary);
    }
    printf("    )\n"
           "    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
           "        _describe command commands\n"
           "        return\n"
           "    fi\n"
           "    local command=plan\n"
           "    if [[ $words[2] != -* ]]; then\n"
           "        command=$words[2]\n"
           "        shift words\n"
           "        (( CURRENT-- ))\n"
           "    fi\n"
           "    case $command in\n");
}

static void print_action(const MppOptionValues *values)
{
    if (*values->words && values->files)
        printf("{_alternative \"words\\:name\\:(%s)\" \"files\\:file\\:_files\"}", values->words);
    else if (*values->words)
        printf("(%s)", values->words);
    else if (values->files)
        printf("_files");
}

static void print_option(const GOptionEntry *entry)
{
    g_autofree char *help = escaped(entry->description);
    bool many = entry->arg == G_OPTION_ARG_STRING_ARRAY || entry->arg == G_OPTION_ARG_FILENAME_ARRAY;
    printf("            ");
    if (entry->short_name)
        printf("'(-%c --%s)'{-%c,--%s}", entry->short_name, entry->long_name, entry->short_name, entry->long_name);
    else
        printf("'%s'--%s", many ? "*" : "", entry->long_name);
    printf("'[%s]", help);
    if (entry->arg != G_OPTION_ARG_NONE) {
        g_auto(MppOptionValues) values = mpp_describe_values(entry);
        g_autofree char *argument = escaped(entry->arg_description);
        printf(":%s:", argument);
        print_action(&values);
    }
    printf("' \\\n");
}

static void command(const MppCommand *command, const GOptionEntry *entries)
{
    g_auto(MppOptionValues) positional = mpp_describe_positional(command);
    printf("    %s)\n        _arguments \\\n", command->name);
    for (const GOptionEntry *entry = entries; entry->long_name; entry++)
        if (mpp_describe_is_option(entry))
            print_option(entry);
    printf("            '*:argument:");
    print_action(&positional);
    printf("'\n        ;;\n");
}

static void end(void)
{
    printf("    esac\n}\n_mpplan \"$@\"\n");
}

const MppDescription mpp_description_zsh = { .name = "zsh", .begin = begin, .command = command, .end = end };
