#include "planner/cli/plan_text.h"

/** What a plan loses is named until it is more than what it saves, two shares at most; the best one takes 1 s. */
static void test_reason(void)
{
    static const struct {
        double matmul, tensor, bubble, host; /* seconds more than the best */
        const char *text;
    } rows[] = {
        { 0, 0.25, 0, 0, "250 ms more: tensor-parallel exchange" },
        { 0.01, 0.25, 0, 0, "250 ms more: tensor-parallel exchange" },
        { -0.2, 0.25, 0, 0, "250 ms more: tensor-parallel exchange; 200 ms less: matrix products" },
        { -0.3, 0.25, 0.125, 0, "250 ms more: tensor-parallel exchange, 125 ms more: pipeline bubble; 300 ms less: matrix products" },
        { -0.4, 0.25, 0.125, 0.0625, "250 ms more: tensor-parallel exchange, 125 ms more: pipeline bubble, …; 400 ms less: matrix products" },
        { 0, 0, 0, 0, "equal" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppEstimate best = { .step_s = 1 }, other = { .step_s = 1 + rows[i].matmul + rows[i].tensor + rows[i].bubble + rows[i].host };
        other.shares.s[MPP_SHARE_MATMUL] = rows[i].matmul;
        other.shares.s[MPP_SHARE_TP] = rows[i].tensor;
        other.shares.s[MPP_SHARE_BUBBLE] = rows[i].bubble;
        other.shares.s[MPP_SHARE_HOST] = rows[i].host;
        g_autofree char *text = mpp_plan_text_reason(&best, &other);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

/** A faster plan loses by its memory, if by anything. */
static void test_faster(void)
{
    static const struct {
        double more_gib;
        const char *text;
    } rows[] = { { 9.25, "9.2 GiB more memory" }, { 0, "nothing; 300 ms less: matrix products" }, { -9.25, "nothing; 300 ms less: matrix products" } };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const double gib = 1 << 30;
        MppEstimate best = { .step_s = 1, .peak_bytes = 20 * gib }, other = { .step_s = 0.95, .peak_bytes = (20 + rows[i].more_gib) * gib };
        other.shares.s[MPP_SHARE_MATMUL] = -0.3;
        other.shares.s[MPP_SHARE_TP] = 0.25;
        g_autofree char *text = mpp_plan_text_reason(&best, &other);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plan-text/reason", test_reason);
    g_test_add_func("/plan-text/faster", test_faster);
    return g_test_run();
}
