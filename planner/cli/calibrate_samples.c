#include "planner/cli/calibrate_samples.h"

#include <stdio.h>
#include <string.h>

#include "planner/calibrate/sample_fit.h"
#include "planner/cli/terminal.h"
#include "planner/spec/zoo.h"

static const char usual_runtime[] = "mpplan-run", usual_cluster[] = "cpu-hosts";

typedef struct {
    GPtrArray *files;   /* MppSamples */
    GPtrArray *samples; /* MppSample, of all of them; borrowed */
} Loaded;

static void loaded_clear(Loaded *loaded)
{
    g_ptr_array_unref(loaded->files);
    g_ptr_array_unref(loaded->samples);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Loaded, loaded_clear)

static bool load(char **files, Loaded *loaded, GError **error)
{
    for (int i = 0; files[i]; i++) {
        MppSamples *samples = mpp_samples_load(files[i], error);
        if (!samples)
            return false;
        g_ptr_array_add(loaded->files, samples);
        for (guint k = 0; k < samples->samples->len; k++)
            g_ptr_array_add(loaded->samples, (gpointer)mpp_samples_get(samples, k));
    }
    return true;
}

/* --- tables --- */

static void print_parameters(const MppSampleFit *fit)
{
    g_autoptr(MppTable) table = mpp_table_new("  number|before >|fitted >|deviation >|samples >");
    for (guint i = 0; i < fit->parameters->len; i++) {
        const MppSampleParameter *p = &g_array_index(fit->parameters, MppSampleParameter, i);
        mpp_table_add(table, "  %s", p->name);
        mpp_table_add(table, "%.3g", p->before);
        mpp_table_add(table, "%.3g", p->value);
        mpp_table_add(table, "%.1f %%", 100 * p->relative_error);
        mpp_table_add(table, "%d", p->n_samples);
    }
    mpp_table_print(table);
    puts("");
}

static void print_residuals(const MppSampleFit *fit)
{
    g_autoptr(MppTable) table = mpp_table_new("  samples|of|number >|median error >|without it >|bias >");
    for (guint i = 0; i < fit->residuals->len; i++) {
        const MppSampleResidual *r = &g_array_index(fit->residuals, MppSampleResidual, i);
        mpp_table_add(table, "  %s", mpp_names_get(&mpp_sample_kind_names, r->kind));
        mpp_table_add(table, "%s", r->name);
        mpp_table_add(table, "%d", r->n);
        mpp_table_add(table, "%.1f %%", 100 * r->median_error);
        mpp_table_add(table, "%.1f %%", 100 * r->unseen_error);
        mpp_table_add(table, "%+.1f %%", 100 * r->bias);
    }
    mpp_table_print(table);
    printf("\n%d samples: median error %.1f %%, each without itself %.1f %%\n", fit->n_samples, 100 * fit->median_error,
           100 * fit->unseen_error);
}

static void warn_undetermined(const MppSampleFit *fit)
{
    for (guint i = 0; i < fit->parameters->len; i++) {
        const MppSampleParameter *p = &g_array_index(fit->parameters, MppSampleParameter, i);
        if (!p->determined)
            printf("warning: the samples do not determine %s: it stays near %.3g\n", p->name, p->before);
    }
}

/* --- the profile --- */

/** Key of the text that says where the number comes from; free. @name: as parameters are called. */
static char *source_key(const MppCluster *cluster, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(strchr(name, '/') + 1, "/", -1);
    if (strcmp(parts[0], "tiers") != 0)
        return g_strdup(parts[0]);
    int tier = (int)g_ascii_strtoll(parts[1], NULL, 10);
    return g_strconcat(mpp_cluster_tier(cluster, tier)->name, ".", parts[2], NULL);
}

static GHashTable *copied(GHashTable *texts)
{
    GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer key, value;
    if (texts)
        for (g_hash_table_iter_init(&iter, texts); g_hash_table_iter_next(&iter, &key, &value);)
            g_hash_table_insert(copy, g_strdup(key), g_strdup(value));
    return copy;
}

/** What the fitted numbers rest on. */
static char *provenance(const Loaded *loaded, const MppSampleFit *fit)
{
    g_autoptr(GString) text = g_string_new("mpplan calibrate: fitted to ");
    for (guint i = 0; i < loaded->files->len; i++) {
        const MppSamples *samples = loaded->files->pdata[i];
        g_string_append_printf(text, "%s%u samples of %s", i ? ", " : "", samples->samples->len,
                               samples->source ? samples->source : "an unnamed source");
        if (samples->device)
            g_string_append_printf(text, " on %s", samples->device);
    }
    g_string_append_printf(text, "; median error %.1f %%", 100 * fit->median_error);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void set_sources(MppCluster *cluster, const Loaded *loaded, const MppSampleFit *fit)
{
    g_autofree char *text = provenance(loaded, fit);
    GHashTable *own = copied(cluster->sources), *devices = copied(cluster->device.sources);
    for (guint i = 0; i < fit->parameters->len; i++) {
        const MppSampleParameter *p = &g_array_index(fit->parameters, MppSampleParameter, i);
        if (p->determined)
            g_hash_table_replace(g_str_has_prefix(p->name, "device:") ? devices : own, source_key(cluster, p->name),
                                 g_strdup(text));
    }
    g_clear_pointer(&cluster->sources, g_hash_table_unref);
    g_clear_pointer(&cluster->device.sources, g_hash_table_unref);
    cluster->sources = own;
    cluster->device.sources = devices;
}

static void rename_to(char **name, const char *text)
{
    g_free(*name);
    *name = g_strdup(text);
}

/** NAME.json and beside it NAME-device.json, which it names. */
static bool write_profile(MppCluster *cluster, const char *output, GError **error)
{
    g_autofree char *file = g_path_get_basename(output), *folder = g_path_get_dirname(output);
    if (g_str_has_suffix(file, ".json"))
        file[strlen(file) - strlen(".json")] = '\0';
    g_autofree char *device = g_strconcat(file, "-device", NULL), *device_file = g_strconcat(device, ".json", NULL);
    g_autofree char *device_path = g_build_filename(folder, device_file, NULL);
    rename_to(&cluster->name, file);
    rename_to(&cluster->device_name, device_file);
    rename_to(&cluster->device.name, device);
    rename_to(&cluster->device.cluster, file);
    g_clear_pointer(&cluster->device.aliases, g_ptr_array_unref);
    g_clear_pointer(&cluster->run_sources, g_ptr_array_unref);
    g_autoptr(cJSON) device_root = mpp_fields_write(&mpp_device_fields, &cluster->device, true);
    g_autoptr(cJSON) root = mpp_fields_write(&mpp_cluster_fields, cluster, true);
    return mpp_json_write(device_root, device_path, error) && mpp_json_write(root, output, error);
}

bool mpp_calibrate_samples(char **files, const char *cluster_name, const char *runtime_name, const char *output, GError **error)
{
    g_auto(Loaded) loaded = { g_ptr_array_new_with_free_func((GDestroyNotify)mpp_samples_free), g_ptr_array_new() };
    g_autoptr(MppCluster) cluster = mpp_zoo_cluster(cluster_name ? cluster_name : usual_cluster, error);
    g_autoptr(MppRuntime) runtime = cluster ? mpp_zoo_runtime(runtime_name ? runtime_name : usual_runtime, error) : NULL;
    if (!runtime || !load(files, &loaded, error))
        return false;
    g_autoptr(MppSampleFit) fit = mpp_sample_fit(cluster, runtime, loaded.samples, error);
    if (!fit)
        return false;
    print_parameters(fit);
    print_residuals(fit);
    warn_undetermined(fit);
    if (!output)
        return true;
    set_sources(cluster, &loaded, fit);
    return write_profile(cluster, output, error);
}
