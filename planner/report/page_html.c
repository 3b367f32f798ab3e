#include <gio/gio.h>
#include <string.h>

#include "planner/report/page.h"

#define PAGE_FOLDER "/mpplan/planner/report/page/"

/** The program's own file of the page. */
static void append_file(GString *out, const char *name)
{
    g_autofree char *path = g_strconcat(PAGE_FOLDER, name, NULL);
    g_autoptr(GBytes) bytes = g_resources_lookup_data(path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    g_assert(bytes); /* compiled in */
    g_string_append_len(out, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
}

/** JSON within a script element: no text may end the element or begin a comment. */
static void append_data(GString *out, const cJSON *data)
{
    char *text = cJSON_PrintUnformatted(data);
    g_auto(GStrv) parts = g_strsplit(text, "<", -1);
    cJSON_free(text);
    g_autofree char *safe = g_strjoinv("\\u003c", parts);
    g_string_append(out, safe);
}

static void append_text(GString *out, const cJSON *data, const char *member)
{
    g_autofree char *text = g_markup_escape_text(mpp_json_get(data, member)->valuestring, -1);
    g_string_append(out, text);
}

/** Files of a page: its frame, and its scripts in order. */
static const struct {
    const char *frame, *scripts[8];
} pages[] = {
    [MPP_PAGE_PLAN] = { "page.html",
                        { "base.js", "layout.js", "memory.js", "timeline.js", "charts.js", "tables.js", "main.js" } },
    [MPP_PAGE_ACCURACY] = { "accuracy.html", { "base.js", "scatter.js", "effects.js", "accuracy.js" } },
};

char *mpp_page_html(MppPageKind kind, const cJSON *data)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GString) frame = g_string_new(NULL);
    append_file(frame, pages[kind].frame);
    g_auto(GStrv) pieces = g_strsplit(frame->str, "{{", -1);
    for (char **piece = pieces; *piece; piece++) {
        char *end = piece == pieces ? NULL : strstr(*piece, "}}");
        g_autofree char *name = end ? g_strndup(*piece, (gsize)(end - *piece)) : NULL;
        if (g_strcmp0(name, "style") == 0)
            append_file(out, "page.css");
        else if (g_strcmp0(name, "data") == 0)
            append_data(out, data);
        else if (g_strcmp0(name, "script") == 0)
            for (const char *const *script = pages[kind].scripts; *script; script++)
                append_file(out, *script);
        else if (name)
            append_text(out, data, name);
        g_string_append(out, end ? end + 2 : *piece);
    }
    return g_string_free(out, FALSE);
}
