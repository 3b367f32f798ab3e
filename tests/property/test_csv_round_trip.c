/* Orders written as CSV in every style read back equal; what is spoilt at random is refused or still legal. */
#include "planner/schedule/csv.h"

#include <string.h>

#include "tests/support/schedules.h"

static int n_written;

/** Marks some forward and backward passes that stand side by side and do not wait for each other. */
static GArray **random_pairs(GRand *rand, const MppOrder *order)
{
    GArray **pairs = g_new(GArray *, order->pp);
    for (int32_t k = 0; k < order->pp; k++) {
        pairs[k] = g_array_new(FALSE, FALSE, sizeof(guint));
        for (guint i = 0; i + 1 < order->slots[k]->len; i++) {
            const MppSlot *a = &g_array_index(order->slots[k], MppSlot, i), *b = a + 1;
            if (a->pass != MPP_PASS_FORWARD || b->pass != MPP_PASS_BACKWARD || !g_rand_boolean(rand))
                continue;
            g_array_append_val(pairs[k], i);
            i++;
        }
    }
    return pairs;
}

static void free_pairs(GArray **pairs, int32_t pp)
{
    for (int32_t k = 0; k < pp; k++)
        g_array_unref(pairs[k]);
    g_free(pairs);
}

static void expect_equal(const MppOrder *a, const MppOrder *b)
{
    g_assert_cmpint(a->pp, ==, b->pp);
    g_assert_cmpint(a->n_chunks, ==, b->n_chunks);
    g_assert_cmpint(a->micro_batches, ==, b->micro_batches);
    g_assert_cmpmem(a->rank_of, a->n_chunks * sizeof(int32_t), b->rank_of, b->n_chunks * sizeof(int32_t));
    for (int32_t k = 0; k < a->pp; k++) {
        g_assert_cmpint(a->slots[k]->len, ==, b->slots[k]->len);
        for (guint i = 0; i < a->slots[k]->len; i++) {
            const MppSlot *x = &g_array_index(a->slots[k], MppSlot, i), *y = &g_array_index(b->slots[k], MppSlot, i);
            g_assert_true(x->pass == y->pass && x->chunk == y->chunk && x->micro_batch == y->micro_batch);
        }
    }
}

static void check_style(const MppOrder *order, const MppCsvStyle *style)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = mpp_csv_to_text(order, style, &error);
    g_assert_no_error(error);
    g_autoptr(MppCsv) csv = mpp_csv_parse("s.csv", text, strlen(text), &error);
    g_assert_no_error(error);
    expect_equal(order, csv->order);
    g_assert_true(csv->comms == style->comms);
    MppCsvStyle again = { style->dialect, style->comms, csv->pairs };
    g_autofree char *second = mpp_csv_to_text(csv->order, &again, &error);
    g_assert_cmpstr(second, ==, text);
    n_written++;
}

static bool small(const MppSchedule *s)
{
    return s->pp * s->vpp * s->micro_batches <= 200;
}

static void check_schedule(const MppSchedule *schedule)
{
    if (!small(schedule))
        return;
    g_autoptr(MppOrder) order = mpp_schedule_order(schedule);
    if (order->n_routes > 1)
        return;
    for (int dialect = 0; dialect < MPP_N_CSV_DIALECTS; dialect++)
        for (int comms = 0; comms < 2; comms++)
            check_style(order, &(MppCsvStyle){ dialect, comms, NULL });
}

static void test_named(void)
{
    schedules_for_each(check_schedule);
    g_assert_cmpint(n_written, >, 500);
}

static MppSchedule random_schedule(GRand *rand)
{
    for (;;) {
        MppSchedule s = { g_rand_int_range(rand, 0, MPP_N_SCHEDULES), g_rand_int_range(rand, 1, 5), g_rand_int_range(rand, 1, 4),
                          g_rand_int_range(rand, 1, 9), 0 };
        if (mpp_schedule_check(&s, NULL))
            return s;
    }
}

/** Pairs that can run read back; those that cannot are refused in writing, if messages are asked for, and in reading. */
static void test_pairs(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(2213);
    int n_run = 0, n_blocked = 0;
    for (int i = 0; i < 400; i++) {
        MppSchedule schedule = random_schedule(rand);
        g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
        if (order->n_routes > 1)
            continue;
        GArray **pairs = random_pairs(rand, order);
        MppCsvStyle lowered = { MPP_CSV_CURRENT, true, pairs }, plain = { MPP_CSV_CURRENT, false, pairs };
        g_autofree char *with_messages = mpp_csv_to_text(order, &lowered, NULL), *text = mpp_csv_to_text(order, &plain, NULL);
        g_autoptr(MppCsv) csv = mpp_csv_parse("s.csv", text, strlen(text), NULL);
        g_assert_true(!csv == !with_messages);
        if (csv) {
            check_style(order, &plain);
            check_style(order, &lowered);
        }
        n_run += csv && order->pp > 1;
        n_blocked += !csv;
        free_pairs(pairs, order->pp);
    }
    g_assert_cmpint(n_run, >, 20);
    g_assert_cmpint(n_blocked, >, 20);
}

/** Whatever is read is legal: a file with random bytes changed is refused with its name, or holds a checked order. */
static void test_spoilt(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(911);
    static const char bytes[] = "0123456789FIBW,;()\n\r \"_SENDRCVUHG\xff";
    int n_refused = 0, n_read = 0;
    for (int i = 0; i < 4000; i++) {
        MppSchedule schedule = random_schedule(rand);
        g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
        MppCsvStyle style = { g_rand_int_range(rand, 0, MPP_N_CSV_DIALECTS), g_rand_boolean(rand), NULL };
        g_autofree char *text = mpp_csv_to_text(order, &style, NULL);
        if (!text)
            continue;
        size_t n = strlen(text);
        for (int32_t changes = g_rand_int_range(rand, 1, 4); changes > 0; changes--)
            text[g_rand_int_range(rand, 0, (gint32)n)] = bytes[g_rand_int_range(rand, 0, sizeof bytes - 1)];
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCsv) csv = mpp_csv_parse("s.csv", text, n, &error);
        g_assert_true(!csv == !!error);
        g_assert_true(csv ? mpp_order_check(csv->order, NULL) : g_str_has_prefix(error->message, "s.csv:"));
        n_refused += !csv;
        n_read += !!csv;
    }
    g_assert_cmpint(n_refused, >, 1000);
    g_assert_cmpint(n_read, >, 20);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csv-round-trip/named", test_named);
    g_test_add_func("/csv-round-trip/pairs", test_pairs);
    g_test_add_func("/csv-round-trip/spoilt", test_spoilt);
    return g_test_run();
}
