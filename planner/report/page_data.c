#include <string.h>

#include "planner/api/plan_json.h"
#include "planner/api/sensitivity.h"
#include "planner/base/units.h"
#include "planner/calibrate/spread.h"
#include "planner/cost/plan_cost.h"
#include "planner/report/page.h"
#include "planner/report/page_parts.h"
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

static void add_share(cJSON *list, const char *title, double seconds)
{
    cJSON *share = cJSON_CreateObject();
    cJSON_AddStringToObject(share, "title", title);
    cJSON_AddNumberToObject(share, "s", seconds);
    cJSON_AddItemToArray(list, share);
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

/** What people read for the names of @names. */
static void add_titles(cJSON *root, const char *key, const MppNames *names, const MppNames *titles)
{
    cJSON *object = cJSON_AddObjectToObject(root, key);
    for (int i = 0; i < names->n_names; i++)
        cJSON_AddStringToObject(object, mpp_names_get(names, i), mpp_names_get(titles, i));
}

/** The plan as `mpplan plan --json` has it, and the words for it. */
static void add_estimate(cJSON *root, const MppPageQuestion *question, const MppEstimate *estimate)
{
    const MppJob *job = &question->inputs->job;
    g_autofree char *answer = sentence(question, estimate);
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    cJSON_AddStringToObject(root, "answer", answer);
    cJSON_AddItemToObject(root, "estimate", mpp_plan_json(job, question->strategy, estimate));
    cJSON_AddStringToObject(root, "units", mpp_model_units(job->model));
    cJSON_AddNumberToObject(root, "tied_frac", spreads->pair_frac);
    add_titles(root, "time_titles", &mpp_share_names, &mpp_share_titles);
    add_titles(root, "memory_titles", &mpp_memory_names, &mpp_memory_titles);
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
    g_autoptr(MppSimulation) simulation = mpp_simulate(pipeline, NULL, NULL, NULL);
    g_assert(simulation); /* only what-ifs can be wrong */
    g_autoptr(MppEstimate) estimate = mpp_estimate_from(pipeline);
    mpp_estimate_contend(estimate, &question->inputs->job, simulation->step_s);
    add_estimate(root, question, estimate);
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
