#include "planner/api/plan_answer.h"

#include "planner/api/plan_json.h"
#include "sim/answer.h"

static const char *const objective_names[MPP_N_OBJECTIVES] = { "sure", "step-time", "robust", "cost", "headroom" };
const MppNames mpp_objective_names = MPP_NAMES("objective", objective_names);

static double best_step_s(const MppSearchResult *result)
{
    return g_array_index(result->board->fastest, MppCandidate, 0).step_s;
}

/** Dollars a token go with GPUs times step time: fewer GPUs may be cheaper. A search that is stopped is the last. */
static MppSearchResult *search_cheapest(const MppPlanQuestion *question, const MppSearchOptions *how)
{
    MppInputs *inputs = question->inputs;
    MppSearchResult *best = NULL;
    int64_t all = inputs->gpus, best_gpus = all, unjudged = 0;
    for (int64_t gpus = all; gpus >= 1 && !unjudged; gpus = gpus % 2 ? 0 : gpus / 2) {
        inputs->job.gpus = gpus;
        MppSearchResult *one = question->search(&inputs->job, how);
        unjudged = one->counts.unjudged;
        bool found = one->board->fastest->len > 0;
        bool cheaper = found && (!best || !best->board->fastest->len || best_step_s(one) * gpus < best_step_s(best) * best_gpus);
        if (!best || cheaper) {
            mpp_search_result_free(best);
            best = one;
            best_gpus = gpus;
        } else {
            mpp_search_result_free(one);
        }
    }
    best->counts.unjudged = unjudged;
    inputs->gpus = inputs->job.gpus = best_gpus;
    return best;
}

/** The front's smallest plan within a tenth of the best step. */
static MppCandidate roomiest(const MppBoard *board)
{
    const double tolerance = 1.1;
    MppCandidate chosen = g_array_index(board->front, MppCandidate, 0);
    double limit_s = chosen.step_s * tolerance;
    for (guint i = 0; i < board->front->len; i++) {
        const MppCandidate *one = &g_array_index(board->front, MppCandidate, i);
        if (one->step_s <= limit_s)
            chosen = *one;
    }
    return chosen;
}

MppPlanAnswer *mpp_plan_answer_new(const MppPlanQuestion *question)
{
    MppPlanAnswer *answer = g_new0(MppPlanAnswer, 1);
    const MppJob *job = &question->inputs->job;
    static const MppCaution cautions[MPP_N_OBJECTIVES] = { [MPP_OBJECTIVE_SURE] = MPP_CAUTION_TIED, [MPP_OBJECTIVE_ROBUST] = MPP_CAUTION_P90 };
    bool headroom = question->objective == MPP_OBJECTIVE_HEADROOM;
    MppSearchOptions how = mpp_best_plan_search(question->limits, question->top, question->threads);
    answer->result = question->objective == MPP_OBJECTIVE_COST ? search_cheapest(question, &how) : question->search(job, &how);
    if (!answer->result->board->fastest->len)
        return answer;
    MppCandidate small;
    if (headroom)
        small = roomiest(answer->result->board);
    answer->plan = mpp_best_plan_new(job, &how, answer->result, headroom ? &small : NULL, cautions[question->objective]);
    return answer;
}

void mpp_plan_answer_free(MppPlanAnswer *answer)
{
    if (!answer)
        return;
    mpp_best_plan_free(answer->plan);
    mpp_search_result_free(answer->result);
    g_free(answer);
}

static cJSON *ranked_json(const MppJob *job, const MppRankedPlan *plan)
{
    return mpp_plan_json(job, &plan->candidate.strategy, plan->estimate);
}

static void add_plans(cJSON *root, const MppJob *job, const MppPlanAnswer *answer)
{
    const MppBestPlan *plan = answer->plan;
    const GArray *front = answer->result->board->front;
    cJSON_AddItemToObject(root, "best", plan ? ranked_json(job, &plan->best) : cJSON_CreateNull());
    cJSON_AddItemToObject(root, "surest", plan && plan->surest.estimate ? ranked_json(job, &plan->surest) : cJSON_CreateNull());
    cJSON_AddItemToObject(root, "fastest", plan && plan->fastest.estimate ? ranked_json(job, &plan->fastest) : cJSON_CreateNull());
    cJSON *alternatives = cJSON_AddArrayToObject(root, "alternatives"), *pareto = cJSON_AddArrayToObject(root, "pareto");
    for (guint i = 0; plan && i < plan->others->len; i++)
        cJSON_AddItemToArray(alternatives, ranked_json(job, &g_array_index(plan->others, MppRankedPlan, i)));
    for (guint i = 0; plan && i < front->len; i++) {
        const MppStrategy *strategy = &g_array_index(front, MppCandidate, i).strategy;
        g_autoptr(MppEstimate) estimate = mpp_answer_new(job, strategy);
        cJSON_AddItemToArray(pareto, mpp_plan_json(job, strategy, estimate));
    }
}

cJSON *mpp_plan_answer_json(const MppPlanQuestion *question, const MppPlanAnswer *answer)
{
    const MppJob *job = &question->inputs->job;
    const MppSearchResult *result = answer->result;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "format_version", 1);
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(question->inputs));
    add_plans(root, job, answer);
    cJSON *search = mpp_plan_json_search(result, answer->plan ? answer->plan->proven : !result->counts.unjudged);
    if (answer->plan)
        cJSON_AddNumberToObject(search, "simulated", answer->plan->simulated);
    cJSON_AddItemToObject(root, "search", search);
    if (answer->plan || !result->has_miss)
        return root;
    const MppStrategy *nearest = &result->nearest_miss.strategy;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(job, nearest);
    cJSON_AddItemToObject(root, "nearest_miss", mpp_plan_json(job, nearest, estimate));
    return root;
}
