#include "planner/schedule/order.h"

/** Three chunks forwards, back by the other copy's. */
static void test_routes(void)
{
    g_autoptr(MppOrder) order = mpp_order_new(3, 6, 5);
    int64_t n_visited;
    g_assert_cmpint(order->rank_of[4], ==, 1);
    g_assert_cmpint(mpp_order_route(order, 4, &n_visited), ==, 0);
    g_assert_cmpint(n_visited, ==, 6);
    g_assert_true(mpp_order_begins(order, 0) && !mpp_order_begins(order, 3));
    g_assert_true(mpp_order_ends(order, 5) && !mpp_order_ends(order, 2));
    order->n_routes = 2;
    order->route_of[4] = 1;
    g_assert_cmpint(mpp_order_route(order, 4, &n_visited), ==, 3);
    g_assert_cmpint(n_visited, ==, 3);
    g_assert_true(mpp_order_begins(order, 3) && !mpp_order_begins(order, 4));
    g_assert_true(mpp_order_ends(order, 2) && !mpp_order_ends(order, 3));
}

static void test_add(void)
{
    g_autoptr(MppOrder) order = mpp_order_new(2, 4, 13);
    mpp_order_add(order, MPP_PASS_FORWARD, 3, 12);
    g_assert_false(mpp_order_splits_backward(order));
    mpp_order_add(order, MPP_PASS_INPUT, 3, 12);
    mpp_order_add(order, MPP_PASS_WEIGHT, 3, 12);
    g_assert_true(mpp_order_splits_backward(order));
    g_assert_cmpuint(order->slots[0]->len, ==, 0);
    static const char *const texts[] = { "3F12", "3I12", "3W12" };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = mpp_slot_to_text(&g_array_index(order->slots[1], MppSlot, i));
        g_assert_cmpstr(text, ==, texts[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order/routes", test_routes);
    g_test_add_func("/order/add", test_add);
    return g_test_run();
}
