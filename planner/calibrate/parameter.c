#include "planner/calibrate/parameter.h"

#include <math.h>
#include <string.h>

typedef struct {
    GArray *parameters; /* MppPrior */
    char *about;
} PriorFile;

static const MppField prior_rows[] = {
    MPP_FIELD_STRING(MppPrior, name, MPP_REQUIRED, "profile and field"),
    MPP_FIELD_DOUBLE(MppPrior, prior, 1e-12, 1e12, MPP_REQUIRED, "expected value"),
    MPP_FIELD_DOUBLE(MppPrior, spread, 1e-3, 10, 0.3, "standard deviation of its logarithm (log-odds for fractions)"),
};
static const MppFields prior_fields = MPP_FIELDS("prior", MppPrior, prior_rows);

static const MppField file_rows[] = {
    MPP_FIELD_STRING(PriorFile, about, 0, "what the file is for"),
    MPP_FIELD_STRUCTS(PriorFile, parameters, &prior_fields, MPP_REQUIRED, "what may be adjusted"),
};
static const MppFields file_fields = MPP_FIELDS("list of priors", PriorFile, file_rows);

GArray *mpp_priors_load(const char *path, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_load(path, error);
    PriorFile file;
    if (!json || !mpp_fields_read(&file_fields, json, json->root, &file, error))
        return NULL;
    g_free(file.about);
    return file.parameters;
}

void mpp_priors_free(GArray *priors)
{
    for (guint i = 0; priors && i < priors->len; i++)
        mpp_fields_clear(&prior_fields, &g_array_index(priors, MppPrior, i));
    if (priors)
        g_array_free(priors, TRUE);
}

/** Follows @path through the tables from @base to a number. */
static double *find_number(const MppFields *fields, void *base, char **path, const MppField **row)
{
    *row = mpp_fields_find(fields, path[0]);
    if (!*row)
        return NULL;
    void *at = (char *)base + (*row)->offset;
    if ((*row)->type == MPP_FIELD_TYPE_DOUBLE)
        return path[1] ? NULL : at;
    if ((*row)->type == MPP_FIELD_TYPE_STRUCT && path[1])
        return find_number((*row)->table, at, path + 1, row);
    if ((*row)->type == MPP_FIELD_TYPE_STRUCTS && path[1] && path[2]) {
        GArray *structs = *(GArray **)at;
        guint64 index = g_ascii_strtoull(path[1], NULL, 10);
        return index < structs->len ? find_number((*row)->table, structs->data + index * (*row)->table->size, path + 2, row) : NULL;
    }
    return NULL;
}

static void add_number(MppParameter *parameter, const MppFields *fields, void *profile, char **path)
{
    const MppField *row = NULL;
    double *place = find_number(fields, profile, path, &row);
    if (!place)
        return;
    g_ptr_array_add(parameter->places, place);
    parameter->low = row->min;
    parameter->high = row->max;
    parameter->is_fraction = row->max == 1;
}

/** Adds the places of one profile if it is the one named; the last part of the path may name several fields. */
static void add_place(MppParameter *parameter, bool named, const MppFields *fields, void *profile, char **path)
{
    guint last = g_strv_length(path);
    if (!named || !last)
        return;
    char *together = path[last - 1];
    g_auto(GStrv) fields_together = g_strsplit(together, "+", -1);
    for (int i = 0; fields_together[i]; i++) {
        path[last - 1] = fields_together[i];
        add_number(parameter, fields, profile, path);
    }
    path[last - 1] = together;
}

/** A parameter's name taken apart: "kind:profile/field/…". */
typedef struct {
    char **parts; /* parts[0] is the kind alone */
    const char *profile;
} ParameterName;

static ParameterName split_name(const char *text)
{
    ParameterName name = { g_strsplit(text, "/", -1), "" };
    char *colon = strchr(name.parts[0], ':');
    if (colon) {
        *colon = '\0';
        name.profile = colon + 1;
    }
    return name;
}

static void add_cluster_places(MppParameter *parameter, const ParameterName *name, MppCluster *cluster)
{
    char **path = name->parts + 1;
    const char *kind = name->parts[0];
    add_place(parameter, !strcmp(kind, "cluster") && !strcmp(cluster->name, name->profile), &mpp_cluster_fields, cluster, path);
    add_place(parameter, !strcmp(kind, "device") && !strcmp(cluster->device.name, name->profile), &mpp_device_fields,
              &cluster->device, path);
}

static void add_runtime_places(MppParameter *parameter, const ParameterName *name, MppRuntime *runtime)
{
    add_place(parameter, !strcmp(name->parts[0], "runtime") && !strcmp(runtime->name, name->profile), &mpp_runtime_fields, runtime,
              name->parts + 1);
}

bool mpp_parameter_add_job(MppParameter *parameter, MppRunJob *job)
{
    guint before = parameter->places->len;
    ParameterName name = split_name(parameter->prior->name);
    add_cluster_places(parameter, &name, job->cluster);
    add_runtime_places(parameter, &name, job->runtime);
    g_strfreev(name.parts);
    return parameter->places->len > before;
}

static bool bind(MppParameter *parameter, const MppProfiles *profiles, GError **error)
{
    ParameterName name = split_name(parameter->prior->name);
    for (guint i = 0; i < profiles->clusters->len; i++)
        add_cluster_places(parameter, &name, profiles->clusters->pdata[i]);
    for (guint i = 0; i < profiles->runtimes->len; i++)
        add_runtime_places(parameter, &name, profiles->runtimes->pdata[i]);
    g_strfreev(name.parts);
    if (parameter->places->len)
        return true;
    g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "\"%s\" names no number of a profile", parameter->prior->name);
    return false;
}

GArray *mpp_parameters_bind(const GArray *priors, const MppProfiles *profiles, GError **error)
{
    GArray *parameters = g_array_new(FALSE, TRUE, sizeof(MppParameter));
    for (guint i = 0; i < priors->len; i++) {
        MppParameter parameter = { .prior = &g_array_index(priors, MppPrior, i), .places = g_ptr_array_new() };
        bool bound = bind(&parameter, profiles, error);
        g_array_append_val(parameters, parameter);
        if (!bound) {
            mpp_parameters_free(parameters);
            return NULL;
        }
        mpp_parameter_set(&g_array_index(parameters, MppParameter, i), parameter.prior->prior);
    }
    return parameters;
}

bool mpp_parameter_read(const MppProfiles *profiles, const char *name, double *value, bool *is_fraction)
{
    const MppPrior prior = { .name = (char *)name };
    MppParameter parameter = { .prior = &prior, .places = g_ptr_array_new() };
    bool found = bind(&parameter, profiles, NULL);
    if (found)
        *value = *(const double *)parameter.places->pdata[0];
    *is_fraction = parameter.is_fraction;
    g_ptr_array_unref(parameter.places);
    return found;
}

bool mpp_parameter_is_determined(const MppParameter *parameter)
{
    const double most_frac = 0.9; /* of the prior's deviation */
    return parameter->deviation < most_frac * parameter->prior->spread;
}

void mpp_parameters_free(GArray *parameters)
{
    for (guint i = 0; parameters && i < parameters->len; i++)
        g_ptr_array_unref(g_array_index(parameters, MppParameter, i).places);
    if (parameters)
        g_array_free(parameters, TRUE);
}

void mpp_parameter_set(MppParameter *parameter, double value)
{
    parameter->value = CLAMP(value, parameter->low, parameter->high);
    for (guint i = 0; i < parameter->places->len; i++)
        *(double *)parameter->places->pdata[i] = parameter->value;
}

static double measure(const MppParameter *parameter, double value)
{
    return parameter->is_fraction ? log(value / (1 - value)) : log(value);
}

double mpp_parameter_to_score(const MppParameter *parameter, double value)
{
    return (measure(parameter, value) - measure(parameter, parameter->prior->prior)) / parameter->prior->spread;
}

double mpp_parameter_from_score(const MppParameter *parameter, double score)
{
    double m = measure(parameter, parameter->prior->prior) + score * parameter->prior->spread;
    return parameter->is_fraction ? 1 / (1 + exp(-m)) : exp(m);
}
