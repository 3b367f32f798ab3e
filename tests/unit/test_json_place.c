#include "planner/base/json_place.h"

#include <string.h>

#include "tests/support/expect.h"

#define TEXT(text) (text), sizeof(text) - 1
#define LONG20 "aaaaaaaaaaaaaaaaaaaa"
#define LONG100 LONG20 LONG20 LONG20 LONG20 LONG20

static void test_places(void)
{
    g_autoptr(MppJson) json = mpp_expect_json("{ \"a\" : [ 1 , \"]},{\" ,\n {\"b\\\"c\":null}],\"d\":{\"e\":-2.5e3} }");
    const cJSON *a = mpp_json_get(json->root, "a"), *d = mpp_json_get(json->root, "d");
    const struct {
        const cJSON *node;
        size_t offset;
        const char *pointer;
    } rows[] = {
        { json->root, 0, "" },
        { a, 8, "/a" },
        { cJSON_GetArrayItem(a, 0), 10, "/a/0" },
        { cJSON_GetArrayItem(a, 1), 14, "/a/1" },
        { cJSON_GetArrayItem(a, 2), 24, "/a/2" },
        { mpp_json_get(cJSON_GetArrayItem(a, 2), "b\"c"), 32, "/a/2/b\"c" },
        { d, 43, "/d" },
        { mpp_json_get(d, "e"), 48, "/d/e" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *pointer = NULL;
        g_assert_cmpuint(mpp_json_place_of(json, rows[i].node, &pointer), ==, rows[i].offset);
        g_assert_cmpstr(pointer, ==, rows[i].pointer);
    }
    cJSON stranger = { 0 };
    g_autofree char *pointer = NULL;
    g_assert_cmpuint(mpp_json_place_of(json, &stranger, &pointer), ==, 0);
    g_assert_cmpstr(pointer, ==, "");

    g_autoptr(GError) error = NULL;
    g_assert_false(mpp_json_error(&error, json, mpp_json_get(d, "e"), MPP_ERROR_INVALID, "expected %d, got %s", 3, "less"));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID,
                     "t.json:2:26: /d/e: expected 3, got less\n    2 |  {\"b\\\"c\":null}],\"d\":{\"e\":-2.5e3} }\n"
                     "      |                          ^");
    g_assert_false(mpp_json_error(&error, json, NULL, MPP_ERROR_SCHEMA, "no"));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SCHEMA, "t.json:1:1: /: no\n    1 | { \"a\" : [ 1 , \"]},{\" ,\n      | ^");
}

/** A long line is shown around the column only. */
static void test_long_line(void)
{
    g_autoptr(GError) error = NULL;
    static const char text[] = "{\"" LONG100 "\": 1, \"k\": 1e999, \"" LONG100 "\": 2}";
    g_assert_null(mpp_json_parse("t.json", TEXT(text), 1, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX,
                     "t.json:1:114: /k: the number is too large\n    1 | " LONG20
                     "aaaaaaaaaaaaaaaaaaa\": 1, \"k\": 1e999, \"" LONG20 LONG20
                     "aa\n      |                                                   ^");
    g_autoptr(GString) wide = g_string_new("[\"");
    for (int i = 0; i < 150; i++)
        g_string_append(wide, "µ");
    g_string_append(wide, "\", 1e999]");
    g_assert_null(mpp_json_parse("t.json", wide->str, wide->len, 1, &error));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_true(g_str_has_suffix(error->message, "µ\", 1e999]\n      |                            ^"));
}

static void expect_places(const MppJson *json, const cJSON *node)
{
    g_autofree char *pointer = NULL;
    size_t offset = mpp_json_place_of(json, node, &pointer);
    g_assert_cmpuint(offset, <, json->n_bytes);
    g_assert_true(!cJSON_IsString(node) || json->text[offset] == '"');
    g_assert_true(!cJSON_IsObject(node) || json->text[offset] == '{');
    g_assert_true(!cJSON_IsArray(node) || json->text[offset] == '[');
    const cJSON *child;
    cJSON_ArrayForEach(child, node) expect_places(json, child);
}

/** Whatever the bytes, the text is refused with a readable message, or every node is found. */
static void test_spoilt_bytes(void)
{
    static const char seed[] =
        "\xef\xbb\xbf{\"a\\\"b\": [1, -2.5e3, \"µ]}\\\\\", {}, []], \"c\" : {\"d\":null,\"e\":[true, {\"f\": \"\"}]}}";
    static const char spoil[] = "{}[]\",:\\ue0-. \n\v\x01\xc3\0";
    g_autoptr(GRand) random = g_rand_new_with_seed(2385);
    int n_parsed = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof seed];
        size_t n = (size_t)g_rand_int_range(random, 0, 4) ? sizeof seed - 1 : (size_t)g_rand_int_range(random, 0, sizeof seed);
        memcpy(text, seed, sizeof seed);
        for (int k = g_rand_int_range(random, 0, 4); k > 0; k--)
            text[g_rand_int_range(random, 0, sizeof seed - 1)] = spoil[g_rand_int_range(random, 0, sizeof spoil - 1)];
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = mpp_json_parse("t.json", text, n, 1, &error);
        if (json)
            expect_places(json, json->root);
        else
            g_assert_true(g_utf8_validate(error->message, -1, NULL));
        n_parsed += json != NULL;
    }
    g_assert_cmpint(n_parsed, >, 4000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-place/places", test_places);
    g_test_add_func("/json-place/long-line", test_long_line);
    g_test_add_func("/json-place/spoilt-bytes", test_spoilt_bytes);
    return g_test_run();
}
