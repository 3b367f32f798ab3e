#include "planner/cli/plan_text.h"

/** What a plan loses is named until it is more than what it saves; the best one takes 1 s. */
static void test_reason(void)
{
    static const struct {
        double matmul, tensor, bubble; /* seconds more than the best */
        const char *text;
    } rows[] = {
        { 0, 0.25, 0, "250 ms more: tensor-parallel exchange" },
        { 0.01, 0.25, 0, "250 ms more: tensor-parallel exchange" },
        { -0.2, 0.25, 0, "250 ms more: tensor-parallel exchange; 200 ms less: matrix products" },
        { -0.3, 0.25, 0.125, "250 ms more: tensor-parallel exchange, 125 ms more: pipeline bubble; 300 ms less: matrix products" },
        { 0, 0, 0, "equal" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppEstimate best = { .step_s = 1 }, other = { .step_s = 1 + rows[i].matmul + rows[i].tensor + rows[i].bubble };
        other.shares.s[MPP_SHARE_MATMUL] = rows[i].matmul;
        other.shares.s[MPP_SHARE_TP] = rows[i].tensor;
        other.shares.s[MPP_SHARE_BUBBLE] = rows[i].bubble;
        g_autofree char *text = mpp_plan_text_reason(&best, &other);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan-text/reason", test_reason);
    return g_test_run();
}
