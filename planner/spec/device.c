#include "planner/spec/device.h"

static const char *const attention_names[MPP_N_ATTENTIONS] = { "unfused", "fused-softmax", "flash1", "flash1-triton", "flash2", "flash3" };
const MppNames mpp_attention_names = MPP_NAMES("attention kernel", attention_names);

bool mpp_attention_is_unfused(MppAttentionKernel kernel)
{
    return kernel <= MPP_ATTENTION_FUSED_SOFTMAX;
}

#define RATE_ROW(precision, index, high, text)                                                                                   \
    {                                                                                                                            \
#precision, MPP_FIELD_TYPE_DOUBLE, offsetof(MppRates, by_precision) + (index) * sizeof(double), 0, (high), 0, NULL,      \
            NULL, (text)                                                                                                         \
    }
#define RATE_ROWS(high)                                                                                                          \
    RATE_ROW(fp32, MPP_PRECISION_FP32, high, "single precision"),                                                                \
        RATE_ROW(tf32, MPP_PRECISION_TF32, high, "19-bit products of fp32 operands"),                                            \
        RATE_ROW(fp16, MPP_PRECISION_FP16, high, "half precision"), RATE_ROW(bf16, MPP_PRECISION_BF16, high, "bfloat16"),        \
        RATE_ROW(fp8, MPP_PRECISION_FP8, high, "8-bit, one scale a tensor or block"),                                            \
        RATE_ROW(fp8-rowwise, MPP_PRECISION_FP8_ROWWISE, high, "8-bit, one scale a row"),                                        \
        RATE_ROW(mxfp8, MPP_PRECISION_MXFP8, high, "8-bit, one scale for 32 elements"),                                          \
        RATE_ROW(nvfp4, MPP_PRECISION_NVFP4, high, "4-bit, one scale for 16 elements")

static const MppField peak_rows[] = { RATE_ROWS(1e19) };
static const MppFields peak_fields = MPP_FIELDS("peak rates, FLOP per s", MppRates, peak_rows);
static const MppField frac_rows[] = { RATE_ROWS(1) };
static const MppFields frac_fields = MPP_FIELDS("reached fractions", MppRates, frac_rows);

static const char *const stream_names[] = {
#define STREAMING(kind, name) name,
    MPP_STREAMINGS(STREAM)
#undef STREAMING
};
const MppNames mpp_streaming_names = MPP_NAMES("streaming kernel", stream_names);

static const MppField stream_rows[] = {
#define STREAMING(kind, name)                                                                                                    \
    { name,                                                                                                                      \
      MPP_FIELD_TYPE_DOUBLE,                                                                                                     \
      offsetof(MppStreamingRates, by_streaming) + MPP_STREAMING_##kind * sizeof(double),                                         \
      0.001,                                                                                                                     \
      10,                                                                                                                        \
      1,                                                                                                                         \
      NULL,                                                                                                                      \
      NULL,                                                                                                                      \
      "rate against memory_frac" },
    MPP_STREAMINGS(STREAM)
#undef STREAMING
};
static const MppFields stream_fields = MPP_FIELDS("rates of streaming kernels", MppStreamingRates, stream_rows);

static const MppField attention_rows[] = {
    MPP_FIELD_DOUBLE(MppAttentionRate, forward_frac, 0, 1, 0, "share of the bf16 peak, forward"),
    MPP_FIELD_DOUBLE(MppAttentionRate, backward_frac, 0, 1, 0, "share of the bf16 peak, backward"),
};
static const MppFields attention_fields = MPP_FIELDS("attention rates", MppAttentionRate, attention_rows);

static const MppField rows[] = {
    MPP_FIELD_STRING(MppDevice, name, MPP_REQUIRED, "name, as flags and files use it"),
    MPP_FIELD_STRING(MppDevice, title, MPP_REQUIRED, "name, as reports show it"),
    MPP_FIELD_STRING(MppDevice, vendor, 0, "who makes it"),
    MPP_FIELD_STRINGS(MppDevice, aliases, "other names"),
    MPP_FIELD_STRING(MppDevice, cluster, 0, "cluster profile taken when only the device is given"),
    MPP_FIELD_DOUBLE(MppDevice, memory_bytes, 1e6, 1e14, MPP_REQUIRED, "memory that a program sees"),
    MPP_FIELD_DOUBLE(MppDevice, memory_bytes_per_s, 1e6, 1e15, MPP_REQUIRED, "memory bandwidth"),
    MPP_FIELD_DOUBLE(MppDevice, memory_frac, 0.05, 1, 0.8, "share of the bandwidth that streaming kernels reach"),
    MPP_FIELD_STRUCT(MppDevice, streaming_frac, &stream_fields, 0, "rates of streaming kernels, where arithmetic limits them"),
    MPP_FIELD_STRUCT(MppDevice, peak_flop_per_s, &peak_fields, MPP_REQUIRED, "dense peak rates"),
    MPP_FIELD_STRUCT(MppDevice, matmul_frac, &frac_fields, MPP_REQUIRED, "share of the peak that large products sustain"),
    MPP_FIELD_INT(MppDevice, cores, 1, 65536, MPP_REQUIRED, "streaming multiprocessors or compute units"),
    MPP_FIELD_INT(MppDevice, matmul_tile, 0, 64, 0, "edge of the part of a product computed at once; 0: 64 to 256, as GPUs do"),
    MPP_FIELD_DOUBLE(MppDevice, matmul_depth, 0, 1e5, 100, "k at which a product reaches half of its rate"),
    MPP_FIELD_DOUBLE(MppDevice, grouped_frac, 0.05, 1, 0.75, "of a product's rate, for the grouped products of experts"),
    MPP_FIELD_DOUBLE(MppDevice, matmul_work_flop, 0, 1e14, 0, "work at which a product reaches half of its rate"),
    MPP_FIELD_STRUCT(MppDevice, flash1, &attention_fields, 0, "FlashAttention 1"),
    MPP_FIELD_STRUCT(MppDevice, flash2, &attention_fields, 0, "FlashAttention 2"),
    MPP_FIELD_STRUCT(MppDevice, flash3, &attention_fields, 0, "FlashAttention 3 or the vendor's fused kernel"),
    MPP_FIELD_DOUBLE(MppDevice, attention_tokens, 0, 1e6, 200, "keys at which attention reaches half of its rate"),
    MPP_FIELD_DOUBLE(MppDevice, kernel_s, 0, 1e-2, 2e-6, "device time between two dependent kernels"),
    MPP_FIELD_DOUBLE(MppDevice, host_frac, 0.01, 100, 1, "host time to launch a kernel, against the runtime's"),
    MPP_FIELD_DOUBLE(MppDevice, host_link_bytes_per_s, 1e6, 1e13, 2e10, "copies to and from the host, each way, while all of a node copy"),
    MPP_FIELD_DOUBLE(MppDevice, host_memory_bytes_per_s, 1e6, 1e13, 2e10, "the host's memory bandwidth, as one rank's update reaches it"),
    MPP_FIELD_DOUBLE(MppDevice, power_w, 0, 1e5, 0, "board power"),
    MPP_FIELD_DOUBLE(MppDevice, price_usd_per_h, 0, 1e5, 0, "rent of one device; 0: unknown"),
    MPP_FIELD_TEXTS(MppDevice, sources, "source of each number, by field name"),
};
const MppFields mpp_device_fields = MPP_FIELDS("device", MppDevice, rows);

bool mpp_device_check(const MppDevice *device, const MppJson *json, const cJSON *node, GError **error)
{
    for (int i = 0; i < MPP_N_PRECISIONS; i++)
        if (device->peak_flop_per_s.by_precision[i] > 0 && !(device->matmul_frac.by_precision[i] > 0))
            return mpp_json_error(error, json, mpp_json_get(node, "matmul_frac"), MPP_ERROR_INVALID,
                                  "%s has a peak rate but no matmul_frac", mpp_names_get(&mpp_precision_names, i));
    for (int i = 0; i < MPP_N_ATTENTIONS; i++) {
        const MppAttentionRate *rate = mpp_device_attention(device, i);
        const char *name = mpp_names_get(&mpp_attention_names, i);
        if (rate && (rate->forward_frac > 0) != (rate->backward_frac > 0))
            return mpp_json_error(error, json, mpp_json_get(node, name), MPP_ERROR_INVALID, "%s has a rate in one direction alone", name);
    }
    return true;
}

bool mpp_device_read(const MppJson *json, MppDevice *device, GError **error)
{
    if (!mpp_fields_read(&mpp_device_fields, json, json->root, device, error))
        return false;
    if (mpp_device_check(device, json, json->root, error))
        return true;
    mpp_device_clear(device);
    return false;
}

void mpp_device_clear(MppDevice *device)
{
    mpp_fields_clear(&mpp_device_fields, device);
}

const MppAttentionRate *mpp_device_attention(const MppDevice *device, MppAttentionKernel kernel)
{
    switch (kernel) {
    case MPP_ATTENTION_FLASH1:
    case MPP_ATTENTION_FLASH1_TRITON: return &device->flash1;
    case MPP_ATTENTION_FLASH2: return &device->flash2;
    case MPP_ATTENTION_FLASH3: return &device->flash3;
    default: return NULL;
    }
}
