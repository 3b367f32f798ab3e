#include "planner/base/error.h"

#include <gio/gio.h>

static void test_exit_status(void)
{
    static const struct {
        MppError code;
        int status;
    } rows[MPP_N_ERRORS] = {
        { MPP_ERROR_SYNTAX, 5 },      { MPP_ERROR_SCHEMA, 5 },  { MPP_ERROR_INVALID, 5 },
        { MPP_ERROR_INFEASIBLE, 3 },  { MPP_ERROR_USAGE, 2 },   { MPP_ERROR_NUMERIC, 1 },
        { MPP_ERROR_UNSUPPORTED, 5 }, { MPP_ERROR_BACKEND, 1 }, { MPP_ERROR_TOLERANCE, 4 },
        { MPP_ERROR_INTERRUPTED, 130 }, { MPP_ERROR_TERMINATED, 143 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = g_error_new_literal(MPP_ERROR, rows[i].code, "x");
        g_assert_cmpint(mpp_error_exit_status(error), ==, rows[i].status);
    }
}

static void test_other_domains(void)
{
    const struct {
        GQuark domain;
        int code, status;
    } rows[] = {
        { G_FILE_ERROR, G_FILE_ERROR_NOENT, 1 },
        { G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, 2 },
        { G_IO_ERROR, G_IO_ERROR_BUSY, 1 },
        { MPP_ERROR, MPP_N_ERRORS, 1 },
        { MPP_ERROR, -1, 1 },
    };
    g_assert_cmpint(mpp_error_exit_status(NULL), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = g_error_new_literal(rows[i].domain, rows[i].code, "x");
        g_assert_cmpint(mpp_error_exit_status(error), ==, rows[i].status);
    }
    g_assert_cmpstr(g_quark_to_string(mpp_error_quark()), ==, "mpp-error");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/exit-status", test_exit_status);
    g_test_add_func("/error/other-domains", test_other_domains);
    return g_test_run();
}
