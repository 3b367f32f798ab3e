#include "planner/runs/runs.h"

#include <string.h>

#include "tests/support/expect.h"

#define EMPTY_REST "\"hardware\": {}, \"training\": {}, \"parallel\": {}, \"measured\": {}"
#define LINE(id) "{\"id\": \"" id "\", \"source\": \"s\", \"model\": {}, " EMPTY_REST "}"

static bool load_text(const char *text, GPtrArray *runs, GError **error)
{
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "runs.jsonl", text);
    bool loaded = mpp_runs_load(path, runs, error);
    mpp_expect_no_folder(folder);
    return loaded;
}

static void test_full(void)
{
    static const char text[] =
        "{\"id\": \"r1\", \"source\": \"src\", \"notes\": [1],"
        " \"model\": {\"name\": \"M\", \"family\": \"moe\", \"layers\": 7, \"hidden\": 385, \"heads\": 11, \"kv_heads\": 5, "
        "\"head_dim\": 35,"
        " \"ffn\": 1023, \"vocab\": 32003, \"seq\": 1537, \"gated_mlp\": true, \"tied_embeddings\": true, \"experts\": 13, "
        "\"topk\": 3,"
        " \"moe_ffn\": 129, \"shared_experts\": 2, \"dense_layers_first\": 1, \"attention_type\": \"GQA\", \"colour\": \"red\"},"
        " \"hardware\": {\"gpu\": \"g\", \"internode\": \"i\", \"gpus\": 77, \"gpus_per_node\": 7},"
        " \"training\": {\"precision\": \"bf16\", \"optimizer\": \"sgd\", \"attention\": \"flash\", \"norm_kernel\": \"fused\","
        " \"framework\": \"f\", \"global_batch\": 154, \"micro_batch\": 2},"
        " \"parallel\": {\"dp\": 11, \"tp\": 7, \"pp\": 3, \"vpp\": 2, \"cp\": 5, \"ep\": 13, \"etp\": 17, \"zero\": 0, \"sp\": "
        "true,"
        " \"schedule\": \"1f1b\", \"recompute\": \"full\", \"recompute_layers\": 4, \"offload\": \"no\"},"
        " \"measured\": {\"step_time_s\": 2.385, \"memory_gib_per_gpu\": 61.3, \"memory_kind\": \"peak\", \"anomaly\": \"slow\","
        " \"oom\": false, \"extra\": {\"deep\": 7.5}}}";
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_true(load_text(text, runs, &error));
    g_assert_cmpuint(runs->len, ==, 1);
    const MppRun *run = runs->pdata[0];
    g_assert_cmpstr(run->id, ==, "r1");
    g_assert_cmpstr(run->source, ==, "src");
    g_assert_cmpint(run->model.head_dim, ==, 35);
    g_assert_true(run->model.gated_mlp && run->model.tied_embeddings && run->parallel.sp);
    g_assert_cmpint(run->model.dense_layers_first, ==, 1);
    g_assert_cmpint(run->hardware.gpus_per_node, ==, 7);
    g_assert_cmpstr(run->training.norm_kernel, ==, "fused");
    g_assert_cmpint(run->parallel.etp, ==, 17);
    g_assert_cmpint(run->parallel.zero, ==, 0);
    g_assert_cmpint(run->parallel.recompute_layers, ==, 4);
    g_assert_cmpfloat(run->measured.memory_gib_per_gpu, ==, 61.3);
    g_assert_cmpstr(run->measured.anomaly, ==, "slow");
    g_assert_cmpint(mpp_run_out_of_memory(run), ==, 0);
    g_assert_cmpfloat(mpp_json_get(mpp_run_get(run, "measured", "extra"), "deep")->valuedouble, ==, 7.5);
    g_assert_null(mpp_run_get(run, "measured", "none"));
    g_assert_null(mpp_run_get(run, "none", "extra"));
}

/** A step is the batch over the rate, where it is not stated; a convolutional net's batch is stated a device. */
static void test_rates(void)
{
    static const struct { const char *members; double batch, step_s; } rows[] = {
        { "\"model\": {}, \"training\": {\"global_batch\": 90}, \"measured\": {\"samples_per_s\": 45}", 90, 2 },
        { "\"model\": {}, \"training\": {\"global_batch\": 90}, \"measured\": {\"samples_per_s\": 45, \"step_time_s\": 3}", 90, 3 },
        { "\"model\": {}, \"training\": {\"micro_batch\": 9}, \"measured\": {\"samples_per_s\": 45}", 0, 0 },
        { "\"model\": {\"family\": \"cnn\"}, \"training\": {\"micro_batch\": 9}, \"measured\": {\"samples_per_s\": 45}", 36, 0.8 },
        { "\"model\": {\"family\": \"cnn\"}, \"training\": {\"micro_batch\": 9, \"global_batch\": 90}, \"measured\": {}", 90, 0 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) runs = mpp_runs_new();
        g_autofree char *text = g_strdup_printf("{\"id\": \"r\", \"source\": \"s\", \"hardware\": {\"gpus\": 4}, \"parallel\": {}, %s}",
                                                rows[i].members);
        g_assert_true(mpp_runs_parse("runs.jsonl", text, strlen(text), 1, runs, &error));
        const MppRun *run = runs->pdata[0];
        g_assert_cmpfloat(run->training.global_batch, ==, rows[i].batch);
        g_assert_cmpfloat(run->measured.step_time_s, ==, rows[i].step_s);
    }
}

/** What a record does not state: 0 or NULL, but one chunk, no context or expert parallelism, ZeRO unknown. */
static void test_sparse(void)
{
    static const char *const texts[] = {
        LINE("r"),
        "{\"id\": \"r\", \"source\": \"s\", \"model\": {\"layers\": null, \"name\": null, \"gated_mlp\": null}, \"hardware\": "
        "{\"gpu\": null},"
        " \"training\": {\"micro_batch\": null}, \"parallel\": {\"vpp\": null, \"zero\": null, \"sp\": null},"
        " \"measured\": {\"step_time_s\": null, \"oom\": null}}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) runs = mpp_runs_new();
        g_assert_true(load_text(texts[i], runs, &error));
        const MppRun *run = runs->pdata[0];
        g_assert_null(run->model.name);
        g_assert_null(run->hardware.gpu);
        g_assert_cmpint(run->model.layers, ==, 0);
        g_assert_cmpint(run->training.micro_batch, ==, 0);
        g_assert_cmpint(run->parallel.dp, ==, 0);
        g_assert_cmpint(run->parallel.vpp, ==, 1);
        g_assert_cmpint(run->parallel.cp, ==, 1);
        g_assert_cmpint(run->parallel.ep, ==, 1);
        g_assert_cmpint(run->parallel.zero, ==, -1);
        g_assert_cmpfloat(run->measured.step_time_s, ==, 0);
        g_assert_cmpint(mpp_run_out_of_memory(run), ==, -1);
    }
}

static void test_lines(void)
{
    static const struct {
        const char *text;
        guint n_runs;
    } rows[] = {
        { "", 0 },
        { "\n \t\r\n\n", 0 },
        { LINE("a"), 1 },
        { LINE("a") "\n", 1 },
        { "\n" LINE("a") "\r\n\n  " LINE("b") "\n" LINE("c"), 3 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) runs = mpp_runs_new();
        g_assert_true(load_text(rows[i].text, runs, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(runs->len, ==, rows[i].n_runs);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_true(load_text(LINE("a"), runs, &error) && load_text(LINE("b"), runs, &error));
    g_assert_cmpstr(((const MppRun *)runs->pdata[0])->id, ==, "a");
    g_assert_cmpstr(((const MppRun *)runs->pdata[1])->id, ==, "b");
}

/** Heads that a record leaves out are those of the file's models of the same width, where these agree. */
static void test_heads_of_others(void)
{
#define MODEL(id, model) "{\"id\": \"" id "\", \"source\": \"s\", \"model\": {" model "}, \"hardware\": {}, \"training\": {}, " \
                         "\"parallel\": {}, \"measured\": {}}\n"
    static const char *const text = MODEL("a", "\"hidden\": 64") MODEL("b", "\"hidden\": 64, \"heads\": 4") MODEL("c", "\"hidden\": 96")
        MODEL("d", "\"hidden\": 96, \"heads\": 6") MODEL("e", "\"hidden\": 96, \"heads\": 8") MODEL("f", "\"hidden\": 32");
    static const int64_t heads[] = { 4, 4, 0, 6, 8, 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_true(load_text(text, runs, &error));
    for (guint i = 0; i < runs->len; i++)
        g_assert_cmpint(((const MppRun *)runs->pdata[i])->model.heads, ==, heads[i]);
#undef MODEL
}

static void test_refused(void)
{
    static const struct {
        const char *text;
        MppError code;
        const char *message;
    } rows[] = {
        { "\n\n{\"id\": 3", MPP_ERROR_SYNTAX, ":3:9: the JSON ends here, unfinished" },
        { LINE("a") "\n[1]", MPP_ERROR_SCHEMA, ":2:1: /: expected an object (measured run), got an array" },
        { LINE("a") "\n" LINE("b") "\n{}\n", MPP_ERROR_SCHEMA,
          ":3:1: /: the measured run field \"id\" is missing (unique name)" },
        { "{\"id\": \"a\", \"source\": null, \"model\": {}, " EMPTY_REST "}", MPP_ERROR_SCHEMA,
          ":1:1: /: the measured run field \"source\" is missing (collection it belongs to)" },
        { "{\"id\": \"a\", \"source\": \"s\", \"model\": null, " EMPTY_REST "}", MPP_ERROR_SCHEMA,
          ":1:1: /: the measured run field \"model\" is missing (what was trained)" },
        { "{\"id\": \"a\", \"source\": \"s\", \"model\": {\"layers\": 2.5}, " EMPTY_REST "}", MPP_ERROR_SCHEMA,
          ":1:48: /model/layers: expected an integer from 1 to 4096, got 2.5" },
        { "{\"id\": \"a\", \"source\": \"s\", \"model\": {\"layers\": \"many\"}, " EMPTY_REST "}", MPP_ERROR_SCHEMA,
          ":1:48: /model/layers: expected an integer from 1 to 4096, got \"many\"" },
        { "{\"id\": \"a\", \"source\": \"s\", \"model\": {}, \"parallel\": {\"tp\": 1048577}, \"hardware\": {}, \"training\": "
          "{}, "
          "\"measured\": {}}",
          MPP_ERROR_SCHEMA, ":1:60: /parallel/tp: expected an integer from 1 to 1048576, got 1048577" },
        { LINE("a") LINE("b"), MPP_ERROR_SYNTAX, ":1:104: this is not valid JSON" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) runs = mpp_runs_new();
        g_assert_false(load_text(rows[i].text, runs, &error));
        g_assert_true(g_error_matches(error, MPP_ERROR, (gint)rows[i].code));
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", 2);
        const char *end = g_strrstr(lines[0], "runs.jsonl");
        g_assert_nonnull(end);
        g_assert_cmpstr(end + sizeof "runs.jsonl" - 1, ==, rows[i].message);
    }
}

static void test_no_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_false(mpp_runs_load("no/such/runs.jsonl", runs, &error));
    mpp_expect_error(&error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                     "Failed to open file “no/such/runs.jsonl”: No such file or directory");
}

static void test_out_of_memory(void)
{
    static const struct {
        const char *oom;
        int known;
    } rows[] = {
        { "true", 1 }, { "false", 0 }, { "null", -1 }, { "1", -1 }, { "\"yes\"", -1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "{\"id\": \"a\", \"source\": \"s\", \"model\": {}, \"hardware\": {}, \"training\": {}, "
            "\"parallel\": {}, \"measured\": {\"oom\": %s}}",
            rows[i].oom);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) runs = mpp_runs_new();
        g_assert_true(load_text(text, runs, &error));
        g_assert_cmpint(mpp_run_out_of_memory(runs->pdata[0]), ==, rows[i].known);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/runs/full", test_full);
    g_test_add_func("/runs/rates", test_rates);
    g_test_add_func("/runs/sparse", test_sparse);
    g_test_add_func("/runs/lines", test_lines);
    g_test_add_func("/runs/heads-of-others", test_heads_of_others);
    g_test_add_func("/runs/refused", test_refused);
    g_test_add_func("/runs/no-file", test_no_file);
    g_test_add_func("/runs/out-of-memory", test_out_of_memory);
    return g_test_run();
}
