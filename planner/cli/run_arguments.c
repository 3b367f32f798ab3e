#include "planner/cli/run_arguments.h"

#include <string.h>

#include "planner/base/file.h"
#include "planner/calibrate/own_run.h"
#include "planner/cli/from_launch.h"
#include "planner/spec/zoo.h"

void mpp_run_arguments_free(MppRunArguments *arguments)
{
    if (!arguments)
        return;
    g_ptr_array_unref(arguments->runs);
    mpp_profiles_free(arguments->profiles);
    g_free(arguments);
}

/** Where the log's name begins in LAUNCH=LOG, or NULL: the name of an existing file is one of records whatever it has. */
static const char *log_of(const char *argument)
{
    const char *equals = strrchr(argument, '=');
    return equals && !g_file_test(argument, G_FILE_TEST_EXISTS) ? equals + 1 : NULL;
}

/** Whether @path is a plan: JSON that has inputs; other JSON is DeepSpeed's where it wrote the log. */
static bool is_plan(const char *path, const MppTrainLog *log, bool *plan, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return false;
    *plan = text[strspn(text, " \t\r\n")] == '{';
    if (!*plan || strcmp(log->framework, "deepspeed") != 0)
        return true;
    g_autoptr(MppJson) json = mpp_json_parse(path, text, n_bytes, 1, error);
    *plan = json && mpp_json_get(json->root, "inputs");
    return json != NULL;
}

/** Puts the named cluster and runtime in place of the plan's. */
static bool override(const MppJobWords *job, MppInputs *inputs, GError **error)
{
    MppCluster *cluster = job->cluster ? mpp_zoo_cluster(job->cluster, error) : mpp_cluster_copy(&inputs->cluster);
    MppRuntime *runtime = !cluster ? NULL : job->runtime ? mpp_zoo_runtime(job->runtime, error) : mpp_runtime_copy(&inputs->runtime);
    if (cluster && runtime) {
        MppCluster old_cluster = inputs->cluster;
        MppRuntime old_runtime = inputs->runtime;
        inputs->cluster = *cluster;
        inputs->runtime = *runtime;
        *cluster = old_cluster;
        *runtime = old_runtime;
        mpp_inputs_bind(inputs);
    }
    bool done = cluster && runtime;
    mpp_cluster_free(cluster);
    mpp_runtime_free(runtime);
    return done;
}

static bool add_planned(const MppJobWords *job, const char *path, const MppTrainLog *log, GPtrArray *runs, GError **error)
{
    g_autoptr(MppPlanFile) plan = mpp_plan_file_load(path, error);
    return plan && override(job, plan->inputs, error) && mpp_own_run_add(plan->inputs, &plan->strategy, log, runs, error);
}

static bool add_launched(const MppJobWords *job, const char *path, const MppTrainLog *log, GPtrArray *runs, GError **error)
{
    MppFromOptions from;
    if (!mpp_from_options_file(log->framework, path, &from, error))
        return false;
    g_autoptr(MppFromLaunch) launch = mpp_from_launch_new(job, &from, NULL, error);
    mpp_from_options_clear(&from);
    return launch && mpp_own_run_add(launch->inputs, &launch->strategy, log, runs, error);
}

static bool add_own_run(const MppJobWords *job, const char *launch, const char *log_path, GPtrArray *runs, GError **error)
{
    g_autoptr(MppTrainLog) log = mpp_train_log_load(log_path, error);
    bool plan;
    if (!log || !is_plan(launch, log, &plan, error))
        return false;
    return plan ? add_planned(job, launch, log, runs, error) : add_launched(job, launch, log, runs, error);
}

/** Errors of reading again what was read before do not occur. */
static void take_profiles(MppRunArguments *out)
{
    for (guint i = 0; i < out->runs->len; i++) {
        const MppRun *run = out->runs->pdata[i];
        const cJSON *plan = mpp_run_plan(run);
        g_autoptr(MppPlanFile) file = plan ? mpp_plan_file_read(run->json, plan, NULL) : NULL;
        if (file)
            mpp_profiles_take(out->profiles, &file->inputs->cluster, &file->inputs->runtime);
    }
}

MppRunArguments *mpp_run_arguments_load(const MppJobWords *job, char **files, GError **error)
{
    g_autoptr(MppRunArguments) out = g_new0(MppRunArguments, 1);
    out->runs = mpp_runs_new();
    out->profiles = mpp_profiles_load(error);
    for (int i = 0; out->profiles && files[i]; i++) {
        const char *log = log_of(files[i]);
        g_autofree char *launch = log ? g_strndup(files[i], log - 1 - files[i]) : NULL;
        if (!(log ? add_own_run(job, launch, log, out->runs, error) : mpp_runs_load(files[i], out->runs, error)))
            return NULL;
    }
    if (!out->profiles)
        return NULL;
    if (!out->runs->len) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "no measured runs in %s", files[0]);
        return NULL;
    }
    take_profiles(out);
    return g_steal_pointer(&out);
}
