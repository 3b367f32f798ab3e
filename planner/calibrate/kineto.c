#include <string.h>

#include "planner/base/error.h"
#include "planner/calibrate/sample_import.h"

static double number_of(const cJSON *object, const char *key)
{
    const cJSON *value = mpp_json_get(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(mpp_json_get(object, key));
    return text ? text : "";
}

/** A number format by its name in a trace; @bytes: of an element. Returns: whether it is known. */
static bool find_type(const char *name, MppPrecision *precision, double *bytes)
{
    static const struct {
        const char *name;
        MppPrecision precision;
        double bytes;
    } types[] = {
        { "Float", MPP_PRECISION_FP32, 4 },        { "float", MPP_PRECISION_FP32, 4 },      { "BFloat16", MPP_PRECISION_BF16, 2 },
        { "c10::BFloat16", MPP_PRECISION_BF16, 2 }, { "Half", MPP_PRECISION_FP16, 2 },       { "c10::Half", MPP_PRECISION_FP16, 2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *precision = types[i].precision;
            *bytes = types[i].bytes;
            return true;
        }
    }
    return false;
}

/** What equal operations took. */
typedef struct {
    MppSample sample;
    GArray *seconds; /* double */
} Seen;

static void seen_free(void *data)
{
    Seen *seen = data;
    g_array_unref(seen->seconds);
    g_free(seen);
}

static void add_time(GPtrArray *all, GHashTable *by_key, const char *key, const MppSample *sample, double seconds)
{
    Seen *seen = g_hash_table_lookup(by_key, key);
    if (!seen) {
        seen = g_new(Seen, 1);
        *seen = (Seen){ *sample, g_array_new(FALSE, FALSE, sizeof(double)) };
        g_hash_table_insert(by_key, g_strdup(key), seen);
        g_ptr_array_add(all, seen);
    }
    g_array_append_val(seen->seconds, seconds);
}

/** Ranks of the group "[0, 1, …]" lie on nodes of as many devices as the trace lists; all on one where it lists none. */
static int64_t nodes_of(const cJSON *root, const char *ranks, int64_t n)
{
    int devices = cJSON_GetArraySize(mpp_json_get(root, "deviceProperties"));
    g_autoptr(GHashTable) nodes = g_hash_table_new(NULL, NULL);
    for (const char *at = ranks; devices > 0 && at && *at; at++) {
        char *end;
        gint64 rank = g_ascii_strtoll(at, &end, 10);
        if (end == at)
            continue;
        g_hash_table_add(nodes, GINT_TO_POINTER(rank / devices + 1));
        at = end - 1;
    }
    int64_t found = g_hash_table_size(nodes);
    return found > 0 && n % found == 0 ? found : 1;
}

static void read_collective(const cJSON *root, const cJSON *event, GPtrArray *all, GHashTable *by_key)
{
    static const struct {
        const char *name;
        MppCollective kind;
    } kinds[] = {
        { "allreduce", MPP_COLLECTIVE_ALL_REDUCE },           { "_allgather_base", MPP_COLLECTIVE_ALL_GATHER },
        { "allgather", MPP_COLLECTIVE_ALL_GATHER },           { "_reduce_scatter_base", MPP_COLLECTIVE_REDUCE_SCATTER },
        { "reduce_scatter", MPP_COLLECTIVE_REDUCE_SCATTER },  { "all_to_all", MPP_COLLECTIVE_ALL_TO_ALL },
        { "all_to_allv", MPP_COLLECTIVE_ALL_TO_ALL },
    };
    const cJSON *args = mpp_json_get(event, "args");
    const char *name = text_of(args, "Collective name");
    MppSample sample = { 0 };
    double element;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) != 0 || !find_type(text_of(args, "dtype"), &sample.precision, &element))
            continue;
        MppPrecision precision = sample.precision;
        sample = mpp_samples_blank(MPP_SAMPLE_COLLECTIVE, NULL);
        sample.precision = precision;
        sample.collective = kinds[i].kind;
        sample.bytes = MAX(number_of(args, "In msg nelems"), number_of(args, "Out msg nelems")) * element;
        sample.ranks = (int64_t)number_of(args, "Group size");
        sample.nodes = nodes_of(root, text_of(args, "Process Group Ranks"), sample.ranks);
        g_autofree char *key = g_strdup_printf("%d %.0f %s", sample.collective, sample.bytes, text_of(args, "Process Group Ranks"));
        if (sample.bytes > 0 && sample.ranks > 1)
            add_time(all, by_key, key, &sample, number_of(event, "dur") * 1e-6);
        return;
    }
}

/** Microseconds of the kernels of each operator, by the operator's "External id"; NULL where the trace has no kernels. */
static GHashTable *kernel_times(const cJSON *events)
{
    GHashTable *times = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    const cJSON *event;
    cJSON_ArrayForEach(event, events)
    {
        int64_t id = (int64_t)number_of(mpp_json_get(event, "args"), "External id");
        if (strcmp(text_of(event, "cat"), "kernel") != 0)
            continue;
        double *sum = g_hash_table_lookup(times, &id);
        if (sum)
            *sum += number_of(event, "dur");
        else
            g_hash_table_insert(times, g_memdup2(&id, sizeof id), g_memdup2(&(double){ number_of(event, "dur") }, sizeof(double)));
    }
    return times;
}

/** aten::mm of [m, k] and [k, n]. */
static void read_product(const cJSON *event, GHashTable *kernels, GPtrArray *all, GHashTable *by_key)
{
    const cJSON *args = mpp_json_get(event, "args"), *dims = mpp_json_get(args, "Input Dims");
    const cJSON *a = cJSON_GetArrayItem(dims, 0), *b = cJSON_GetArrayItem(dims, 1);
    const char *type = cJSON_GetStringValue(cJSON_GetArrayItem(mpp_json_get(args, "Input type"), 0));
    int64_t id = (int64_t)number_of(args, "External id");
    const double *kernel_us = g_hash_table_lookup(kernels, &id);
    MppPrecision precision;
    double element;
    if (cJSON_GetArraySize(a) != 2 || cJSON_GetArraySize(b) != 2 || !type || !find_type(type, &precision, &element) ||
        (g_hash_table_size(kernels) && !kernel_us))
        return;
    MppSample sample = mpp_samples_blank(MPP_SAMPLE_MATMUL, NULL);
    sample.precision = precision;
    sample.m = (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(a, 0));
    sample.k = (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(a, 1));
    sample.n = (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(b, 1));
    g_autofree char *key = g_strdup_printf("mm %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, precision, sample.m, sample.n,
                                           sample.k);
    if (sample.m > 0 && sample.n > 0 && sample.k > 0)
        add_time(all, by_key, key, &sample, (kernel_us ? *kernel_us : number_of(event, "dur")) * 1e-6);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** A collective's kernel waits for its peers: the shortest waited least. */
static void add_sample(MppSamples *samples, const Seen *seen)
{
    MppSample sample = seen->sample;
    bool collective = sample.kind == MPP_SAMPLE_COLLECTIVE;
    g_array_sort(seen->seconds, compare_doubles);
    sample.name = g_strdup(collective ? mpp_names_get(&mpp_collective_names, sample.collective) : "aten::mm");
    sample.repeats = seen->seconds->len;
    sample.median_s = g_array_index(seen->seconds, double, collective ? 0 : seen->seconds->len / 2);
    if (sample.median_s > 0)
        mpp_samples_add(samples, sample);
    else
        g_free(sample.name);
}

MppSamples *mpp_kineto_read(const MppJson *json, GError **error)
{
    const cJSON *events = mpp_json_get(json->root, "traceEvents"), *event;
    g_autoptr(GHashTable) kernels = kernel_times(events), by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(seen_free);
    cJSON_ArrayForEach(event, events)
    {
        if (*text_of(mpp_json_get(event, "args"), "Collective name") && strcmp(text_of(event, "cat"), "kernel") == 0)
            read_collective(json->root, event, all, by_key);
        else if (strcmp(text_of(event, "name"), "aten::mm") == 0 && strcmp(text_of(event, "cat"), "cpu_op") == 0)
            read_product(event, kernels, all, by_key);
    }
    const cJSON *device = cJSON_GetArrayItem(mpp_json_get(json->root, "deviceProperties"), 0);
    g_autoptr(MppSamples) samples = mpp_samples_new("PyTorch profiler", device ? text_of(device, "name") : NULL);
    for (guint i = 0; i < all->len; i++)
        add_sample(samples, all->pdata[i]);
    if (samples->samples->len)
        return g_steal_pointer(&samples);
    mpp_json_error(error, json, events, MPP_ERROR_SYNTAX,
                   "expected collectives' kernels with sizes, or aten::mm with shapes (record_shapes=True), found none");
    return NULL;
}
