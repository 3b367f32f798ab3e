/**
 * Starts ranks as processes and waits for what they measured.
 */
#pragma once

#include "planner/calibrate/samples.h"
#include "validate/run_report.h"

typedef struct {
    const char *program;  /* that starts the ranks: mpirun or srun */
    const char *hostfile; /* mpirun's; NULL: this machine */
    const char *folder;   /* of the worker and the backends, on every host */
    const char *backend;  /* name */
    int64_t ranks;
    bool check_numerics, slice;
    int64_t steps, warm_up; /* of a plan; steps: also rounds of measurements */
    double timeout_s, memory_bytes;
} MppLauncher;

/**
 * Runs @plan (as plan files hold it, chunks listed) on this machine, the hosts listed, or those of the Slurm allocation; no
 * shell is involved. Nothing is left behind, whatever happens: files lie in a folder of their own in the folder for temporary
 * files, which all hosts share, and ranks end with the launcher.
 * Errors: MPP_ERROR_USAGE, when no such program is known; MPP_ERROR_BACKEND with what the first rank said that failed;
 * MPP_ERROR_INTERRUPTED and MPP_ERROR_TERMINATED on SIGINT and SIGTERM; G_FILE_ERROR.
 */
MppRunReport *mpp_launcher_run(const MppLauncher *launch, const cJSON *plan, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The same for microbenchmarks (validate/worker/measure.h) instead of a plan. */
MppSamples *mpp_launcher_measure(const MppLauncher *launch, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** What the ranks' standard error says went wrong, for people. */
char *mpp_launcher_explain(const char *said);
