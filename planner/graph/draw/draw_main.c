/**
 * mpplan-draw: a partition graph, as JSON on standard input, drawn to standard output.
 *
 * A program of its own, since Graphviz's licence does not go with that of GSL, which mpplan links.
 */
#include <locale.h>
#include <stdio.h>

#include "planner/graph/draw/draw_graph.h"
#include "planner/graph/draw/render.h"

#ifdef __SANITIZE_ADDRESS__
__attribute__((visibility("default"))) const char *__asan_default_options(void);

/** Graphviz and fontconfig keep what they once allocated. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static GString *read_all(FILE *file, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char block[1 << 16];
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        g_string_append_len(text, block, (gssize)n);
    if (!ferror(file))
        return g_steal_pointer(&text);
    g_set_error(error, MPP_ERROR, MPP_ERROR_BACKEND, "standard input could not be read");
    return NULL;
}

static bool draw(MppRender format, GError **error)
{
    g_autoptr(GString) text = read_all(stdin, error);
    g_autoptr(MppJson) json = text ? mpp_json_parse("standard input", text->str, text->len, 1, error) : NULL;
    g_autoptr(MppPartitionGraph) graph = json ? mpp_partition_graph_read(json, error) : NULL;
    if (!graph)
        return false;
    Agraph_t *drawn = mpp_draw_graph(graph);
    g_autoptr(GString) out = mpp_render(drawn, format, error);
    agclose(drawn);
    if (!out)
        return false;
    if (fwrite(out->str, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
        return true;
    return mpp_error_set(error, MPP_ERROR_BACKEND, "standard output could not be written");
}

int main(int argc, char **argv)
{
    int format = argc == 2 ? mpp_names_find(&mpp_render_names, argv[1]) : -1;
    if (format < 0) {
        fputs("usage: mpplan-draw svg|png|pdf|dot < graph.json > picture\n"
              "mpplan graph starts it; by itself it draws what mpplan graph -o graph.json wrote.\n",
              stderr);
        return 2;
    }
    setlocale(LC_CTYPE, "");
    g_autoptr(GError) error = NULL;
    if (draw(format, &error))
        return 0;
    fprintf(stderr, "mpplan-draw: %s\n", error->message);
    return mpp_error_exit_status(error);
}
