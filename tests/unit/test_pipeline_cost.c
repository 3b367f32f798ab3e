#include "planner/cost/pipeline_cost.h"

#include "tests/support/costed_plan.h"
#include "tests/support/plain_job.h"

static MppInputs *deep_job_new(int64_t layers)
{
    MppInputs *inputs = plain_job_new(8);
    inputs->model.layers = layers;
    inputs->runtime.host.micro_batch_s = 3e-4;
    plain_job_finish(inputs);
    return inputs;
}

/** Chunks sum their layers, the first the embedding, the last the head; a stage sums its chunks. */
static void test_sums(void)
{
    static const struct {
        const char *strategy;
        int64_t n_chunks, layers[6];
    } rows[] = {
        { "dp=8", 1, { 12 } },
        { "dp=4,pp=2", 2, { 6, 6 } },
        { "dp=2,pp=4,stages=2/5/4/1", 4, { 2, 5, 4, 1 } },
        { "dp=4,pp=2,vpp=3,schedule=interleaved", 6, { 2, 2, 2, 2, 2, 2 } },
        { "dp=4,pp=2,vpp=3,schedule=interleaved,stages=1/2/3/3/2/1", 6, { 1, 2, 3, 3, 2, 1 } },
    };
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        const MppPipelineCost *pipeline = filled->pipeline;
        const MppStrategy *s = &filled->strategy;
        const MppBlockCost *layer = &filled->cost->shard.kinds[0], *first = &filled->cost->shard.embedding, *last = &filled->cost->shard.head;
        double stages_s[4] = { 0 };
        int64_t at = 0;
        g_assert_cmpint(pipeline->n_chunks, ==, rows[i].n_chunks);
        for (int64_t c = 0; c < rows[i].n_chunks; at += rows[i].layers[c++]) {
            const MppChunkCost *chunk = &pipeline->chunks[c];
            bool is_first = c == 0, is_last = c == rows[i].n_chunks - 1;
            double n = rows[i].layers[c], forward_s = n * layer->by_recompute[0].forward_s + 3e-4 / s->vpp +
                                                      is_first * first->by_recompute[0].forward_s +
                                                      is_last * last->by_recompute[0].forward_s;
            g_assert_cmpint(chunk->layers, ==, rows[i].layers[c]);
            g_assert_cmpint(chunk->first_layer, ==, at);
            plain_job_expect("forward", chunk->forward_s, forward_s);
            plain_job_expect("parameters", chunk->parameters,
                             n * layer->parameters + is_first * first->parameters + is_last * last->parameters);
            g_assert_cmpfloat(pipeline->forward_s[c], ==, chunk->forward_s);
            stages_s[c % s->pp] += forward_s;
        }
        for (int64_t k = 0; k < s->pp; k++)
            plain_job_expect("stage", pipeline->stages[k].forward_s, stages_s[k]);
    }
}

/** Passes of a rank take at least as long as its input: here 2 sequences a micro-batch, 64 s each; none waits for faster input. */
static void test_input(void)
{
    static const struct {
        const char *strategy;
        double work; /* passes of the rank, in those of its first chunk */
    } rows[] = { { "dp=8,mbs=2", 1 }, { "dp=4,pp=2,mbs=2", 1 }, { "dp=4,pp=2,vpp=3,schedule=interleaved,mbs=2", 3 } };
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        inputs->cluster.input_tokens_per_s = 1e12;
        g_autoptr(CostedPlan) fast = costed_plan_new(&inputs->job, rows[i].strategy);
        const MppChunkCost *first = &fast->pipeline->chunks[0];
        double passes_s = first->forward_s + first->backward_s;
        g_assert_cmpfloat(first->input_s, ==, 0);
        inputs->cluster.input_tokens_per_s = (double)inputs->job.training.seq / 64;
        g_autoptr(CostedPlan) slow = costed_plan_new(&inputs->job, rows[i].strategy);
        const MppChunkCost *waits = &slow->pipeline->chunks[0];
        plain_job_expect("wait", waits->input_s, 128 - rows[i].work * passes_s);
        plain_job_expect("forward", waits->forward_s, first->forward_s + waits->input_s);
        plain_job_expect("backward", waits->backward_s, first->backward_s);
        MppShares shares;
        mpp_pipeline_cost_shares(slow->pipeline, 0, &shares);
        plain_job_expect("shares", mpp_shares_sum(&shares), waits->forward_s + waits->backward_s);
        for (int64_t c = 1; c < slow->pipeline->n_chunks; c++)
            g_assert_cmpfloat(slow->pipeline->chunks[c].input_s, ==, 0);
    }
}

/** Some layers of each chunk are recomputed, the first ones; what they keep is their input. */
static void test_recompute(void)
{
    static const struct {
        const char *strategy;
        int64_t recomputed;
    } rows[] = {
        { "dp=4,pp=2", 0 },
        { "dp=4,pp=2,recompute=full", 6 },
        { "dp=4,pp=2,recompute=full:2", 2 },
        { "dp=4,pp=2,recompute=selective", 6 },
    };
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    inputs->job.training.kernels.attention = MPP_ATTENTION_UNFUSED;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        const MppChunkCost *chunk = &filled->pipeline->chunks[0];
        const MppPassCost *stored = &filled->cost->shard.kinds[0].by_recompute[MPP_RECOMPUTE_NONE];
        const MppPassCost *again = &filled->cost->shard.kinds[0].by_recompute[filled->strategy.recompute];
        int64_t n = rows[i].recomputed;
        g_assert_cmpint(chunk->recomputed.n[0], ==, n);
        g_assert_cmpint(chunk->stored.n[0], ==, 6 - n);
        const MppPassCost *first = &filled->cost->shard.embedding.by_recompute[0];
        plain_job_expect("backward", chunk->backward_s, n * again->backward_s + (6 - n) * stored->backward_s + first->backward_s);
        plain_job_expect("kept", chunk->kept_bytes, n * again->kept_bytes + (6 - n) * stored->kept_bytes + first->kept_bytes);
        plain_job_expect("working", filled->pipeline->stages[0].working_bytes, n ? again->working_bytes : 0);
    }
}

/** Gathered keys are live beside what is kept, in a layer that is recomputed, where its activations are too, or in one that is not. */
static void test_gathered_keys(void)
{
    static const struct {
        const char *strategy;
        double layers; /* whose activations are live at work */
    } rows[] = { { "", 0 }, { ",recompute=full:2", 1 }, { ",recompute=full", 1 } };
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    inputs->job.training.kernels.attention = MPP_ATTENTION_FLASH2;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *strategy = g_strconcat("dp=2,cp=4,cp_kind=all-gather", rows[i].strategy, NULL);
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, strategy);
        const MppModel *model = &inputs->model;
        double gathered = (double)inputs->job.training.seq * 2 * (double)(model->kv_heads * model->head_dim) * 2;
        double layer = filled->cost->shard.kinds[0].by_recompute[MPP_RECOMPUTE_NONE].kept_bytes;
        plain_job_expect("working", filled->pipeline->stages[0].working_bytes, 3 * gathered + rows[i].layers * layer);
    }
}

/** Copies of the offloaded layers run beside the whole chunk, here slowing it by a tenth; what is longer than a pass is waited for. */
static void test_offload(void)
{
    static const struct {
        const char *strategy;
        int64_t offloaded; /* of 12 layers */
    } rows[] = { { "dp=8,recompute=offload", 11 }, { "dp=8,recompute=offload:5", 5 } };
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    inputs->runtime.overlap.slowdown_frac = 0.1;
    g_autoptr(CostedPlan) stored = costed_plan_new(&inputs->job, "dp=8");
    const MppChunkCost *all = &stored->pipeline->chunks[0];
    double layer = stored->cost->shard.kinds[0].by_recompute[MPP_RECOMPUTE_NONE].kept_bytes;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        double copied = (double)rows[i].offloaded * layer;
        const double links[] = { 1e13, 1e3, copied / (0.5 * all->forward_s + 0.5 * all->backward_s) };
        for (size_t k = 0; k < G_N_ELEMENTS(links); k++) {
            inputs->cluster.device.host_link_bytes_per_s = links[k];
            g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
            const MppChunkCost *chunk = &filled->pipeline->chunks[0];
            double s = copied / links[k];
            plain_job_expect("forward", chunk->forward_s, MAX(all->forward_s, s) + 0.1 * MIN(all->forward_s, s));
            plain_job_expect("backward", chunk->backward_s, MAX(all->backward_s, s) + 0.1 * MIN(all->backward_s, s));
            plain_job_expect("kept", chunk->kept_bytes, all->kept_bytes - copied);
            plain_job_expect("working", filled->pipeline->stages[0].working_bytes, 2 * layer);
            MppShares shares;
            mpp_pipeline_cost_shares(filled->pipeline, 0, &shares);
            plain_job_expect("shares", mpp_shares_sum(&shares), chunk->forward_s + chunk->backward_s);
            plain_job_expect("waits", shares.s[MPP_SHARE_OFFLOAD],
                             chunk->forward_s + chunk->backward_s - all->forward_s - all->backward_s);
        }
    }
}

/** A tied matrix stands on both ends when these are two stages, once when they are one. */
static void test_tied(void)
{
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    inputs->model.tied_embeddings = true;
    double layer = 4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512, matrix = 51200 * 512;
    g_autoptr(CostedPlan) whole = costed_plan_new(&inputs->job, "dp=8"), cut = costed_plan_new(&inputs->job, "dp=4,pp=2");
    plain_job_expect("one stage", whole->pipeline->stages[0].parameters, 12 * layer + 512 + matrix);
    plain_job_expect("first stage", cut->pipeline->stages[0].parameters, 6 * layer + matrix);
    plain_job_expect("last stage", cut->pipeline->stages[1].parameters, 6 * layer + 512 + matrix);
}

/** 1024 tokens of 512 in bf16 over the slow links, or within the node; a part may be hidden. */
static void test_messages(void)
{
    static const struct {
        const char *strategy;
        double hidden_frac, seconds;
    } rows[] = {
        { "dp=8", 0, 0 },
        { "dp=4,pp=2", 0, 1048576 / 1e10 },
        { "dp=4,pp=2", 0.75, 0.25 * 1048576 / 1e10 },
        { "dp=4,pp=2,order=tp-pp-cp-dp", 0, 1048576 / 1e11 },
        { "dp=2,pp=2,tp=2", 0, 524288 / 1e10 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = deep_job_new(12);
        inputs->runtime.overlap.stages_frac = rows[i].hidden_frac;
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        plain_job_expect(rows[i].strategy, filled->pipeline->message_s[0], rows[i].seconds);
    }
}

/** The splits of a chain with a heavy head; more chunks than layers leave the ends bare. */
static void test_splits(void)
{
    static const struct {
        const char *strategy;
        int64_t n_layers, layers[4];
    } rows[] = {
        { "dp=2,pp=4", 13, { 4, 3, 3, 3 } },
        { "dp=2,pp=4,split=greedy", 13, { 5, 5, 3, 0 } }, /* a head of 6.25 layers: 4.8 layers a stage */
        { "dp=2,pp=4,split=balanced", 3, { 1, 1, 1, 0 } },
        { "dp=2,pp=4,split=balanced", 2, { 0, 1, 1, 0 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = deep_job_new(rows[i].n_layers);
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        for (int c = 0; c < 4; c++)
            g_assert_cmpint(filled->pipeline->layers[c], ==, rows[i].layers[c]);
    }
    g_autoptr(MppInputs) inputs = deep_job_new(13);
    g_autoptr(CostedPlan) even = costed_plan_new(&inputs->job, "dp=2,pp=4"), balanced = costed_plan_new(&inputs->job, "dp=2,pp=4,split=balanced");
    g_assert_cmpint(balanced->pipeline->layers[3], <, even->pipeline->layers[3]);
    g_assert_cmpfloat(mpp_pipeline_cost_bound(balanced->pipeline).end_s, <, mpp_pipeline_cost_bound(even->pipeline).end_s);
}

/** A pipeline filled before gives the same as a new one. */
static void test_refill(void)
{
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    g_autoptr(CostedPlan) first = costed_plan_new(&inputs->job, "dp=4,pp=2,recompute=full"), second = costed_plan_new(&inputs->job, "dp=4,pp=2");
    double end_s = mpp_pipeline_cost_end_s(second->pipeline)[0], kept_bytes = second->pipeline->stages[0].activation_bytes;
    g_assert_cmpfloat(mpp_pipeline_cost_end_s(first->pipeline)[0], >, end_s);
    mpp_pipeline_cost_fill(first->pipeline, &second->cost->shard, &second->strategy);
    g_assert_cmpfloat(mpp_pipeline_cost_end_s(first->pipeline)[0], ==, end_s);
    g_assert_cmpfloat(first->pipeline->stages[0].activation_bytes, ==, kept_bytes);
}

/** Which stage holds what: in a V the first one has both ends, of two copies each stage has a part of both. */
static void test_placements(void)
{
    static const struct {
        const char *strategy;
        struct {
            double layers, embeddings, heads;
        } held[4];
    } rows[] = {
        { "dp=4,pp=2,schedule=zb-h1", { { 6, 1, 0 }, { 6, 0, 1 } } },
        { "dp=4,pp=2,vpp=2,schedule=zb-v,stages=1/2/4/5", { { 1 + 5, 1, 1 }, { 2 + 4, 0, 0 } } },
        { "dp=4,pp=2,vpp=4,schedule=hanayo,stages=1/2/1/2/1/2/1/2", { { 1 + 2 + 1 + 2, 1, 1 }, { 2 + 1 + 2 + 1, 0, 0 } } },
        { "dp=2,pp=4,schedule=chimera,stages=1/2/4/5", { { 6, 1, 1 }, { 6, 0, 0 }, { 6, 0, 0 }, { 6, 1, 1 } } },
    };
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(CostedPlan) filled = costed_plan_new(&inputs->job, rows[i].strategy);
        const MppBlockCost *layer = &filled->cost->shard.kinds[0], *first = &filled->cost->shard.embedding, *last = &filled->cost->shard.head;
        for (int64_t k = 0; k < filled->strategy.pp; k++) {
            const MppStageCost *stage = &filled->pipeline->stages[k];
            double layers = rows[i].held[k].layers, embeddings = rows[i].held[k].embeddings, heads = rows[i].held[k].heads;
            plain_job_expect("parameters", stage->parameters,
                             layers * layer->parameters + embeddings * first->parameters + heads * last->parameters);
            plain_job_expect("loss", stage->loss_bytes, heads * filled->cost->shard.head_bytes);
        }
    }
}

/** Where both ends of the model are on one rank, a tied matrix stands once and nothing is exchanged. */
static void test_tied_in_a_v(void)
{
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    inputs->model.tied_embeddings = true;
    g_autoptr(CostedPlan) folded = costed_plan_new(&inputs->job, "dp=4,pp=2,vpp=2,schedule=zb-v");
    double layer = 4 * 512 * 512 + 2 * 512 * 2048 + 2 * 512, matrix = 51200 * 512;
    g_assert_false(folded->pipeline->ends_apart);
    plain_job_expect("first stage", folded->pipeline->stages[0].parameters, 6 * layer + 512 + matrix);
    plain_job_expect("second stage", folded->pipeline->stages[1].parameters, 6 * layer);

    g_autoptr(CostedPlan) copies = costed_plan_new(&inputs->job, "dp=4,pp=2,schedule=chimera");
    g_assert_false(copies->pipeline->ends_apart);
}

/** A backward pass is its two gradients, and the replay of a split schedule is no longer than that of the whole one. */
static void test_split_backward(void)
{
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    g_autoptr(CostedPlan) whole = costed_plan_new(&inputs->job, "pp=4,dp=2"), split = costed_plan_new(&inputs->job, "pp=4,dp=2,schedule=zb-h1");
    for (int64_t c = 0; c < 4; c++) {
        const MppChunkCost *chunk = &split->pipeline->chunks[c];
        g_assert_cmpfloat(chunk->weight_s, >, 0);
        plain_job_expect("backward", split->pipeline->input_s[c] + split->pipeline->weight_s[c], chunk->backward_s);
    }
    g_assert_cmpfloat(mpp_pipeline_cost_silent_s(split->pipeline), <, mpp_pipeline_cost_silent_s(whole->pipeline));
}

/** Without a barrier a stage's time counts from its own first pass. */
static void test_no_barrier(void)
{
    g_autoptr(MppInputs) inputs = deep_job_new(12);
    g_autoptr(CostedPlan) with = costed_plan_new(&inputs->job, "pp=4,dp=2,schedule=zb-h2");
    double ends_s[4], starts_s[4] = { 0 };
    for (int64_t k = 0; k < 4; k++)
        ends_s[k] = mpp_pipeline_cost_end_s(with->pipeline)[k];
    for (int64_t k = 1; k < 4; k++)
        starts_s[k] = starts_s[k - 1] + with->pipeline->forward_s[k - 1] + with->pipeline->message_s[k - 1];
    inputs->runtime.skips_step_barrier = true;
    g_autoptr(CostedPlan) without = costed_plan_new(&inputs->job, "pp=4,dp=2,schedule=zb-h2");
    for (int64_t k = 0; k < 4; k++)
        plain_job_expect("span", mpp_pipeline_cost_end_s(without->pipeline)[k], ends_s[k] - starts_s[k]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pipeline-cost/sums", test_sums);
    g_test_add_func("/pipeline-cost/input", test_input);
    g_test_add_func("/pipeline-cost/recompute", test_recompute);
    g_test_add_func("/pipeline-cost/gathered-keys", test_gathered_keys);
    g_test_add_func("/pipeline-cost/offload", test_offload);
    g_test_add_func("/pipeline-cost/tied", test_tied);
    g_test_add_func("/pipeline-cost/messages", test_messages);
    g_test_add_func("/pipeline-cost/splits", test_splits);
    g_test_add_func("/pipeline-cost/refill", test_refill);
    g_test_add_func("/pipeline-cost/placements", test_placements);
    g_test_add_func("/pipeline-cost/tied-in-a-v", test_tied_in_a_v);
    g_test_add_func("/pipeline-cost/split-backward", test_split_backward);
    g_test_add_func("/pipeline-cost/no-barrier", test_no_barrier);
    return g_test_run();
}
