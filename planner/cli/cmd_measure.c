#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/cli/command.h"
#include "validate/backend_load.h"
#include "validate/launcher.h"

enum { MOST_RANKS = 4096, USUAL_ROUNDS = 5, MOST_ROUNDS = 1000, EACH_COUNT_UP_TO = 4 };

typedef struct {
    char *backend, *folder, *launcher, *hostfile, *output;
    int ranks, rounds;
    double timeout_s;
} Options;

static bool check(const Options *o, char **arguments, GError **error)
{
    const char *wrong = NULL;
    if (arguments && arguments[0])
        wrong = "measure takes no files";
    else if (!(o->timeout_s > 0) || !isfinite(o->timeout_s))
        wrong = "--timeout: expected seconds above 0";
    if (wrong)
        return mpp_error_usage(error, "%s", wrong);
    return mpp_command_check_range(o->ranks, 1, MOST_RANKS, "ranks", error) &&
           mpp_command_check_range(o->rounds, 1, MOST_ROUNDS, "rounds", error);
}

/** The processor's name as Linux has it; NULL when it does not say. */
static char *processor(void)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/cpuinfo", &text, NULL, NULL))
        return NULL;
    const char *name = strstr(text, "model name");
    name = name ? strchr(name, ':') : NULL;
    if (!name)
        return NULL;
    return g_strstrip(g_strndup(name + 1, strcspn(name + 1, "\n")));
}

/** Every number of ranks at first, then doubling, the last in any case. */
static int next_count(int ranks, int most)
{
    return ranks < EACH_COUNT_UP_TO ? ranks + 1 : ranks < most ? MIN(2 * ranks, most) : most + 1;
}

static MppSamples *measure(const Options *o, GError **error)
{
    g_autofree char *folder = o->folder ? g_strdup(o->folder) : mpp_backend_folder(error);
    if (!folder)
        return NULL;
    const char *backend = o->backend ? o->backend : "cpu";
    g_autofree char *source = g_strdup_printf("mpplan measure, backend %s, up to %d ranks, %d rounds", backend, o->ranks,
                                              o->rounds);
    g_autofree char *device = processor();
    g_autoptr(MppSamples) all = mpp_samples_new(source, device);
    all->host_cores = g_get_num_processors();
    for (int ranks = 1; ranks <= o->ranks; ranks = next_count(ranks, o->ranks)) {
        const MppLauncher launch = {
            .program = o->launcher ? o->launcher : "mpirun",
            .hostfile = o->hostfile,
            .folder = folder,
            .backend = backend,
            .ranks = ranks,
            .steps = o->rounds,
            .timeout_s = o->timeout_s,
        };
        fprintf(stderr, "measuring with %d rank%s\n", ranks, ranks > 1 ? "s" : "");
        g_autoptr(MppSamples) some = mpp_launcher_measure(&launch, error);
        if (!some)
            return NULL;
        g_array_append_vals(all->samples, some->samples->data, some->samples->len);
        g_array_set_size(some->samples, 0); /* their strings have moved */
    }
    return g_steal_pointer(&all);
}

static bool run(int argc, char **argv, GError **error)
{
    Options options = { .ranks = 1, .rounds = USUAL_ROUNDS, .timeout_s = 60 };
    const GOptionEntry entries[] = {
        { "backend", 'b', 0, G_OPTION_ARG_STRING, &options.backend, "What to measure (default cpu)", "NAME" },
        { "ranks", 0, 0, G_OPTION_ARG_INT, &options.ranks, "Measure with 1 to N ranks at work (default 1)", "N" },
        { "rounds", 0, 0, G_OPTION_ARG_INT, &options.rounds, "Times to measure everything (default 5)", "N" },
        { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &options.timeout_s, "Longest time for one operation (default 60)", "SECONDS" },
        { "folder", 0, 0, G_OPTION_ARG_FILENAME, &options.folder, "Where mpplan-run and backends are (default: beside mpplan)",
          "FOLDER" },
        { "launcher", 0, 0, G_OPTION_ARG_STRING, &options.launcher, "What starts the ranks: mpirun (default) or srun",
          "PROGRAM" },
        { "hostfile", 0, 0, G_OPTION_ARG_FILENAME, &options.hostfile, "Hosts and their slots, for mpirun (default: this machine)",
          "FILE" },
        { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "Write the samples to FILE (default: standard output)",
          "FILE" },
        G_OPTION_ENTRY_NULL,
    };
    g_auto(MppArguments) arguments = { 0 };
    if (!mpp_command_parse(&mpp_command_measure, NULL, entries, argc, argv, &arguments, error) || arguments.helped)
        return arguments.helped;
    g_autoptr(MppSamples) samples = check(&options, arguments.rest, error) ? measure(&options, error) : NULL;
    return samples && mpp_samples_write(samples, options.output, error);
}

const MppCommand mpp_command_measure = {
    .name = "measure",
    .arguments = "",
    .summary = "Measure the devices of this machine: samples that a profile is fitted to.",
    .examples = "  mpplan measure --ranks 4 -o samples.json\n"
                "  mpplan calibrate --samples samples.json -o my-host.json\n"
                "  mpplan measure --ranks 16 --hostfile hosts -o samples.json    # on several machines that share TMPDIR\n",
    .run = run,
};
