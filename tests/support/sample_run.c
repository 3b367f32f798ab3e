#include "tests/support/sample_run.h"

#include "tests/support/expect.h"
#include "tests/support/sample.h"

static void add_runtime(GPtrArray *runtimes, const char *text)
{
    g_autoptr(MppJson) json = mpp_expect_json(text);
    g_autoptr(GError) error = NULL;
    g_ptr_array_add(runtimes, mpp_runtime_read(json, &error));
    g_assert_no_error(error);
}

/** One cluster of "chip" in nodes of 6, a stack that has everything, and one without pipelines that became it. */
static MppProfiles *sample_profiles(void)
{
    static const int64_t devices[] = { 6, 0 };
    MppProfiles *profiles = g_new0(MppProfiles, 1);
    profiles->clusters = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_cluster_free);
    profiles->runtimes = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_runtime_free);
    g_ptr_array_add(profiles->clusters, mpp_sample_cluster(devices, G_N_ELEMENTS(devices)));
    add_runtime(
        profiles->runtimes,
        "{\"name\": \"megatron-core\", \"title\": \"Core\", \"usual_zero\": 2, \"most_zero_with_pp\": 1,"
        " \"stage_split\": \"balanced\", \"usual_recompute\": \"selective\", \"kernels\": {\"attention\": \"fused-softmax\"},"
        " \"offloads\": [\"optimizer\", \"parameters\", \"activations\"]}");
    add_runtime(profiles->runtimes,
                "{\"name\": \"old\", \"title\": \"Old\", \"frameworks\": [\"Old\"], \"schedules\": [],"
                " \"sequence_parallel\": \"always\", \"successor\": \"megatron-core\"}");
    add_runtime(profiles->runtimes, "{\"name\": \"aged\", \"title\": \"Aged\", \"frameworks\": [\"Aged\"], \"kernels\": {\"attention\": "
                                    "\"fused-softmax\"}, \"framework_kernels\": [\"Aged 1.: unfused\"], \"experts_split_words\": [\"Aged 1.\"]}");
    add_runtime(profiles->runtimes, "{\"name\": \"lazy\", \"title\": \"Lazy\", \"frameworks\": [\"Lazy\"], \"eager_unless_stated\": true,"
                                    " \"kernels\": {\"segments_grow\": true}}");
    add_runtime(profiles->runtimes, "{\"name\": \"late\", \"title\": \"Late\", \"frameworks\": [\"Late\"], \"eager_unless_stated\": true,"
                                    " \"device_kernels\": [\"chip: cross_entropy_fused,segments_grow\"], "
                                    "\"framework_kernels\": [\"Late layers: no-cross_entropy_fused\"], \"usual_precision\": \"fp16\"}");
    add_runtime(profiles->runtimes,
                "{\"name\": \"few\", \"title\": \"Few\", \"frameworks\": [\"Few\"], \"micro_batches_per_stage\": 2, \"experts_split\": true,"
                " \"published_in_turn\": true, \"graph_devices\": [\"chip\"], \"kernels\": {\"dispatch_once\": true}}");
    add_runtime(profiles->runtimes,
                "{\"name\": \"dense\", \"title\": \"Dense\", \"frameworks\": [\"Dense\"], \"leaves_out_padding\": true}");
    add_runtime(profiles->runtimes,
                "{\"name\": \"lone\", \"title\": \"Lone\", \"frameworks\": [\"Lone\"], \"schedules\": [],"
                " \"framework_kernels\": [\"Lone 2: loss_narrow,update_fused\"]}");
    add_runtime(profiles->runtimes,
                "{\"name\": \"plain\", \"title\": \"Plain\", \"frameworks\": [\"Plain\"], \"rms_norms_fused\": false,"
                " \"kernels\": {\"elementwise_fused\": false, \"rotary_fused\": false},"
                " \"state\": {\"gradient_bytes\": 3, \"reduce_bytes\": 4, \"optimizer_bytes\": 12, \"update_bytes\": 4, \"update_traffic_bytes\": 52,"
                " \"bf16_kept_bytes\": 3, \"zero0_kept_bytes\": 3.5, \"sharded_master\": true}}");
    return profiles;
}

MppRunJob *mpp_sample_run_job(const char *model, const char *hardware, const char *training, const char *parallel, char **skipped)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf(
        "{\"id\": \"r\", \"source\": \"s\", \"model\": {%s}, \"hardware\": {%s}, \"training\": {%s}, "
        "\"parallel\": {%s}, \"measured\": {}}",
        model, hardware, training, parallel);
    g_autofree char *folder = mpp_expect_folder(), *path = mpp_expect_file(folder, "runs.jsonl", text);
    g_autoptr(GPtrArray) runs = mpp_runs_new();
    g_assert_true(mpp_runs_load(path, runs, &error));
    g_assert_no_error(error);
    mpp_expect_no_folder(folder);
    g_autoptr(MppProfiles) profiles = sample_profiles();
    *skipped = NULL;
    MppRunJob *job = mpp_run_job_new(runs->pdata[0], profiles, skipped);
    g_assert_cmpint(job != NULL, ==, *skipped == NULL);
    return job;
}

