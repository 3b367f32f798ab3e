#include "planner/spec/technique.h"

static char *text_of(const char *strategy)
{
    MppStrategy s = mpp_strategy_single();
    g_autoptr(GError) error = NULL;
    g_assert_true(mpp_strategy_parse(strategy, &s, NULL, &error));
    g_assert_no_error(error);
    return mpp_techniques_text(mpp_techniques_of(&s), ", ");
}

static void test_names(void)
{
    static const struct {
        const char *strategy, *techniques;
    } rows[] = {
        { "dp=8,mbs=4", "" },
        { "tp=2,sp,pp=4,vpp=2,schedule=interleaved,zero=1", "tp, sp, pp, vpp, ZeRO-1" },
        { "cp=4,zero=2,recompute=selective", "cp by rings, ZeRO-2, selective recompute" },
        { "cp=4,cp_kind=all-gather", "cp by all-gather" },
        { "cp=4,cp_kind=all-to-all,zero=3,zero_ranks=8,recompute=full:3", "cp by all-to-all, ZeRO-3, hybrid sharding, full recompute" },
        { "ep=8,etp=2,tp=2,recompute=selective:mlp", "tp, ep, etp, recompute by modules" },
        { "pp=4,schedule=gpipe,offload=optimizer,recompute=offload:2", "pp, activation offload, optimizer offload" },
        { "pp=4,schedule=zb-h1,offload=parameters", "pp, parameter offload, schedules that split the backward pass" },
        { "pp=4,schedule=chimera", "pp, bidirectional schedules" },
        { "pp=4,vpp=2,schedule=breadth-first", "pp, vpp, other schedules" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = text_of(rows[i].strategy);
        g_assert_cmpstr(text, ==, rows[i].techniques);
    }
}

static void test_read(void)
{
    for (int i = 0; i < MPP_N_TECHNIQUES; i++) {
        MppTechniques all = ((MppTechniques)1 << i) - 1, read = 0;
        g_autofree char *text = mpp_techniques_text(all, "+");
        g_assert_true(mpp_techniques_read(text, "+", &read));
        g_assert_cmpuint(read, ==, all);
    }
    MppTechniques none;
    g_assert_false(mpp_techniques_read("tp+magic", "+", &none));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/technique/names", test_names);
    g_test_add_func("/technique/read", test_read);
    return g_test_run();
}
