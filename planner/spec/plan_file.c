#include "planner/spec/plan_file.h"

#include "planner/spec/rules.h"

void mpp_plan_file_free(MppPlanFile *file)
{
    if (!file)
        return;
    mpp_inputs_free(file->inputs);
    mpp_strategy_clear(&file->strategy);
    mpp_strategy_clear(&file->surest);
    mpp_strategy_clear(&file->fastest);
    if (file->alternatives)
        g_array_unref(file->alternatives);
    if (file->pareto)
        g_array_unref(file->pareto);
    cJSON_Delete(file->search);
    g_free(file);
}

static bool check_version(const MppJson *json, const cJSON *root, GError **error)
{
    enum { FORMAT_VERSION = 1 };
    const cJSON *version = mpp_json_get(root, "format_version");
    if (!version || (cJSON_IsNumber(version) && version->valuedouble == FORMAT_VERSION))
        return true;
    return mpp_json_error(error, json, version, MPP_ERROR_UNSUPPORTED,
                          "expected format version %d; another mpplan wrote this file", FORMAT_VERSION);
}

static bool check_members(const MppJson *json, const cJSON *root, GError **error)
{
    static const char *const names[] = { "format_version", "inputs", "best", "surest", "fastest", "alternatives", "pareto", "search" };
    static const MppNames members = MPP_NAMES("plan field", names);
    const cJSON *member;
    cJSON_ArrayForEach(member, root)
    {
        if (mpp_names_find(&members, member->string) >= 0)
            continue;
        g_autofree char *known = mpp_names_suggest(names, G_N_ELEMENTS(names), member->string);
        return mpp_json_error(error, json, member, MPP_ERROR_SCHEMA, "unknown %s \"%s\"; known: %s", members.title,
                              member->string, known);
    }
    return true;
}

static bool read_strategy(const MppJson *json, const cJSON *plan, const MppJob *job, MppStrategy *strategy, GError **error)
{
    const cJSON *object = mpp_json_get(plan, "strategy");
    if (!cJSON_IsObject(object))
        return mpp_json_error(error, json, plan, MPP_ERROR_SCHEMA, "expected a plan with a \"strategy\"");
    if (!mpp_fields_read(&mpp_strategy_fields, json, object, strategy, error))
        return false;
    g_autoptr(GError) broken = NULL;
    if (mpp_rules_check(job, strategy, &broken))
        return true;
    mpp_strategy_clear(strategy);
    return mpp_json_error(error, json, object, MPP_ERROR_INVALID, "%s", broken->message);
}

/** The plan called @name, if the file has one. */
static bool read_other(const MppJson *json, const cJSON *root, const char *name, const MppJob *job, MppStrategy *strategy, GError **error)
{
    const cJSON *other = mpp_json_get(root, name);
    return !other || cJSON_IsNull(other) || read_strategy(json, other, job, strategy, error);
}

/** The list called @name, if the file has one. */
static bool read_list(const MppJson *json, const cJSON *root, const char *name, const MppJob *job, GArray **out, GError **error)
{
    const cJSON *list = mpp_json_get(root, name), *plan;
    if (!list)
        return true;
    if (!cJSON_IsArray(list))
        return mpp_json_error(error, json, list, MPP_ERROR_SCHEMA, "expected a list of plans");
    *out = g_array_new(FALSE, FALSE, sizeof(MppStrategy));
    g_array_set_clear_func(*out, (GDestroyNotify)mpp_strategy_clear);
    cJSON_ArrayForEach(plan, list)
    {
        MppStrategy strategy;
        if (!read_strategy(json, plan, job, &strategy, error))
            return false;
        g_array_append_val(*out, strategy);
    }
    return true;
}

MppPlanFile *mpp_plan_file_read(const MppJson *json, const cJSON *root, GError **error)
{
    if (!check_version(json, root, error))
        return NULL;
    const cJSON *inputs = mpp_json_get(root, "inputs"), *best = mpp_json_get(root, "best");
    if (!cJSON_IsObject(inputs) || !cJSON_IsObject(mpp_json_get(best, "strategy"))) {
        mpp_json_error(error, json, root, MPP_ERROR_SCHEMA,
                       "this is not a plan: expected \"inputs\" and \"best\" with a \"strategy\"");
        return NULL;
    }
    g_autoptr(MppPlanFile) file = g_new0(MppPlanFile, 1);
    if (!check_members(json, root, error) || !(file->inputs = mpp_inputs_read(json, inputs, error)) ||
        !read_strategy(json, best, &file->inputs->job, &file->strategy, error))
        return NULL;
    const MppJob *job = &file->inputs->job;
    if (!read_other(json, root, "surest", job, &file->surest, error) || !read_other(json, root, "fastest", job, &file->fastest, error) ||
        !read_list(json, root, "alternatives", job, &file->alternatives, error) ||
        !read_list(json, root, "pareto", job, &file->pareto, error))
        return NULL;
    file->search = cJSON_Duplicate(mpp_json_get(root, "search"), true);
    return g_steal_pointer(&file);
}

MppPlanFile *mpp_plan_file_load(const char *path, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_load(path, error);
    return json ? mpp_plan_file_read(json, json->root, error) : NULL;
}
