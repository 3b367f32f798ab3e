#include <stdio.h>

#include "planner/base/error.h"
#include "planner/cli/describe.h"

void mpp_command_print_usage(void)
{
    fputs("mpplan plans how to train a neural net on many devices, before they are rented.\n\n"
          "usage: mpplan [COMMAND] [OPTION…]\n\n",
          stdout);
    for (int i = 0; mpp_commands[i]; i++)
        printf("  %-9s %s\n", mpp_commands[i]->name, mpp_commands[i]->summary);
    fputs("\nWithout a command, plan is meant:\n\n"
          "  mpplan --model gpt.json --gpus 8\n"
          "  mpplan --model llama-3.1-70b --cluster dgx-h100 --gpus 256\n"
          "  mpplan COMMAND --help\n",
          stdout);
}

static bool describe(const char *form, GError **error)
{
    const MppDescription *description = mpp_describe_find(form);
    if (description)
        return mpp_describe_all(description, error);
    return mpp_error_usage(error, "--completion: unknown shell \"%s\"; known: bash, zsh, fish", form);
}

static bool run(int argc, char **argv, GError **error)
{
    gboolean man = FALSE;
    char *shell = NULL;
    const GOptionEntry entries[] = {
        { "man", 0, 0, G_OPTION_ARG_NONE, &man, "Print the manual page, in roff", NULL },
        { "completion", 0, 0, G_OPTION_ARG_STRING, &shell, "Print the completion for bash, zsh or fish", "SHELL" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_help, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    if (man || shell)
        return describe(man ? "man" : shell, error);
    if (!arguments.rest) {
        mpp_command_print_usage();
        return true;
    }
    const MppCommand *command = mpp_command_find(arguments.rest[0], error);
    return command && command->run(1, (char *[]){ "--help", NULL }, error);
}

const MppCommand mpp_command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "Show the commands, a command's options, the manual page or a shell's completion.",
    .examples = "  mpplan help plan\n"
                "  mpplan help --man | man -l -\n"
                "  mpplan help --completion bash > ~/.local/share/bash-completion/completions/mpplan\n",
    .run = run,
};
