/**
 * mpplan: how to split a neural net over many devices.
 */
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "planner/base/error.h"
#include "planner/cli/command.h"

static bool run_command(const char *name, int argc, char **argv, GError **error)
{
    const MppCommand *command = mpp_command_find(name, error);
    return command && command->run(argc, argv, error);
}

static bool dispatch(int argc, char **argv, GError **error)
{
    const char *first = argc > 1 ? argv[1] : "--help";
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        mpp_command_print_usage();
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
