#include "planner/calibrate/own_run.h"

#include <string.h>

#include "planner/base/units.h"

static void add_measured(cJSON *record, const MppTrainLog *log, const MppLogSteady *steady)
{
    cJSON *measured = cJSON_AddObjectToObject(record, "measured");
    cJSON_AddNumberToObject(measured, "step_time_s", steady->step_s);
    cJSON_AddNumberToObject(measured, "spread_frac", steady->spread_frac);
    cJSON_AddNumberToObject(measured, "steps", steady->n_steps);
    if (log->allocated_bytes > 0 || log->reserved_bytes > 0) { /* allocated bytes are the plan's own doing */
        bool allocated = log->allocated_bytes > 0;
        cJSON_AddNumberToObject(measured, "memory_gib_per_gpu", (allocated ? log->allocated_bytes : log->reserved_bytes) / MPP_GIB);
        cJSON_AddStringToObject(measured, "memory_kind", allocated ? "max allocated" : "max reserved");
    }
}

/** What tables and groups of runs go by; the plan has the rest. */
static void add_sections(cJSON *record, const MppInputs *inputs)
{
    cJSON *model = cJSON_AddObjectToObject(record, "model"), *hardware = cJSON_AddObjectToObject(record, "hardware");
    cJSON *training = cJSON_AddObjectToObject(record, "training");
    cJSON_AddObjectToObject(record, "parallel");
    cJSON_AddStringToObject(model, "name", inputs->model.name);
    cJSON_AddNumberToObject(model, "seq", (double)inputs->training.seq);
    cJSON_AddStringToObject(hardware, "gpu", inputs->cluster.device.name);
    cJSON_AddNumberToObject(hardware, "gpus", (double)inputs->gpus);
    cJSON_AddStringToObject(training, "framework", inputs->runtime.name);
    cJSON_AddNumberToObject(training, "global_batch", (double)inputs->training.global_batch);
}

bool mpp_own_run_add(const MppInputs *inputs, const MppStrategy *strategy, const MppTrainLog *log, GPtrArray *runs, GError **error)
{
    const MppLogRun run = { inputs->training.global_batch, inputs->training.seq, inputs->gpus };
    MppLogSteady steady;
    if (!mpp_train_log_steady(log, &run, &steady, error))
        return false;
    g_autoptr(cJSON) record = cJSON_CreateObject();
    cJSON_AddStringToObject(record, "id", log->name);
    cJSON_AddStringToObject(record, "source", MPP_OWN_RUN_SOURCE);
    add_sections(record, inputs);
    add_measured(record, log, &steady);
    cJSON *plan = cJSON_AddObjectToObject(record, "plan");
    cJSON_AddItemToObject(plan, "inputs", mpp_inputs_write(inputs));
    cJSON_AddItemToObject(cJSON_AddObjectToObject(plan, "best"), "strategy", mpp_fields_write(&mpp_strategy_fields, strategy, true));
    g_autofree char *text = mpp_json_to_text(record);
    return mpp_runs_parse(log->name, text, strlen(text), 1, runs, error);
}
