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

char *mpp_units_count(double count)
{
    static const char *const suffixes[] = { "", " K", " M", " B", " T" };
    size_t i = 0;
    while (fabs(count) >= 999.5 && i + 1 < G_N_ELEMENTS(suffixes)) {
        count /= 1000;
        i++;
    }
    g_autofree char *number = g_strdup_printf("%.*f", decimals(count), count);
    if (strchr(number, '.')) {
        char *end = number + strlen(number) - 1;
        while (*end == '0')
            *end-- = '\0';
        if (*end == '.')
            *end = '\0';
    }
    return g_strconcat(number, suffixes[i], NULL);
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
