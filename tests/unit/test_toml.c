#include "planner/base/toml.h"

#include "tests/support/expect.h"

static void test_values(void)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        { "", "{}" },
        { "# only a comment\n\n", "{}" },
        { "a = 1", "{\"a\":1}" },
        { "a = -1_000 # thousand\r\nb = +2.5e1\n", "{\"a\":-1000,\"b\":25}" },
        { "a = true\nb=false", "{\"a\":true,\"b\":false}" },
        { "a = \"x\\ty \\u00e9 \\\"\"", "{\"a\":\"x\\ty é \\\"\"}" },
        { "a = 'C:\\no'", "{\"a\":\"C:\\\\no\"}" },
        { "a = [1, 2,\n # in between\n 3,\n]", "{\"a\":[1,2,3]}" },
        { "a = [[\"x\"], []]", "{\"a\":[[\"x\"],[]]}" },
        { "a = { b = 1, c.d = 'e' }", "{\"a\":{\"b\":1,\"c\":{\"d\":\"e\"}}}" },
        { "[s]\na = 1\n[s.t]\nb = 2", "{\"s\":{\"a\":1,\"t\":{\"b\":2}}}" },
        { "[s.t]\nb = 2\n[s]\na = 1", "{\"s\":{\"t\":{\"b\":2},\"a\":1}}" },
        { "[[p]]\na = 1\n[[p]]\na = 2\n[p.q]\nb = 3", "{\"p\":[{\"a\":1},{\"a\":2,\"q\":{\"b\":3}}]}" },
        { "\"quoted key\" = 1\n'an.other' = 2\nx.y.z = 3", "{\"quoted key\":1,\"an.other\":2,\"x\":{\"y\":{\"z\":3}}}" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) toml = mpp_toml_parse("t.toml", rows[i].text, &error);
        g_assert_no_error(error);
        mpp_expect_printed(toml->root, rows[i].json);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *text, *message;
        MppError code;
    } rows[] = {
        { "a", "t.toml:1:2: expected = and a value\n    1 | a\n      |  ^", MPP_ERROR_SYNTAX },
        { "a = ", "t.toml:1:5: expected a value\n    1 | a = \n      |     ^", MPP_ERROR_SYNTAX },
        { "\n\n a = bad", "t.toml:3:6: expected a value\n    3 |  a = bad\n      |      ^", MPP_ERROR_SYNTAX },
        { "a = 1 2", "t.toml:1:7: expected the end of the line\n    1 | a = 1 2\n      |       ^", MPP_ERROR_SYNTAX },
        { "a = 1\na = 2", "t.toml:2:1: the key \"a\" stands twice in this table\n    2 | a = 2\n      | ^", MPP_ERROR_SYNTAX },
        { "[s]\n[s]", "t.toml:2:1: this table stands twice\n    2 | [s]\n      | ^", MPP_ERROR_SYNTAX },
        { "a = 1\n[a.b]", "t.toml:2:2: \"a\" already is a value, nothing can be put into it\n    2 | [a.b]\n      |  ^",
          MPP_ERROR_SYNTAX },
        { "a = {}\na.b = 1", "t.toml:2:1: \"a\" already is a value, nothing can be put into it\n    2 | a.b = 1\n      | ^",
          MPP_ERROR_SYNTAX },
        { "a = {}\n[a]", "t.toml:2:1: [a] stands twice\n    2 | [a]\n      | ^", MPP_ERROR_SYNTAX },
        { "a = 1\n[[a]]", "t.toml:2:1: \"a\" already is a value, no array of tables\n    2 | [[a]]\n      | ^",
          MPP_ERROR_SYNTAX },
        { "a = [1 2]", "t.toml:1:8: expected , or ] in an array\n    1 | a = [1 2]\n      |        ^", MPP_ERROR_SYNTAX },
        { "a = { b = 1", "t.toml:1:12: expected , or } in an inline table\n    1 | a = { b = 1\n      |            ^",
          MPP_ERROR_SYNTAX },
        { "[s", "t.toml:1:3: expected ]\n    1 | [s\n      |   ^", MPP_ERROR_SYNTAX },
        { "[]", "t.toml:1:2: expected a key\n    1 | []\n      |  ^", MPP_ERROR_SYNTAX },
        { "a = \"x", "t.toml:1:5: the string does not end, or has an escape that is none\n    1 | a = \"x\n      |     ^",
          MPP_ERROR_SYNTAX },
        { "a = \"\\q\"",
          "t.toml:1:6: the string does not end, or has an escape that is none\n    1 | a = \"\\q\"\n      |      ^",
          MPP_ERROR_SYNTAX },
        { "a = \"\"\"x\"\"\"", "t.toml:1:5: strings of several lines are not read\n    1 | a = \"\"\"x\"\"\"\n      |     ^",
          MPP_ERROR_UNSUPPORTED },
        { "a = 1979-05-27",
          "t.toml:1:5: dates, times and numbers that are not decimal are not read\n    1 | a = 1979-05-27\n      |     ^",
          MPP_ERROR_UNSUPPORTED },
        { "a = 0xff", "t.toml:1:5: dates, times and numbers that are not decimal are not read\n    1 | a = 0xff\n      |     ^",
          MPP_ERROR_UNSUPPORTED },
        { "a = 1__0", "t.toml:1:5: expected a value\n    1 | a = 1__0\n      |     ^", MPP_ERROR_SYNTAX },
        { "a = 1e999", "t.toml:1:5: expected a value\n    1 | a = 1e999\n      |     ^", MPP_ERROR_SYNTAX },
        { "a = '\xff'", "t.toml:1:6: this is not UTF-8\n    1 | a = '\xef\xbf\xbd'\n      |      ^", MPP_ERROR_SYNTAX },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_toml_parse("t.toml", rows[i].text, &error));
        mpp_expect_error(&error, MPP_ERROR, rows[i].code, rows[i].message);
    }
}

/** The place of a node, as field tables report it. */
static void test_places(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) toml = mpp_toml_parse("t.toml", "[s]\n\nxs = [1,\n  2]\n", &error);
    const cJSON *second = cJSON_GetArrayItem(mpp_json_get(mpp_json_get(toml->root, "s"), "xs"), 1);
    mpp_json_error(&error, toml, second, MPP_ERROR_SCHEMA, "wrong");
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SCHEMA, "t.toml:4:3: /s/xs/1: wrong\n    4 |   2]\n      |   ^");
}

static void test_nesting(void)
{
    g_autoptr(GString) text = g_string_new("a = ");
    for (int i = 0; i < 1000; i++)
        g_string_append_c(text, '[');
    g_autoptr(GError) error = NULL;
    g_assert_null(mpp_toml_parse("t.toml", text->str, &error));
    g_assert_error(error, MPP_ERROR, MPP_ERROR_SYNTAX);
    g_assert_nonnull(strstr(error->message, "values are nested too deep"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/toml/values", test_values);
    g_test_add_func("/toml/errors", test_errors);
    g_test_add_func("/toml/places", test_places);
    g_test_add_func("/toml/nesting", test_nesting);
    return g_test_run();
}
