#include "validate/launcher.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "validate/backend_load.h"

static const char said_by_rank[] = MPP_WORKER ": ", said_of_signal[] = "exited on signal";

/** What starts ranks. */
typedef struct {
    const char *name, *package;
    const char *const *arguments;
    bool takes_hosts;
} Program;

/**
 * Ranks that wait give the processor away: there may be more of them than cores. Two connections between hosts: over one, the
 * message that lets a peer send waits behind what is sent to it, and a pair's exchange takes twice as long.
 */
static const char *const mpirun_arguments[] = { "--oversubscribe", "--bind-to",     "none", "--mca", "mpi_yield_when_idle", "1",
                                                "--mca",           "btl_tcp_links", "2",    NULL };
static const char *const srun_arguments[] = { "--mpi=pmix", "--kill-on-bad-exit=1", NULL };

static const Program programs[] = {
    { "mpirun", "openmpi-bin", mpirun_arguments, .takes_hosts = true },
    { "srun", "slurm-client", srun_arguments },
};

static void add(GPtrArray *arguments, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GPtrArray *arguments, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_ptr_array_add(arguments, g_strdup_vprintf(format, values));
    va_end(values);
}

/** @number in the C locale. */
static void add_number(GPtrArray *arguments, const char *flag, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    add(arguments, "%s", flag);
    add(arguments, "%s", g_ascii_dtostr(text, sizeof text, number));
}

static GPtrArray *command_line(const MppLauncher *launch, const Program *program, const char *plan, const char *report)
{
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
    add(arguments, "%s", program->name);
    for (const char *const *own = program->arguments; *own; own++)
        add(arguments, "%s", *own);
    if (launch->hostfile) {
        add(arguments, "--hostfile");
        add(arguments, "%s", launch->hostfile);
    }
    add_number(arguments, "-n", (double)launch->ranks);
    g_ptr_array_add(arguments, g_build_filename(launch->folder, MPP_WORKER, NULL));
    const char *const texts[] = {
        "--report", report, "--backend", launch->backend, "--folder", launch->folder, plan ? "--plan" : NULL, plan
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts) && texts[i]; i++)
        add(arguments, "%s", texts[i]);
    add_number(arguments, "--steps", (double)launch->steps);
    add_number(arguments, "--warm-up", (double)launch->warm_up);
    add_number(arguments, "--timeout", launch->timeout_s);
    add_number(arguments, "--memory", launch->memory_bytes);
    if (launch->check_numerics)
        add(arguments, "--check-numerics");
    if (launch->slice)
        add(arguments, "--slice");
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

char *mpp_launcher_explain(const char *said)
{
    g_auto(GStrv) lines = g_strsplit(said, "\n", -1);
    const char *last = NULL, *killed = NULL;
    for (char **line = lines; *line; line++) {
        g_strstrip(*line);
        const char *own = strstr(*line, said_by_rank); /* ranks write at once: a line may begin with another's end */
        if (own)
            return g_strdup(own + strlen(said_by_rank));
        if (strstr(*line, said_of_signal))
            killed = *line;
        if (**line && **line != '-')
            last = *line;
    }
    return g_strdup(killed ? killed : last ? last : "ended without a word");
}

/** Runs in the child: it ends with its parent. */
static void end_with_parent(gpointer data)
{
    (void)data;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static GSubprocess *spawn(const GPtrArray *arguments, GError **error)
{
    g_autoptr(GSubprocessLauncher)
        launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
    g_subprocess_launcher_set_child_setup(launcher, end_with_parent, NULL, NULL);
    g_subprocess_launcher_setenv(launcher, "OPENBLAS_NUM_THREADS", "1", TRUE);
    if (geteuid() == 0) { /* in a container; Open MPI wants to be told twice */
        g_subprocess_launcher_setenv(launcher, "OMPI_ALLOW_RUN_AS_ROOT", "1", TRUE);
        g_subprocess_launcher_setenv(launcher, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", TRUE);
    }
    return g_subprocess_launcher_spawnv(launcher, (const char *const *)arguments->pdata, error);
}

/** Ranks at work, and what has come of them. */
typedef struct {
    GSubprocess *process;
    GMainLoop *loop;
    char *said;
    int signal; /* that this program got meanwhile; 0: none */
    GError *error;
} Run;

static void ended(GObject *process, GAsyncResult *result, gpointer data)
{
    Run *run = data;
    g_subprocess_communicate_utf8_finish(G_SUBPROCESS(process), result, NULL, &run->said, &run->error);
    g_main_loop_quit(run->loop);
}

static gboolean stop(Run *run, int signal)
{
    run->signal = signal;
    g_subprocess_send_signal(run->process, SIGTERM);
    return G_SOURCE_CONTINUE;
}

static gboolean interrupted(gpointer run)
{
    return stop(run, SIGINT);
}

static gboolean terminated(gpointer run)
{
    return stop(run, SIGTERM);
}

/** A signal ends the ranks, and then this program as an error does: with nothing left behind. */
static void wait_for(Run *run)
{
    guint sources[] = { g_unix_signal_add(SIGINT, interrupted, run), g_unix_signal_add(SIGTERM, terminated, run) };
    run->loop = g_main_loop_new(NULL, FALSE);
    g_subprocess_communicate_utf8_async(run->process, NULL, NULL, ended, run);
    g_main_loop_run(run->loop);
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    g_main_loop_unref(run->loop);
}

static bool run_ranks(const GPtrArray *arguments, GError **error)
{
    g_autoptr(GSubprocess) process = spawn(arguments, error);
    Run run = { .process = process };
    if (!process)
        return false;
    wait_for(&run);
    g_autofree char *said = run.said, *why = NULL;
    if (run.error)
        g_propagate_error(error, run.error);
    else if (run.signal)
        g_set_error(error, MPP_ERROR, run.signal == SIGINT ? MPP_ERROR_INTERRUPTED : MPP_ERROR_TERMINATED,
                    "%s: the ranks were ended", run.signal == SIGINT ? "interrupted" : "terminated");
    else if (!g_subprocess_get_successful(process))
        g_set_error_literal(error, MPP_ERROR, MPP_ERROR_BACKEND, why = mpp_launcher_explain(said));
    else
        return true;
    return false;
}

/** @plan: NULL for measurements. Returns: what rank 0 wrote. */
static MppJson *run_in(const MppLauncher *launch, const Program *program, const char *folder, const cJSON *plan, GError **error)
{
    g_autofree char *plan_path = g_build_filename(folder, "plan.json", NULL),
                    *report_path = g_build_filename(folder, "report.json", NULL);
    g_autoptr(GPtrArray) arguments = command_line(launch, program, plan ? plan_path : NULL, report_path);
    MppJson *report = NULL;
    if ((!plan || mpp_json_write(plan, plan_path, error)) && run_ranks(arguments, error))
        report = mpp_json_load(report_path, error);
    g_unlink(plan_path);
    g_unlink(report_path);
    return report;
}

static const Program *program_named(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++)
        if (g_str_equal(programs[i].name, name))
            return &programs[i];
    return NULL;
}

static const Program *find_program(const MppLauncher *launch, GError **error)
{
    const Program *program = program_named(launch->program);
    g_autofree char *path = program ? g_find_program_in_path(program->name) : NULL;
    if (!program)
        mpp_error_usage(error, "cannot start ranks with \"%s\"; known: mpirun, srun", launch->program);
    else if (launch->hostfile && !program->takes_hosts)
        mpp_error_usage(error, "%s takes the hosts of its allocation, not a list", program->name);
    else if (!path)
        g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "%s is not installed; it starts the ranks (Debian: %s)", program->name,
                    program->package);
    else
        return program;
    return NULL;
}

static MppJson *start(const MppLauncher *launch, const cJSON *plan, GError **error)
{
    const Program *program = find_program(launch, error);
    if (!program || !mpp_backend_load(launch->folder, launch->backend, error))
        return NULL;
    g_autofree char *folder = g_dir_make_tmp("mpplan-XXXXXX", error);
    if (!folder)
        return NULL;
    MppJson *report = run_in(launch, program, folder, plan, error);
    g_rmdir(folder);
    return report;
}

MppRunReport *mpp_launcher_run(const MppLauncher *launch, const cJSON *plan, GError **error)
{
    g_autoptr(MppJson) report = start(launch, plan, error);
    return report ? mpp_run_report_read(report, error) : NULL;
}

MppSamples *mpp_launcher_measure(const MppLauncher *launch, GError **error)
{
    g_autoptr(MppJson) report = start(launch, NULL, error);
    return report ? mpp_samples_read(report, error) : NULL;
}
