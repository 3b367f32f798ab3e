#include "planner/report/page.h"

#include <string.h>

/** What stands in the page's frame is text, what stands in its data can neither end nor comment out the script. */
static void test_escapes(void)
{
    g_autoptr(cJSON)
        data = cJSON_Parse("{\"title\":\"a </title><b> & {{plan}}\",\"plan\":\"tp 8\",\"answer\":\"</script><!--\"}");
    g_autofree char *html = mpp_page_html(MPP_PAGE_PLAN, data);
    g_assert_nonnull(strstr(html, "<title>tp 8 – a &lt;/title&gt;&lt;b&gt; &amp; {{plan}}</title>"));
    const char *start = strstr(html, "id=\"data\">"), *end = strstr(start, "</script>");
    g_autofree char *json = g_strndup(start + strlen("id=\"data\">"), (gsize)(end - start) - strlen("id=\"data\">"));
    g_assert_null(strchr(json, '<'));
    g_autoptr(cJSON) back = cJSON_Parse(json);
    g_assert_true(cJSON_Compare(back, data, true));
}

/** Every piece is there, none is left to fill in, and nothing is fetched. */
static void test_whole(void)
{
    g_autoptr(cJSON) data = cJSON_Parse("{\"title\":\"t\",\"plan\":\"p\",\"answer\":\"a\"}");
    g_autofree char *html = mpp_page_html(MPP_PAGE_PLAN, data);
    static const char *const pieces[] = { "--paper:",
                                          "function showLayout",
                                          "function showMemory",
                                          "function showTimeline",
                                          "function showPareto",
                                          "function showAlternatives",
                                          "showNumbers(data)",
                                          "</html>" };
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
        g_assert_nonnull(strstr(html, pieces[i]));
    static const char *const strangers[] = { "{{", "src=", "@import", "fetch(", "https://", "XMLHttp" };
    for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
        g_assert_null(strstr(html, strangers[i]));
}

/** The other page has its own frame and scripts, and the shared ones. */
static void test_accuracy(void)
{
    g_autoptr(cJSON) data = cJSON_Parse("{\"title\":\"t\",\"answer\":\"a\"}");
    g_autofree char *html = mpp_page_html(MPP_PAGE_ACCURACY, data);
    static const char *const pieces[] = { "--paper:", "function sortable", "function scatterPlot", "function effectRows", "showAccuracy();" };
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
        g_assert_nonnull(strstr(html, pieces[i]));
    g_assert_null(strstr(html, "function showTimeline"));
    g_assert_null(strstr(html, "{{"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page-html/escapes", test_escapes);
    g_test_add_func("/page-html/whole", test_whole);
    g_test_add_func("/page-html/accuracy", test_accuracy);
    return g_test_run();
}
