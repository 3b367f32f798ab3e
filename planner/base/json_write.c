#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/base/file.h"
#include "planner/base/json.h"

/** The shortest text that reads back equal; whole numbers below 1e9 without an exponent. */
static char *number_text(double value)
{
    char fixed[40], scientific[40];
    g_ascii_formatd(fixed, sizeof fixed, "%.17g", value);
    for (int digits = 1; digits <= 17; digits++) {
        char format[8];
        g_snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(scientific, sizeof scientific, format, value);
        if (g_ascii_strtod(scientific, NULL) == value)
            break;
    }
    bool whole = floor(value) == value && fabs(value) < 1e15;
    if (whole)
        g_ascii_formatd(fixed, sizeof fixed, "%.0f", value);
    char *e = strstr(scientific, "e+");
    if (e) { /* 7.5e+13 as 7.5e13, 1e+06 as 1e6 */
        char *digits = e + 2 + strspn(e + 2, "0");
        memmove(e + 1, digits, strlen(digits) + 1);
    }
    bool shorter = strlen(scientific) < strlen(fixed);
    return g_strdup(shorter && !(whole && fabs(value) < 1e9) ? scientific : whole ? fixed : scientific);
}

static void print_indented(GString *out, const cJSON *node, int depth);

static void print_children(GString *out, const cJSON *node, int depth, const char *open, const char *close)
{
    bool flat = true;
    const cJSON *child;
    cJSON_ArrayForEach(child, node)
        flat = flat && !cJSON_IsObject(child) && !cJSON_IsArray(child);
    flat = flat && cJSON_IsArray(node);

    g_string_append(out, open);
    cJSON_ArrayForEach(child, node) {
        if (child != node->child)
            g_string_append(out, flat ? ", " : ",");
        if (!flat)
            g_string_append_printf(out, "\n%*s", 2 * (depth + 1), "");
        print_indented(out, child, depth + 1);
    }
    if (!flat && node->child)
        g_string_append_printf(out, "\n%*s", 2 * depth, "");
    g_string_append(out, close);
}

static void print_indented(GString *out, const cJSON *node, int depth)
{
    if (node->string && depth) {
        g_autoptr(cJSON) key = cJSON_CreateStringReference(node->string);
        char *text = cJSON_PrintUnformatted(key);
        g_string_append_printf(out, "%s: ", text);
        cJSON_free(text);
    }
    if (cJSON_IsObject(node)) {
        print_children(out, node, depth, "{", "}");
    } else if (cJSON_IsArray(node)) {
        print_children(out, node, depth, "[", "]");
    } else if (cJSON_IsNumber(node)) {
        g_autofree char *text = number_text(node->valuedouble);
        g_string_append(out, text);
    } else {
        char *text = cJSON_PrintUnformatted(node);
        g_string_append(out, text);
        cJSON_free(text);
    }
}

char *mpp_json_to_text(const cJSON *root)
{
    GString *out = g_string_new(NULL);
    print_indented(out, root, 0);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

bool mpp_json_write(const cJSON *root, const char *path, GError **error)
{
    g_autofree char *text = mpp_json_to_text(root);
    if (path)
        return mpp_file_write(path, text, error);
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "standard output: %s", g_strerror(errno));
        return false;
    }
    return true;
}
