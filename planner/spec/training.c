#include "planner/spec/training.h"

#include <math.h>

#include "planner/base/error.h"
#include "planner/spec/model_params.h"

static const char *const optimizer_names[MPP_N_OPTIMIZERS] = { "adam", "lamb", "sgd", "muon" };
const MppNames mpp_optimizer_names = MPP_NAMES("optimizer", optimizer_names);

static const MppField rows[] = {
    MPP_FIELD_INT(MppTraining, seq, 1, 1 << 28, MPP_REQUIRED, "tokens a sequence"),
    MPP_FIELD_INT(MppTraining, document_tokens, 1, 1 << 28, 0, "tokens of a packed document on average, where attention stays within them"),
    MPP_FIELD_INT(MppTraining, mean_seq, 1, 1 << 28, 0, "tokens of a sequence on average, where padding is left out"),
    MPP_FIELD_INT(MppTraining, target_seq, 1, 1 << 28, 0, "tokens of the decoder's sequence beside an encoder; as many by default"),
    MPP_FIELD_INT(MppTraining, loss_tokens, 1, 1 << 28, 0, "tokens of a sequence that head and loss work on; all of them by default"),
    MPP_FIELD_INT(MppTraining, global_batch, 1, 1 << 28, MPP_REQUIRED, "sequences a step"),
    MPP_FIELD_ENUM(MppTraining, precision, &mpp_precision_names, MPP_PRECISION_BF16, "number format of the layers' products"),
    MPP_FIELD_BOOL(MppTraining, narrow_states, 0, "weights, gradients and optimizer states in 16 bits, without a master copy"),
    MPP_FIELD_ENUM(MppTraining, optimizer, &mpp_optimizer_names, MPP_OPTIMIZER_ADAM, "optimizer"),
    MPP_FIELD_BOOL(MppTraining, dropout, 0, "dropout after each block and on attention"),
    MPP_FIELD_STRUCT(MppTraining, kernels, &mpp_kernels_fields, 0, "kernels, as the runtime has them or as overridden"),
};
const MppFields mpp_training_fields = MPP_FIELDS("training", MppTraining, rows);

int mpp_optimizer_moments(MppOptimizer optimizer)
{
    static const int moments[MPP_N_OPTIMIZERS] = { 2, 2, 1, 1 };
    return moments[optimizer];
}

int64_t mpp_training_mean_seq(const MppTraining *training)
{
    return training->mean_seq ? training->mean_seq : training->seq;
}

double mpp_training_seq_of_token(const MppTraining *training)
{
    return (mpp_training_mean_seq(training) + training->seq) / 2.0;
}

double mpp_training_layer_seq(const MppTraining *training, const MppLayerKind *layer)
{
    return layer->cross_attention && training->target_seq ? training->target_seq : mpp_training_mean_seq(training);
}

double mpp_training_longest_seq(const MppTraining *training, const MppLayerKind *layer)
{
    return layer->cross_attention && training->target_seq ? training->target_seq : training->seq;
}

double mpp_training_layer_seq_of_token(const MppTraining *training, const MppLayerKind *layer)
{
    return (mpp_training_layer_seq(training, layer) + mpp_training_longest_seq(training, layer)) / 2;
}

double mpp_training_document_of_token(const MppTraining *training, double seq)
{
    double mean = (double)training->document_tokens;
    return mean > 0 ? 2 * mean * (1 - mean / seq * (1 - exp(-seq / mean))) : seq;
}

double mpp_training_loss_frac(const MppTraining *training)
{
    int64_t tokens = training->loss_tokens ? training->loss_tokens : training->target_seq;
    return tokens ? (double)tokens / mpp_training_mean_seq(training) : 1;
}

static bool longer(const MppJson *json, const cJSON *object, const char *field, int64_t tokens, int64_t most, GError **error)
{
    const char *format = "%s: expected at most the %" G_GINT64_FORMAT " tokens of a sequence, got %" G_GINT64_FORMAT;
    g_autofree char *message = g_strdup_printf(format, field, most, tokens);
    if (json)
        return mpp_json_error(error, json, mpp_json_get(object, field), MPP_ERROR_INVALID, "%s", message);
    return mpp_error_set(error, MPP_ERROR_INVALID, "training field %s", message);
}

bool mpp_training_check(const MppTraining *training, const MppJson *json, const cJSON *object, GError **error)
{
    int64_t mean = mpp_training_mean_seq(training), decoded = training->target_seq ? training->target_seq : mean;
    if (mean > training->seq)
        return longer(json, object, "mean_seq", mean, training->seq, error);
    return training->loss_tokens <= decoded || longer(json, object, "loss_tokens", training->loss_tokens, decoded, error);
}

static int64_t default_seq(const MppModel *model)
{
    enum { LONGEST_DEFAULT = 8192 };
    return mpp_model_tokens(model, MIN(model->max_seq, LONGEST_DEFAULT));
}

int64_t mpp_training_default_batch(const MppModel *model, int64_t seq, int64_t gpus)
{
    enum { MOST_TOKENS = 16 << 20 }; /* the largest batch of Llama 3.1 405B, on 16,384 devices (arXiv:2407.21783) */
    enum { SAMPLES = 128, MOST_SAMPLES = 8192 }; /* on a device, and in a batch that trains as well as smaller ones (arXiv:1706.02677) */
    if (model->sequential)
        return MAX(gpus, MIN(SAMPLES * gpus, MOST_SAMPLES / gpus * gpus));
    int64_t tokens = mpp_model_parameters(model) < 20e9 ? 1 << 20 : 4 << 20;
    int64_t batch = gpus;
    while (batch * seq < tokens)
        batch *= 2;
    while (batch % 2 == 0 && batch * seq > MOST_TOKENS)
        batch /= 2;
    return batch;
}

MppTraining mpp_training_default(const MppModel *model, const MppRuntime *runtime, const MppDevice *device, int64_t gpus)
{
    int64_t seq = default_seq(model);
    MppKernels kernels = runtime->kernels;
    mpp_kernels_set_named(runtime->device_kernels, device->name, &kernels);
    const MppAttentionRate *rate = mpp_device_attention(device, kernels.attention);
    if (rate && !(rate->forward_frac > 0)) /* the device has no such kernel */
        kernels.attention = device->flash2.forward_frac > 0 ? MPP_ATTENTION_FLASH2 : MPP_ATTENTION_FUSED_SOFTMAX;
    kernels.norm_fused = kernels.norm_fused && (runtime->rms_norms_fused || model->norm == MPP_NORM_LAYER);
    bool has_bf16 = device->peak_flop_per_s.by_precision[MPP_PRECISION_BF16] > 0;
    return (MppTraining){
        .seq = seq,
        .global_batch = mpp_training_default_batch(model, seq, gpus),
        .precision = has_bf16 ? MPP_PRECISION_BF16 : MPP_PRECISION_FP16,
        .optimizer = MPP_OPTIMIZER_ADAM,
        .dropout = runtime->dropout && model->positions == MPP_POSITIONS_LEARNED,
        .kernels = kernels,
    };
}
