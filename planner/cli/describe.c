#include "planner/cli/describe.h"

#include <string.h>

#include "planner/emit/emit.h"
#include "planner/spec/training.h"
#include "planner/spec/zoo.h"

#define ARGUMENT "--describe="

static const MppDescription *const descriptions[] = { &mpp_description_man, &mpp_description_bash, &mpp_description_zsh,
                                                      &mpp_description_fish };

const MppDescription *mpp_describe_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(descriptions); i++)
        if (strcmp(descriptions[i]->name, name) == 0)
            return descriptions[i];
    return NULL;
}

const MppDescription *mpp_describe_asked(int argc, char **argv)
{
    return argc == 1 && g_str_has_prefix(argv[0], ARGUMENT) ? mpp_describe_find(argv[0] + strlen(ARGUMENT)) : NULL;
}

bool mpp_describe_all(const MppDescription *description, GError **error)
{
    g_autofree char *argument = g_strconcat(ARGUMENT, description->name, NULL);
    description->begin();
    for (int i = 0; mpp_commands[i]; i++) {
        char *argv[] = { argument, NULL };
        if (!mpp_commands[i]->run(1, argv, error))
            return false;
    }
    description->end();
    return true;
}

bool mpp_describe_is_option(const GOptionEntry *entry)
{
    return *entry->long_name && !(entry->flags & G_OPTION_FLAG_HIDDEN);
}

/** Where the words that complete a value come from. */
typedef struct {
    const char *option;   /* long name, or NULL: any */
    const char *argument; /* what its value is called, or NULL: any */
    const MppNames *names;
    int zoos; /* a set of MppZooKind */
    bool targets, files;
} ValueRow;

static const ValueRow rows[] = {
    { NULL, "MODEL", NULL, 1 << MPP_ZOO_MODELS, false, true },
    { NULL, "CLUSTER", NULL, 1 << MPP_ZOO_CLUSTERS | 1 << MPP_ZOO_DEVICES, false, true },
    { NULL, "RUNTIME", NULL, 1 << MPP_ZOO_RUNTIMES, false, true },
    { "precision", NULL, &mpp_precision_names, 0, false, false },
    { "optimizer", NULL, &mpp_optimizer_names, 0, false, false },
    { "to", NULL, NULL, 0, true, false },
};

static bool is_file(GOptionArg arg)
{
    return arg == G_OPTION_ARG_FILENAME || arg == G_OPTION_ARG_FILENAME_ARRAY;
}

static void add_names(GString *words, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        g_string_append_printf(words, "%s%s", words->len ? " " : "", names[i]);
}

static char *words_of(const ValueRow *row)
{
    GString *words = g_string_new(NULL);
    if (row->names)
        add_names(words, row->names->names, row->names->n_names);
    for (int kind = 0; kind < MPP_N_ZOOS; kind++) {
        if (!(row->zoos >> kind & 1))
            continue;
        g_autoptr(GPtrArray) entries = mpp_zoo_list(kind);
        add_names(words, (const char *const *)entries->pdata, (int)entries->len);
    }
    for (int i = 0; row->targets && mpp_emit_targets[i]; i++)
        add_names(words, &mpp_emit_targets[i]->name, 1);
    return g_string_free(words, FALSE);
}

MppOptionValues mpp_describe_values(const GOptionEntry *entry)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if ((!rows[i].option || strcmp(rows[i].option, entry->long_name) == 0) &&
            (!rows[i].argument || g_strcmp0(rows[i].argument, entry->arg_description) == 0))
            return (MppOptionValues){ words_of(&rows[i]), rows[i].files };
    return (MppOptionValues){ g_strdup(""), is_file(entry->arg) };
}

MppOptionValues mpp_describe_positional(const MppCommand *command)
{
    if (strstr(command->arguments, "COMMAND")) {
        GString *words = g_string_new(NULL);
        for (int i = 0; mpp_commands[i]; i++)
            add_names(words, &mpp_commands[i]->name, 1);
        return (MppOptionValues){ g_string_free(words, FALSE), false };
    }
    if (!strstr(command->arguments, "[NAME]"))
        return (MppOptionValues){ g_strdup(""), strstr(command->arguments, ".json") != NULL };
    const ValueRow all = { NULL, NULL, &mpp_zoo_kind_names, (1 << MPP_N_ZOOS) - 1, false, true };
    return (MppOptionValues){ words_of(&all), true };
}

void mpp_option_values_clear(MppOptionValues *values)
{
    g_clear_pointer(&values->words, g_free);
}
