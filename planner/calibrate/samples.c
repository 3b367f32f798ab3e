#include "planner/calibrate/samples.h"

#include <string.h>

#include "planner/base/file.h"
#include "planner/calibrate/sample_import.h"

enum { FORMAT_VERSION = 1, MOST_SIZE = 1 << 30, MOST_RANKS = 1 << 20 };
static const double most_bytes = 1e15, most_s = 1e6;

static const char *const kind_names[] = {
#define KIND(kind, name) name,
    MPP_SAMPLE_KINDS(KIND)
#undef KIND
};
const MppNames mpp_sample_kind_names = MPP_NAMES("kind of sample", kind_names);

static const char *const layout_names[MPP_N_LAYOUTS] = { "nn", "nt", "tn", "tt" };
static const MppNames layouts = MPP_NAMES("layout", layout_names);

static const MppField sample_rows[] = {
    MPP_FIELD_ENUM(MppSample, kind, &mpp_sample_kind_names, MPP_REQUIRED, "what was timed"),
    MPP_FIELD_STRING(MppSample, name, MPP_REQUIRED, "operation, for tables"),
    MPP_FIELD_ENUM(MppSample, precision, &mpp_precision_names, MPP_PRECISION_FP32, "number format"),
    MPP_FIELD_INT(MppSample, count, 1, MOST_SIZE, 1, "products of one call; heads times sequences of attention"),
    MPP_FIELD_INT(MppSample, m, 0, MOST_SIZE, 0, "rows of the product; queries of a head"),
    MPP_FIELD_INT(MppSample, n, 0, MOST_SIZE, 0, "columns of the product; keys a query sees on average"),
    MPP_FIELD_INT(MppSample, k, 0, MOST_SIZE, 0, "what is summed over; width of a head's queries and keys"),
    MPP_FIELD_INT(MppSample, v, 0, MOST_SIZE, 0, "width of a head's values; 0: as k"),
    MPP_FIELD_ENUM(MppSample, layout, &layouts, MPP_LAYOUT_NN, "which factors of the product are transposed"),
    MPP_FIELD_BOOL(MppSample, accumulates, 0, "the product is added to its output"),
    MPP_FIELD_BOOL(MppSample, backward, 0, "gradients of attention, scores computed again"),
    MPP_FIELD_ENUM(MppSample, streaming, &mpp_streaming_names, MPP_STREAMING_COPY, "of memory, kind of kernel"),
    MPP_FIELD_DOUBLE(MppSample, bytes, 0, most_bytes, 0, "moved; of a collective, as the cost model counts them"),
    MPP_FIELD_INT(MppSample, kernels, 1, MOST_SIZE, 1, "kernels of one operation"),
    MPP_FIELD_ENUM(MppSample, collective, &mpp_collective_names, MPP_COLLECTIVE_ALL_REDUCE, "of a collective, which"),
    MPP_FIELD_INT(MppSample, ranks, 1, MOST_RANKS, 1, "ranks that took part"),
    MPP_FIELD_INT(MppSample, nodes, 1, MOST_RANKS, 1, "nodes that they lie on, evenly"),
    MPP_FIELD_INT(MppSample, busy_ranks, 1, MOST_RANKS, 1, "ranks of a node that worked at the same time"),
    MPP_FIELD_INT(MppSample, repeats, 1, MOST_SIZE, 1, "measurements"),
    MPP_FIELD_DOUBLE(MppSample, median_s, 1e-12, most_s, MPP_REQUIRED, "time of one operation, median"),
    MPP_FIELD_DOUBLE(MppSample, p10_s, 0, most_s, 0, "time that a tenth of the measurements stay below; 0: not known"),
    MPP_FIELD_DOUBLE(MppSample, p90_s, 0, most_s, 0, "time that nine tenths stay below; 0: not known"),
};
const MppFields mpp_sample_fields = MPP_FIELDS("sample", MppSample, sample_rows);

static const MppField rows[] = {
    MPP_FIELD_INT(MppSamples, format_version, 0, MOST_SIZE, MPP_REQUIRED, "of this file"),
    MPP_FIELD_STRING(MppSamples, source, 0, "what measured"),
    MPP_FIELD_STRING(MppSamples, device, 0, "and on what"),
    MPP_FIELD_INT(MppSamples, host_cores, 0, MOST_RANKS, 0, "processors of a node; 0: not known"),
    MPP_FIELD_STRUCTS(MppSamples, samples, &mpp_sample_fields, MPP_REQUIRED, "measurements"),
};
const MppFields mpp_samples_fields = MPP_FIELDS("samples", MppSamples, rows);

MppSamples *mpp_samples_new(const char *source, const char *device)
{
    MppSamples *samples = g_new0(MppSamples, 1);
    samples->format_version = FORMAT_VERSION;
    samples->source = g_strdup(source);
    samples->device = g_strdup(device);
    samples->samples = g_array_new(FALSE, TRUE, sizeof(MppSample));
    return samples;
}

void mpp_samples_free(MppSamples *samples)
{
    if (!samples)
        return;
    mpp_fields_clear(&mpp_samples_fields, samples);
    g_free(samples);
}

MppSample mpp_samples_blank(MppSampleKind kind, const char *name)
{
    MppSample sample;
    mpp_fields_default(&mpp_sample_fields, &sample);
    sample.kind = kind;
    sample.name = g_strdup(name);
    return sample;
}

void mpp_samples_add(MppSamples *samples, MppSample sample)
{
    g_array_append_val(samples->samples, sample);
}

/** The member that a sample of its kind needs and lacks, or NULL. */
static const char *lacking(const MppSample *sample)
{
    bool product = sample->kind == MPP_SAMPLE_MATMUL || sample->kind == MPP_SAMPLE_ATTENTION;
    if (product && !(sample->m && sample->n && sample->k))
        return "m, n and k";
    bool bytes = sample->kind == MPP_SAMPLE_MEMORY || sample->kind == MPP_SAMPLE_COPY || sample->kind == MPP_SAMPLE_COLLECTIVE;
    if (bytes && !(sample->bytes > 0))
        return "bytes";
    if (sample->kind == MPP_SAMPLE_COLLECTIVE && sample->ranks < 2)
        return "at least 2 ranks";
    return NULL;
}

static bool check_sample(const MppSample *sample, const MppJson *json, const cJSON *node, GError **error)
{
    const char *lacks = lacking(sample);
    if (lacks)
        return mpp_json_error(error, json, node, MPP_ERROR_INVALID, "a sample of kind \"%s\" needs %s",
                              mpp_names_get(&mpp_sample_kind_names, sample->kind), lacks);
    if (sample->ranks % sample->nodes != 0)
        return mpp_json_error(error, json, mpp_json_get(node, "nodes"), MPP_ERROR_INVALID,
                              "%" G_GINT64_FORMAT " ranks do not lie evenly on %" G_GINT64_FORMAT " nodes", sample->ranks,
                              sample->nodes);
    if (sample->p90_s > 0 && !(sample->p10_s <= sample->median_s && sample->median_s <= sample->p90_s))
        return mpp_json_error(error, json, mpp_json_get(node, "median_s"), MPP_ERROR_INVALID,
                              "expected p10_s, median_s and p90_s in rising order");
    return true;
}

static bool check(const MppSamples *samples, const MppJson *json, GError **error)
{
    if (samples->format_version != FORMAT_VERSION)
        return mpp_json_error(error, json, mpp_json_get(json->root, "format_version"), MPP_ERROR_UNSUPPORTED,
                              "expected format version %d; another mpplan wrote this file", FORMAT_VERSION);
    const cJSON *node = mpp_json_get(json->root, "samples")->child;
    for (guint i = 0; i < samples->samples->len; i++, node = node->next)
        if (!check_sample(mpp_samples_get(samples, i), json, node, error))
            return false;
    return true;
}

MppSamples *mpp_samples_read(const MppJson *json, GError **error)
{
    g_autoptr(MppSamples) samples = g_new0(MppSamples, 1);
    if (!mpp_fields_read(&mpp_samples_fields, json, json->root, samples, error) || !check(samples, json, error))
        return NULL;
    return g_steal_pointer(&samples);
}

MppSamples *mpp_samples_load(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!mpp_file_read(path, &text, &n_bytes, error))
        return NULL;
    if (text[strspn(text, " \t\r\n")] != '{')
        return mpp_nccl_tests_parse(path, text, error);
    g_autoptr(MppJson) json = mpp_json_parse(path, text, n_bytes, 1, error);
    if (!json)
        return NULL;
    return mpp_json_get(json->root, "traceEvents") ? mpp_kineto_read(json, error) : mpp_samples_read(json, error);
}

bool mpp_samples_write(const MppSamples *samples, const char *path, GError **error)
{
    g_autoptr(cJSON) root = mpp_fields_write(&mpp_samples_fields, samples, true);
    return mpp_json_write(root, path, error);
}
