#include "planner/base/fields.h"

#include <string.h>

#include "tests/support/expect.h"

typedef enum { COLOUR_RED, COLOUR_SEA_GREEN, COLOUR_BLUE } Colour;
static const char *const colour_names[] = { "red", "sea-green", "blue" };
static const MppNames colours = MPP_NAMES("colour", colour_names);

typedef struct {
    int64_t width;
    char *label;
} Part;

typedef struct {
    int64_t count;
    double rate;
    bool on;
    Colour colour;
    char *title;
    Part base;
    GArray *parts, *sizes, *weights;
    GHashTable *sources;
    GPtrArray *words;
} Thing;

static const MppField part_rows[] = {
    MPP_FIELD_INT(Part, width, 1, 4096, MPP_REQUIRED, "how wide"),
    MPP_FIELD_STRING(Part, label, 0, "what stands on it"),
};
static const MppFields part_fields = MPP_FIELDS("part", Part, part_rows);

static const MppField rows[] = {
    MPP_FIELD_INT(Thing, count, -7, 9e15, 5, "how many"),
    MPP_FIELD_DOUBLE(Thing, rate, 0.25, 1e12, 2.385, "how fast"),
    MPP_FIELD_BOOL(Thing, on, 1, "whether it is on"),
    MPP_FIELD_ENUM(Thing, colour, &colours, COLOUR_SEA_GREEN, "its colour"),
    MPP_FIELD_STRING(Thing, title, 0, "its title"),
    MPP_FIELD_STRUCT(Thing, base, &part_fields, MPP_REQUIRED, "what it stands on"),
    MPP_FIELD_STRUCTS(Thing, parts, &part_fields, 0, "what it has"),
    MPP_FIELD_INTS(Thing, sizes, 0, 385, "sizes"),
    MPP_FIELD_DOUBLES(Thing, weights, -1, 1, "weights"),
    MPP_FIELD_TEXTS(Thing, sources, "sources"),
    MPP_FIELD_STRINGS(Thing, words, "words"),
};
static const MppFields fields = MPP_FIELDS("thing", Thing, rows);
static const MppFields open_fields = MPP_OPEN_FIELDS("loose thing", Thing, rows);

static const char full_text[] =
    "{\"count\":8999999999999999,\"rate\":0.3,\"on\":false,\"colour\":\"blue\",\"title\":\"odd \\\"µ\\\"\","
    "\"base\":{\"width\":11,\"label\":\"b\"},\"parts\":[{\"width\":13,\"label\":\"x\"},{\"width\":17}],\"sizes\":[3,0,385],"
    "\"weights\":[-0.125,1],\"sources\":{\"a\":\"2nd\",\"b\":\"1st\"},\"words\":[\"w1\",\"\",\"w2\"]}";

static void read_thing(const MppFields *table, const char *text, Thing *thing)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_assert_true(mpp_fields_read(table, json, json->root, thing, &error));
    g_assert_no_error(error);
}

static void expect_written(const Thing *thing, bool brief, const char *text)
{
    g_autoptr(cJSON) root = mpp_fields_write(&fields, thing, brief);
    g_autofree char *printed = mpp_json_to_text(root);
    g_autoptr(MppJson) got = mpp_expect_json(printed), wanted = mpp_expect_json(text);
    g_autofree char *wanted_text = mpp_json_to_text(wanted->root);
    g_assert_cmpstr(printed, ==, wanted_text);
}

static void test_defaults(void)
{
    Thing thing;
    memset(&thing, 0xa5, sizeof thing);
    mpp_fields_default(&fields, &thing);
    g_assert_cmpint(thing.count, ==, 5);
    g_assert_cmpfloat(thing.rate, ==, 2.385);
    g_assert_true(thing.on);
    g_assert_cmpint(thing.colour, ==, COLOUR_SEA_GREEN);
    g_assert_null(thing.title);
    g_assert_cmpint(thing.base.width, ==, 0);
    g_assert_true(!thing.base.label && !thing.parts && !thing.sizes && !thing.weights && !thing.sources && !thing.words);
    expect_written(&thing, true, "{\"base\":{\"width\":0}}");
    expect_written(&thing, false, "{\"count\":5,\"rate\":2.385,\"on\":true,\"colour\":\"sea-green\",\"base\":{\"width\":0}}");
}

static void test_read(void)
{
    Thing thing;
    read_thing(&fields, full_text, &thing);
    g_assert_cmpint(thing.count, ==, 8999999999999999);
    g_assert_cmpfloat(thing.rate, ==, 0.3);
    g_assert_false(thing.on);
    g_assert_cmpint(thing.colour, ==, COLOUR_BLUE);
    g_assert_cmpstr(thing.title, ==, "odd \"µ\"");
    g_assert_cmpstr(thing.base.label, ==, "b");
    g_assert_cmpuint(thing.parts->len, ==, 2);
    g_assert_cmpint(g_array_index(thing.parts, Part, 1).width, ==, 17);
    g_assert_null(g_array_index(thing.parts, Part, 1).label);
    g_assert_cmpint(g_array_index(thing.sizes, int64_t, 2), ==, 385);
    g_assert_cmpfloat(g_array_index(thing.weights, double, 0), ==, -0.125);
    g_assert_cmpstr(g_hash_table_lookup(thing.sources, "a"), ==, "2nd");
    g_assert_cmpstr(thing.words->pdata[2], ==, "w2");
    mpp_fields_clear(&fields, &thing);
    g_assert_true(!thing.title && !thing.base.label && !thing.parts && !thing.sources && !thing.words);
    mpp_fields_clear(&fields, &thing);
}

/** Read, write, read: equal, whether or not defaults are left out. */
static void test_round_trip(void)
{
    static const char *const texts[] = {
        full_text,
        "{\"base\":{\"width\":1}}",
        "{\"base\":{\"width\":4096},\"parts\":[],\"sizes\":[],\"weights\":[],\"sources\":{},\"words\":[]}",
        "{\"count\":-7,\"rate\":0.25,\"colour\":\"SEA_green\",\"base\":{\"width\":2,\"label\":\"\"},\"weights\":[-1,1]}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (int brief = 0; brief < 2; brief++) {
            Thing thing, again;
            read_thing(&fields, texts[i], &thing);
            g_autoptr(cJSON) first = mpp_fields_write(&fields, &thing, brief);
            g_autofree char *text = mpp_json_to_text(first);
            read_thing(&fields, text, &again);
            g_autoptr(cJSON) second = mpp_fields_write(&fields, &again, brief);
            g_assert_true(cJSON_Compare(first, second, true));
            g_assert_cmpint(again.count, ==, thing.count);
            g_assert_cmpfloat(again.rate, ==, thing.rate);
            g_assert_cmpint(again.colour, ==, thing.colour);
            g_assert_cmpstr(again.base.label, ==, thing.base.label);
            mpp_fields_clear(&fields, &thing);
            mpp_fields_clear(&fields, &again);
        }
    }
}

static void test_copy(void)
{
    Thing thing, copy;
    read_thing(&fields, full_text, &thing);
    mpp_fields_copy(&fields, &thing, &copy);
    copy.title[0] = 'X';
    copy.base.label[0] = 'X';
    g_array_index(copy.parts, Part, 0).label[0] = 'X';
    g_array_index(copy.parts, Part, 1).width = 19;
    g_array_index(copy.sizes, int64_t, 0) = 4;
    g_array_set_size(copy.weights, 1);
    expect_written(&thing, false, full_text);
    mpp_fields_clear(&fields, &thing);
    expect_written(
        &copy, true,
        "{\"count\":8999999999999999,\"rate\":0.3,\"on\":false,\"colour\":\"blue\",\"title\":\"Xdd \\\"µ\\\"\","
        "\"base\":{\"width\":11,\"label\":\"X\"},\"parts\":[{\"width\":13,\"label\":\"X\"},{\"width\":19}],"
        "\"sizes\":[4,0,385],\"weights\":[-0.125],\"sources\":{\"a\":\"2nd\",\"b\":\"1st\"},\"words\":[\"w1\",\"\",\"w2\"]}");
    mpp_fields_clear(&fields, &copy);
}

#define BASE "\"base\": {\"width\": 3}"

static const struct {
    const char *text, *message;
} refusals[] = {
    { "[1]", "1:1: /: expected an object (thing), got an array" },
    { "null", "1:1: /: expected an object (thing), got null" },
    { "{}", "1:1: /: the thing field \"base\" is missing (what it stands on)" },
    { "{\"base\": {}}", "1:10: /base: the part field \"width\" is missing (how wide)" },
    { "{\"base\": 3}", "1:10: /base: expected an object (part), got 3" },
    { "{" BASE ", \"cuont\": 3}", "1:33: /cuont: unknown thing field \"cuont\"; known: on, count, colour, rate, title, "
                                  "base, parts, sizes, words, weights, sources" },
    { "{\"base\": {\"width\": 3, \"hight\": 2}}", "1:32: /base/hight: unknown part field \"hight\"; known: width, label" },
    { "{" BASE ", \"count\": \"many\"}", "1:33: /count: expected an integer from -7 to 9e+15, got \"many\"" },
    { "{" BASE ", \"count\": 2.385}", "1:33: /count: expected an integer from -7 to 9e+15, got 2.385" },
    { "{" BASE ", \"count\": -8}", "1:33: /count: expected an integer from -7 to 9e+15, got -8" },
    { "{" BASE ", \"count\": 1e300}", "1:33: /count: expected an integer from -7 to 9e+15, got 1e+300" },
    { "{" BASE ", \"count\": null}", "1:33: /count: expected an integer from -7 to 9e+15, got null" },
    { "{" BASE ", \"rate\": 0.249}", "1:32: /rate: expected a number from 0.25 to 1000000000000, got 0.249" },
    { "{" BASE ", \"rate\": true}", "1:32: /rate: expected a number from 0.25 to 1000000000000, got true" },
    { "{" BASE ", \"on\": 1}", "1:30: /on: expected true or false, got 1" },
    { "{" BASE ", \"colour\": 2}", "1:34: /colour: expected a string, got 2" },
    { "{" BASE ", \"colour\": \"bleu\"}", "1:34: /colour: unknown colour \"bleu\"; known: blue, red, sea-green" },
    { "{" BASE ", \"title\": {}}", "1:33: /title: expected a string, got an object" },
    { "{" BASE ", \"parts\": {}}", "1:33: /parts: expected an array of objects, got an object" },
    { "{" BASE ", \"parts\": [{\"width\": 1, \"label\": \"x\"}, {\"width\": 0}]}",
      "1:72: /parts/1/width: expected an integer from 1 to 4096, got 0" },
    { "{" BASE ", \"parts\": [[]]}", "1:34: /parts/0: expected an object (part), got an array" },
    { "{" BASE ", \"sizes\": 3}", "1:33: /sizes: expected an array of numbers, got 3" },
    { "{" BASE ", \"sizes\": [3, 386]}", "1:37: /sizes/1: expected an integer from 0 to 385, got 386" },
    { "{" BASE ", \"weights\": [0.5, \"x\"]}", "1:41: /weights/1: expected a number from -1 to 1, got \"x\"" },
    { "{" BASE ", \"sources\": []}", "1:35: /sources: expected an object of strings, got an array" },
    { "{" BASE ", \"sources\": {\"a\": \"b\", \"c\": 1}}", "1:51: /sources/c: expected a string, got 1" },
    { "{" BASE ", \"words\": \"w\"}", "1:33: /words: expected an array of strings, got \"w\"" },
    { "{" BASE ", \"words\": [\"w\", null]}", "1:39: /words/1: expected a string, got null" },
    { "{\"title\": \"kept\", \"words\": [\"w\"], \"parts\": [{\"width\": 2, \"label\": \"x\"}]}",
      "1:1: /: the thing field \"base\" is missing (what it stands on)" },
};

static void test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autoptr(MppJson) json = mpp_expect_json(refusals[i].text);
        g_autoptr(GError) error = NULL;
        Thing thing;
        g_assert_false(mpp_fields_read(&fields, json, json->root, &thing, &error));
        g_assert_true(g_error_matches(error, MPP_ERROR, MPP_ERROR_SCHEMA));
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
        g_assert_cmpstr(lines[0] + strlen("t.json:"), ==, refusals[i].message);
        g_assert_true(!thing.title && !thing.base.label && !thing.parts && !thing.sizes && !thing.sources && !thing.words);
    }
}

static void test_open(void)
{
    Thing thing;
    read_thing(&open_fields, "{\"other\": {\"deep\": []}, \"count\": null, \"title\": null, \"rate\": 0.5, " BASE "}", &thing);
    g_assert_cmpint(thing.count, ==, 5);
    g_assert_cmpfloat(thing.rate, ==, 0.5);
    g_assert_null(thing.title);
    mpp_fields_clear(&open_fields, &thing);

    static const char *const texts[] = { "{\"base\": null}", "{\"other\": 1}" };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(MppJson) json = mpp_expect_json(texts[i]);
        g_autoptr(GError) error = NULL;
        g_assert_false(mpp_fields_read(&open_fields, json, json->root, &thing, &error));
        g_autofree char *message = g_strdup_printf(
            "t.json:1:1: /: the loose thing field \"base\" is missing (what it stands on)\n"
            "    1 | %s\n      | ^",
            texts[i]);
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SCHEMA, message);
    }
}

static void test_find(void)
{
    g_assert_true(mpp_fields_find(&fields, "colour") == &rows[3]);
    g_assert_null(mpp_fields_find(&fields, "Colour"));
    g_assert_null(mpp_fields_find(&fields, ""));
}

typedef struct {
    int64_t liked;
} Taste;

static const MppField taste_rows[] = {
    MPP_FIELD_SET(Taste, liked, &colours, 1 << COLOUR_SEA_GREEN | 1 << COLOUR_BLUE, "colours"),
};
static const MppFields taste_fields = MPP_FIELDS("taste", Taste, taste_rows);

/** A set of names: in any order, once or more; written in the order of the table. */
static void test_sets(void)
{
    static const struct {
        const char *text, *written, *message;
    } sets[] = {
        { "{}", "{\"liked\":[\"sea-green\",\"blue\"]}", NULL },
        { "{\"liked\": []}", "{\"liked\":[]}", NULL },
        { "{\"liked\": [\"sea_green\", \"red\", \"Red\"]}", "{\"liked\":[\"red\",\"sea-green\"]}", NULL },
        { "{\"liked\": \"red\"}", NULL, "1:11: /liked: expected an array of strings, got \"red\"" },
        { "{\"liked\": [\"red\", 3]}", NULL, "1:19: /liked/1: expected a string, got 3" },
        { "{\"liked\": [\"rad\"]}", NULL, "1:12: /liked/0: unknown colour \"rad\"; known: red, blue, sea-green" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_autoptr(MppJson) json = mpp_expect_json(sets[i].text);
        g_autoptr(GError) error = NULL;
        Taste taste;
        g_assert_true(mpp_fields_read(&taste_fields, json, json->root, &taste, &error) == !sets[i].message);
        if (sets[i].message) {
            g_assert_true(strstr(error->message, sets[i].message) != NULL);
            continue;
        }
        g_autoptr(cJSON) root = mpp_fields_write(&taste_fields, &taste, false);
        mpp_expect_printed(root, sets[i].written);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fields/defaults", test_defaults);
    g_test_add_func("/fields/read", test_read);
    g_test_add_func("/fields/round-trip", test_round_trip);
    g_test_add_func("/fields/copy", test_copy);
    g_test_add_func("/fields/refused", test_refused);
    g_test_add_func("/fields/open", test_open);
    g_test_add_func("/fields/find", test_find);
    g_test_add_func("/fields/sets", test_sets);
    return g_test_run();
}
