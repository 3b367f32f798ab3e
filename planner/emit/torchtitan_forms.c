#include "planner/emit/torchtitan_forms.h"

#include "planner/base/error.h"
#include "planner/emit/torch_names.h"
#include "planner/spec/zoo.h"

#define N G_GINT64_FORMAT

static const MppTitanModel models[] = {
    { "llama-3.2-1b", "llama3", "1B", NULL, false },
    { "llama-3.2-3b", "llama3", "3B", NULL, false },
    { "llama-3.1-8b", "llama3", "8B", "llama3_8b", true },
    { "llama-3.1-70b", "llama3", "70B", "llama3_70b", true },
    { "llama-3.1-405b", "llama3", "405B", "llama3_405b", true },
    { "qwen3-0.6b", "qwen3", "0.6B", "qwen3_0_6b", true },
    { "qwen3-1.7b", "qwen3", "1.7B", "qwen3_1_7b", true },
    { "qwen3-4b", "qwen3", "4B", NULL, true },
    { "qwen3-8b", "qwen3", "8B", NULL, true },
    { "qwen3-14b", "qwen3", "14B", "qwen3_14b", true },
    { "qwen3-32b", "qwen3", "32B", "qwen3_32b", true },
    { "qwen3-30b-a3b", "qwen3", "30B-A3B", "qwen3_30b_a3b", true },
    { "qwen3-235b-a22b", "qwen3", "235B-A22B", NULL, true },
    { "deepseek-v2-lite", "deepseek_v3", "16B", "deepseek_v3_16b", true },
    { "deepseek-v2", "deepseek_v3", "236B", NULL, true },
    { "deepseek-v3", "deepseek_v3", "671B", "deepseek_v3_671b", true },
    { "gpt-oss-20b", "gpt_oss", "20b", "gpt_oss_20b", true },
    { "gpt-oss-120b", "gpt_oss", "120b", "gpt_oss_120b", true },
};

static bool same_sizes(const MppModel *a, const MppModel *b)
{
    return a->kind == b->kind && a->layers == b->layers && a->hidden == b->hidden && a->heads == b->heads &&
           a->kv_heads == b->kv_heads && a->ffn == b->ffn && a->vocab == b->vocab && a->moe.experts == b->moe.experts &&
           a->moe.ffn == b->moe.ffn && a->moe.topk == b->moe.topk && a->ssm.heads == b->ssm.heads && !a->pattern == !b->pattern;
}

const MppTitanModel *mpp_titan_find_model(const MppModel *model)
{
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        g_autoptr(MppModel) known = mpp_zoo_model(models[i].zoo, NULL);
        if (known && same_sizes(known, model))
            return &models[i];
    }
    return NULL;
}

const MppTitanModel *mpp_titan_find_flavor(const char *module, const char *flavor)
{
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++)
        if (g_strcmp0(models[i].module, module) == 0 && g_strcmp0(models[i].flavor, flavor) == 0)
            return &models[i];
    return NULL;
}

static void refuse_sharding(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    int64_t ranks = mpp_strategy_shard_ranks(s);
    if (s->zero == 1 && s->dp * s->cp > 1)
        mpp_emission_refuse(e, "ZeRO-1");
    if (s->zero && s->zero_ranks == 1 && s->dp * s->cp > 1)
        mpp_emission_refuse(e, "ZeRO over single ranks");
    if (!s->zero && s->cp > 1)
        mpp_emission_refuse(e, "context parallelism without sharding over it");
    if (s->zero && ranks % s->cp)
        mpp_emission_refuse(e, "shard groups of %" N " ranks, a part of the %" N " context-parallel ones", ranks, s->cp);
    if (s->offload == MPP_OFFLOAD_OPTIMIZER)
        mpp_emission_refuse(e, "an offloaded optimizer without its parameters");
    if (s->offload == MPP_OFFLOAD_PARAMETERS && s->dp * s->cp == 1)
        mpp_emission_refuse(e, "offloaded parameters on one rank");
    if (!mpp_emission_has_order(e, MPP_ORDER_CP_DP_PP))
        mpp_emission_refuse(e, "ranks in the order %s", mpp_names_get(&mpp_order_names, s->order));
    if (e->job->model->prediction_layers)
        mpp_emission_refuse(e, "multi-token prediction");
}

static void refuse_recompute(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    MppSelective selective = e->job->runtime->selective;
    g_autofree char *modules = mpp_strategy_modules(s, ", ");
    if (s->recompute == MPP_RECOMPUTE_SELECTIVE && (*modules || selective != MPP_SELECTIVE_HALF_PRODUCTS))
        mpp_emission_refuse(e, "selective recomputation of %s", *modules ? modules : mpp_names_get(&mpp_selective_names, selective));
    if (s->recompute == MPP_RECOMPUTE_OFFLOAD)
        mpp_emission_refuse(e, "offloaded activations");
    else if (s->recompute_layers)
        mpp_emission_refuse(e, "recomputation of a part of the layers");
}

MppTitanPlan mpp_titan_plan(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    const MppTraining *training = &e->job->training;
    refuse_sharding(e);
    refuse_recompute(e);
    if (training->optimizer != MPP_OPTIMIZER_ADAM)
        mpp_emission_refuse(e, "the %s optimizer", mpp_names_get(&mpp_optimizer_names, training->optimizer));
    int64_t shard = s->zero ? MAX(mpp_strategy_shard_ranks(s) / s->cp, 1) : 1;
    if (s->ep > 1 && shard * s->cp * s->tp % (s->ep * s->etp))
        mpp_emission_refuse(e, "experts spread over more ranks than a shard group has");
    return (MppTitanPlan){
        .replicas = s->dp / shard,
        .shard = shard,
        .reshard = s->zero == 2 ? "never" : "always",
        .rotate = mpp_torch_context_name(e),
        .schedule = mpp_torch_schedule_name(e),
        .local_batch = s->pp > 1 ? training->global_batch / s->dp : s->micro_batch,
    };
}

void mpp_titan_add_stages(MppEmission *e, const char *indent, const char *head)
{
    int64_t layer = 0;
    for (guint c = 0; c < e->chunk_layers->len; c++) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        if (c == 0)
            g_ptr_array_add(names, g_strdup("\"tok_embeddings\""));
        for (int64_t i = 0; i < g_array_index(e->chunk_layers, int64_t, c); i++)
            g_ptr_array_add(names, g_strdup_printf("\"layers.%" N "\"", layer++));
        if (c + 1 == e->chunk_layers->len) {
            g_ptr_array_add(names, g_strdup("\"norm\""));
            g_ptr_array_add(names, g_strdup_printf("\"%s\"", head));
        }
        g_ptr_array_add(names, NULL);
        g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
        mpp_emission_add(e, "%s[%s],\n", indent, list);
    }
}

GArray *mpp_titan_stage_layers(int64_t n_layers, int64_t n_chunks, int64_t first, int64_t last, GError **error)
{
    int64_t counted = n_layers + first + last, each = counted / n_chunks;
    if (n_chunks > 1 && (each < 1 || first > each || last > each)) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID, "%" N " layers are too few for %" N " stages", n_layers, n_chunks);
        return NULL;
    }
    GArray *layers = g_array_new(FALSE, TRUE, sizeof(int64_t));
    for (int64_t c = 0; c < n_chunks; c++) { /* a remainder goes to the earliest stages */
        int64_t n = n_chunks == 1 ? n_layers
                                  : each + (c < counted % n_chunks) - (c == 0 ? first : 0) - (c == n_chunks - 1 ? last : 0);
        g_array_append_val(layers, n);
    }
    return layers;
}

MppTitanCompile mpp_titan_compile(MppEmission *e)
{
    const MppKernels *kernels = &e->job->training.kernels;
    if (!kernels->norm_fused || kernels->elementwise_fused != kernels->rotary_fused)
        mpp_emission_refuse(e, "kernels that are fused in part");
    if (kernels->tensor_async && !kernels->elementwise_fused)
        mpp_emission_refuse(e, "asynchronous tensor parallelism without torch.compile");
    return (MppTitanCompile){ .model = kernels->elementwise_fused,
                              .loss = kernels->cross_entropy_fused,
                              .async_tensor_parallel = kernels->tensor_async };
}
