#include "planner/base/json.h"

#include <math.h>
#include <string.h>

#include "tests/support/expect.h"

typedef struct {
    const char *text;
    size_t n_bytes;
    const char *message;
} Refusal;

#define TEXT(text) (text), sizeof(text) - 1
#define LONG20 "aaaaaaaaaaaaaaaaaaaa"

static const Refusal refusals[] = {
    { TEXT(""), "t.json:7:1: the file is empty; expected JSON\n    7 | \n      | ^" },
    { TEXT(" \n "), "t.json:8:2: the JSON ends here, unfinished\n    8 |  \n      |  ^" },
    { TEXT("{\"a\": [1, 2"), "t.json:7:12: the JSON ends here, unfinished\n    7 | {\"a\": [1, 2\n      |            ^" },
    { TEXT("{\"a\": \"xy"), "t.json:7:10: the JSON ends here, unfinished\n    7 | {\"a\": \"xy\n      |          ^" },
    { TEXT("{\"a\": 1,}"), "t.json:7:9: this is not valid JSON\n    7 | {\"a\": 1,}\n      |         ^" },
    { TEXT("{\"a\": 1} x"), "t.json:7:10: this is not valid JSON\n    7 | {\"a\": 1} x\n      |          ^" },
    { TEXT("{\n  \"a\": NaN\n}"), "t.json:8:8: this is not valid JSON\n    8 |   \"a\": NaN\n      |        ^" },
    { TEXT("[-Infinity]"), "t.json:7:2: this is not valid JSON\n    7 | [-Infinity]\n      |  ^" },
    { TEXT("{a: 1}"), "t.json:7:2: this is not valid JSON\n    7 | {a: 1}\n      |  ^" },
    { TEXT("{'a': 1}"), "t.json:7:2: this is not valid JSON\n    7 | {'a': 1}\n      |  ^" },
    { TEXT("[\"\\q\"]"), "t.json:7:3: this is not valid JSON\n    7 | [\"\\q\"]\n      |   ^" },
    { TEXT("{\"a\": [0, 1e999]}"),
      "t.json:7:11: /a/1: the number is too large\n    7 | {\"a\": [0, 1e999]}\n      |           ^" },
    { TEXT("{\"a\": -1e999}"), "t.json:7:7: /a: the number is too large\n    7 | {\"a\": -1e999}\n      |       ^" },
    { TEXT("{\"a\": 1,\n \"b\": {\"c\": 2, \"c\": 3}}"),
      "t.json:8:21: /b/c: the key stands twice in this object\n    8 |  \"b\": {\"c\": 2, \"c\": 3}}\n"
      "      |                     ^" },
    { TEXT("{\"a/b~\": {\"x\": 1, \"x\": 2}}"),
      "t.json:7:24: /a~1b~0/x: the key stands twice in this object\n    7 | {\"a/b~\": {\"x\": 1, \"x\": 2}}\n"
      "      |                        ^" },
    { TEXT("{\"a\\u0062\": 1, \"ab\": 2}"),
      "t.json:7:22: /ab: the key stands twice in this object\n    7 | {\"a\\u0062\": 1, \"ab\": 2}\n"
      "      |                      ^" },
    { TEXT("\x7f"
           "ELF\0\0"),
      "t.json:7:1: this is a binary file; expected JSON\n    7 | ?ELF\n      | ^" },
    { TEXT("{\"a\": \"\xff\"}"), "t.json:7:8: the text is not valid UTF-8\n    7 | {\"a\": \"\xef\xbf\xbd\"}\n      |        ^" },
    { TEXT("\n{\"µ\": \"\xc3\"}"),
      "t.json:8:9: the text is not valid UTF-8\n    8 | {\"µ\": \"\xef\xbf\xbd\"}\n      |        ^" },
    { TEXT("{\"name\\u0000x\": 1}"),
      "t.json:7:7: a string may not hold the character \\u0000\n    7 | {\"name\\u0000x\": 1}\n      |       ^" },
    { TEXT("{\"µµ\": 1e999}"), "t.json:7:10: /µµ: the number is too large\n    7 | {\"µµ\": 1e999}\n      |        ^" },
    { TEXT("[\t1e999]"), "t.json:7:3: /0: the number is too large\n    7 | [ 1e999]\n      |   ^" },
    { TEXT("\xef\xbb\xbf{\"a\": 1, \"a\": 2}"), "t.json:7:18: /a: the key stands twice in this object\n    7 | "
                                                "\xef\xbb\xbf{\"a\": 1, \"a\": 2}\n      |                ^" },
    { TEXT("{\v\"a\":\f1,\x01\"a\"\x02:\x03"
           "2}"),
      "t.json:7:17: /a: the key stands twice in this object\n    7 | {?\"a\":?1,?\"a\"?:?2}\n      |                 ^" },
};

static void test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(mpp_json_parse("t.json", refusals[i].text, refusals[i].n_bytes, 7, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SYNTAX, refusals[i].message);
    }
}

static void test_accepted(void)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        { "1", "1" },
        { " [] ", "[]" },
        { "\"\\\\u0000\"", "\"\\\\u0000\"" }, /* a backslash, then digits */
        { "{\"a\": {\"k\": 1}, \"b\": {\"k\": 2}}", "{\"a\":{\"k\":1},\"b\":{\"k\":2}}" },
        { "{\"a\": 1, \"A\": 2}", "{\"a\":1,\"A\":2}" },
        { "[9.87e+307, -2.385e-300]", "[9.87e+307,-2.385e-300]" },
        { "\xef\xbb\xbf[true, false, null]", "[true,false,null]" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppJson) json = mpp_expect_json(rows[i].text);
        mpp_expect_printed(json->root, rows[i].printed);
    }
}

static void test_nesting(void)
{
    for (int depth = 999; depth <= 1003; depth += 4) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = 0; i < depth; i++)
            g_string_append_c(text, '[');
        for (int i = 0; i < depth; i++)
            g_string_append_c(text, ']');
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = mpp_json_parse("t.json", text->str, text->len, 1, &error);
        g_assert_cmpint(json != NULL, ==, depth <= 1000);
        if (!json)
            g_assert_true(g_error_matches(error, MPP_ERROR, MPP_ERROR_SYNTAX));
        if (!json)
            g_assert_true(g_str_has_prefix(error->message, "t.json:1:1001: brackets are nested more than 1000 deep\n"));
    }
}

static void test_describe(void)
{
    static const struct {
        const char *text, *description;
    } rows[] = {
        { "\"xy\"", "\"xy\"" },
        { "\"" LONG20 LONG20 "\"", "\"" LONG20 LONG20 "\"" },
        { "\"" LONG20 LONG20 "b\"", "a string" },
        { "2.385", "2.385" },
        { "-7", "-7" },
        { "true", "true" },
        { "false", "false" },
        { "null", "null" },
        { "[1]", "an array" },
        { "{}", "an object" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppJson) json = mpp_expect_json(rows[i].text);
        g_autofree char *description = mpp_json_describe(json->root);
        g_assert_cmpstr(description, ==, rows[i].description);
    }
}

static void test_text(void)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        { "{}", "{}\n" },
        { "[1,2.385,\"x\"]", "[1, 2.385, \"x\"]\n" },
        { "{\"a\":[],\"b\":{\"c\":[{\"d\":null}]}}",
          "{\n  \"a\": [],\n  \"b\": {\n    \"c\": [\n      {\n        \"d\": null\n      }\n    ]\n  }\n}\n" },
        { "{\"k\\\"\\n\":0.1}", "{\n  \"k\\\"\\n\": 0.1\n}\n" },
        { "[0.30000000000000004,1e-7,123456789012,5e22]", "[0.30000000000000004, 1e-07, 123456789012, 5e22]\n" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppJson) json = mpp_expect_json(rows[i].text);
        g_autofree char *printed = mpp_json_to_text(json->root);
        g_assert_cmpstr(printed, ==, rows[i].printed);
        g_autoptr(MppJson) again = mpp_expect_json(printed);
        g_assert_true(cJSON_Compare(json->root, again->root, true));
    }
}

/** Any double reads back equal. */
static void test_numbers_survive(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20385);
    for (int i = 0; i < 5000; i++) {
        double value = (g_rand_double(random) - 0.5) * pow(10, g_rand_int_range(random, -300, 300));
        g_autoptr(cJSON) number = cJSON_CreateNumber(value);
        g_autofree char *text = mpp_json_to_text(number);
        g_assert_cmpuint(strlen(text), <=, 25);
        g_autoptr(MppJson) json = mpp_expect_json(text);
        g_assert_true(json->root->valuedouble == value);
    }
}

static void test_files(void)
{
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "a.json", "{\"x\": [3, 5]}");
    g_autofree char *copy = g_build_filename(folder, "b.json", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_json_load(path, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(json->name, ==, path);
    g_assert_true(mpp_json_write(json->root, copy, &error));
    g_autoptr(MppJson) again = mpp_json_load(copy, &error);
    g_assert_true(cJSON_Compare(json->root, again->root, true));
    mpp_expect_no_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json/refused", test_refused);
    g_test_add_func("/json/accepted", test_accepted);
    g_test_add_func("/json/nesting", test_nesting);
    g_test_add_func("/json/describe", test_describe);
    g_test_add_func("/json/text", test_text);
    g_test_add_func("/json/numbers-survive", test_numbers_survive);
    g_test_add_func("/json/files", test_files);
    return g_test_run();
}
