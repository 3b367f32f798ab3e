/**
 * Commands of the program: a table, one file each.
 */
#pragma once

#include "planner/cli/options.h"

typedef struct {
    const char *name;
    const char *arguments; /* after the options in the usage line */
    const char *summary;   /* one line */
    const char *examples;  /* lines of "command  # what it does" */
    /** @argv holds the arguments after the command's name. Errors: the command's. */
    bool (*run)(int argc, char **argv, GError **error);
} MppCommand;

extern const MppCommand mpp_command_plan, mpp_command_estimate, mpp_command_sweep, mpp_command_why, mpp_command_diff, mpp_command_inspect,
    mpp_command_graph, mpp_command_report, mpp_command_compare, mpp_command_calibrate, mpp_command_simulate, mpp_command_schedule,
    mpp_command_emit, mpp_command_validate, mpp_command_measure, mpp_command_help;

/** Whether @given lies in @least to @most. Error: MPP_ERROR_USAGE naming --@flag. */
bool mpp_command_check_range(int given, int least, int most, const char *flag, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Whether --@flag, if @given, has what it is for. @there: whether --@needed is given. Error: MPP_ERROR_USAGE naming both. */
bool mpp_command_check_needs(bool given, const char *flag, bool there, const char *needed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** More threads than these are a slip of the keyboard; 0: as many as there are processors. */
enum { MPP_COMMAND_MOST_THREADS = 1024 };

/** The command called @name. Error: MPP_ERROR_USAGE listing the known ones. */
const MppCommand *mpp_command_find(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Prints what "mpplan --help" does: the commands. */
void mpp_command_print_usage(void);

/** All commands, NULL at the end. */
extern const MppCommand *const mpp_commands[];

/** A command line that was parsed; owns the positional arguments and the texts that options were given. */
typedef struct {
    char **rest;     /* the positional arguments; NULL: none */
    gboolean helped; /* help was asked for and printed: nothing is left to do */
    GArray *entries; /* GOptionEntry: all that the command has */
} MppArguments;

/** Parses @argv by @entries, which an empty one ends, and by those of @job unless it is NULL. Errors: GLib's; MPP_ERROR_USAGE. */
bool mpp_command_parse(const MppCommand *command, MppJobWords *job, const GOptionEntry *entries, int argc, char **argv,
                       MppArguments *arguments, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_arguments_clear(MppArguments *arguments);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MppArguments, mpp_arguments_clear)
