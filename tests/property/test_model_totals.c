/* What the ops of a rank hold and compute adds up to what the model has, for every built-in model. */
#include <math.h>

#include "planner/spec/inputs.h"
#include "planner/spec/model_params.h"
#include "planner/spec/zoo.h"
#include "tests/support/plain_job.h"

enum { SEQ = 384, MICRO_BATCH = 3 };

typedef void (*Check)(const MppJob *job);

static void for_each_model(Check check)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_MODELS);
    g_assert_cmpint(names->len, >, 50);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppModel) model = mpp_zoo_model(names->pdata[i], &error);
        g_assert_no_error(error);
        g_autoptr(MppCluster) cluster = g_new0(MppCluster, 1);
        g_autoptr(MppRuntime) runtime = g_new0(MppRuntime, 1);
        mpp_fields_default(&mpp_runtime_fields, runtime);
        MppTraining training = {
            mpp_model_tokens(model, SEQ), 24, MPP_PRECISION_BF16, MPP_OPTIMIZER_ADAM, false, runtime->kernels
        };
        MppJob job = { model, cluster, runtime, training, 8 };
        check(&job);
    }
}

static MppShard shard_of(int64_t tp, int64_t etp)
{
    return (MppShard){ .tp = tp, .cp = 1, .ep = 1, .etp = etp, .micro_batch = MICRO_BATCH, .sequence_parallel = tp > 1 };
}

static double parameters(const MppOps *ops)
{
    double sum = 0;
    for (int i = 0; i < ops->n; i++)
        sum += ops->ops[i].parameters;
    return sum;
}

static void assert_equal(const MppJob *job, const char *what, double found, double expected)
{
    if (fabs(found - expected) > 1e-12 * fabs(expected))
        g_error("%s: %s: %.17g, expected %.17g", job->model->name, what, found, expected);
}

/** T5's tables of relative positions and the norm between its stacks belong to no list of ops. */
static double without_ops(const MppModel *model)
{
    MppEndParameters ends = mpp_model_end_parameters(model);
    bool two_stacks = model->kind == MPP_MODEL_ENCODER_DECODER;
    return (two_stacks ? ends.final_norm : 0) + (double)(1 + two_stacks) * model->relative_buckets * model->heads;
}

static void check_parameters(const MppJob *job)
{
    const MppModel *model = job->model;
    MppShard shard = shard_of(1, 1);
    MppOps ops;
    mpp_ops_embedding(job, &shard, &ops);
    double sum = parameters(&ops);
    mpp_ops_head(job, &shard, &ops);
    sum += parameters(&ops);
    for (int64_t i = 0; i < model->n_layers; i++) {
        const MppLayerKind *kind = &model->kinds[model->kind_of_layer[i]];
        MppLayerParameters layer = mpp_model_layer_parameters(model, kind);
        mpp_ops_layer(job, &shard, kind, &ops);
        assert_equal(job, "layer", parameters(&ops), mpp_layer_parameters_sum(&layer, (double)model->moe.experts));
        sum += kind->prediction ? 0 : parameters(&ops);
    }
    assert_equal(job, "model", sum, mpp_model_parameters(model) - without_ops(model));
}

static void test_parameters(void)
{
    for_each_model(check_parameters);
}

/** Of one layer: what every rank of tp holds whole. */
static double replicated(const MppModel *model, const MppLayerParameters *layer)
{
    int blocks = 1 + (layer->cross_attention > 0);
    double mlp_bias = layer->mlp > 0 ? model->mlp_bias : (layer->shared_experts > 0) * model->moe.expert_bias;
    double split_norms = model->qk_norm_dim < 0 ? (double)(model->heads + model->kv_heads) * model->head_dim : 0;
    return layer->norms - split_norms + layer->attention_unsplit + layer->router +
           (layer->ssm > 0 && model->ssm.kind == MPP_SSM_GATED_DELTA ? (double)model->ssm.head_dim : 0) +
           (layer->attention > 0 ? blocks * (double)model->output_bias * model->hidden : 0) + mlp_bias * model->hidden +
           (layer->prediction > 0 ? 3 * layer->norms / model->norms_per_layer : 0);
}

/** Experts stay whole on each rank (etp 1) or are split with all but their second bias (etp = tp). */
static double replicated_experts(const MppModel *model, const MppLayerParameters *layer, int64_t etp)
{
    double bias = (double)model->moe.expert_bias * model->hidden;
    return layer->expert > 0 ? (double)model->moe.experts * (etp > 1 ? bias : layer->expert) : 0;
}

/** Of a layer that is listed: products without a partner, and what follows the sum of a pair. */
static double replicated_parts(const GArray *parts)
{
    double n = 0;
    for (guint i = 0; parts && i < parts->len; i++) {
        const MppPart *part = &g_array_index(parts, MppPart, i);
        if (!part->split_out)
            n += part->split_in ? (part->norm ? 2 : 1) * (double)part->out.channels : mpp_part_parameters(part);
    }
    return n;
}

static bool splits(const MppModel *model, int64_t tp)
{
    return !mpp_model_undivided(model, tp) && model->heads % tp == 0 && model->ssm.groups % tp == 0 && model->kv_heads % tp == 0 && model->ffn % tp == 0 && model->moe.ffn % tp == 0;
}

static void check_split_layers(const MppJob *job, int64_t tp, int64_t etp)
{
    const MppModel *model = job->model;
    MppShard whole = shard_of(1, 1), part = shard_of(tp, etp);
    for (int64_t i = 0; i < model->n_kinds; i++) {
        const MppLayerKind *kind = &model->kinds[i];
        if (kind->prediction)
            continue;
        MppLayerParameters layer = mpp_model_layer_parameters(model, kind);
        MppOps ops;
        mpp_ops_layer(job, &whole, kind, &ops);
        double all = parameters(&ops);
        mpp_ops_layer(job, &part, kind, &ops);
        double copies = kind->listed ? replicated_parts(kind->parts)
                                     : replicated(model, &layer) + replicated_experts(model, &layer, etp);
        assert_equal(job, "ranks of a layer", tp * parameters(&ops), all + (tp - 1) * copies);
    }
}

static void check_split(const MppJob *job)
{
    for (int64_t tp = 2; tp <= 4; tp++)
        for (int64_t etp = 1; etp <= tp && splits(job->model, tp); etp += tp - 1)
            check_split_layers(job, tp, etp);
}

static void test_split(void)
{
    for_each_model(check_split);
}

/** Weights that a token is multiplied with; @routed experts. */
static double matmul_weights(const MppModel *model, const MppLayerKind *kind, double routed)
{
    MppLayerParameters layer = mpp_model_layer_parameters(model, kind);
    const MppMoe *moe = &model->moe;
    double blocks = (kind->mixer == MPP_MIXER_ATTENTION) + kind->cross_attention, hidden = model->hidden;
    double heads_width = (double)(model->heads + 2 * model->kv_heads) * model->head_dim;
    double up = model->gated_mlp ? 2 : 1;
    double biases = blocks * (model->output_bias * hidden + (model->mla.kv_lora_rank ? 0 : model->qkv_bias * heads_width));
    if (kind->ffn && !kind->moe)
        biases += model->mlp_bias * (up * model->ffn + hidden);
    else if (kind->moe)
        biases += moe->router_bias * moe->experts + moe->expert_bias * routed * (up * moe->ffn + hidden);
    biases += blocks > 0 && model->attention_sinks ? model->heads : 0;
    biases += layer.ssm_rest;
    return mpp_layer_parameters_sum(&layer, routed) - layer.norms - biases;
}

/** Query against every key it may see, then values: 2 FLOP each. */
static double attention_flop(const MppJob *job, const MppLayerKind *kind)
{
    const MppModel *model = job->model;
    if (kind->mixer != MPP_MIXER_ATTENTION)
        return 0;
    double seq = job->training.seq, keys = seq, cross = kind->cross_attention * seq;
    if (kind->causal)
        keys = kind->window && kind->window < seq ? kind->window * (1 - kind->window / (2 * seq)) : seq / 2;
    return 2 * seq * MICRO_BATCH * (keys + cross) * model->heads * (mpp_model_qk_dim(model) + mpp_model_v_dim(model));
}

/** A scan by chunks, per token: within a chunk and through the state (Mamba-2), with the inverse of a triangle (delta rule). */
static double scan_products(const MppJob *job, const MppLayerKind *kind)
{
    const MppSsm *ssm = &job->model->ssm;
    if (kind->mixer != MPP_MIXER_SSM)
        return 0;
    double c = (double)MIN(ssm->chunk, job->training.seq), n = (double)ssm->state, p = (double)ssm->head_dim, heads = (double)ssm->heads;
    return ssm->kind == MPP_SSM_MAMBA2 ? (double)ssm->groups * c * n + heads * (c * p + 2 * n * p)
                                       : heads * (c * (3 * n + 2 * p) + 3 * n * p + c * c / 3);
}

/** Multiply-adds of a token. */
static double products_of(const MppModel *model, const MppLayerKind *kind)
{
    double n = 0;
    for (guint i = 0; kind->parts && i < kind->parts->len; i++)
        n += mpp_part_products(&g_array_index(kind->parts, MppPart, i));
    return kind->listed ? n : matmul_weights(model, kind, (double)model->moe.topk);
}

static void check_flop(const MppJob *job)
{
    const MppModel *model = job->model;
    double tokens = (double)MICRO_BATCH * job->training.seq;
    MppShard shard = shard_of(1, 1);
    for (int64_t i = 0; i < model->n_kinds; i++) {
        const MppLayerKind *kind = &model->kinds[i];
        if (kind->prediction)
            continue;
        MppOps ops;
        mpp_ops_layer(job, &shard, kind, &ops);
        assert_equal(job, "FLOP", plain_job_flop(&ops),
                     2 * (products_of(model, kind) + scan_products(job, kind)) * tokens + attention_flop(job, kind));
    }
    if (model->head == MPP_HEAD_LM && !model->embedding_dim) {
        MppOps ops;
        mpp_ops_head(job, &shard, &ops);
        assert_equal(job, "FLOP of the head", plain_job_flop(&ops), 2.0 * model->vocab * model->hidden * tokens);
    }
}

static void test_flop(void)
{
    for_each_model(check_flop);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model-totals/parameters", test_parameters);
    g_test_add_func("/model-totals/split", test_split);
    g_test_add_func("/model-totals/flop", test_flop);
    return g_test_run();
}
