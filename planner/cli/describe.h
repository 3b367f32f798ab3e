/**
 * Commands and options told in other forms than --help: the manual page, completions of shells.
 *
 * All come from the table of commands and from the options that each command parses. A command that is run with the one
 * argument of mpp_describe_asked() hands its options to the form instead of running (mpp_command_parse()), so no list of
 * options stands anywhere twice.
 */
#pragma once

#include "planner/cli/command.h"

/** Prints to standard output. */
typedef struct {
    const char *name; /* "man", "bash" */
    void (*begin)(void);
    /** @entries: all options of @command, ended by an empty one; the positional arguments are among them. */
    void (*command)(const MppCommand *command, const GOptionEntry *entries);
    void (*end)(void);
} MppDescription;

extern const MppDescription mpp_description_man, mpp_description_bash, mpp_description_zsh, mpp_description_fish;

/** The form called @name, or NULL. */
const MppDescription *mpp_describe_find(const char *name);

/** The form that the only argument of a command asks for, or NULL. */
const MppDescription *mpp_describe_asked(int argc, char **argv);

/** Prints all commands. Errors: none in practice; a command's own. */
bool mpp_describe_all(const MppDescription *description, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Whether @entry is an option to be told: not the positional arguments, not hidden. */
bool mpp_describe_is_option(const GOptionEntry *entry);

/** What a completion may offer for a value. */
typedef struct {
    char *words; /* separated by spaces; "" for none */
    bool files;
} MppOptionValues;

/** Values of an option, by its name or by what its argument is called. */
MppOptionValues mpp_describe_values(const GOptionEntry *entry);

/** Values of the positional arguments of @command. */
MppOptionValues mpp_describe_positional(const MppCommand *command);
void mpp_option_values_clear(MppOptionValues *values);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MppOptionValues, mpp_option_values_clear)
