#include "planner/spec/strategy.h"

#include "tests/support/expect.h"

static void test_single(void)
{
    MppStrategy s = mpp_strategy_single();
    const int64_t ones[] = { s.dp, s.tp, s.pp, s.vpp, s.cp, s.ep, s.etp, s.micro_batch };
    for (size_t i = 0; i < G_N_ELEMENTS(ones); i++)
        g_assert_cmpint(ones[i], ==, 1);
    g_assert_true(!s.sequence_parallel && !s.zero && !s.zero_ranks && !s.recompute_layers && !s.recompute_modules && !s.offload &&
                  !s.stage_layers);
    g_assert_cmpint(s.schedule, ==, MPP_SCHEDULE_1F1B);
    g_assert_cmpint(s.recompute, ==, MPP_RECOMPUTE_NONE);
    g_assert_cmpint(s.order, ==, MPP_ORDER_CP_DP_PP);
    g_autoptr(cJSON) brief = mpp_fields_write(&mpp_strategy_fields, &s, true);
    mpp_expect_printed(brief, "{}");
}

static void test_derived(void)
{
    static const struct {
        MppStrategy strategy;
        int64_t global_batch, micro_batches, shard_ranks, expert_dp, expert_shard_ranks;
    } rows[] = {
        { { .dp = 7, .tp = 1, .cp = 1, .ep = 1, .etp = 1, .micro_batch = 3 }, 385, 18, 7, 7, 7 },
        { { .dp = 7, .tp = 5, .cp = 3, .ep = 21, .etp = 5, .micro_batch = 11 }, 385, 5, 21, 1, 1 },
        { { .dp = 12, .tp = 2, .cp = 5, .ep = 6, .etp = 2, .micro_batch = 1, .zero_ranks = 15 }, 24, 2, 15, 10, 2 },
        { { .dp = 16384, .tp = 8, .cp = 2, .ep = 64, .etp = 1, .micro_batch = 2 }, 1 << 20, 32, 32768, 4096, 4096 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(mpp_strategy_micro_batches(&rows[i].strategy, rows[i].global_batch), ==, rows[i].micro_batches);
        g_assert_cmpint(mpp_strategy_shard_ranks(&rows[i].strategy), ==, rows[i].shard_ranks);
        g_assert_cmpint(mpp_strategy_expert_dp(&rows[i].strategy), ==, rows[i].expert_dp);
        g_assert_cmpint(mpp_strategy_expert_shard_ranks(&rows[i].strategy), ==, rows[i].expert_shard_ranks);
    }
}

/** Each field has a bit of its own. */
static void test_fields(void)
{
    MppStrategyFields all = 0;
    for (int i = 0; i < mpp_strategy_fields.n_rows; i++) {
        MppStrategyFields one = mpp_strategy_field(mpp_strategy_fields.rows[i].name);
        g_assert_cmpuint(one, ==, (MppStrategyFields)1 << i);
        g_assert_cmpuint(all & one, ==, 0);
        all |= one;
    }
    g_assert_cmpuint(all, ==, ((MppStrategyFields)1 << mpp_strategy_fields.n_rows) - 1);
}

static void test_json(void)
{
    static const char text[] =
        "{\"dp\":7,\"tp\":5,\"pp\":3,\"vpp\":2,\"cp\":11,\"ep\":35,\"etp\":13,\"sequence_parallel\":true,\"micro_batch\":9,"
        "\"zero\":2,"
        "\"zero_ranks\":77,\"schedule\":\"interleaved\",\"schedule_group\":4,\"recompute\":\"full\",\"recompute_layers\":4,\"recompute_modules\":[\"layernorm\",\"moe\"],\"cp_kind\":\"all-to-all\","
        "\"offload\":\"optimizer\",\"stage_split\":\"greedy\",\"order\":\"tp-pp-dp-cp\",\"stage_layers\":[4,5,0,6,4,3]}";
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_autoptr(GError) error = NULL;
    MppStrategy s;
    g_assert_true(mpp_fields_read(&mpp_strategy_fields, json, json->root, &s, &error));
    g_assert_cmpint(s.etp, ==, 13);
    g_assert_cmpint(s.order, ==, MPP_ORDER_PP_DP_CP);
    g_assert_cmpint(g_array_index(s.stage_layers, int64_t, 3), ==, 6);
    g_autoptr(cJSON) written = mpp_fields_write(&mpp_strategy_fields, &s, false);
    mpp_expect_printed(written, text);
    mpp_strategy_clear(&s);
    g_assert_null(s.stage_layers);
}

static void test_title(void)
{
    static const struct {
        const char *text, *title;
    } rows[] = {
        { "", "mbs 1" },
        { "dp=4,tp=2,pp=8,vpp=3,cp=5,mbs=7,sp,zero=1", "dp 4 · tp 2 · cp 5 · pp 8 · vpp 3 · mbs 7 · sp · ZeRO-1" },
        { "ep=6,etp=3", "ep 6 · etp 3 · mbs 1" },
        { "etp=3", "mbs 1" }, /* without ep, experts are split as tp is */
        { "cp_kind=all-to-all", "mbs 1" },
        { "cp=3,cp_kind=all-gather", "cp 3 gather · mbs 1" },
        { "cp=3,cp_kind=all-to-all,zero=3,zero_ranks=12", "cp 3 a2a · mbs 1 · ZeRO-3 over 12" },
        { "recompute=selective,offload", "mbs 1 · selective recompute · optimizer offload" },
        { "pp=3,schedule=gpipe,recompute=full", "pp 3 · mbs 1 · full recompute · gpipe" },
        { "recompute=full:1", "mbs 1 · recompute 1/chunk" },
        { "schedule=gpipe,recompute=full:5", "mbs 1 · recompute 5/chunk" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        MppStrategy s = mpp_strategy_single();
        g_assert_true(mpp_strategy_parse(rows[i].text, &s, NULL, &error));
        g_autofree char *title = mpp_strategy_title(&s);
        g_assert_cmpstr(title, ==, rows[i].title);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/strategy/single", test_single);
    g_test_add_func("/strategy/derived", test_derived);
    g_test_add_func("/strategy/fields", test_fields);
    g_test_add_func("/strategy/json", test_json);
    g_test_add_func("/strategy/title", test_title);
    return g_test_run();
}
