#include <gsl/gsl_errno.h>
#include <string.h>

#include "planner/api/mpplan.h"
#include "planner/api/no_plan.h"
#include "planner/api/plan_json.h"
#include "planner/api/request.h"
#include "planner/base/error.h"
#include "planner/cost/plan_cost.h"
#include "sim/answer.h"
#include "sim/writer.h"

const char *mpplan_version(void)
{
    return MPP_VERSION;
}

void mpplan_free(char *text)
{
    g_free(text);
}

static const char *const code_names[MPP_N_ERRORS] = { "syntax", "schema",  "invalid", "infeasible", "unsupported",
                                                      "usage",  "numeric", "backend", "tolerance",  "interrupted",
                                                      "terminated" };

static char *error_text(const GError *failed, const cJSON *answer)
{
    g_autoptr(cJSON) root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "code", failed->domain == MPP_ERROR ? code_names[failed->code] : "file");
    cJSON_AddNumberToObject(root, "exit_status", mpp_error_exit_status(failed));
    cJSON_AddStringToObject(root, "message", failed->message);
    if (answer)
        cJSON_AddItemReferenceToObject(root, "answer", (cJSON *)answer);
    return mpp_json_to_text(root);
}

/** Gives the answer to a request. On failure NULL, or the part of an answer that goes with @error. */
typedef cJSON *(*Answerer)(const MppRequest *request, GError **error);

static cJSON *answer_text(const char *text, Answerer answerer, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse("request", text, strlen(text), 1, error);
    MppRequest request;
    return json && mpp_request_read(json, &request, error) ? answerer(&request, error) : NULL;
}

static char *respond(const char *text, Answerer answerer, char **error)
{
    gsl_set_error_handler_off(); /* every status is checked */
    g_autoptr(GError) failed = NULL;
    g_autoptr(cJSON) answer = answer_text(text, answerer, &failed);
    if (!failed)
        return mpp_json_to_text(answer);
    if (error)
        *error = error_text(failed, answer);
    return NULL;
}

static bool check_counts(const MppRequest *request, GError **error)
{
    enum { MOST_ALTERNATIVES = 1000, MOST_THREADS = 1024 };
    if (request->top <= MOST_ALTERNATIVES && request->threads <= MOST_THREADS)
        return true;
    const char *name = request->top > MOST_ALTERNATIVES ? "top" : "threads";
    return mpp_json_error(error, request->json, mpp_json_get(request->json->root, name), MPP_ERROR_SCHEMA, "expected at most %d",
                          request->top > MOST_ALTERNATIVES ? MOST_ALTERNATIVES : MOST_THREADS);
}

static bool find_objective(const MppRequest *request, MppObjective *objective, GError **error)
{
    int found = request->objective ? mpp_names_find(&mpp_objective_names, request->objective) : MPP_OBJECTIVE_SURE;
    *objective = MAX(found, 0);
    if (found >= 0)
        return true;
    g_autofree char *known = mpp_names_suggest(mpp_objective_names.names, mpp_objective_names.n_names, request->objective);
    return mpp_json_error(error, request->json, mpp_json_get(request->json->root, "objective"), MPP_ERROR_SCHEMA,
                          "unknown objective \"%s\"; known: %s", request->objective, known);
}

static bool find_limits(const MppRequest *request, MppSpaceLimits *limits, GError **error)
{
    *limits = (MppSpaceLimits){ .fixed = mpp_strategy_single() };
    if (request->strategy)
        return mpp_json_error(error, request->json, request->strategy, MPP_ERROR_SCHEMA,
                              "expected values to search within as text, like \"tp=8,pp=4\"");
    return !request->strategy_text || mpp_strategy_parse(request->strategy_text, &limits->fixed, &limits->fields, error);
}

static cJSON *answer_plan(const MppRequest *request, GError **error)
{
    MppObjective objective;
    MppSpaceLimits limits;
    if (!check_counts(request, error) || !find_objective(request, &objective, error) || !find_limits(request, &limits, error))
        return NULL;
    g_autoptr(MppInputs) inputs = mpp_request_inputs(request, error);
    cJSON *json = NULL;
    if (inputs) {
        MppPlanQuestion question = { inputs,        &limits,           request->strategy_text,
                                     objective,     (int)request->top, (int)request->threads,
                                     mpp_search_run };
        g_autoptr(MppPlanAnswer) answer = mpp_plan_answer_new(&question);
        json = mpp_plan_answer_json(&question, answer);
        if (!answer->plan)
            mpp_no_plan_error(&question, answer->result, error);
    }
    mpp_strategy_clear(&limits.fixed);
    return json;
}

static cJSON *answer_estimate(const MppRequest *request, GError **error)
{
    g_autoptr(MppPlanFile) plan = mpp_request_plan(request, error);
    if (!plan)
        return NULL;
    g_autoptr(MppEstimate) estimate = mpp_answer_new(&plan->inputs->job, &plan->strategy);
    return mpp_plan_json_document(plan->inputs, &plan->strategy, estimate);
}

static cJSON *answer_simulate(const MppRequest *request, GError **error)
{
    g_autoptr(MppPlanFile) plan = mpp_request_plan(request, error);
    if (!plan)
        return NULL;
    const MppJob *job = &plan->inputs->job;
    const MppStrategy *s = &plan->strategy;
    g_autoptr(MppPlanCost) cost = mpp_plan_cost_new(job, s);
    g_autoptr(MppWhatIf) what_if = mpp_what_if_new();
    g_autoptr(MppSimulation) simulation = mpp_simulate(cost->pipeline, what_if, NULL, error);
    if (!simulation)
        return NULL;
    g_autoptr(MppTracks) tracks = mpp_tracks_new(simulation, NULL);
    cJSON *root = mpp_write_json_document(tracks, &(MppWriterOptions){ .spans = false });
    cJSON_AddItemToObject(root, "inputs", mpp_inputs_write(plan->inputs));
    g_autofree char *text = mpp_strategy_to_text(s);
    cJSON_AddStringToObject(root, "strategy", text);
    return root;
}

static cJSON *answer_emit(const MppRequest *request, GError **error)
{
    if (!request->to) {
        mpp_json_error(error, request->json, NULL, MPP_ERROR_SCHEMA, "field \"to\" is missing");
        return NULL;
    }
    const MppEmitTarget *target = mpp_emit_find(request->to, error);
    g_autoptr(MppPlanFile) plan = target ? mpp_request_plan(request, error) : NULL;
    g_autoptr(MppEstimate) predicted = plan ? mpp_answer_new(&plan->inputs->job, &plan->strategy) : NULL;
    g_autofree char *text = plan ? mpp_emit_text(target, plan->inputs, &plan->strategy, predicted, error) : NULL;
    if (!text)
        return NULL;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "target", target->name);
    cJSON_AddStringToObject(root, "file_name", target->file_name);
    cJSON_AddStringToObject(root, "text", text);
    return root;
}

char *mpplan_plan(const char *request, char **error)
{
    return respond(request, answer_plan, error);
}

char *mpplan_estimate(const char *request, char **error)
{
    return respond(request, answer_estimate, error);
}

char *mpplan_simulate(const char *request, char **error)
{
    return respond(request, answer_simulate, error);
}

char *mpplan_emit(const char *request, char **error)
{
    return respond(request, answer_emit, error);
}
