#include "validate/run_report.h"

#include "tests/support/expect.h"

static const char text[] =
    "{\"backend\": \"cpu\", \"steps_s\": [0.31, 0.25, 0.29, 0.27], \"losses\": [4.25],"
    " \"ranks\": [{\"rank\": 0, \"stage\": 0, \"peak_bytes\": 4096, \"actions\": [{\"kind\": \"pass\", \"pass\": \"B\", "
    "\"chunk\": 3,"
    " \"micro_batch\": 7, \"start_s\": 0.125, \"duration_s\": 0.5}], \"ops\": [{\"name\": \"router\", \"forward_s\": 0.0625}]}],"
    " \"numerics\": [{\"step\": 1, \"loss\": 4.25, \"whole_loss\": 4, \"norm\": 2, \"whole_norm\": 2.5, \"worst_gradient\": 0.01,"
    " \"parameter\": \"w\"}]}";

static MppRunReport *read_back(const char *from)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_expect_json(from);
    MppRunReport *report = g_new0(MppRunReport, 1);
    bool read = mpp_fields_read(&mpp_run_report_fields, json, json->root, report, &error);
    g_assert_no_error(error);
    g_assert_true(read);
    return report;
}

static void test_round_trip(void)
{
    g_autoptr(MppRunReport) report = read_back(text);
    g_autoptr(cJSON) first = mpp_fields_write(&mpp_run_report_fields, report, false);
    g_autofree char *once = mpp_json_to_text(first);
    g_autoptr(MppRunReport) again = read_back(once);
    g_autoptr(cJSON) second = mpp_fields_write(&mpp_run_report_fields, again, false);
    g_assert_true(cJSON_Compare(first, second, true));
    const MppMeasuredRank *rank = &g_array_index(again->ranks, MppMeasuredRank, 0);
    const MppMeasuredAction *action = &g_array_index(rank->actions, MppMeasuredAction, 0);
    g_assert_cmpint(action->kind, ==, MPP_ACTION_PASS);
    g_assert_cmpint(action->pass, ==, MPP_PASS_BACKWARD);
    g_assert_cmpint(action->micro_batch, ==, 7);
}

/** A rank's part travels as text. */
static void test_rank_text(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppRunReport) from = read_back(text), to = mpp_run_report_new("cpu");
    g_autofree char *line = mpp_measured_rank_to_text(&g_array_index(from->ranks, MppMeasuredRank, 0));
    g_assert_true(mpp_run_report_add_rank(to, line, &error));
    g_assert_cmpfloat(g_array_index(to->ranks, MppMeasuredRank, 0).peak_bytes, ==, 4096);
    g_assert_false(mpp_run_report_add_rank(to, "{\"rank\": 1}", &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_SCHEMA);
}

static void test_figures(void)
{
    g_autoptr(MppRunReport) report = read_back(text), empty = mpp_run_report_new("cpu");
    g_assert_cmpfloat_with_epsilon(mpp_run_report_step_s(report), 0.28, 1e-12);
    g_assert_cmpfloat(mpp_run_report_step_s(empty), ==, 0);
    g_assert_cmpfloat_with_epsilon(mpp_run_report_worst(report), 0.2, 1e-12); /* of the norm */
    g_assert_cmpfloat(mpp_run_report_worst(empty), ==, 0);
    g_assert_cmpfloat(mpp_median((const double[]){ 3, 1, 2 }, 3), ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-report/round-trip", test_round_trip);
    g_test_add_func("/run-report/rank-text", test_rank_text);
    g_test_add_func("/run-report/figures", test_figures);
    return g_test_run();
}
