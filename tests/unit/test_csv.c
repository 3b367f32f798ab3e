#include "planner/schedule/csv.h"

#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/schedules.h"

static MppCsv *parse(const char *text, GError **error)
{
    return mpp_csv_parse("s.csv", text, strlen(text), error);
}

static const struct {
    const char *text;
    MppCsvDialect dialect;
    bool comms;
    int n_pairs;
    const char *slots;
} read_rows[] = {
    { "0F0,0F1,0B0,0B1", MPP_CSV_CURRENT, false, 0, "0F0 0F1 0B0 0B1" },
    { "0F0,0BW0", MPP_CSV_2024, false, 0, "0F0 0B0" },
    { "0F0,0B0,0W0", MPP_CSV_2024, false, 0, "0F0 0I0 0W0" },
    { "0F0,0F1,0B1,0BW0,0W1", MPP_CSV_2024, false, 0, "0F0 0F1 0I1 0B0 0W1" },
    { "0F0,0I0,0F1,0W0,0B1", MPP_CSV_CURRENT, false, 0, "0F0 0I0 0F1 0W0 0B1" },
    { "0F0,,,0B0,\r\n,1F0 ,1B0\r\n\r\n", MPP_CSV_CURRENT, false, 0, "0F0 0B0 | 1F0 1B0" },
    { "\"1F0\", \"1B0\"\n0F0,\"\",0B0", MPP_CSV_CURRENT, false, 0, "1F0 1B0 | 0F0 0B0" },
    /* zero-bubble H1: two ranks of a stage each, three micro-batches; the first holds two */
    { "0F0,0F1,,0I0,0W0,0F2,0I1,0W1,0I2,0W2\n,1F0,1I0,1F1,1I1,1W0,1F2,1I2,1W1,1W2\n", MPP_CSV_CURRENT, false, 0,
      "0F0 0F1 0I0 0W0 0F2 0I1 0W1 0I2 0W2 | 1F0 1I0 1F1 1I1 1W0 1F2 1I2 1W1 1W2" },
    /* two ranks folded to a V */
    { "0F0,0F1,3F0,3B0,(3F1;0B0)OVERLAP_F_B,3B1,0B1\n1F0,2F0,1F1,2B0,(2F1;1B0)OVERLAP_F_B,2B1,1B1", MPP_CSV_CURRENT, false, 2,
      "0F0 0F1 3F0 3B0 3F1 0B0 3B1 0B1 | 1F0 2F0 1F1 2B0 2F1 1B0 2B1 1B1" },
    { "0UNSHARD,0F0,0SEND_F0,0RECV_B0,0BW0,0REDUCE_GRAD,0RESHARD\n1UNSHARD,1RECV_F0,1F0,1B0,1SEND_B0,1W0,1REDUCE_GRAD\n",
      MPP_CSV_2024, true, 0, "0F0 0B0 | 1F0 1I0 1W0" },
};

static void test_read(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(read_rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCsv) csv = parse(read_rows[i].text, &error);
        g_assert_no_error(error);
        g_autofree char *slots = schedules_order_text(csv->order);
        g_assert_cmpstr(slots, ==, read_rows[i].slots);
        g_assert_cmpint(csv->dialect, ==, read_rows[i].dialect);
        g_assert_cmpint(csv->comms, ==, read_rows[i].comms);
        int n_pairs = 0;
        for (int32_t k = 0; k < csv->order->pp; k++)
            n_pairs += (int)csv->pairs[k]->len;
        g_assert_cmpint(n_pairs, ==, read_rows[i].n_pairs);
    }
}

#define EXPECTED "; expected one like 2F7 (stage 2, F, I, B or W, micro-batch 7), 2SEND_F7, 2UNSHARD or (2F7;5B3)OVERLAP_F_B"

static const struct {
    const char *text;
    MppError code;
    const char *message; /* the first line */
} bad_rows[] = {
    { "", MPP_ERROR_SYNTAX, "s.csv: the file is empty; expected a row of passes for each rank" },
    { " \n,\n", MPP_ERROR_INVALID, "s.csv:1:1: rank 0, cell 1: the rank has no passes" },
    { "0F0,0X0", MPP_ERROR_SYNTAX, "s.csv:1:5: rank 0, cell 2: \"0X0\" is no action" EXPECTED },
    { "0F0,0B0\n1F0, F0", MPP_ERROR_SYNTAX, "s.csv:2:6: rank 1, cell 2: \"F0\" is no action" EXPECTED },
    { "0F", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"0F\" is no action" EXPECTED },
    { "0F0x", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"0F0x\" is no action" EXPECTED },
    { "0F123456789", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"0F123456789\" is no action" EXPECTED },
    { "-1F0", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"-1F0\" is no action" EXPECTED },
    { "0UNSHARD3", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"0UNSHARD3\" is no action" EXPECTED },
    { "(0F0;0F1)OVERLAP_F_B", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"(0F0;0F1)OVERLAP_F_B\" is no action" EXPECTED },
    { "(0F0)OVERLAP_F_B;", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"(0F0)OVERLAP_F_B;\" is no action" EXPECTED },
    { "(0F0;0B1)OVERLAP", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"(0F0;0B1)OVERLAP\" is no action" EXPECTED },
    { "0\xff" "0", MPP_ERROR_SYNTAX, "s.csv:1:1: rank 0, cell 1: \"0\xef\xbf\xbd" "0\" is no action" EXPECTED },
    { "0F0,0B0\n\n1F0,1B0", MPP_ERROR_INVALID, "s.csv:2:1: rank 1, cell 1: the rank has no passes" },
    { "0UNSHARD", MPP_ERROR_INVALID, "s.csv:1:1: rank 0, cell 1: the file has no passes" },
    { "0F0,0B0\n0UNSHARD", MPP_ERROR_INVALID, "s.csv:2:1: rank 1, cell 1: the rank has no passes" },
    { "0F0,0F1,0BW0,0I1,0W1", MPP_ERROR_INVALID,
      "s.csv:1:14: rank 0, cell 4: 0I1 and 0BW0 (rank 0, cell 3) are of two dialects: I, W, B and B, W, BW do not mix" },
    { "0F0,0B0\n1F0,1B0,0F1,0B1", MPP_ERROR_INVALID,
      "s.csv:2:9: rank 1, cell 3: stage 0 stands on rank 0 too (cell 1 there)" },
    { "0F0,0B0,2F0,2B0", MPP_ERROR_INVALID, "s.csv:1:9: rank 0, cell 3: stage 2 has passes, but stage 1 has none" },
    { "90000000F0", MPP_ERROR_INVALID, "s.csv:1:1: rank 0, cell 1: stage 90000000 has passes, but not all 90000000 before it have" },
    { "0F1,0B1", MPP_ERROR_INVALID, "s.csv:1:1: rank 0, cell 1: stage 0 has no pass of micro-batch 0; the file has micro-batches up to 1" },
    { "0F0,0F90000000,0B0,0B90000000", MPP_ERROR_INVALID,
      "s.csv:1:1: rank 0, cell 1: stage 0 has no pass of micro-batch 1; the file has micro-batches up to 90000000" },
    { "0F0,0F0,0B0", MPP_ERROR_INVALID, "s.csv:1:5: rank 0, cell 2: 0F0 stands twice" },
    { "0F0,0B0,0B0", MPP_ERROR_INVALID, "s.csv:1:9: rank 0, cell 3: 0B0 stands twice" },
    { "0F0,0I0,0B0,0W0", MPP_ERROR_INVALID, "s.csv:1:9: rank 0, cell 3: 0B0 stands twice" },
    { "0B0,0F0", MPP_ERROR_INVALID, "s.csv:1:1: rank 0, cell 1: 0B0 stands before its forward pass, or has none" },
    { "0F0,0W0,0I0", MPP_ERROR_INVALID, "s.csv:1:5: rank 0, cell 2: 0W0 stands before the gradient of its input, or has none" },
    { "0F0,0F1,0B0,0W0,0I1,0W1", MPP_ERROR_INVALID,
      "s.csv:1:13: rank 0, cell 4: 0W0 stands after a backward pass that has the weights' gradient already" },
    { "0F0,0F1,0B0", MPP_ERROR_INVALID, "s.csv:1:5: rank 0, cell 2: 0F1 has no backward pass after it" },
    { "0F0,0I0", MPP_ERROR_INVALID, "s.csv:1:5: rank 0, cell 2: 0I0 has no gradient of the weights after it" },
    { "0F0,0B0,0F1,0B1\n1F0,1F1,1B1,1B0", MPP_ERROR_INVALID,
      "s.csv: deadlock: 0B0 on rank 0 waits for 1B0 on rank 1 that stands after 1F1, 1F1 on rank 1 waits for 0F1 on rank 0 that "
      "stands after 0B0" },
    { "0F0,(0F1;0B0)OVERLAP_F_B,0B1\n1F0,(1F1;1B0)OVERLAP_F_B,1B1", MPP_ERROR_INVALID,
      "s.csv: deadlock: passes that run together wait for each other's outputs" },
    { "(0F0;0B0)OVERLAP_F_B", MPP_ERROR_INVALID, "s.csv: deadlock: passes that run together wait for each other's outputs" },
    { "0F0,0B0,1UNSHARD\n1F0,1B0", MPP_ERROR_INVALID,
      "s.csv:1:9: rank 0, cell 3: 1UNSHARD stands on a rank that does not have the stage" },
    { "0F0,0SEND_F1,0B0\n1F0,1B0", MPP_ERROR_INVALID, "s.csv:1:5: rank 0, cell 2: 0SEND_F1 is of a micro-batch without passes" },
    { "0F0,0SEND_F0,0SEND_F0,0B0\n1F0,1B0", MPP_ERROR_INVALID, "s.csv:1:14: rank 0, cell 3: 0SEND_F0 stands twice" },
    { "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0,1SEND_F0", MPP_ERROR_INVALID,
      "s.csv:2:27: rank 1, cell 5: 1SEND_F0 has no stage on another rank at its other end" },
    { "0SEND_F0,0F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0", MPP_ERROR_INVALID,
      "s.csv:1:1: rank 0, cell 1: 0SEND_F0 stands before the pass that makes it" },
    { "0F0,0SEND_F0,0B0,0RECV_B0\n1RECV_F0,1F0,1B0,1SEND_B0", MPP_ERROR_INVALID,
      "s.csv:1:18: rank 0, cell 4: 0RECV_B0 stands after the pass that needs it" },
    { "0F0,0SEND_F0,0RECV_B0,0B0\n1F0,1B0,1SEND_B0", MPP_ERROR_INVALID,
      "s.csv:1:5: rank 0, cell 2: 0SEND_F0 has no 1RECV_F0 on rank 1" },
    { "0F0,0RECV_B0,0B0\n1F0,1B0,1SEND_B0", MPP_ERROR_INVALID,
      "s.csv:1:1: rank 0, cell 1: 0F0 is not sent to the rank that needs it" },
    { "0F0,0F1,0B0,0REDUCE_GRAD,0B1", MPP_ERROR_INVALID,
      "s.csv:1:13: rank 0, cell 4: 0REDUCE_GRAD stands before the last gradient of the stage" },
    { "0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1\n"
      "1RECV_F1,1RECV_F0,1F0,1B0,1SEND_B0,1F1,1B1,1SEND_B1", MPP_ERROR_INVALID,
      "s.csv:2:10: rank 1, cell 2: 1RECV_F0 stands after 1RECV_F1, but rank 0 sends them in the other order" },
};

static void test_bad(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCsv) csv = parse(bad_rows[i].text, &error);
        g_assert_null(csv);
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", 2);
        g_assert_cmpstr(lines[0], ==, bad_rows[i].message);
        g_assert_true(g_error_matches(error, MPP_ERROR, bad_rows[i].code));
    }
}

/** The line and a caret under the cell follow. */
static void test_place(void)
{
    GError *error = NULL;
    g_assert_null(parse("0F0,0B0\n1F0,1Z0\n", &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX,
                     "s.csv:2:5: rank 1, cell 2: \"1Z0\" is no action" EXPECTED "\n    2 | 1F0,1Z0\n      |     ^");
}

static const struct {
    const char *text;
    MppCsvDialect dialect;
    bool comms;
    const char *written; /* or the error */
} write_rows[] = {
    { "0F0,,0I0,0F1,0W0,0B1", MPP_CSV_CURRENT, false, "0F0,0I0,0F1,0W0,0B1\n" },
    { "0F0,0I0,0F1,0W0,0B1", MPP_CSV_2024, false, "0F0,0B0,0F1,0W0,0BW1\n" },
    { "0F0,0F1,0B0,(0F2;0B1)OVERLAP_F_B,0B2", MPP_CSV_CURRENT, false, "0F0,0F1,0B0,(0F2;0B1)OVERLAP_F_B,0B2\n" },
    { "0F0,0F1,0B0,(0F2;0B1)OVERLAP_F_B,0B2", MPP_CSV_2024, false, "the dialect of 2024 has no passes that run together" },
    { "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1I1,1W1", MPP_CSV_CURRENT, true,
      "0UNSHARD,0F0,0SEND_F0,0F1,0SEND_F1,0RECV_B0,0B0,0RECV_B1,0B1,0REDUCE_GRAD,0RESHARD\n"
      "1UNSHARD,1RECV_F0,1F0,1RECV_F1,1B0,1SEND_B0,1F1,1I1,1SEND_B1,1W1,1REDUCE_GRAD,1RESHARD\n" },
    /* the turn of a V stays on its rank; a pair's gradient is reduced after the pair */
    { "0F0,3F0,3B0,0F1,(3F1;0B0)OVERLAP_F_B,3B1,0B1\n1F0,2F0,2B0,1F1,1B0,2F1,2B1,1B1", MPP_CSV_2024, true,
      "the dialect of 2024 has no passes that run together" },
    { "0F0,1F0,1B0,0B0", MPP_CSV_2024, true, "0UNSHARD,1UNSHARD,0F0,1F0,1BW0,1REDUCE_GRAD,1RESHARD,0BW0,0REDUCE_GRAD,0RESHARD\n" },
    { "0F0,1F0,2F0,3F0,3B0,2B0,1B0,0B0", MPP_CSV_CURRENT, true,
      "0UNSHARD,1UNSHARD,2UNSHARD,0F0,0RESHARD,3UNSHARD,1F0,2F0,3F0,3B0,3REDUCE_GRAD,3RESHARD,0UNSHARD,2B0,2REDUCE_GRAD,2RESHARD,"
      "1B0,1REDUCE_GRAD,1RESHARD,0B0,0REDUCE_GRAD,0RESHARD\n" },
    { "0F0,1F0,0F1,1B0,(0B0;1F1)OVERLAP_F_B,1B1,0B1", MPP_CSV_CURRENT, true,
      "0UNSHARD,1UNSHARD,0F0,1F0,0F1,1B0,(0B0;1F1)OVERLAP_F_B,1B1,1REDUCE_GRAD,1RESHARD,0B1,0REDUCE_GRAD,0RESHARD\n" },
};

static void test_write(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(write_rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCsv) csv = parse(write_rows[i].text, &error);
        g_assert_no_error(error);
        MppCsvStyle style = { write_rows[i].dialect, write_rows[i].comms, csv->pairs };
        g_autofree char *text = mpp_csv_to_text(csv->order, &style, &error);
        g_assert_cmpstr(text ? text : error->message, ==, write_rows[i].written);
    }
}

static void test_two_routes(void)
{
    GError *error = NULL;
    g_autoptr(MppOrder) order = mpp_order_new(1, 2, 1);
    order->n_routes = 2;
    g_assert_null(mpp_csv_to_text(order, &(MppCsvStyle){ 0 }, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_UNSUPPORTED,
                     "PyTorch's schedules have one route through all stages, this one has two");
}

static void test_load(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "s.csv", "0F0,0B0\n1F0,1B0\n");
    GError *error = NULL;
    g_autoptr(MppCsv) csv = mpp_csv_load(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(csv->order->pp, ==, 2);
    g_autofree char *missing = g_build_filename(folder, "none.csv", NULL);
    g_assert_null(mpp_csv_load(missing, &error));
    g_assert_true(g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT));
    g_clear_error(&error);
    g_assert_null(mpp_csv_load(folder, &error));
    g_autofree char *expected = g_strconcat(folder, ": this is a directory; expected a file", NULL);
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX, expected);
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csv/read", test_read);
    g_test_add_func("/csv/bad", test_bad);
    g_test_add_func("/csv/place", test_place);
    g_test_add_func("/csv/write", test_write);
    g_test_add_func("/csv/two-routes", test_two_routes);
    g_test_add_func("/csv/load", test_load);
    return g_test_run();
}
