/**
 * mpplan: how to split a neural net over many devices.
 */
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/base/names.h"
#include "planner/cli/command.h"

static void print_usage(FILE *out)
{
    fputs("mpplan plans how to train a neural net on many devices, before they are rented.\n\n"
          "usage: mpplan [COMMAND] [OPTION…]\n\n", out);
    for (int i = 0; mpp_commands[i]; i++)
        fprintf(out, "  %-9s %s\n", mpp_commands[i]->name, mpp_commands[i]->summary);
    fputs("\nWithout a command, plan is meant:\n\n"
          "  mpplan --model gpt.json --gpus 8\n"
          "  mpplan --model llama-3.1-70b --cluster dgx-h100 --gpus 256\n"
          "  mpplan COMMAND --help\n", out);
}

static const MppCommand *find_command(const char *name)
{
    for (int i = 0; mpp_commands[i]; i++)
        if (strcmp(mpp_commands[i]->name, name) == 0)
            return mpp_commands[i];
    return NULL;
}

static void unknown_command(const char *name, GError **error)
{
    const char *known[32];
    int n = 0;
    for (; mpp_commands[n]; n++)
        known[n] = mpp_commands[n]->name;
    g_autofree char *nearest = mpp_names_suggest(known, n, name);
    g_set_error(error, MPP_ERROR, MPP_ERROR_USAGE, "unknown command \"%s\"; known: %s", name, nearest);
}

static bool run_command(const char *name, int argc, char **argv, GError **error)
{
    const MppCommand *command = find_command(name);
    if (command)
        return command->run(argc, argv, error);
    unknown_command(name, error);
    return false;
}

static bool dispatch(int argc, char **argv, GError **error)
{
    const char *first = argc > 1 ? argv[1] : "--help";
    bool help = strcmp(first, "help") == 0;
    if (help && argc > 2)
        return run_command(argv[2], 1, (char *[]){ "--help", NULL }, error);
    if (help || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_usage(stdout);
        return true;
    }
    if (strcmp(first, "--version") == 0) {
        puts("mpplan " MPP_VERSION);
        return true;
    }
    if (*first == '-')
        return mpp_command_plan.run(argc - 1, argv + 1, error);
    return run_command(first, argc - 2, argv + 2, error);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    gsl_set_error_handler_off();
    g_set_prgname("mpplan");
    g_autoptr(GError) error = NULL;
    if (dispatch(argc, argv, &error) && fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (!error) {
        fputs("mpplan: standard output could not be written\n", stderr);
        return 1;
    }
    fprintf(stderr, "mpplan: %s\n", error->message);
    return mpp_error_exit_status(error);
}
