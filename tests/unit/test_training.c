#include "planner/spec/training.h"

#include <string.h>

#include "tests/support/expect.h"
#include "tests/support/sample.h"

static void test_moments(void)
{
    static const struct {
        MppOptimizer optimizer;
        const char *name;
        int moments;
    } rows[MPP_N_OPTIMIZERS] = {
        { MPP_OPTIMIZER_ADAM, "adam", 2 },
        { MPP_OPTIMIZER_LAMB, "lamb", 2 },
        { MPP_OPTIMIZER_SGD, "sgd", 1 },
        { MPP_OPTIMIZER_MUON, "muon", 1 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(mpp_optimizer_moments(rows[i].optimizer), ==, rows[i].moments);
        g_assert_cmpint(mpp_names_find(&mpp_optimizer_names, rows[i].name), ==, rows[i].optimizer);
    }
}

static void test_seq_and_batch(void)
{
    static const struct {
        int64_t max_seq, layers, hidden, gpus;
        int64_t seq, global_batch;
    } rows[] = {
        { 1537, 12, 210, 7, 1537, 896 }, /* 1 Mi tokens are 682 sequences; the next power of two times 7 */
        { 1024, 12, 210, 7, 1024, 1792 },  { 8192, 12, 210, 7, 8192, 224 },
        { 131072, 12, 210, 7, 8192, 224 }, /* a long context is not trained in whole */
        { 8192, 12, 210, 385, 8192, 385 },    /* a sequence a device */
        { 8192, 12, 210, 6160, 8192, 1540 },  /* above 16 Mi tokens fewer */
        { 8192, 12, 210, 10241, 8192, 10241 }, /* but a divisor of the devices times a power of two */
        { 8192, 96, 4200, 7, 8192, 896 },  /* 24 B parameters: 4 Mi tokens */
        { 1, 12, 210, 1, 1, 1048576 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppInputs) in = mpp_sample_new(rows[i].gpus);
        in->model.max_seq = rows[i].max_seq;
        in->model.layers = rows[i].layers;
        in->model.hidden = rows[i].hidden;
        in->model.ffn = 4 * rows[i].hidden;
        in->model.head_dim = 0;
        g_assert_true(mpp_model_finish(&in->model, NULL, NULL, &error));
        MppTraining training = mpp_training_default(&in->model, &in->runtime, &in->cluster.device, rows[i].gpus);
        g_assert_cmpint(training.seq, ==, rows[i].seq);
        g_assert_cmpint(training.global_batch, ==, rows[i].global_batch);
        g_assert_cmpint(training.optimizer, ==, MPP_OPTIMIZER_ADAM);
    }
}

static void test_images(void)
{
    g_autoptr(MppInputs) in = mpp_sample_new(3);
    in->model.vision = (MppVision){ .image_size = 182, .patch_size = 14, .channels = 3, .class_token = true };
    g_assert_cmpint(mpp_training_default(&in->model, &in->runtime, &in->cluster.device, 3).seq, ==, 170);
}

static void test_habits(void)
{
    static const struct {
        double bf16_flop_per_s, flash2_frac, flash3_frac;
        MppAttentionKernel of_runtime, attention;
        MppPositions positions;
        bool of_recipe;
        MppPrecision precision;
        bool dropout;
    } rows[] = {
        { 1e14, 0.5, 0.6, MPP_ATTENTION_FLASH3, MPP_ATTENTION_FLASH3, MPP_POSITIONS_ROTARY, true, MPP_PRECISION_BF16, false },
        { 1e14, 0.5, 0, MPP_ATTENTION_FLASH3, MPP_ATTENTION_FLASH2, MPP_POSITIONS_LEARNED, true, MPP_PRECISION_BF16, true },
        { 0, 0, 0, MPP_ATTENTION_FLASH3, MPP_ATTENTION_FUSED_SOFTMAX, MPP_POSITIONS_RELATIVE, true, MPP_PRECISION_FP16, false },
        { 0, 0, 0, MPP_ATTENTION_UNFUSED, MPP_ATTENTION_UNFUSED, MPP_POSITIONS_LEARNED, false, MPP_PRECISION_FP16, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) in = mpp_sample_new(3);
        in->cluster.device.peak_flop_per_s.by_precision[MPP_PRECISION_BF16] = rows[i].bf16_flop_per_s;
        in->cluster.device.flash2.forward_frac = rows[i].flash2_frac;
        in->cluster.device.flash3.forward_frac = rows[i].flash3_frac;
        in->runtime.kernels.attention = rows[i].of_runtime;
        in->runtime.kernels.rotary_fused = false;
        in->runtime.dropout = rows[i].of_recipe;
        in->model.positions = rows[i].positions;
        MppTraining training = mpp_training_default(&in->model, &in->runtime, &in->cluster.device, 3);
        g_assert_cmpint(training.kernels.attention, ==, rows[i].attention);
        g_assert_false(training.kernels.rotary_fused);
        g_assert_cmpint(training.precision, ==, rows[i].precision);
        g_assert_cmpint(training.dropout, ==, rows[i].dropout);
    }
}

/** The sample's device is a chip. */
static void test_attention_of_device(void)
{
    static const struct {
        const char *words;
        double flash3_frac;
        MppAttentionKernel attention;
    } rows[] = {
        { NULL, 0.6, MPP_ATTENTION_UNFUSED },
        { "hip: flash3", 0.6, MPP_ATTENTION_FLASH3 },
        { "hip: flash3", 0, MPP_ATTENTION_FLASH2 },
        { "chips: flash3", 0.6, MPP_ATTENTION_UNFUSED },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) in = mpp_sample_new(3);
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        in->cluster.device.flash2.forward_frac = 0.5;
        in->cluster.device.flash3.forward_frac = rows[i].flash3_frac;
        MppRuntime runtime = in->runtime;
        runtime.kernels.attention = MPP_ATTENTION_UNFUSED;
        runtime.device_kernels = words;
        if (rows[i].words)
            g_ptr_array_add(words, (char *)rows[i].words);
        MppTraining training = mpp_training_default(&in->model, &runtime, &in->cluster.device, 3);
        g_assert_cmpint(training.kernels.attention, ==, rows[i].attention);
    }
}

static void test_lengths(void)
{
    static const struct {
        int64_t seq, mean_seq, loss_tokens, target_seq;
        int64_t mean;
        double of_token, loss_frac;
    } rows[] = {
        { 385, 0, 0, 0, 385, 385, 1 },
        { 385, 385, 385, 0, 385, 385, 1 },
        { 512, 288, 0, 0, 288, 400, 1 },
        { 512, 288, 36, 0, 288, 400, 0.125 },
        { 128, 0, 16, 0, 128, 128, 0.125 },
        { 512, 288, 0, 144, 288, 400, 0.5 },
        { 512, 288, 72, 144, 288, 400, 0.25 },
        { 128, 0, 0, 192, 128, 128, 1.5 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        MppTraining training = { .seq = rows[i].seq, .mean_seq = rows[i].mean_seq, .loss_tokens = rows[i].loss_tokens,
                                 .target_seq = rows[i].target_seq };
        g_autoptr(GError) error = NULL;
        g_assert_true(mpp_training_check(&training, NULL, NULL, &error));
        g_assert_cmpint(mpp_training_mean_seq(&training), ==, rows[i].mean);
        g_assert_cmpfloat(mpp_training_seq_of_token(&training), ==, rows[i].of_token);
        g_assert_cmpfloat(mpp_training_loss_frac(&training), ==, rows[i].loss_frac);
    }
}

/** Layers with cross attention are the decoder's. */
static void test_layer_lengths(void)
{
    MppTraining training = { .seq = 512, .mean_seq = 288 };
    MppLayerKind encoder = { .causal = false }, decoder = { .cross_attention = true };
    for (int i = 0; i < 2; i++) {
        const MppLayerKind *layer = i ? &decoder : &encoder;
        g_assert_cmpfloat(mpp_training_layer_seq(&training, layer), ==, i ? 114 : 288);
        g_assert_cmpfloat(mpp_training_longest_seq(&training, layer), ==, i ? 114 : 512);
        g_assert_cmpfloat(mpp_training_layer_seq_of_token(&training, layer), ==, i ? 114 : 400);
        training.target_seq = 114;
    }
    training.target_seq = 0;
    g_assert_cmpfloat(mpp_training_layer_seq(&training, &decoder), ==, 288);
    g_assert_cmpfloat(mpp_training_longest_seq(&training, &decoder), ==, 512);
}

static void test_wrong_lengths(void)
{
    static const struct {
        const char *lengths, *at, *message;
    } rows[] = {
        { "\"mean_seq\": 97", "1:44: /mean_seq", "mean_seq: expected at most the 96 tokens of a sequence, got 97" },
        { "\"loss_tokens\": 97", "1:47: /loss_tokens", "loss_tokens: expected at most the 96 tokens of a sequence, got 97" },
        { "\"mean_seq\": 41, \"loss_tokens\": 42", "1:63: /loss_tokens",
          "loss_tokens: expected at most the 41 tokens of a sequence, got 42" },
        { "\"target_seq\": 11, \"loss_tokens\": 12", "1:65: /loss_tokens",
          "loss_tokens: expected at most the 11 tokens of a sequence, got 12" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("{\"seq\": 96, \"global_batch\": 7, %s}", rows[i].lengths);
        g_autofree char *placed = g_strdup_printf("t.json:%s: %s", rows[i].at, rows[i].message);
        g_autofree char *bare = g_strdup_printf("training field %s", rows[i].message);
        g_autoptr(MppJson) json = mpp_expect_json(text);
        g_autoptr(GError) error = NULL;
        MppTraining training;
        g_assert_true(mpp_fields_read(&mpp_training_fields, json, json->root, &training, &error));
        g_assert_false(mpp_training_check(&training, json, json->root, &error));
        g_autofree char *place = g_strndup(error->message, strlen(placed));
        g_assert_cmpstr(place, ==, placed);
        g_clear_error(&error);
        g_assert_false(mpp_training_check(&training, NULL, NULL, &error));
        mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_INVALID, bare);
    }
}

static void test_json(void)
{
    static const char text[] =
        "{\"seq\":1537,\"document_tokens\":83,\"mean_seq\":1009,\"target_seq\":209,\"loss_tokens\":151,"
        "\"global_batch\":385,\"precision\":\"mxfp8\",\"narrow_states\":true,\"optimizer\":\"muon\",\"dropout\":true,"
        "\"kernels\":{\"attention\":\"fused-softmax\",\"norm_fused\":false,\"elementwise_fused\":false,\"rotary_fused\":true,"
        "\"cross_entropy_fused\":true,\"inputs_in_host\":false,\"loss_narrow\":false,\"logits_gathered\":false,"
        "\"loss_in_pieces\":false,\"update_fused\":false,\"experts_fused\":false,\"dispatch_once\":true,"
        "\"experts_in_turn\":false,\"experts_padded\":true,\"natural_routing\":false,\"segments_grow\":false,\"graphs\":false,"
        "\"partial_graphs\":false,\"tensor_async\":false,\"context_whole\":false,\"gradients_whole\":false,"
        "\"expert_async\":false}}";
    g_autoptr(MppJson) json = mpp_expect_json(text), empty = mpp_expect_json("{\"seq\": 3}");
    g_autoptr(GError) error = NULL;
    MppTraining training;
    g_assert_true(mpp_fields_read(&mpp_training_fields, json, json->root, &training, &error));
    g_autoptr(cJSON) written = mpp_fields_write(&mpp_training_fields, &training, false);
    mpp_expect_printed(written, text);
    g_assert_false(mpp_fields_read(&mpp_training_fields, empty, empty->root, &training, &error));
    mpp_expect_error(&error, MPP_ERROR, MPP_ERROR_SCHEMA,
                     "t.json:1:1: /: the training field \"global_batch\" is missing (sequences a step)\n"
                     "    1 | {\"seq\": 3}\n      | ^");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/training/moments", test_moments);
    g_test_add_func("/training/seq-and-batch", test_seq_and_batch);
    g_test_add_func("/training/images", test_images);
    g_test_add_func("/training/habits", test_habits);
    g_test_add_func("/training/attention-of-device", test_attention_of_device);
    g_test_add_func("/training/lengths", test_lengths);
    g_test_add_func("/training/layer-lengths", test_layer_lengths);
    g_test_add_func("/training/wrong-lengths", test_wrong_lengths);
    g_test_add_func("/training/json", test_json);
    return g_test_run();
}
