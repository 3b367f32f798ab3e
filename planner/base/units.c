#include "planner/base/units.h"

#include <math.h>
#include <string.h>

static int decimals(double value)
{
    return fabs(value) < 9.995 ? 2 : fabs(value) < 99.95 ? 1 : 0;
}

char *mpp_units_seconds(double seconds)
{
    static const struct { double from, unit; const char *name; } scales[] = {
        { 172800, 86400, "days" }, { 7200, 3600, "h" }, { 600, 60, "min" },
        { 0.9995, 1, "s" },        { 0.9995e-3, 1e-3, "ms" }, { 0, 1e-6, "µs" },
    };
    if (seconds == 0)
        return g_strdup("0 s");
    for (size_t i = 0;; i++) {
        if (fabs(seconds) >= scales[i].from) {
            double value = seconds / scales[i].unit;
            return g_strdup_printf("%.*f %s", decimals(value), value, scales[i].name);
        }
    }
}

char *mpp_units_bytes(double bytes)
{
    static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    size_t i = 0;
    while (fabs(bytes) >= 1023.95 && i + 1 < G_N_ELEMENTS(names)) {
        bytes /= 1024;
        i++;
    }
    return g_strdup_printf("%.*f %s", i >= 2 ? 1 : 0, bytes, names[i]);
}

static char *with_prefix(double value, const char *const *prefixes, int n_prefixes, const char *suffix)
{
    int i = 0;
    while (fabs(value) >= 999.5 && i + 1 < n_prefixes) {
        value /= 1000;
        i++;
    }
    g_autofree char *number = g_strdup_printf("%.*f", decimals(value), value);
    if (strchr(number, '.')) {
        char *end = number + strlen(number) - 1;
        while (*end == '0')
            *end-- = '\0';
        if (*end == '.')
            *end = '\0';
    }
    return g_strdup_printf("%s %s%s", number, prefixes[i], suffix);
}

char *mpp_units_rate(double per_s, const char *unit)
{
    static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
    g_autofree char *suffix = g_strconcat(unit, "/s", NULL);
    return with_prefix(per_s, prefixes, G_N_ELEMENTS(prefixes), suffix);
}

char *mpp_units_count(double count)
{
    static const char *const prefixes[] = { "", "K", "M", "B", "T" };
    g_autofree char *text = with_prefix(count, prefixes, G_N_ELEMENTS(prefixes), "");
    return g_strdup(g_strchomp(text));
}

char *mpp_units_whole(double number)
{
    g_autofree char *digits = g_strdup_printf("%.0f", number);
    size_t n = strlen(digits);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && digits[i - 1] != '-' && (n - i) % 3 == 0)
            g_string_append_c(text, ',');
        g_string_append_c(text, digits[i]);
    }
    return g_string_free(text, FALSE);
}
