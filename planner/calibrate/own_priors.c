#include "planner/calibrate/own_priors.h"

#include <string.h>

#include "planner/spec/zoo.h"

/** A row of the file: a name with `*` for any profile, or for any number format at its end. */
typedef struct {
    char *name;
    double spread, guess_spread;
} Pattern;

typedef struct {
    char *about;
    GArray *parameters; /* Pattern */
} PatternFile;

static const MppField pattern_rows[] = {
    MPP_FIELD_STRING(Pattern, name, MPP_REQUIRED, "kind of profile and field"),
    MPP_FIELD_DOUBLE(Pattern, spread, 1e-3, 10, MPP_REQUIRED, "of the prior where the number was measured or fitted"),
    MPP_FIELD_DOUBLE(Pattern, guess_spread, 1e-3, 10, MPP_REQUIRED, "where it is a guess"),
};
static const MppFields pattern_fields = MPP_FIELDS("pattern of priors", Pattern, pattern_rows);

static const MppField file_rows[] = {
    MPP_FIELD_STRING(PatternFile, about, 0, "what the file is for"),
    MPP_FIELD_STRUCTS(PatternFile, parameters, &pattern_fields, MPP_REQUIRED, "what may be adjusted"),
};
static const MppFields file_fields = MPP_FIELDS("list of patterns", PatternFile, file_rows);

static PatternFile load_patterns(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_zoo_built_in("hwprofiles/own-runs.json", &error);
    PatternFile file = { 0 };
    if (!json || !mpp_fields_read(&file_fields, json, json->root, &file, &error))
        g_error("%s", error->message); /* the file is part of the program */
    return file;
}

MppProfiles *mpp_own_profiles_new(const GPtrArray *runs, const MppProfiles *profiles)
{
    MppProfiles *own = mpp_profiles_new();
    for (guint i = 0; i < runs->len; i++) {
        g_autofree char *skipped = NULL;
        g_autoptr(MppRunJob) job = mpp_run_job_new(runs->pdata[i], profiles, &skipped);
        if (job)
            mpp_profiles_take(own, job->cluster, job->runtime);
    }
    return own;
}

/** Whether the profile says that its number is a guess which nothing was fitted to. */
static bool is_guess(GHashTable *sources, const char *key)
{
    const char *text = sources ? g_hash_table_lookup(sources, key) : NULL;
    return !text || (g_str_has_prefix(text, "guess") && !strstr(text, "; fitted to "));
}

/** One of the profiles that runs have, as names of parameters begin. */
typedef struct {
    const char *kind, *name;
    GHashTable *sources;
    const MppCluster *cluster; /* whose tiers it has; NULL: none */
} Profile;

/** Key of the text that tells where the number called @name comes from: its field, or the tier and its field. */
static char *source_key(const Profile *profile, char **path)
{
    if (strcmp(path[1], "tiers") != 0)
        return g_strdup(path[1]);
    const MppTier *tier = mpp_cluster_tier(profile->cluster, (int)g_ascii_strtoull(path[2], NULL, 10));
    return g_strconcat(tier->name, ".", path[3], NULL);
}

/** Adds the number called @name if there is one and it is switched on. */
static void add_prior(GArray *priors, const Pattern *pattern, const Profile *profile, const char *name, const MppProfiles *own)
{
    double value;
    bool fraction;
    if (!mpp_parameter_read(own, name, &value, &fraction) || !(value > 0) || (fraction && value >= 1))
        return;
    g_auto(GStrv) path = g_strsplit(name, "/", -1);
    g_autofree char *key = source_key(profile, path);
    MppPrior prior = { g_strdup(name), value, is_guess(profile->sources, key) ? pattern->guess_spread : pattern->spread };
    g_array_append_val(priors, prior);
}

/** Adds @pattern for @profile; a second `*` stands for every number format. */
static void expand(GArray *priors, const Pattern *pattern, const Profile *profile, const MppProfiles *own)
{
    g_auto(GStrv) parts = g_strsplit(pattern->name, "*", 3);
    g_autofree char *kind = g_strconcat(profile->kind, ":", NULL);
    if (strcmp(parts[0], kind) != 0)
        return;
    for (int i = 0; i < (parts[2] ? MPP_N_PRECISIONS : 1); i++) {
        const char *format = parts[2] ? mpp_names_get(&mpp_precision_names, i) : "";
        g_autofree char *name = g_strconcat(kind, profile->name, parts[1], format, NULL);
        add_prior(priors, pattern, profile, name, own);
    }
}

/** Every profile once, devices of several clusters too. */
static GArray *list_profiles(const MppProfiles *own)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Profile));
    g_autoptr(GHashTable) devices = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < own->clusters->len; i++) {
        const MppCluster *cluster = own->clusters->pdata[i];
        const Profile both[] = { { "cluster", cluster->name, cluster->sources, cluster },
                                 { "device", cluster->device.name, cluster->device.sources, NULL } };
        g_array_append_vals(list, both, g_hash_table_add(devices, cluster->device.name) ? 2 : 1);
    }
    for (guint i = 0; i < own->runtimes->len; i++) {
        const MppRuntime *runtime = own->runtimes->pdata[i];
        const Profile one = { "runtime", runtime->name, runtime->sources, NULL };
        g_array_append_val(list, one);
    }
    return list;
}

GArray *mpp_own_priors_new(const MppProfiles *own)
{
    PatternFile file = load_patterns();
    GArray *priors = g_array_new(FALSE, FALSE, sizeof(MppPrior));
    g_autoptr(GArray) list = list_profiles(own);
    for (guint i = 0; i < file.parameters->len; i++)
        for (guint k = 0; k < list->len; k++)
            expand(priors, &g_array_index(file.parameters, Pattern, i), &g_array_index(list, Profile, k), own);
    mpp_fields_clear(&file_fields, &file);
    return priors;
}
