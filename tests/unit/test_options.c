#include "planner/cli/options.h"

#include <string.h>

#include "tests/support/expect.h"

/** @line is split at spaces, as a shell would. */
static bool parse(const char *line, MppJobWords *options, GError **error)
{
    GOptionEntry entries[MPP_N_JOB_ENTRIES];
    mpp_job_options_entries(options, entries);
    g_assert_null(entries[MPP_N_JOB_ENTRIES - 1].long_name);
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    g_autofree char *whole = g_strconcat("mpplan ", line, NULL);
    g_auto(GStrv) arguments = g_strsplit(whole, " ", -1);
    return g_option_context_parse_strv(context, &arguments, error);
}

static void clear(MppJobWords *options)
{
    GOptionEntry entries[MPP_N_JOB_ENTRIES];
    mpp_job_options_entries(options, entries);
    mpp_options_clear(entries);
}

static MppInputs *inputs_of(const char *line, GError **error)
{
    MppJobWords options = mpp_job_words_none();
    options.flags = true;
    bool parsed = parse(line, &options, error);
    MppInputs *inputs = parsed ? mpp_job_words_inputs(&options, NULL, error) : NULL;
    clear(&options);
    return inputs;
}

static void test_entries(void)
{
    static const char *const lines[] = {
        "--model M --gpus 77 --cluster C --runtime R --global-batch 385 --seq 1537 --precision P --optimizer O --kernels K",
        "-m M -g 77 -c C -r R -b 385 -s 1537 -p P --optimizer=O --kernels=K",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) error = NULL;
        MppJobWords o = mpp_job_words_none();
        g_assert_true(parse(lines[i], &o, &error));
        const char *const got[] = { o.model, o.cluster, o.runtime, o.precision, o.optimizer, o.kernels };
        for (size_t k = 0; k < G_N_ELEMENTS(got); k++)
            g_assert_cmpstr(got[k], ==, ((const char *[]){ "M", "C", "R", "P", "O", "K" })[k]);
        g_assert_cmpint(o.gpus, ==, 77);
        g_assert_cmpint(o.global_batch, ==, 385);
        g_assert_cmpint(o.seq, ==, 1537);
        clear(&o);
        g_assert_true(!o.model && !o.kernels);
        clear(&o);
    }
}

static void test_not_numbers(void)
{
    static const struct {
        const char *line;
        int code;
        const char *message;
    } rows[] = {
        { "--gpus many", G_OPTION_ERROR_BAD_VALUE, "Cannot parse integer value “many” for --gpus" },
        { "--seq 2.5", G_OPTION_ERROR_BAD_VALUE, "Cannot parse integer value “2.5” for --seq" },
        { "--gpus 9223372036854775808", G_OPTION_ERROR_BAD_VALUE, "Integer value “9223372036854775808” for --gpus out of range" },
        { "--gpus", G_OPTION_ERROR_BAD_VALUE, "Missing argument for --gpus" },
        { "--gpu 7", G_OPTION_ERROR_UNKNOWN_OPTION, "Unknown option --gpu" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(inputs_of(rows[i].line, &error));
        mpp_expect_error(&error, G_OPTION_ERROR, rows[i].code, rows[i].message);
    }
}

#define GPT "--model gpt3-13b --gpus 7 "

static void test_refused(void)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        { "--gpus 7", "--model is missing; try --model gpt.json, or a Hugging Face config.json" },
        { "--model gpt3-13b", "--gpus is missing: how many devices?" },
        { "--model gpt3-13b --gpus 0", "--gpus: expected a whole number from 1 to 1048576, got 0" },
        { "--model gpt3-13b --gpus -7", "--gpus: expected a whole number from 1 to 1048576, got -7" },
        { "--model gpt3-13b --gpus 1048577", "--gpus: expected a whole number from 1 to 1048576, got 1048577" },
        { GPT "--seq -1", "--seq: expected a whole number from 1 to 67108864, got -1" },
        { GPT "--seq 67108865", "--seq: expected a whole number from 1 to 67108864, got 67108865" },
        { GPT "--global-batch -385", "--global-batch: expected a whole number from 1 to 67108864, got -385" },
        { GPT "--precision bf17", "--precision: unknown precision \"bf17\"; known: bf16, tf32, fp16, fp8, fp32, mxfp8, nvfp4, fp8-rowwise" },
        { GPT "--optimizer adan", "--optimizer: unknown optimizer \"adan\"; known: adam, muon, lamb, sgd" },
        { GPT "--cluster t4 --precision bf16", "--precision: the T4 16 GB has no bf16 products" },
        { GPT "--cluster t4 --kernels flash3", "--kernels: the T4 16 GB has no rate for flash3" },
        { GPT "--runtime nanotorn", "no file and no built-in runtime is called \"nanotorn\"; known: nanotron, " },
        { GPT "--cluster dgx-h1000", "no file and no built-in cluster is called \"dgx-h1000\"; known: dgx-h100, " },
        { "--model gtp3-13b --gpus 7", "no file and no built-in model is called \"gtp3-13b\"; known: gpt3-13b, " },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(inputs_of(rows[i].line, &error));
        g_assert_true(g_error_matches(error, MPP_ERROR, MPP_ERROR_USAGE));
        bool open = g_str_has_suffix(rows[i].message, ", "); /* the list goes on with the zoo's other names */
        g_autofree char *message = open ? g_strndup(error->message, strlen(rows[i].message)) : g_strdup(error->message);
        g_assert_cmpstr(message, ==, rows[i].message);
    }
}

static void test_habits(void)
{
    static const struct {
        const char *line;
        int64_t seq, global_batch;
        const char *assumed; /* sentences joined by ';' */
    } rows[] = {
        { GPT, 2048, 896, "DGX H100*(--cluster);Megatron-Core (--runtime);global batch 896 (--global-batch)" },
        { GPT "-c dgx-a100 -r nanotron", 2048, 896, "global batch 896 (--global-batch)" },
        { GPT "-c dgx-a100 -r nanotron -b 385", 2048, 385, "" },
        { GPT "-c dgx-a100 -r nanotron -s 512", 512, 3584, "global batch 3584 (--global-batch)" },
        { GPT "-c dgx-a100 -r nanotron -s 65536", 65536, 28, "global batch 28 (--global-batch)" },
        { GPT "-c dgx-a100 -r nanotron -s 67108864", 67108864, 7, "global batch 7 (--global-batch)" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppInputs) inputs = inputs_of(rows[i].line, &error);
        g_assert_no_error(error);
        g_assert_cmpint(inputs->job.training.seq, ==, rows[i].seq);
        g_assert_cmpint(inputs->job.training.global_batch, ==, rows[i].global_batch);
        g_assert_cmpint(inputs->job.gpus, ==, 7);
        g_autoptr(GString) assumed = g_string_new(NULL);
        for (guint k = 0; inputs->assumed && k < inputs->assumed->len; k++)
            g_string_append_printf(assumed, "%s%s", k ? ";" : "", (const char *)inputs->assumed->pdata[k]);
        g_autofree char *pattern = g_strconcat(strchr(rows[i].assumed, '*') ? "cluster " : "", rows[i].assumed, NULL);
        g_assert_true(g_pattern_match_simple(pattern, assumed->str));
    }
}

static void test_overrides(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppInputs) inputs = inputs_of(GPT "-p FP16 --optimizer Muon --kernels fused_softmax,no-norm_fused "
                                                "--document-tokens 83 --mean-seq 1009 --target-seq 209 --loss-tokens 151", &error);
    g_assert_no_error(error);
    g_assert_cmpint(inputs->job.training.precision, ==, MPP_PRECISION_FP16);
    g_assert_cmpint(inputs->job.training.optimizer, ==, MPP_OPTIMIZER_MUON);
    g_assert_cmpint(inputs->job.training.kernels.attention, ==, MPP_ATTENTION_FUSED_SOFTMAX);
    g_assert_cmpint(inputs->runtime.kernels.attention, !=, MPP_ATTENTION_FUSED_SOFTMAX);
    g_assert_true(!inputs->job.training.kernels.norm_fused && inputs->runtime.kernels.norm_fused);
    g_assert_cmpint(inputs->job.training.document_tokens, ==, 83);
    g_assert_cmpint(inputs->job.training.mean_seq, ==, 1009);
    g_assert_cmpint(inputs->job.training.target_seq, ==, 209);
    g_assert_cmpint(inputs->job.training.loss_tokens, ==, 151);
}

/** Given again, they say the same; what a shell would take apart is quoted. */
static void test_text(void)
{
    static const struct {
        const char *line, *text;
    } rows[] = {
        { "-m gpt.json -g 77", "--model gpt.json --gpus 77" },
        { "-m ../a-b/C_1.json -g 77 -b 385 -s 1537 -r R -c C", "--model ../a-b/C_1.json --gpus 77 --cluster C --runtime R "
                                                               "--global-batch 385 --seq 1537" },
        { "-m M -g 7 --document-tokens 83 --kernels no-norm_fused,graphs", "--model M --gpus 7 --document-tokens 83 --kernels no-norm_fused,graphs" },
        { "-m it's;ours -g 1 -p FP16", "--model 'it'\\''s;ours' --gpus 1 --precision FP16" },
        { "", "" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        MppJobWords options = mpp_job_words_none();
        g_assert_true(parse(rows[i].line, &options, &error));
        g_autofree char *text = mpp_job_options_to_text(&options);
        g_assert_cmpstr(text, ==, rows[i].text);
        clear(&options);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/entries", test_entries);
    g_test_add_func("/options/not-numbers", test_not_numbers);
    g_test_add_func("/options/refused", test_refused);
    g_test_add_func("/options/habits", test_habits);
    g_test_add_func("/options/overrides", test_overrides);
    g_test_add_func("/options/text", test_text);
    return g_test_run();
}
