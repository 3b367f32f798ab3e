#include "planner/base/units.h"

typedef struct {
    double value;
    const char *text;
} Row;

static void test_seconds(void)
{
    static const Row rows[] = {
        { 0, "0 s" },            { 2.385e-9, "0.00 µs" }, { 1.2385e-6, "1.24 µs" }, { 99.94e-6, "99.9 µs" },
        { 99.96e-6, "100 µs" },  { 999.4e-6, "999 µs" },  { 999.6e-6, "1.00 ms" },  { 1.2385e-3, "1.24 ms" },
        { 9.994e-3, "9.99 ms" }, { 9.996e-3, "10.0 ms" }, { 0.9994, "999 ms" },     { 0.9996, "1.00 s" },
        { 2.305, "2.31 s" },     { 599, "599 s" },        { 600, "10.0 min" },      { 7199, "120 min" },
        { 7200, "2.00 h" },      { 11520, "3.20 h" },     { 172799, "48.0 h" },     { 172800, "2.00 days" },
        { 8.64e7, "1000 days" }, { -0.0231, "-23.1 ms" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = mpp_units_seconds(rows[i].value);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_bytes(void)
{
    static const Row rows[] = {
        { 0, "0 B" },
        { 1023, "1023 B" },
        { 1024, "1 KiB" },
        { 5.3 * 1024, "5 KiB" },
        { 1048576, "1.0 MiB" },
        { 61.34 * 1073741824, "61.3 GiB" },
        { 1023.94 * 1073741824, "1023.9 GiB" },
        { 1023.96 * 1073741824, "1.0 TiB" },
        { 3.26 * 1125899906842624, "3.3 PiB" },
        { 4096. * 1125899906842624, "4096.0 PiB" },
        { -1.55 * 1048576, "-1.6 MiB" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = mpp_units_bytes(rows[i].value);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_count(void)
{
    static const Row rows[] = {
        { 0, "0" },
        { 385, "385" },
        { 1537, "1.54 K" },
        { 124439808, "124 M" },
        { 6658473984, "6.66 B" },
        { 405853388800, "406 B" },
        { 1.0e12, "1 T" },
        { 1.2e15, "1200 T" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = mpp_units_count(rows[i].value);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_whole(void)
{
    static const Row rows[] = {
        { 0, "0" },
        { 7, "7" },
        { 385, "385" },
        { 1537, "1,537" },
        { 56799.6, "56,800" },
        { 1234567, "1,234,567" },
        { -385, "-385" },
        { -1537, "-1,537" },
        { 9e15, "9,000,000,000,000,000" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = mpp_units_whole(rows[i].value);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/units/seconds", test_seconds);
    g_test_add_func("/units/bytes", test_bytes);
    g_test_add_func("/units/count", test_count);
    g_test_add_func("/units/whole", test_whole);
    return g_test_run();
}
