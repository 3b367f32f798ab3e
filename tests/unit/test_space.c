#include "planner/search/space.h"

#include "tests/support/plain_job.h"

static MppSpaceLimits limits_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    MppSpaceLimits limits = { .fixed = mpp_strategy_single() };
    if (text && !mpp_strategy_parse(text, &limits.fixed, &limits.fields, &error))
        g_error("%s", error->message);
    return limits;
}

/** The strategies of @list (those of families or shapes, @size apart), joined by " | ". */
static char *texts_of(const GArray *list)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const MppStrategy *s = (const MppStrategy *)(list->data + (gsize)i * g_array_get_element_size((GArray *)list));
        g_autofree char *one = mpp_strategy_to_text(s);
        g_string_append_printf(text, "%s%s", i ? " | " : "", one);
    }
    return g_string_free(text, FALSE);
}

/** Four devices of one node, batches of 3 and of 2. */
static void test_families(void)
{
    static const struct {
        int64_t gpus, batch;
        const char *limits, *families;
    } rows[] = {
        { 1, 2, NULL, "dp=1,tp=1,pp=1,mbs=1 | dp=1,tp=1,pp=1,mbs=2" },
        { 2, 3, NULL,
          "dp=1,tp=1,pp=1,mbs=1 | dp=1,tp=1,pp=1,mbs=3 | dp=1,tp=1,pp=1,cp=2,mbs=1 | dp=1,tp=1,pp=1,cp=2,mbs=3 | "
          "dp=1,tp=1,pp=1,cp=2,mbs=1,cp_kind=all-to-all | dp=1,tp=1,pp=1,cp=2,mbs=3,cp_kind=all-to-all | "
          "dp=1,tp=1,pp=1,cp=2,mbs=1,cp_kind=all-gather | dp=1,tp=1,pp=1,cp=2,mbs=3,cp_kind=all-gather | "
          "dp=1,tp=2,pp=1,mbs=1 | dp=1,tp=2,pp=1,mbs=3 | dp=1,tp=2,pp=1,mbs=1,sp | dp=1,tp=2,pp=1,mbs=3,sp" },
        { 2, 2, "tp=1", /* two sequences over two ranks each are one a rank with an exchange, unless asked for */
          "dp=1,tp=1,pp=1,mbs=1 | dp=1,tp=1,pp=1,mbs=2 | dp=1,tp=1,pp=1,cp=2,mbs=1 | dp=1,tp=1,pp=1,cp=2,mbs=1,cp_kind=all-to-all | "
          "dp=1,tp=1,pp=1,cp=2,mbs=1,cp_kind=all-gather" },
        { 2, 2, "tp=1,cp=2,cp_kind=ring", "dp=1,tp=1,pp=1,cp=2,mbs=1 | dp=1,tp=1,pp=1,cp=2,mbs=2" },
        { 4, 6, "tp=2,cp=1,sp,mbs=2", "dp=1,tp=2,pp=1,mbs=2,sp" },
        { 4, 6, "tp=3", "" },
        { 8, 6, "tp=8,cp=1,mbs=1", "" }, /* not so many heads */
        { 8, 6, "tp=1,cp=1,mbs=1", "dp=1,tp=1,pp=1,mbs=1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(rows[i].gpus);
        inputs->job.training.global_batch = rows[i].batch;
        MppSpaceLimits limits = limits_of(rows[i].limits);
        g_autoptr(GArray) families = mpp_space_families(&inputs->job, &limits);
        g_autofree char *texts = texts_of(families);
        g_assert_cmpstr(texts, ==, rows[i].families);
        for (guint k = 0; k < families->len; k++)
            g_assert_cmpint(g_array_index(families, MppFamily, k).index, ==, k);
    }
}

static void test_expert_families(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(4);
    inputs->model.moe = (MppMoe){ .experts = 6, .topk = 2, .ffn = 512, .every = 1 };
    plain_job_finish(inputs);
    MppSpaceLimits limits = limits_of("tp=2,cp=1,mbs=1");
    g_autoptr(GArray) families = mpp_space_families(&inputs->job, &limits);
    g_autofree char *texts = texts_of(families);
    g_assert_cmpstr(texts, ==,
                    "dp=1,tp=2,pp=1,mbs=1 | dp=1,tp=2,pp=1,etp=2,mbs=1 | dp=1,tp=2,pp=1,mbs=1,sp | dp=1,tp=2,pp=1,etp=2,mbs=1,sp | "
                    "dp=1,tp=2,pp=1,ep=2,mbs=1,sp | dp=1,tp=2,pp=1,ep=2,etp=2,mbs=1,sp");
    inputs->runtime.expert_parallel = false;
    g_autoptr(GArray) whole = mpp_space_families(&inputs->job, &limits);
    g_autofree char *whole_texts = texts_of(whole);
    g_assert_cmpstr(whole_texts, ==, "dp=1,tp=2,pp=1,etp=2,mbs=1 | dp=1,tp=2,pp=1,etp=2,mbs=1,sp");
    inputs->model.moe.ffn = 511;
    g_autoptr(GArray) none = mpp_space_families(&inputs->job, &limits);
    g_assert_cmpuint(none->len, ==, 0);
}

/** Eight devices, two nodes: without cp all orders but that of dp against pp are alike. */
static void test_orders(void)
{
    static const struct {
        const char *base, *limits, *shapes;
    } rows[] = {
        { "tp=1", "pp=8", "dp=1,tp=1,pp=8,mbs=1 | dp=1,tp=1,pp=8,mbs=1,order=tp-cp-pp-dp" },
        { "cp=2", "pp=4,order=tp-pp-dp-cp", "dp=1,tp=1,pp=4,cp=2,mbs=1,order=tp-pp-dp-cp" },
        { "ep=2", "pp=4", "dp=2,tp=1,pp=4,ep=2,mbs=1" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->model.layers = 8;
        inputs->training.global_batch = 8;
        inputs->runtime.schedules = 1 << MPP_SCHEDULE_1F1B;
        plain_job_finish(inputs);
        MppSpaceLimits limits = limits_of(rows[i].limits);
        MppFamily family = { .base = plain_job_strategy(rows[i].base) };
        g_autoptr(GArray) shapes = mpp_space_shapes(&inputs->job, &family, &limits);
        g_autofree char *texts = texts_of(shapes);
        g_assert_cmpstr(texts, ==, rows[i].shapes);
    }
}

/** Eight layers, 8 sequences. */
static void test_shapes(void)
{
    enum {
        looped = 1 << MPP_SCHEDULE_GPIPE | 1 << MPP_SCHEDULE_1F1B | 1 << MPP_SCHEDULE_INTERLEAVED,
        zero_bubble = 1 << MPP_SCHEDULE_ZB_H1 | 1 << MPP_SCHEDULE_ZB_V | 1 << MPP_SCHEDULE_CHIMERA,
    };
    static const struct {
        const char *limits, *shapes;
        int64_t schedules;
        int64_t fewer;
    } rows[] = {
        { "pp=1", "dp=4,tp=1,pp=1,mbs=1", looped, -1 },
        { "pp=4,vpp=1", "dp=1,tp=1,pp=4,mbs=1,schedule=gpipe | dp=1,tp=1,pp=4,mbs=1", looped, -1 },
        { "pp=4", "dp=1,tp=1,pp=4,mbs=1,schedule=gpipe | dp=1,tp=1,pp=4,mbs=1 | dp=1,tp=1,pp=4,vpp=2,mbs=1,schedule=interleaved",
          looped, -1 },
        { "pp=2,schedule=1f1b", "dp=2,tp=1,pp=2,mbs=1", looped, -1 },
        { "pp=4", "dp=1,tp=1,pp=4,mbs=1,schedule=zb-h1 | dp=1,tp=1,pp=4,mbs=1,schedule=chimera | "
                  "dp=1,tp=1,pp=4,vpp=2,mbs=1,schedule=zb-v", zero_bubble, -1 },
        { "pp=2,vpp=3,group=4", "dp=2,tp=1,pp=2,vpp=3,mbs=1,schedule=interleaved,group=4", looped, -1 },
        { "pp=2,group=3", "", looped, -1 }, /* 4 micro-batches leave one over */
        { "pp=2,schedule=interleaved",
          "dp=2,tp=1,pp=2,vpp=2,mbs=1,schedule=interleaved | dp=2,tp=1,pp=2,vpp=3,mbs=1,schedule=interleaved | "
          "dp=2,tp=1,pp=2,vpp=4,mbs=1,schedule=interleaved | dp=2,tp=1,pp=2,vpp=5,mbs=1,schedule=interleaved", /* embedding and head alone */
          looped, -1 },
        { "pp=2,schedule=interleaved", "", zero_bubble, -1 },
        { NULL, "dp=4,tp=1,pp=1,mbs=1", 0, -1 },
        { "dp=1,schedule=gpipe", "dp=1,tp=1,pp=4,mbs=1,schedule=gpipe", looped, 0 },
        { "pp=3", "", looped, -1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(4);
        inputs->model.layers = 8;
        inputs->training.global_batch = 8;
        inputs->runtime.schedules = rows[i].schedules;
        inputs->runtime.fewer_micro_batches = rows[i].fewer;
        plain_job_finish(inputs);
        MppSpaceLimits limits = limits_of(rows[i].limits);
        MppFamily family = { .base = mpp_strategy_single() };
        g_autoptr(GArray) shapes = mpp_space_shapes(&inputs->job, &family, &limits);
        g_autofree char *texts = texts_of(shapes);
        g_assert_cmpstr(texts, ==, rows[i].shapes);
    }
}

static void test_splits(void)
{
    static const struct {
        MppStageSplit usual;
        int64_t pp;
        const char *limits;
        int n;
        MppStageSplit splits[2];
    } rows[] = {
        { MPP_STAGE_SPLIT_EVEN, 2, NULL, 2, { MPP_STAGE_SPLIT_EVEN, MPP_STAGE_SPLIT_BALANCED } },
        { MPP_STAGE_SPLIT_EVEN, 3, NULL, 2, { MPP_STAGE_SPLIT_EVEN, MPP_STAGE_SPLIT_BALANCED } },
        { MPP_STAGE_SPLIT_EVEN, 1, NULL, 1, { MPP_STAGE_SPLIT_EVEN } },
        { MPP_STAGE_SPLIT_EVEN, 6, NULL, 1, { MPP_STAGE_SPLIT_EVEN } }, /* four layers */
        { MPP_STAGE_SPLIT_GREEDY, 3, NULL, 2, { MPP_STAGE_SPLIT_GREEDY, MPP_STAGE_SPLIT_BALANCED } },
        { MPP_STAGE_SPLIT_BALANCED, 3, NULL, 1, { MPP_STAGE_SPLIT_BALANCED } },
        { MPP_STAGE_SPLIT_EVEN, 2, "split=greedy", 1, { MPP_STAGE_SPLIT_GREEDY } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(12);
        inputs->runtime.stage_split = rows[i].usual;
        MppSpaceLimits limits = limits_of(rows[i].limits);
        MppStrategy shape = mpp_strategy_single();
        shape.pp = rows[i].pp;
        MppStageSplit splits[MPP_SPACE_MOST_CHOICES];
        g_assert_cmpint(mpp_space_splits(&inputs->job, &shape, &limits, splits), ==, rows[i].n);
        for (int k = 0; k < rows[i].n; k++)
            g_assert_cmpint(splits[k], ==, rows[i].splits[k]);
    }
}

static void test_recomputes(void)
{
    static const struct {
        MppAttentionKernel attention;
        MppSelective selective;
        const char *limits;
        int n;
        MppRecompute recomputes[3];
        bool experts_beside;
    } rows[] = {
        { MPP_ATTENTION_FLASH2, MPP_SELECTIVE_ATTENTION, NULL, 2, { MPP_RECOMPUTE_NONE, MPP_RECOMPUTE_FULL } },
        { MPP_ATTENTION_UNFUSED, MPP_SELECTIVE_ATTENTION, NULL, 3,
          { MPP_RECOMPUTE_NONE, MPP_RECOMPUTE_SELECTIVE, MPP_RECOMPUTE_FULL } },
        { MPP_ATTENTION_FLASH2, MPP_SELECTIVE_HALF_PRODUCTS, NULL, 3,
          { MPP_RECOMPUTE_NONE, MPP_RECOMPUTE_SELECTIVE, MPP_RECOMPUTE_FULL } },
        { MPP_ATTENTION_FLASH2, MPP_SELECTIVE_STREAMS, "recompute=selective", 1, { MPP_RECOMPUTE_SELECTIVE } },
        { MPP_ATTENTION_FLASH2, MPP_SELECTIVE_ATTENTION, "recompute=selective", 1, { MPP_RECOMPUTE_SELECTIVE } },
        { MPP_ATTENTION_FLASH2, MPP_SELECTIVE_ATTENTION, NULL, 1, { MPP_RECOMPUTE_NONE }, true },
        { MPP_ATTENTION_FLASH2, MPP_SELECTIVE_ATTENTION, "recompute=full", 0, { MPP_RECOMPUTE_NONE }, true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->job.training.kernels.attention = rows[i].attention;
        inputs->runtime.selective = rows[i].selective;
        MppSpaceLimits limits = limits_of(rows[i].limits);
        MppRecompute recomputes[MPP_SPACE_MOST_CHOICES];
        MppStrategy shape = plain_job_strategy("dp=8,ep=4");
        inputs->job.training.kernels.expert_async = rows[i].experts_beside;
        g_assert_cmpint(mpp_space_recomputes(&inputs->job, &shape, &limits, recomputes), ==, rows[i].n);
        for (int k = 0; k < rows[i].n; k++)
            g_assert_cmpint(recomputes[k], ==, rows[i].recomputes[k]);
    }
}

/** "3/4o": ZeRO 3 over groups of 4, with offload. Nodes of 4. */
static void test_shardings(void)
{
    static const struct {
        const char *shape, *limits, *shardings;
        int64_t most, most_with_pp;
        int64_t offloads; /* besides the optimizer's */
    } rows[] = {
        { "dp=8", NULL, "0 0o 1 1o 2 2o 3 3o 3/4 3/4o", 3, 1 },
        { "dp=4", NULL, "0 0o 1 1o 2 2o 3 3o", 3, 1 },
        { "dp=1,tp=4", NULL, "0 0o", 3, 1 },
        { "dp=4,pp=2", NULL, "0 0o 1 1o", 3, 1 },
        { "dp=4,pp=2", NULL, "0 0o 1 1o 2 2o", 2, 3 },
        { "dp=8", "zero=3,offload", "3o 3/4o", 3, 1 },
        { "dp=8", "zero_ranks=4", "3/4 3/4o", 3, 1 },
        { "dp=2,tp=2,cp=2", "zero=3", "3 3o 3/2 3/2o", 3, 1 },
        { "dp=4", "zero=3", "3 3o 3p", 3, 1, 1 << MPP_OFFLOADED_PARAMETERS },
        { "dp=4,pp=2", NULL, "0 0o 1 1o 2 2o 3 3o", 3, 3, 1 << MPP_OFFLOADED_PARAMETERS },
        { "dp=1,tp=4", NULL, "0 0o 3p", 3, 1, 1 << MPP_OFFLOADED_PARAMETERS },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = plain_job_new(8);
        inputs->runtime.most_zero = rows[i].most;
        inputs->runtime.most_zero_with_pp = rows[i].most_with_pp;
        inputs->runtime.offloads |= rows[i].offloads;
        MppSpaceLimits limits = limits_of(rows[i].limits);
        MppStrategy shape = plain_job_strategy(rows[i].shape);
        MppSharding shardings[MPP_SPACE_MOST_CHOICES];
        int n = mpp_space_shardings(&inputs->job, &shape, &limits, shardings);
        g_autoptr(GString) text = g_string_new(NULL);
        for (int k = 0; k < n; k++) {
            g_string_append_printf(text, "%s%d", k ? " " : "", (int)shardings[k].zero);
            if (shardings[k].zero_ranks)
                g_string_append_printf(text, "/%d", (int)shardings[k].zero_ranks);
            g_string_append(text, (const char *[]){ "", "o", "p" }[shardings[k].offload]);
        }
        g_assert_cmpstr(text->str, ==, rows[i].shardings);
        MppStageSplit splits[MPP_SPACE_MOST_CHOICES];
        g_assert_cmpint(mpp_space_members(&inputs->job, &shape, &limits), ==,
                        n * 2 * mpp_space_splits(&inputs->job, &shape, &limits, splits));
    }
}

static void test_describe(void)
{
    g_autoptr(MppInputs) inputs = plain_job_new(24);
    g_autofree char *text = mpp_space_describe(&inputs->job);
    g_assert_cmpstr(text, ==,
                    "tp up to a node (4), every cp, pp, dp that divide 24 GPUs, vpp to 12, micro-batch to 128 without a divisor in common with cp, sequence "
                    "parallelism, ZeRO 0-3 and hybrid sharding, recompute none/selective/full/the fewest layers that fit/"
                    "small or large modules, even "
                    "and balanced stages, the runtime's schedules, offload of optimizer states, parameters or activations where the "
                    "runtime has it, mesh orders");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/space/families", test_families);
    g_test_add_func("/space/families/experts", test_expert_families);
    g_test_add_func("/space/orders", test_orders);
    g_test_add_func("/space/shapes", test_shapes);
    g_test_add_func("/space/splits", test_splits);
    g_test_add_func("/space/recomputes", test_recomputes);
    g_test_add_func("/space/shardings", test_shardings);
    g_test_add_func("/space/describe", test_describe);
    return g_test_run();
}
