#include "planner/cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool mpp_terminal_has_colour(void)
{
    const char *no_colour = g_getenv("NO_COLOR"), *term = g_getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && g_strcmp0(term, "dumb") != 0;
}

char *mpp_terminal_styled(const char *code, const char *text)
{
    return mpp_terminal_has_colour() ? g_strdup_printf("\033[%sm%s\033[0m", code, text) : g_strdup(text);
}

char *mpp_terminal_bar(double frac, int width)
{
    GString *bar = g_string_new(NULL);
    int full = (int)(CLAMP(frac, 0, 1) * width + 0.5);
    for (int i = 0; i < width; i++)
        g_string_append(bar, i < full ? "█" : "░");
    return g_string_free(bar, FALSE);
}

void mpp_terminal_flow(const char *label, const char *separator, const char *const *items)
{
    enum { MOST_COLUMNS = 110 };
    long indent = g_utf8_strlen(label, -1), column = indent;
    fputs(label, stdout);
    for (int i = 0; items[i]; i++) {
        long width = g_utf8_strlen(items[i], -1), gap = i ? g_utf8_strlen(separator, -1) : 0;
        bool breaks = i && column + gap + width > MOST_COLUMNS;
        if (breaks)
            printf("\n%*s", (int)indent, "");
        printf("%s%s", i && !breaks ? separator : "", items[i]);
        column = breaks ? indent + width : column + gap + width;
    }
    puts("");
}

struct MppTable {
    char **titles;
    guint n_columns;
    GPtrArray *cells;
};

MppTable *mpp_table_new(const char *columns)
{
    MppTable *table = g_new0(MppTable, 1);
    table->titles = g_strsplit(columns, "|", -1);
    table->n_columns = g_strv_length(table->titles);
    table->cells = g_ptr_array_new_with_free_func(g_free);
    return table;
}

void mpp_table_free(MppTable *table)
{
    if (!table)
        return;
    g_strfreev(table->titles);
    g_ptr_array_unref(table->cells);
    g_free(table);
}

void mpp_table_add(MppTable *table, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(table->cells, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static bool right_aligned(const MppTable *table, guint column)
{
    return g_str_has_suffix(table->titles[column], " >");
}

static char *title_of(const MppTable *table, guint column)
{
    const char *title = table->titles[column];
    return right_aligned(table, column) ? g_strndup(title, strlen(title) - 2) : g_strdup(title);
}

static void append_cell(GString *line, const char *text, long width, bool right, bool last)
{
    long pad = width - g_utf8_strlen(text, -1);
    if (right)
        g_string_append_printf(line, "%*s", (int)pad, "");
    g_string_append(line, text);
    if (!right && !last)
        g_string_append_printf(line, "%*s", (int)pad, "");
    if (!last)
        g_string_append(line, "  ");
}

void mpp_table_print(const MppTable *table)
{
    g_autofree long *widths = g_new0(long, table->n_columns);
    for (guint c = 0; c < table->n_columns; c++) {
        g_autofree char *title = title_of(table, c);
        widths[c] = g_utf8_strlen(title, -1);
        for (guint i = c; i < table->cells->len; i += table->n_columns)
            widths[c] = MAX(widths[c], g_utf8_strlen(table->cells->pdata[i], -1));
    }
    g_autoptr(GString) head = g_string_new("  ");
    for (guint c = 0; c < table->n_columns; c++) {
        g_autofree char *title = title_of(table, c);
        append_cell(head, title, widths[c], right_aligned(table, c), c + 1 == table->n_columns);
    }
    g_autofree char *styled = mpp_terminal_styled("2", g_strchomp(head->str));
    puts(styled);
    for (guint i = 0; i < table->cells->len; i += table->n_columns) {
        g_autoptr(GString) line = g_string_new("  ");
        for (guint c = 0; c < table->n_columns && i + c < table->cells->len; c++)
            append_cell(line, table->cells->pdata[i + c], widths[c], right_aligned(table, c), c + 1 == table->n_columns);
        puts(g_strchomp(line->str));
    }
}
