#include "planner/graph/draw/render.h"

#include <gvc.h>
#include <string.h>

#include "planner/graph/draw/palette.h"

static const char *const names[] = { "svg", "png", "pdf", "dot" };
const MppNames mpp_render_names = MPP_NAMES("format", names);

/* As Graphviz calls them; the ones that go through Cairo look alike. */
static const char *const renderers[] = { "svg", "png:cairo", "pdf", "dot" };

/** Puts the style sheet for dark backgrounds after the svg tag. */
static void add_style(GString *svg)
{
    const char *tag = strstr(svg->str, "<svg"), *end = tag ? strchr(tag, '>') : NULL;
    g_autofree char *style = mpp_palette_style();
    g_autofree char *element = g_strdup_printf("\n<style>%s</style>", style);
    if (end)
        g_string_insert(svg, end + 1 - svg->str, element);
}

/**
 * The layout is not freed: where labels stand between nodes of the first rank Graphviz 2.42 frees it wrongly, and the
 * process ends soon.
 */
static GString *render(GVC_t *context, Agraph_t *drawn, MppRender format, GError **error)
{
    char *data = NULL;
    unsigned n_bytes = 0;
    if (gvLayout(context, drawn, "dot") != 0) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "Graphviz could not lay the graph out");
        return NULL;
    }
    bool drew = gvRenderData(context, drawn, renderers[format], &data, &n_bytes) == 0 && data;
    GString *out = drew ? g_string_new_len(data, n_bytes) : NULL;
    if (!drew)
        g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "Graphviz could not write %s", names[format]);
    gvFreeRenderData(data);
    if (drew && format == MPP_RENDER_SVG)
        add_style(out);
    return out;
}

GString *mpp_render(Agraph_t *drawn, MppRender format, GError **error)
{
    GVC_t *context = gvContext();
    GString *out = render(context, drawn, format, error);
    gvFreeContext(context);
    return out;
}
