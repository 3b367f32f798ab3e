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
    MPP_FIELD_DOUBLE(MppPrior, among, 1e-3, 10, 0.3, "the same, of several profiles' numbers about their centre"),
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
    if (!parameter->places->len)
        return false;
    ParameterName name = split_name(parameter->name);
    add_cluster_places(parameter, &name, job->cluster);
    add_runtime_places(parameter, &name, job->runtime);
    g_strfreev(name.parts);
    return parameter->places->len > before;
}

/** Finds the places of @parameter, and their range. */
static bool bind(MppParameter *parameter, const MppProfiles *profiles, GError **error)
{
    ParameterName name = split_name(parameter->name);
    for (guint i = 0; i < profiles->clusters->len; i++)
        add_cluster_places(parameter, &name, profiles->clusters->pdata[i]);
    for (guint i = 0; i < profiles->runtimes->len; i++)
        add_runtime_places(parameter, &name, profiles->runtimes->pdata[i]);
    g_strfreev(name.parts);
    if (parameter->places->len)
        return true;
    return mpp_error_set(error, MPP_ERROR_INVALID, "\"%s\" names no number of a profile", parameter->name);
}

/** Appends a parameter and takes @name. */
static bool add_parameter(GArray *parameters, const MppPrior *prior, char *name, double spread, int centre,
                          const MppProfiles *profiles, GError **error)
{
    MppParameter parameter = { .name = name, .prior = prior, .expected = prior->prior, .spread = spread, .centre = centre,
                               .places = g_ptr_array_new() };
    bool bound = bind(&parameter, profiles, error);
    if (bound)
        mpp_parameter_set(&parameter, prior->prior);
    g_array_append_val(parameters, parameter);
    return bound;
}

/** The profiles of "kind:one,other/field/…" by themselves, after their centre. */
static bool add_pool(GArray *parameters, const MppPrior *prior, const MppProfiles *profiles, GError **error)
{
    const char *colon = strchr(prior->name, ':'), *slash = strchr(colon, '/');
    g_autofree char *kind = g_strndup(prior->name, colon - prior->name), *list = g_strndup(colon + 1, slash - colon - 1);
    g_auto(GStrv) names = g_strsplit(list, ",", -1);
    guint centre = parameters->len;
    bool bound = true;
    for (int i = -1; bound && (i < 0 || names[i]); i++) {
        char *name = g_strconcat(kind, ":", names[MAX(i, 0)], slash, NULL);
        bound = add_parameter(parameters, prior, name, i < 0 ? prior->spread : prior->among, i < 0 ? -1 : (int)centre, profiles, error);
    }
    MppParameter *first = &g_array_index(parameters, MppParameter, centre); /* had the first one's places, for their range */
    g_ptr_array_set_size(first->places, 0);
    g_free(first->name);
    first->name = g_strconcat(kind, ":*", slash, NULL);
    return bound;
}

static bool add_prior(GArray *parameters, const MppPrior *prior, const MppProfiles *profiles, GError **error)
{
    const char *slash = strchr(prior->name, '/'), *comma = strchr(prior->name, ','), *colon = strchr(prior->name, ':');
    if (colon && comma && slash && colon < comma && comma < slash)
        return add_pool(parameters, prior, profiles, error);
    return add_parameter(parameters, prior, g_strdup(prior->name), prior->spread, -1, profiles, error);
}

GArray *mpp_parameters_bind(const GArray *priors, const MppProfiles *profiles, GError **error)
{
    GArray *parameters = g_array_new(FALSE, TRUE, sizeof(MppParameter));
    for (guint i = 0; i < priors->len; i++)
        if (!add_prior(parameters, &g_array_index(priors, MppPrior, i), profiles, error)) {
            mpp_parameters_free(parameters);
            return NULL;
        }
    return parameters;
}

bool mpp_parameter_read(const MppProfiles *profiles, const char *name, double *value, bool *is_fraction)
{
    MppParameter parameter = { .name = (char *)name, .places = g_ptr_array_new() };
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
    for (guint i = 0; parameters && i < parameters->len; i++) {
        g_free(g_array_index(parameters, MppParameter, i).name);
        g_ptr_array_unref(g_array_index(parameters, MppParameter, i).places);
    }
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
    return (measure(parameter, value) - measure(parameter, parameter->expected)) / parameter->spread;
}

double mpp_parameter_from_score(const MppParameter *parameter, double score)
{
    double m = measure(parameter, parameter->expected) + score * parameter->spread;
    return parameter->is_fraction ? 1 / (1 + exp(-m)) : exp(m);
}

void mpp_parameters_set_scores(GArray *parameters, const double *scores)
{
    for (guint k = 0; k < parameters->len; k++) {
        MppParameter *parameter = &g_array_index(parameters, MppParameter, k);
        if (parameter->centre >= 0)
            parameter->expected = g_array_index(parameters, MppParameter, parameter->centre).value;
        mpp_parameter_set(parameter, mpp_parameter_from_score(parameter, scores[k]));
    }
}
