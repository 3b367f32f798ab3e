#include "planner/api/request.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "planner/api/plan_json.h"
#include "planner/base/error.h"
#include "planner/spec/rules.h"

#define AT(field) offsetof(MppRequest, field)
enum { NOWHERE = -1, MOST_COUNT = 1 << 30 };

/** A member: where its text, count or object goes. Some may be either a text or an object. */
static const struct {
    const char *name;
    ptrdiff_t text, count, object;
    int64_t least;
} members[] = {
    { "model", AT(words.model), NOWHERE, AT(model), 0 },
    { "gpus", NOWHERE, AT(words.gpus), NOWHERE, 1 },
    { "cluster", AT(words.cluster), NOWHERE, NOWHERE, 0 },
    { "runtime", AT(words.runtime), NOWHERE, NOWHERE, 0 },
    { "global_batch", NOWHERE, AT(words.global_batch), NOWHERE, 1 },
    { "seq", NOWHERE, AT(words.seq), NOWHERE, 1 },
    { "document_tokens", NOWHERE, AT(words.document_tokens), NOWHERE, 1 },
    { "mean_seq", NOWHERE, AT(words.mean_seq), NOWHERE, 1 },
    { "target_seq", NOWHERE, AT(words.target_seq), NOWHERE, 1 },
    { "loss_tokens", NOWHERE, AT(words.loss_tokens), NOWHERE, 1 },
    { "precision", AT(words.precision), NOWHERE, NOWHERE, 0 },
    { "optimizer", AT(words.optimizer), NOWHERE, NOWHERE, 0 },
    { "kernels", AT(words.kernels), NOWHERE, NOWHERE, 0 },
    { "inputs", NOWHERE, NOWHERE, AT(inputs), 0 },
    { "plan", NOWHERE, NOWHERE, AT(plan), 0 },
    { "launch", NOWHERE, NOWHERE, AT(launch), 0 },
    { "strategy", AT(strategy_text), NOWHERE, AT(strategy), 0 },
    { "objective", AT(objective), NOWHERE, NOWHERE, 0 },
    { "to", AT(to), NOWHERE, NOWHERE, 0 },
    { "top", NOWHERE, AT(top), NOWHERE, 0 },
    { "threads", NOWHERE, AT(threads), NOWHERE, 0 },
};

static bool unknown_member(const MppJson *json, const cJSON *node, GError **error)
{
    const char *known[G_N_ELEMENTS(members)];
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        known[i] = members[i].name;
    g_autofree char *nearest = mpp_names_suggest(known, G_N_ELEMENTS(known), node->string);
    return mpp_json_error(error, json, node, MPP_ERROR_SCHEMA, "unknown field \"%s\"; known: %s", node->string, nearest);
}

static bool is_count(const cJSON *node, int64_t least)
{
    double value = node->valuedouble;
    return cJSON_IsNumber(node) && value >= (double)least && value <= MOST_COUNT && value == floor(value);
}

static bool read_member(const MppJson *json, const cJSON *node, MppRequest *request, GError **error)
{
    size_t i = 0;
    while (i < G_N_ELEMENTS(members) && strcmp(members[i].name, node->string) != 0)
        i++;
    if (i == G_N_ELEMENTS(members))
        return unknown_member(json, node, error);
    char *base = (char *)request;
    if (members[i].text != NOWHERE && cJSON_IsString(node))
        *(const char **)(base + members[i].text) = node->valuestring;
    else if (members[i].count != NOWHERE && is_count(node, members[i].least))
        *(int64_t *)(base + members[i].count) = (int64_t)node->valuedouble;
    else if (members[i].object != NOWHERE && cJSON_IsObject(node))
        *(const cJSON **)(base + members[i].object) = node;
    else {
        g_autofree char *got = mpp_json_describe(node);
        bool either = members[i].text != NOWHERE && members[i].object != NOWHERE;
        const char *expected = either                        ? "a string or an object"
                               : members[i].text != NOWHERE  ? "a string"
                               : members[i].count != NOWHERE ? "a whole number"
                                                             : "an object";
        return mpp_json_error(error, json, node, MPP_ERROR_SCHEMA, "expected %s, got %s", expected, got);
    }
    return true;
}

bool mpp_request_read(const MppJson *json, MppRequest *request, GError **error)
{
    enum { USUAL_TOP = 4 };
    *request = (MppRequest){ .json = json, .top = USUAL_TOP };
    request->words = mpp_job_words_none();
    if (!cJSON_IsObject(json->root))
        return mpp_json_error(error, json, NULL, MPP_ERROR_SCHEMA, "expected an object");
    const cJSON *node;
    cJSON_ArrayForEach(node, json->root) if (!read_member(json, node, request, error)) return false;
    return true;
}

/** The model given as an object, as a document of its own. */
static MppModel *inline_model(const MppRequest *request, GError **error)
{
    g_autofree char *text = mpp_json_to_text(request->model);
    g_autoptr(MppJson) json = mpp_json_parse("request /model", text, strlen(text), 1, error);
    return json ? mpp_model_read(json, error) : NULL;
}

MppInputs *mpp_request_inputs(const MppRequest *request, GError **error)
{
    if (request->inputs)
        return mpp_inputs_read(request->json, request->inputs, error);
    MppModel *model = request->model ? inline_model(request, error) : NULL;
    if (request->model && !model)
        return NULL;
    return mpp_job_words_inputs(&request->words, model, error);
}

static bool take_launch(const MppRequest *request, MppPlanFile *out, GError **error)
{
    const cJSON *framework = mpp_json_get(request->launch, "framework"), *text = mpp_json_get(request->launch, "text");
    if (!cJSON_IsString(framework) || !cJSON_IsString(text))
        return mpp_json_error(error, request->json, request->launch, MPP_ERROR_SCHEMA,
                              "expected \"framework\" and \"text\", two strings");
    const MppEmitTarget *target = mpp_emit_find(framework->valuestring, error);
    g_autoptr(MppLaunch) launch = target ? mpp_job_words_launch(&request->words, target, "the launch", text->valuestring, error)
                                         : NULL;
    if (!launch || !(out->inputs = mpp_job_words_launch_inputs(&request->words, launch, error)))
        return false;
    out->strategy = launch->strategy;
    launch->strategy.stage_layers = NULL;
    return mpp_rules_check(&out->inputs->job, &out->strategy, error);
}

static bool take_strategy(const MppRequest *request, MppPlanFile *out, GError **error)
{
    out->inputs = mpp_request_inputs(request, error);
    if (!out->inputs)
        return false;
    const MppJob *job = &out->inputs->job;
    if (!request->strategy)
        return mpp_job_words_strategy(job, request->strategy_text ? request->strategy_text : "", &out->strategy, error);
    return mpp_fields_read(&mpp_strategy_fields, request->json, request->strategy, &out->strategy, error) &&
           mpp_rules_check(job, &out->strategy, error);
}

MppPlanFile *mpp_request_plan(const MppRequest *request, GError **error)
{
    if (request->plan)
        return mpp_plan_file_read(request->json, request->plan, error);
    g_autoptr(MppPlanFile) out = g_new0(MppPlanFile, 1);
    bool taken = request->launch ? take_launch(request, out, error) : take_strategy(request, out, error);
    return taken ? g_steal_pointer(&out) : NULL;
}
