/**
 * Completion for bash.
 */
#include <stdio.h>

#include "planner/cli/describe.h"

static void begin(void)
{
    printf(
        "# Completion of mpplan for bash, written by mpplan help --completion bash.\n"
        "_mpplan()\n{\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=plan words=\"\" files=\"\" i\n"
        "    local commands='");
    for (int i = 0; mpp_commands[i]; i++)
        printf("%s%s", i ? " " : "", mpp_commands[i]->name);
    printf("'\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case \" $commands \" in *\" ${COMP_WORDS[i]} \"*) command=${COMP_WORDS[i]}; break ;; esac\n"
           "    done\n"
           "    local options\n"
           "    case $command in\n");
}

/** The pattern of an option in a case: "--model|-m". */
static void print_pattern(const GOptionEntry *entry)
{
    printf("--%s", entry->long_name);
    if (entry->short_name)
        printf("|-%c", entry->short_name);
}

static void command(const MppCommand *command, const GOptionEntry *entries)
{
    g_auto(MppOptionValues) positional = mpp_describe_positional(command);
    printf("    %s)\n        options='", command->name);
    for (const GOptionEntry *entry = entries; entry->long_name; entry++)
        if (mpp_describe_is_option(entry))
            printf("%s--%s", entry == entries ? "" : " ", entry->long_name);
    printf("'\n        case $previous in\n");
    for (const GOptionEntry *entry = entries; entry->long_name; entry++) {
        if (!mpp_describe_is_option(entry) || entry->arg == G_OPTION_ARG_NONE)
            continue;
        g_auto(MppOptionValues) values = mpp_describe_values(entry);
        printf("        ");
        print_pattern(entry);
        printf(") words='%s' files=%s ;;\n", values.words, values.files ? "yes" : "no");
    }
    printf("        *) words=\"$options %s\" files=%s ;;\n        esac\n        ;;\n", positional.words,
           positional.files ? "yes" : "no");
}

static void end(void)
{
    printf(
        "    esac\n"
        "    ((COMP_CWORD == 1)) && words=\"$commands $options\"\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
        "    [[ $files == yes && $current != -* ]] && mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$current\")\n"
        "    return 0\n"
        "}\n"
        "complete -o filenames -F _mpplan mpplan\n");
}

const MppDescription mpp_description_bash = { .name = "bash", .begin = begin, .command = command, .end = end };
