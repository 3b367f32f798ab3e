#include "planner/schedule/pattern.h"

#include "tests/support/schedules.h"

static void expect(const GArray *slots, const char *expected)
{
    g_autofree char *text = schedules_slots_text(slots);
    g_assert_cmpstr(text, ==, expected);
}

/** Times 0, 5, 10 forwards; 5, 10, 15 backwards: at equal times the track that stands first. */
static void test_merge(void)
{
    const MppTrack tracks[] = { { MPP_PASS_BACKWARD, 5, 0, 0, 1 }, { MPP_PASS_FORWARD, 0, 0, 0, 1 } };
    g_autoptr(GArray) slots = g_array_new(FALSE, FALSE, sizeof(MppSlot));
    mpp_pattern_merge(tracks, 2, 5, &(MppWaves){ 1, 1, 3, 3 }, slots);
    expect(slots, "0F0 0B0 0F1 0B1 0F2 0B2");
}

/** Of five micro-batches the odd ones. */
static void test_step(void)
{
    const MppTrack tracks[] = { { MPP_PASS_FORWARD, 0, 3, 1, 2 } };
    g_autoptr(GArray) slots = g_array_new(FALSE, FALSE, sizeof(MppSlot));
    mpp_pattern_merge(tracks, 1, 5, &(MppWaves){ 1, 4, 5, 5 }, slots);
    expect(slots, "3F1 3F3");
}

/** Groups of two through two waves of four chunks; backwards the second wave first. */
static void test_waves(void)
{
    const MppTrack tracks[] = { { MPP_PASS_FORWARD, 0, 1, 0, 1 }, { MPP_PASS_BACKWARD, 100, 1, 0, 1 } };
    g_autoptr(GArray) slots = g_array_new(FALSE, FALSE, sizeof(MppSlot));
    mpp_pattern_merge(tracks, 2, 2, &(MppWaves){ 2, 4, 2, 3 }, slots);
    expect(slots, "1F0 1F1 5F0 5F1 1F2 5F2 5B0 5B1 1B0 1B1 5B2 1B2");
}

/** One rank: a gradient of weights comes when the rank may hold no more, and at the end. */
static void test_fill_weights(void)
{
    static const struct {
        int64_t most;
        const char *slots;
    } rows[] = {
        { 2, "0F0 0I0 0F1 0I1 0W0 0F2 0I2 0W1 0W2" },
        { 1, "0F0 0I0 0W0 0F1 0I1 0W1 0F2 0I2 0W2" },
        { 9, "0F0 0I0 0F1 0I1 0F2 0I2 0W0 0W1 0W2" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppOrder) order = mpp_order_new(1, 1, 3);
        for (int64_t b = 0; b < 3; b++) {
            mpp_order_add(order, MPP_PASS_FORWARD, 0, b);
            mpp_order_add(order, MPP_PASS_INPUT, 0, b);
        }
        mpp_pattern_fill_weights(order, rows[i].most);
        expect(order->slots[0], rows[i].slots);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pattern/merge", test_merge);
    g_test_add_func("/pattern/step", test_step);
    g_test_add_func("/pattern/waves", test_waves);
    g_test_add_func("/pattern/fill-weights", test_fill_weights);
    return g_test_run();
}
