#include "planner/spec/strategy.h"

#include "tests/support/expect.h"

static void expect_equal(const MppStrategy *a, const MppStrategy *b)
{
    g_autoptr(cJSON) left = mpp_fields_write(&mpp_strategy_fields, a, false);
    g_autoptr(cJSON) right = mpp_fields_write(&mpp_strategy_fields, b, false);
    char *text = cJSON_PrintUnformatted(left);
    mpp_expect_printed(right, text);
    cJSON_free(text);
}

static void test_canonical(void)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        { "", "dp=1,tp=1,pp=1,mbs=1" },
        { " , ,", "dp=1,tp=1,pp=1,mbs=1" },
        { "tp=8, pp = 4 ,sp", "dp=1,tp=8,pp=4,mbs=1,sp" },
        { "micro_batch=3,sequence_parallel=true,offload", "dp=1,tp=1,pp=1,mbs=3,sp,offload=optimizer" },
        { "sp=0,offload=none", "dp=1,tp=1,pp=1,mbs=1" },
        { "zero=3,offload=parameters,recompute=offload:7", "dp=1,tp=1,pp=1,mbs=1,zero=3,recompute=offload:7,offload=parameters" },
        { "zero=3,zero_ranks=12,dp=1048576", "dp=1048576,tp=1,pp=1,mbs=1,zero=3,zero_ranks=12" },
        { "recompute=FULL:5,schedule=Interleaved,vpp=2", "dp=1,tp=1,pp=1,vpp=2,mbs=1,schedule=interleaved,recompute=full:5" },
        { "recompute=selective:moe_act+core_attn", "dp=1,tp=1,pp=1,mbs=1,recompute=selective:core_attn+moe_act" },
        { "cp_kind=all_gather,cp=3", "dp=1,tp=1,pp=1,cp=3,mbs=1,cp_kind=all-gather" },
        { "recompute=selective,cp_kind=all_to_all,cp=3", "dp=1,tp=1,pp=1,cp=3,mbs=1,recompute=selective,cp_kind=all-to-all" },
        { "stages=10/12/0/9,order=tp-dp-pp-cp,split=balanced",
          "dp=1,tp=1,pp=1,mbs=1,split=balanced,order=tp-dp-pp-cp,stages=10/12/0/9" },
        { "ep=6,etp=2,stage_layers=7", "dp=1,tp=1,pp=1,ep=6,etp=2,mbs=1,stages=7" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        MppStrategy s = mpp_strategy_single();
        g_assert_true(mpp_strategy_parse(rows[i].text, &s, NULL, &error));
        g_autofree char *text = mpp_strategy_to_text(&s);
        g_assert_cmpstr(text, ==, rows[i].canonical);
        mpp_strategy_clear(&s);
    }
}

/** What is not named keeps its value, and what was named is told. */
static void test_named(void)
{
    g_autoptr(GError) error = NULL;
    MppStrategy s = mpp_strategy_single();
    s.dp = 11;
    s.zero = 2;
    s.recompute_layers = 4;
    MppStrategyFields named = ~(MppStrategyFields)0;
    g_assert_true(mpp_strategy_parse("mbs=5,sp", &s, &named, &error));
    g_assert_cmpuint(named, ==, mpp_strategy_field("micro_batch") | mpp_strategy_field("sequence_parallel"));
    g_assert_cmpint(s.dp, ==, 11);
    g_assert_cmpint(s.zero, ==, 2);
    g_assert_cmpint(s.recompute_layers, ==, 4);
    g_assert_true(mpp_strategy_parse("recompute=full", &s, &named, &error));
    g_assert_cmpuint(named, ==, mpp_strategy_field("recompute"));
    g_assert_cmpint(s.recompute_layers, ==, 0); /* full means all layers unless it says how many */
    g_assert_true(mpp_strategy_parse("", &s, &named, &error));
    g_assert_cmpuint(named, ==, 0);
}

static const struct {
    const char *text, *message;
} refusals[] = {
    { "tp", "strategy: \"tp\": expected an integer from 1 to 1048576" },
    { "tp=", "strategy: \"tp=\": expected an integer from 1 to 1048576" },
    { "dp=4,tp=0", "strategy: \"tp=0\": expected an integer from 1 to 1048576" },
    { "tp=1048577", "strategy: \"tp=1048577\": expected an integer from 1 to 1048576" },
    { "tp=99999999999999999999", "strategy: \"tp=99999999999999999999\": expected an integer from 1 to 1048576" },
    { "tp=2.5", "strategy: \"tp=2.5\": expected an integer from 1 to 1048576" },
    { "tp=2=3", "strategy: \"tp=2=3\": expected an integer from 1 to 1048576" },
    { "zero=4", "strategy: \"zero=4\": expected an integer from 0 to 3" },
    { "zero=-1", "strategy: \"zero=-1\": expected an integer from 0 to 3" },
    { "tpp=2",
      "strategy: \"tpp=2\": unknown key; known: tp, pp, vpp, dp, cp, ep, etp, sp, mbs, zero, group, "
      "split, order, stages, cp_kind, offload, schedule, recompute, zero_ranks" },
    { "TP=2",
      "strategy: \"TP=2\": unknown key; known: tp, dp, pp, cp, ep, etp, sp, vpp, mbs, zero, group, "
      "split, order, stages, cp_kind, offload, schedule, recompute, zero_ranks" },
    { "=2", "strategy: \"=2\": unknown key; known: dp, tp, pp, vpp, cp, ep, etp, mbs, sp, zero, zero_ranks, schedule, "
            "group, recompute, cp_kind, offload, split, order, stages" },
    { "sp=yes", "strategy: \"sp=yes\": expected 0 or 1" },
    { "schedule=zb", "strategy: \"schedule=zb\": expected a schedule: zb-h1, zb-h2, zb-interleaved, zb-v, 1f1b, gpipe, v-min, "
      "v-half, hanayo, chimera, dualpipe-v, interleaved, breadth-first" },
    { "schedule", "strategy: \"schedule\": expected a schedule: gpipe, 1f1b, interleaved, breadth-first, "
      "zb-h1, zb-h2, zb-interleaved, zb-v, v-half, v-min, dualpipe-v, hanayo, chimera" },
    { "recompute=most", "strategy: \"recompute=most\": expected a recompute: none, full, offload, selective" },
    { "recompute=full:0", "strategy: \"recompute=full:0\": expected an integer from 1 to 4096" },
    { "recompute=full:",
      "strategy: \"recompute=full:\": expected layers, or modules joined by +: core_attn, layernorm, moe_act, mla_up_proj, mlp, moe, "
      "shared_experts" },
    { "recompute=selective:moe_act+gelu",
      "strategy: \"recompute=selective:moe_act+gelu\": expected layers, or modules joined by +: mlp, moe, moe_act, core_attn, "
      "layernorm, mla_up_proj, shared_experts" },
    { "cp_kind=rings", "strategy: \"cp_kind=rings\": expected a context-parallel kind: ring, all-gather, all-to-all" },
    { "order=dp-tp", "strategy: \"order=dp-tp\": expected a mesh order: tp-cp-dp-pp, tp-dp-cp-pp, tp-dp-pp-cp, "
                     "tp-pp-dp-cp, tp-cp-pp-dp, tp-pp-cp-dp" },
    { "split=evn", "strategy: \"split=evn\": expected a stage split: even, greedy, balanced, modules" },
    { "stages", "strategy: \"stages\": expected layers of each chunk, like 10/12/12/10" },
    { "stages=3//4", "strategy: \"stages=3//4\": expected an integer from 0 to 4096" },
    { "stages=5/5,stages=3/x", "strategy: \"stages=3/x\": stages stands twice" },
    { "tp=2,dp=3,tp=4", "strategy: \"tp=4\": tp stands twice" },
    { "mbs=2,micro_batch=2", "strategy: \"micro_batch=2\": micro_batch stands twice" },
    { "stages=5/5,tp=x", "strategy: \"tp=x\": expected an integer from 1 to 1048576" },
};

static void test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GError) error = NULL;
        MppStrategy s = mpp_strategy_single();
        g_assert_false(mpp_strategy_parse(refusals[i].text, &s, NULL, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_USAGE, refusals[i].message);
        g_assert_null(s.stage_layers);
    }
}

static GArray *random_stages(GRand *random)
{
    GArray *layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int n = g_rand_int_range(random, 1, 20); n > 0; n--)
        g_array_append_vals(layers, &(int64_t){ g_rand_int_range(random, 0, 4097) }, 1);
    return layers;
}

/** Every field anywhere in its range. recompute_layers goes with full recompute only and modules with selective, as the rules have it. */
static MppStrategy random_strategy(GRand *random)
{
    MppStrategy s = mpp_strategy_single();
    for (int i = 0; i < mpp_strategy_fields.n_rows; i++) {
        const MppField *row = &mpp_strategy_fields.rows[i];
        void *at = (char *)&s + row->offset;
        if (g_rand_boolean(random))
            continue;
        if (row->type == MPP_FIELD_TYPE_INT)
            *(int64_t *)at = (int64_t)(row->min + g_rand_double(random) * (row->max - row->min));
        else if (row->type == MPP_FIELD_TYPE_ENUM)
            *(int *)at = g_rand_int_range(random, 0, row->names->n_names);
        else if (row->type == MPP_FIELD_TYPE_BOOL)
            *(bool *)at = g_rand_boolean(random);
        else if (row->type == MPP_FIELD_TYPE_SET)
            *(int64_t *)at = g_rand_int_range(random, 0, 1 << row->names->n_names);
        else
            s.stage_layers = random_stages(random);
    }
    s.recompute_layers = s.recompute == MPP_RECOMPUTE_FULL ? s.recompute_layers : 0;
    s.recompute_modules = s.recompute == MPP_RECOMPUTE_SELECTIVE ? s.recompute_modules : 0;
    return s;
}

static void test_read_back(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(72385);
    for (int i = 0; i < 4000; i++) {
        g_autoptr(GError) error = NULL;
        MppStrategy s = random_strategy(random), again = mpp_strategy_single();
        g_autofree char *text = mpp_strategy_to_text(&s);
        g_assert_true(mpp_strategy_parse(text, &again, NULL, &error));
        expect_equal(&s, &again);
        g_autofree char *second = mpp_strategy_to_text(&again);
        g_assert_cmpstr(second, ==, text);
        mpp_strategy_clear(&s);
        mpp_strategy_clear(&again);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/strategy-text/canonical", test_canonical);
    g_test_add_func("/strategy-text/named", test_named);
    g_test_add_func("/strategy-text/refused", test_refused);
    g_test_add_func("/strategy-text/read-back", test_read_back);
    return g_test_run();
}
