#include "planner/schedule/order.h"

#include <stdio.h>

#include "planner/base/error.h"

/** An order of @n_chunks on 2 ranks from words like "0F0 1F0 | 1B0", ranks apart by bars. */
static MppOrder *parse(int64_t pp, int64_t n_chunks, int64_t micro_batches, const char *text)
{
    MppOrder *order = mpp_order_new(pp, n_chunks, micro_batches);
    g_auto(GStrv) ranks = g_strsplit(text, "|", -1);
    for (int k = 0; ranks[k]; k++) {
        g_auto(GStrv) words = g_strsplit(g_strstrip(ranks[k]), " ", -1);
        for (int i = 0; words[i]; i++) {
            char pass[2] = { 0 };
            MppSlot slot = { 0 };
            g_assert_cmpint(sscanf(words[i], "%d%1[A-Z]%d", &slot.chunk, pass, &slot.micro_batch), ==, 3);
            slot.pass = (MppPass)mpp_names_find(&mpp_pass_names, pass);
            g_array_append_val(order->slots[k], slot);
        }
    }
    return order;
}

static const struct {
    int64_t pp, n_chunks, micro_batches;
    const char *order, *message; /* NULL: fine */
} rows[] = {
    { 1, 1, 2, "0F0 0F1 0B1 0B0", NULL },
    { 2, 2, 1, "0F0 0I0 0W0 | 1F0 1B0", NULL },
    { 2, 2, 1, "0F0 0B0 | 1F0 1B0 2F0", "rank 1, slot 2: 2F0 is of a chunk that the pipeline does not have" },
    { 2, 2, 1, "0F0 0B0 0F1 | 1F0 1B0", "rank 0, slot 2: 0F1 is of a micro-batch that the step does not have" },
    { 2, 2, 1, "0F0 0B0 1F0 | 1B0", "rank 0, slot 2: 1F0 stands on a rank that does not hold its chunk" },
    { 1, 1, 1, "0F0 0F0 0B0", "rank 0, slot 1: 0F0 stands twice" },
    { 1, 1, 1, "0F0 0B0 0I0 0W0", "rank 0, slot 2: 0I0 stands twice" },
    { 1, 1, 1, "0F0 0I0 0B0", "rank 0, slot 2: 0B0 stands twice" },
    { 1, 1, 1, "0B0 0F0", "rank 0, slot 0: 0B0 stands before its forward pass" },
    { 1, 1, 1, "0F0 0W0 0I0", "rank 0, slot 1: 0W0 stands before the gradient of its input" },
    { 1, 1, 2, "0F0 0B0 0F1", "0B1 is missing on rank 0" },
    { 2, 2, 1, "0F0 0B0 | 1F0 1I0", "1W0 is missing on rank 1" },
    { 2, 2, 2, "0F0 0B0 0F1 0B1 | 1F0 1B0", "1F1 is missing on rank 1" },
    { 2, 2, 2, "0F0 0B0 0F1 0B1 | 1F0 1F1 1B0 1B1",
      "deadlock: 0B0 on rank 0 waits for 1B0 on rank 1 that stands after 1F1, 1F1 on rank 1 waits for 0F1 on rank 0 that stands "
      "after 0B0" },
    { 1, 2, 1, "1F0 0F0 1B0 0B0", "deadlock: 1F0 on rank 0 waits for 0F0 on rank 0 that stands after 1F0" },
    { 3, 6, 1, "3F0 0F0 3B0 0B0 | 1F0 4F0 4B0 1B0 | 5F0 2F0 5I0 2B0 5W0",
      "deadlock: 3F0 on rank 0 waits for 2F0 on rank 2 that stands after 5F0, 5F0 on rank 2 waits for 4F0 on rank 1 that stands "
      "after 1F0, 1F0 on rank 1 waits for 0F0 on rank 0 that stands after 3F0" },
};

static void test_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppOrder) order = parse(rows[i].pp, rows[i].n_chunks, rows[i].micro_batches, rows[i].order);
        g_autoptr(GError) error = NULL;
        g_assert_true(mpp_order_check(order, &error) == !rows[i].message);
        g_assert_cmpstr(error ? error->message : NULL, ==, rows[i].message);
        g_assert_true(!error || g_error_matches(error, MPP_ERROR, MPP_ERROR_INVALID));
    }
}

/** A micro-batch stays on its own copy of the model. */
static void test_routes(void)
{
    g_autoptr(MppOrder) order = parse(2, 4, 2, "0F0 0B0 3F1 3B1 | 1F0 1B0 2F1 2B1");
    g_autoptr(GError) error = NULL;
    order->n_routes = 2;
    order->route_of[1] = 1;
    order->rank_of[2] = 1;
    order->rank_of[3] = 0;
    g_assert_true(mpp_order_check(order, &error));
    order->route_of[1] = 0;
    g_assert_false(mpp_order_check(order, &error));
    g_assert_cmpstr(error->message, ==, "rank 0, slot 2: 3F1 is of a chunk that its micro-batch does not visit");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/order-check/rows", test_rows);
    g_test_add_func("/order-check/routes", test_routes);
    return g_test_run();
}
