#include "planner/api/plan_json.h"

#include "planner/calibrate/spread.h"

static cJSON *memory_json(const MppEstimate *estimate)
{
    cJSON *memory = cJSON_CreateObject();
    cJSON_AddNumberToObject(memory, "capacity", estimate->capacity_bytes);
    cJSON_AddNumberToObject(memory, "usable", estimate->usable_bytes);
    cJSON_AddNumberToObject(memory, "host", estimate->host_bytes);
    cJSON_AddNumberToObject(memory, "host_usable", estimate->host_usable_bytes);
    cJSON_AddNumberToObject(memory, "peak", estimate->peak_bytes);
    cJSON *stages = cJSON_AddArrayToObject(memory, "by_stage");
    for (int64_t k = 0; k < estimate->pp; k++) {
        const MppMemory *one = &estimate->stages[k].memory;
        cJSON *stage = cJSON_CreateObject();
        for (int part = 0; part < MPP_N_MEMORY_PARTS; part++)
            cJSON_AddNumberToObject(stage, mpp_names_get(&mpp_memory_names, part), one->bytes[part]);
        cJSON_AddNumberToObject(stage, "allocated", one->allocated_bytes);
        cJSON_AddNumberToObject(stage, "reserved", one->reserved_bytes);
        cJSON_AddNumberToObject(stage, "device", one->device_bytes);
        cJSON_AddItemToArray(stages, stage);
    }
    return memory;
}

static cJSON *stages_json(const MppEstimate *estimate)
{
    cJSON *stages = cJSON_CreateArray();
    for (int64_t k = 0; k < estimate->pp; k++) {
        const MppStageEstimate *one = &estimate->stages[k];
        cJSON *stage = cJSON_CreateObject();
        cJSON_AddNumberToObject(stage, "layers", one->layers);
        cJSON_AddNumberToObject(stage, "forward_s", one->forward_s);
        cJSON_AddNumberToObject(stage, "backward_s", one->backward_s);
        cJSON_AddNumberToObject(stage, "end_s", one->end_s);
        cJSON_AddNumberToObject(stage, "exposed_exchange_s", one->exchange_s);
        cJSON_AddItemToArray(stages, stage);
    }
    return stages;
}

/** The strategy with the layers of each chunk spelled out, as they were costed. */
static cJSON *strategy_json(const MppStrategy *strategy, const MppEstimate *estimate)
{
    MppStrategy listed = *strategy;
    g_autoptr(GArray) layers = g_array_copy(estimate->chunk_layers);
    listed.stage_layers = layers;
    return mpp_fields_write(&mpp_strategy_fields, &listed, false);
}

/** Where the step is expected in 8 of 10 cases, and what that rests on. */
static cJSON *interval_json(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    const MppSpread *spread = mpp_spreads_find(spreads, job, strategy, &estimate->shares);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "p10_s", estimate->step_s * spread->p10_frac);
    cJSON_AddNumberToObject(json, "p90_s", estimate->step_s * spread->p90_frac);
    cJSON_AddBoolToObject(json, "device_fitted", spread->basis.device_fitted);
    cJSON_AddBoolToObject(json, "stack_fitted", spread->basis.stack_fitted);
    g_autofree char *unfitted = mpp_techniques_text(mpp_spreads_unfitted_in(spreads, job, strategy), ", ");
    cJSON_AddStringToObject(json, "unfitted", unfitted);
    cJSON_AddNumberToObject(json, "runs", spread->runs);
    cJSON_AddNumberToObject(json, "sources", spread->sources);
    return json;
}

cJSON *mpp_plan_json(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate)
{
    cJSON *plan = cJSON_CreateObject();
    cJSON_AddItemToObject(plan, "strategy", strategy_json(strategy, estimate));
    cJSON_AddNumberToObject(plan, "step_time_s", estimate->step_s);
    cJSON_AddItemToObject(plan, "step_time_interval", interval_json(job, strategy, estimate));
    cJSON_AddNumberToObject(plan, "tokens_per_s_per_gpu", estimate->tokens_per_s_per_gpu);
    cJSON_AddNumberToObject(plan, "mfu", estimate->mfu);
    if (job->cluster->device.price_usd_per_h > 0)
        cJSON_AddNumberToObject(plan, "usd_per_million_tokens", estimate->usd_per_mtokens);
    cJSON_AddBoolToObject(plan, "fits", estimate->fits);
    cJSON_AddItemToObject(plan, "memory_bytes", memory_json(estimate));
    cJSON *shares = cJSON_AddObjectToObject(plan, "time_s");
    for (int i = 0; i < MPP_N_SHARES; i++)
        cJSON_AddNumberToObject(shares, mpp_names_get(&mpp_share_names, i), estimate->shares.s[i]);
    cJSON_AddNumberToObject(plan, "busiest_stage", estimate->busiest_stage);
    cJSON_AddNumberToObject(plan, "fullest_stage", estimate->fullest_stage);
    cJSON_AddItemToObject(plan, "stages", stages_json(estimate));
    return plan;
}

cJSON *mpp_plan_json_document(const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *estimate)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(inputs));
    cJSON_AddItemToObject(root, "best", mpp_plan_json(&inputs->job, strategy, estimate));
    return root;
}

cJSON *mpp_plan_json_search(const MppSearchResult *result, bool proven)
{
    const MppSearchCounts *counts = &result->counts;
    cJSON *search = cJSON_CreateObject();
    cJSON_AddNumberToObject(search, "evaluated", counts->evaluated);
    cJSON_AddNumberToObject(search, "replayed", counts->replayed);
    cJSON *pruned = cJSON_AddObjectToObject(search, "pruned");
    cJSON_AddNumberToObject(pruned, "bound", counts->pruned_by_bound);
    cJSON_AddNumberToObject(pruned, "memory", counts->pruned_by_memory);
    if (counts->unjudged)
        cJSON_AddNumberToObject(search, "unjudged", counts->unjudged);
    cJSON_AddBoolToObject(search, "proven_optimal", proven);
    cJSON_AddStringToObject(search, "space", result->space);
    return search;
}
