#include "planner/emit/torchtitan_toml_read.h"

#include <string.h>

#include "planner/base/toml.h"
#include "planner/emit/torch_names.h"
#include "planner/emit/torchtitan_config.h"
#include "planner/spec/zoo.h"

#define N G_GINT64_FORMAT

enum { MOST_RANKS = 1 << 20 };

/** A configuration being read. */
typedef struct {
    const MppJson *json;
    const MppTitanConfig *config;
    const MppModel *model;
    MppLaunch *launch;
} Reading;

static bool refuse(const Reading *r, const char *section, const char *key, MppError code, GError **error, const char *message)
{
    const cJSON *table = mpp_json_get(r->json->root, section), *node = mpp_json_get(table, key);
    return mpp_json_error(error, r->json, node ? node : table, code, "%s", message);
}

static bool word_is(const char *word, const char *otherwise, const char *wanted)
{
    return strcmp(word ? word : otherwise, wanted) == 0;
}

/** The built-in model that torchtitan's name and flavor stand for. */
static bool find_model(const MppJson *json, const MppTitanConfig *config, MppLaunch *launch, GError **error)
{
    const char *name = config->model.name ? config->model.name : "llama3";
    const MppTitanModel *row = mpp_titan_find_flavor(name, config->model.flavor);
    if (!row)
        return mpp_json_error(error, json, mpp_json_get(mpp_json_get(json->root, "model"), "flavor"), MPP_ERROR_UNSUPPORTED,
                              "no built-in model is %s %s: give --model", name,
                              config->model.flavor ? config->model.flavor : "debugmodel");
    launch->model = mpp_zoo_model(row->zoo, error);
    if (!launch->model)
        return false;
    launch->model->prediction_layers = 0; /* torchtitan trains none */
    return mpp_model_finish(launch->model, NULL, NULL, error);
}

static bool read_degrees(const Reading *r, const MppLaunchSource *source, GError **error)
{
    const MppTitanParallelism *p = &r->config->parallelism;
    MppStrategy *s = &r->launch->strategy;
    s->tp = p->tensor_parallel_degree;
    s->cp = p->context_parallel_degree;
    const char *rotate = p->context_parallel_rotate_method ? p->context_parallel_rotate_method : "allgather";
    if (s->cp > 1 && !mpp_torch_context_find(rotate, &s->cp_kind))
        return refuse(r, "parallelism", "context_parallel_rotate_method", MPP_ERROR_UNSUPPORTED, error,
                      "only allgather and alltoall are known");
    s->pp = p->pipeline_parallel_degree;
    s->sequence_parallel = s->tp > 1;
    int64_t model_ranks = s->tp * s->cp, shard = p->data_parallel_shard_degree; /* each at most 2^20: three fit 64 bits */
    double product = (double)model_ranks * (double)s->pp * (double)shard * (double)p->data_parallel_replicate_degree;
    if (product > MOST_RANKS)
        return refuse(r, "parallelism", "data_parallel_shard_degree", MPP_ERROR_SCHEMA, error,
                      "the product of all degrees is too large");
    int64_t stated = shard > 0 ? (int64_t)product : 0;
    if (!mpp_launch_set_gpus(r->launch, source, stated, error) || !mpp_launch_set_dp(r->launch, source->name, error))
        return false;
    if (s->dp % p->data_parallel_replicate_degree)
        return refuse(r, "parallelism", "data_parallel_replicate_degree", MPP_ERROR_INVALID, error,
                      "does not divide the data-parallel ranks");
    if (!r->model->moe.experts)
        return true;
    s->ep = p->expert_parallel_degree;
    s->etp = s->ep > 1 ? p->expert_tensor_parallel_degree : s->tp;
    return true;
}

static bool read_sharding(const Reading *r, GError **error)
{
    const MppTitanParallelism *p = &r->config->parallelism;
    MppStrategy *s = &r->launch->strategy;
    int64_t group = s->dp / p->data_parallel_replicate_degree * s->cp;
    const char *policy = p->fsdp_reshard_after_forward;
    bool never = word_is(policy, "default", "never") || (word_is(policy, "default", "default") && s->pp > 1);
    s->zero = group == 1 ? 0 : never ? 2 : 3;
    if (r->config->training.enable_cpu_offload && s->zero == 2)
        return refuse(r, "training", "enable_cpu_offload", MPP_ERROR_UNSUPPORTED, error,
                      "offload of parameters that are kept after the forward pass is not modelled");
    s->offload = r->config->training.enable_cpu_offload && s->zero ? MPP_OFFLOAD_PARAMETERS : MPP_OFFLOAD_NONE;
    s->zero_ranks = s->zero && p->data_parallel_replicate_degree > 1 ? group : 0;
    return true;
}

static bool read_schedule(const Reading *r, GError **error)
{
    const MppTitanParallelism *p = &r->config->parallelism;
    const char *name = p->pipeline_parallel_schedule ? p->pipeline_parallel_schedule : "1F1B";
    if (p->pipeline_parallel_schedule_csv && *p->pipeline_parallel_schedule_csv)
        return refuse(r, "parallelism", "pipeline_parallel_schedule_csv", MPP_ERROR_UNSUPPORTED, error,
                      "a schedule's file is not read");
    return mpp_torch_schedule_find(name, &r->launch->strategy.schedule) ||
           refuse(r, "parallelism", "pipeline_parallel_schedule", MPP_ERROR_UNSUPPORTED, error, "this schedule is not modelled");
}

/** Layers of each of the listed parts: names like "layers.7". */
static GArray *count_listed(const cJSON *parts)
{
    GArray *layers = g_array_new(FALSE, TRUE, sizeof(int64_t));
    const cJSON *part, *name;
    cJSON_ArrayForEach(part, parts)
    {
        int64_t n = 0;
        cJSON_ArrayForEach(name, part) n += cJSON_IsString(name) && g_str_has_prefix(name->valuestring, "layers.");
        g_array_append_val(layers, n);
    }
    return layers;
}

static bool read_stages(const Reading *r, GError **error)
{
    const MppTitanParallelism *p = &r->config->parallelism;
    MppStrategy *s = &r->launch->strategy;
    if (s->pp == 1)
        return true;
    if (!read_schedule(r, error))
        return false;
    bool many = mpp_torch_schedule_has_chunks(s->schedule);
    const cJSON *parts = mpp_json_get(mpp_json_get(r->json->root, "parallelism"), "module_fqns_per_model_part");
    int64_t first = p->pipeline_parallel_first_stage_less_layers, last = p->pipeline_parallel_last_stage_less_layers;
    int64_t each = p->pipeline_parallel_layers_per_stage, chunks = s->pp * (many ? 2 : 1);
    if (each)
        chunks = (r->model->layers + first + last + each - 1) / each;
    if (cJSON_IsArray(parts))
        chunks = cJSON_GetArraySize(parts);
    if (!chunks || chunks % s->pp)
        return refuse(r, "parallelism", "pipeline_parallel_degree", MPP_ERROR_INVALID, error,
                      "the stages are not a multiple of the pipeline ranks");
    s->vpp = chunks / s->pp;
    if ((s->vpp > 1) != many)
        return refuse(r, "parallelism", "pipeline_parallel_schedule", MPP_ERROR_INVALID, error,
                      "does not go with the number of stages a rank holds");
    s->stage_layers = cJSON_IsArray(parts) ? count_listed(parts)
                                           : mpp_titan_stage_layers(r->model->layers, chunks, first, last, error);
    return s->stage_layers != NULL;
}

static bool read_batch(const Reading *r, GError **error)
{
    const MppTitanTraining *t = &r->config->training;
    MppStrategy *s = &r->launch->strategy;
    int64_t global = t->global_batch_size > 0 ? t->global_batch_size : t->local_batch_size * s->dp;
    if (s->pp > 1 && t->local_batch_size * s->dp != global)
        return refuse(r, "training", "local_batch_size", MPP_ERROR_UNSUPPORTED, error,
                      "several passes through the pipeline a step are not modelled: expected global_batch_size / dp");
    s->micro_batch = s->pp > 1 ? r->config->parallelism.pipeline_parallel_microbatch_size : t->local_batch_size;
    r->launch->training.global_batch = global;
    r->launch->training.seq = t->seq_len;
    r->launch->stated |= MPP_LAUNCH_GLOBAL_BATCH | MPP_LAUNCH_SEQ;
    return true;
}

static bool read_recompute(const Reading *r, GError **error)
{
    const MppTitanCheckpoint *c = &r->config->activation_checkpoint;
    MppStrategy *s = &r->launch->strategy;
    gint64 nth;
    if (word_is(c->mode, "selective", "none"))
        return true;
    s->recompute = word_is(c->mode, "selective", "full") ? MPP_RECOMPUTE_FULL : MPP_RECOMPUTE_SELECTIVE;
    if (s->recompute == MPP_RECOMPUTE_FULL)
        return true;
    if (!word_is(c->mode, "selective", "selective"))
        return refuse(r, "activation_checkpoint", "mode", MPP_ERROR_UNSUPPORTED, error, "this mode is not modelled");
    const char *option = c->selective_ac_option ? c->selective_ac_option : "2";
    if (strcmp(option, "op") == 0)
        return true;
    if (!g_ascii_string_to_signed(option, 10, 1, MPP_MODEL_MOST_LAYERS, &nth, NULL))
        return refuse(r, "activation_checkpoint", "selective_ac_option", MPP_ERROR_SCHEMA, error,
                      "expected \"op\" or a whole number");
    int64_t chunk = (r->model->n_layers + s->pp * s->vpp - 1) / (s->pp * s->vpp);
    s->recompute = MPP_RECOMPUTE_FULL;
    s->recompute_layers = nth == 1 ? 0 : (chunk + nth - 1) / nth;
    if (nth > 1)
        mpp_launch_assume(r->launch, "layers 1, %" N ", … of a stage are recomputed as if they were its first %" N, 1 + nth,
                          s->recompute_layers);
    return true;
}

static bool has_word(const GPtrArray *words, const char *part)
{
    for (guint i = 0; words && i < words->len; i++)
        if (strstr(words->pdata[i], part))
            return true;
    return false;
}

static void read_formats(const Reading *r)
{
    const MppTitanConfig *config = r->config;
    MppTraining *training = &r->launch->training;
    const GPtrArray *converters = config->model.converters, *components = config->compile.components;
    bool full = word_is(config->training.dtype, "float32", "float32") &&
                word_is(config->training.mixed_precision_param, "bfloat16", "float32");
    const char *recipe = config->quantize.linear.float8.recipe_name;
    bool rowwise = recipe && g_str_has_prefix(recipe, "rowwise");
    training->precision = has_word(converters, ".mx")       ? MPP_PRECISION_MXFP8
                          : has_word(converters, ".float8") ? (rowwise ? MPP_PRECISION_FP8_ROWWISE : MPP_PRECISION_FP8)
                          : full                            ? MPP_PRECISION_FP32
                                                            : MPP_PRECISION_BF16;
    bool all = !components;
    bool model = config->compile.enable && (all || has_word(components, "model"));
    bool loss = config->compile.enable && (all || has_word(components, "loss"));
    training->kernels.norm_fused = true;
    training->kernels.elementwise_fused = training->kernels.rotary_fused = model;
    training->kernels.cross_entropy_fused = loss;
    training->kernels.tensor_async = config->parallelism.enable_async_tensor_parallel;
    training->optimizer = MPP_OPTIMIZER_ADAM;
    r->launch->stated |= MPP_LAUNCH_PRECISION | MPP_LAUNCH_FUSIONS | MPP_LAUNCH_OPTIMIZER;
}

static void list_passed_over(const MppJson *json, MppLaunch *launch)
{
    const cJSON *section, *member;
    cJSON_ArrayForEach(section, json->root)
    {
        const MppField *row = mpp_fields_find(&mpp_titan_config_fields, section->string);
        cJSON_ArrayForEach(member, section)
        {
            bool listed = row && (mpp_fields_find(row->table, member->string) ||
                                  strcmp(member->string, "module_fqns_per_model_part") == 0);
            g_autofree char *name = member->string ? g_strdup_printf("%s.%s", section->string, member->string) : NULL;
            if (name && !listed)
                mpp_launch_pass_over(launch, name);
        }
    }
}

bool mpp_titan_read_toml(const MppLaunchSource *source, MppLaunch *launch, GError **error)
{
    g_autoptr(MppJson) json = mpp_toml_parse(source->name, source->text, error);
    g_auto(MppTitanConfig) config = { 0 };
    if (!json || !mpp_fields_read(&mpp_titan_config_fields, json, json->root, &config, error))
        return false;
    if (!source->model && !find_model(json, &config, launch, error))
        return false;
    Reading reading = { json, &config, mpp_launch_model(launch, source), launch };
    launch->runtime = "torchtitan";
    list_passed_over(json, launch);
    if (!read_degrees(&reading, source, error) || !read_sharding(&reading, error) || !read_stages(&reading, error) ||
        !read_batch(&reading, error) || !read_recompute(&reading, error))
        return false;
    read_formats(&reading);
    return true;
}
