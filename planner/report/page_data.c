#include <string.h>

#include "planner/base/units.h"
#include "planner/calibrate/spread.h"
#include "planner/cost/plan_cost.h"
#include "planner/report/page.h"
#include "planner/report/page_parts.h"
#include "planner/report/sensitivity.h"
#include "sim/critical_path.h"

static char *sentence(const MppPageQuestion *question, const MppEstimate *estimate)
{
    const MppInputs *inputs = question->inputs;
    g_autofree char *title = mpp_strategy_title(question->strategy), *step = mpp_units_seconds(estimate->step_s);
    g_autofree char *rate = mpp_units_whole(estimate->tokens_per_s_per_gpu), *peak = mpp_units_bytes(estimate->peak_bytes);
    g_autofree char *capacity = mpp_units_bytes(estimate->capacity_bytes);
    return g_strdup_printf("%s on %" G_GINT64_FORMAT
                           " × %s as %s takes %s a step: %s %s/s a GPU, MFU %.1f %%, %s of %s on the fullest "
                           "GPU%s.",
                           inputs->model.name, inputs->gpus, inputs->cluster.device.title, *title ? title : "a single rank", step,
                           rate, mpp_model_units(&inputs->model), 100 * estimate->mfu, peak, capacity, estimate->fits ? "" : ", which DOES NOT FIT");
}

static void add_numbers(cJSON *root, const MppJob *job, const MppEstimate *estimate)
{
    cJSON *numbers = cJSON_AddObjectToObject(root, "numbers");
    cJSON_AddNumberToObject(numbers, "step_s", estimate->step_s);
    cJSON_AddStringToObject(numbers, "units", mpp_model_units(job->model));
    cJSON_AddNumberToObject(numbers, "tokens_per_s_per_gpu", estimate->tokens_per_s_per_gpu);
    cJSON_AddNumberToObject(numbers, "mfu", estimate->mfu);
    if (job->cluster->device.price_usd_per_h > 0)
        cJSON_AddNumberToObject(numbers, "usd_per_million_tokens", estimate->usd_per_mtokens);
    cJSON_AddNumberToObject(numbers, "peak_bytes", estimate->peak_bytes);
    cJSON_AddNumberToObject(numbers, "usable_bytes", estimate->usable_bytes);
    cJSON_AddNumberToObject(numbers, "capacity_bytes", estimate->capacity_bytes);
    cJSON_AddBoolToObject(numbers, "fits", estimate->fits);
}

/** Where 8 of 10 measured steps lie, and how many runs that was taken from. */
static void add_interval(cJSON *root, const MppJob *job, const MppEstimate *estimate)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    const MppSpread *spread = mpp_spreads_find(spreads, job, &estimate->shares);
    cJSON *interval = cJSON_AddObjectToObject(root, "interval");
    cJSON_AddNumberToObject(interval, "low_s", spread->p10_frac * estimate->step_s);
    cJSON_AddNumberToObject(interval, "high_s", spread->p90_frac * estimate->step_s);
    cJSON_AddNumberToObject(interval, "runs", (double)spread->runs);
    cJSON_AddNumberToObject(interval, "sources", (double)spread->sources);
    cJSON_AddNumberToObject(interval, "tied_frac", spreads->pair_frac);
    cJSON_AddBoolToObject(interval, "device_fitted", spread->basis.device_fitted);
    cJSON_AddBoolToObject(interval, "runtime_fitted", spread->basis.runtime_fitted);
}

static void add_share(cJSON *list, const char *title, double seconds)
{
    cJSON *share = cJSON_CreateObject();
    cJSON_AddStringToObject(share, "title", title);
    cJSON_AddNumberToObject(share, "s", seconds);
    cJSON_AddItemToArray(list, share);
}

static void add_shares(cJSON *root, const MppEstimate *estimate)
{
    cJSON *shares = cJSON_AddArrayToObject(root, "shares");
    for (int i = 0; i < MPP_N_SHARES; i++)
        if (estimate->shares.s[i] > 0)
            add_share(shares, mpp_names_get(&mpp_share_titles, i), estimate->shares.s[i]);
}

static bool alike(const MppCriticalPart *a, const MppCriticalPart *b)
{
    return a->kind == b->kind && a->pass == b->pass && a->share == b->share;
}

/** "backward: matrix products, 29 stages" where a part is of several, else as the path has it. */
static char *critical_title(const MppCriticalPart *part, int stages)
{
    g_autofree char *title = mpp_critical_part_title(part);
    g_autofree char *stage = g_strdup_printf("stage %d", part->stage);
    if (stages == 1 || !g_str_has_prefix(title, stage))
        return g_strdup(title);
    return g_strdup_printf("%s, %d stages", title + strlen(stage) + 2, stages);
}

/** What to make faster first: parts of the critical path, those of all stages together. */
static void add_critical(cJSON *root, const MppSimulation *simulation)
{
    g_autoptr(MppCriticalPath) path = mpp_critical_path_new(simulation);
    cJSON *list = cJSON_AddArrayToObject(root, "critical");
    for (guint i = 0; i < path->parts->len; i++) {
        MppCriticalPart sum = g_array_index(path->parts, MppCriticalPart, i);
        int stages = 1;
        for (guint k = path->parts->len - 1; k > i; k--) {
            const MppCriticalPart *other = &g_array_index(path->parts, MppCriticalPart, k);
            if (!alike(&sum, other))
                continue;
            sum.s += other->s;
            stages++;
            g_array_remove_index(path->parts, k);
        }
        g_autofree char *title = critical_title(&sum, stages);
        add_share(list, title, sum.s);
    }
}

static void add_stages(cJSON *root, const MppEstimate *estimate)
{
    cJSON *titles = cJSON_AddArrayToObject(root, "memory_parts"), *stages = cJSON_AddArrayToObject(root, "stages");
    for (int part = 0; part < MPP_N_MEMORY_PARTS; part++)
        cJSON_AddItemToArray(titles, cJSON_CreateString(mpp_names_get(&mpp_memory_titles, part)));
    for (int64_t k = 0; k < estimate->pp; k++) {
        const MppStageEstimate *one = &estimate->stages[k];
        cJSON *stage = cJSON_CreateObject();
        cJSON_AddNumberToObject(stage, "layers", one->layers);
        cJSON_AddNumberToObject(stage, "forward_s", one->forward_s);
        cJSON_AddNumberToObject(stage, "backward_s", one->backward_s);
        cJSON_AddItemToObject(stage, "bytes", cJSON_CreateDoubleArray(one->memory.bytes, MPP_N_MEMORY_PARTS));
        cJSON_AddNumberToObject(stage, "allocated", one->memory.allocated_bytes);
        cJSON_AddNumberToObject(stage, "reserved", one->memory.reserved_bytes);
        cJSON_AddNumberToObject(stage, "device", one->memory.device_bytes);
        cJSON_AddItemToArray(stages, stage);
    }
    cJSON_AddNumberToObject(root, "fullest_stage", estimate->fullest_stage);
}

static void add_rows(cJSON *root, const char *name, const GArray *rows)
{
    cJSON *list = cJSON_AddArrayToObject(root, name);
    for (guint i = 0; rows && i < rows->len; i++) {
        const MppPageRow *row = &g_array_index(rows, MppPageRow, i);
        g_autofree char *title = mpp_strategy_title(row->strategy);
        cJSON *plan = cJSON_CreateObject();
        cJSON_AddStringToObject(plan, "title", title);
        cJSON_AddNumberToObject(plan, "step_s", row->estimate->step_s);
        cJSON_AddNumberToObject(plan, "peak_bytes", row->estimate->peak_bytes);
        cJSON_AddNumberToObject(plan, "mfu", row->estimate->mfu);
        if (row->reason)
            cJSON_AddStringToObject(plan, "reason", row->reason);
        cJSON_AddItemToArray(list, plan);
    }
}

static void add_sensitivity(cJSON *root, const MppPageQuestion *question)
{
    g_autoptr(GArray) list = mpp_sensitivity_new(&question->inputs->job, question->strategy);
    cJSON *rows = cJSON_AddArrayToObject(root, "sensitivity");
    for (guint i = 0; i < list->len; i++) {
        const MppSensitivity *one = &g_array_index(list, MppSensitivity, i);
        add_share(rows, one->title, one->step_s);
        if (one->plan)
            cJSON_AddStringToObject(cJSON_GetArrayItem(rows, (int)i), "plan", one->plan);
    }
}

static void add_simulated(cJSON *root, MppPipelineCost *pipeline, const MppPageQuestion *question)
{
    const MppJob *job = &question->inputs->job;
    g_autoptr(MppSimulation) simulation = mpp_simulate(pipeline, NULL, NULL, NULL);
    g_assert(simulation); /* only what-ifs can be wrong */
    g_autoptr(MppEstimate) estimate = mpp_estimate_from(pipeline);
    mpp_estimate_contend(estimate, job, simulation->step_s);
    g_autofree char *answer = sentence(question, estimate);
    cJSON_AddStringToObject(root, "answer", answer);
    add_numbers(root, job, estimate);
    add_interval(root, job, estimate);
    add_shares(root, estimate);
    add_stages(root, estimate);
    add_critical(root, simulation);
    cJSON_AddItemToObject(root, "timeline", mpp_page_timeline(simulation));
}

cJSON *mpp_page_data(const MppPageQuestion *question)
{
    const MppInputs *inputs = question->inputs;
    const MppJob *job = &inputs->job;
    const MppStrategy *s = question->strategy;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);

    cJSON *root = cJSON_CreateObject();
    g_autofree char *title = mpp_inputs_title(inputs), *plan = mpp_strategy_title(s), *text = mpp_strategy_to_text(s);
    cJSON_AddStringToObject(root, "version", MPP_VERSION);
    cJSON_AddStringToObject(root, "title", title);
    cJSON_AddStringToObject(root, "plan", plan);
    cJSON_AddStringToObject(root, "strategy", text);
    if (question->verdict)
        cJSON_AddStringToObject(root, "verdict", question->verdict);
    add_simulated(root, cost->pipeline, question);
    cJSON_AddItemToObject(root, "layout", mpp_page_layout(job, s));
    add_rows(root, "alternatives", question->others);
    add_rows(root, "pareto", question->front);
    add_sensitivity(root, question);
    mpp_page_add_inputs(root, inputs);
    return root;
}
