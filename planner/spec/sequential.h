/**
 * Nets whose layers are listed one after another: MLPs and convolutional nets.
 *
 * A layer is what a pipeline cuts between and what is recomputed at once: convolutions, linear layers and pools, each
 * with a norm and an activation after it, and a residual connection around them where it has one. As listed it is what
 * the file says; its parts have every size worked out from what enters the layer.
 *
 * Products are split over tp in pairs, by the outputs of the first and the inputs of the second; what lies between works
 * on channels one by one. Products without a partner are computed whole on every rank of tp.
 */
#pragma once

#include "planner/base/fields.h"

/** Of one sample. What is not an image has one pixel. */
typedef struct {
    int64_t channels, height, width;
} MppShape;

static inline int64_t mpp_shape_pixels(MppShape shape)
{
    return shape.height * shape.width;
}

static inline int64_t mpp_shape_elements(MppShape shape)
{
    return shape.channels * mpp_shape_pixels(shape);
}

static inline bool mpp_shape_equal(MppShape a, MppShape b)
{
    return a.channels == b.channels && a.height == b.height && a.width == b.width;
}

typedef enum {
    MPP_CHANNEL_NORM_NONE,
    MPP_CHANNEL_NORM_BATCH, /* of a channel over the samples of a micro-batch on a rank (arXiv:1502.03167) */
    MPP_CHANNEL_NORM_LAYER, /* over the channels of a pixel */
} MppChannelNorm;

typedef enum { MPP_ELEMENTWISE_NONE, MPP_ELEMENTWISE_RELU, MPP_ELEMENTWISE_GELU, MPP_ELEMENTWISE_SILU } MppElementwise;

/** As listed: one of the first four is not 0. */
typedef struct {
    int64_t conv, linear;            /* channels it gives */
    int64_t max_pool, average_pool;  /* pixels a side of the window */
    int64_t kernel, stride, padding; /* 0, 0, -1: not given */
    int64_t groups;
    MppChannelNorm norm;
    MppElementwise activation;
} MppSequentialOp;

typedef struct {
    GArray *ops; /* MppSequentialOp */
    bool residual;
    MppElementwise activation; /* after the residual sum */
    int64_t repeat;
} MppSequentialLayer;

extern const MppFields mpp_shape_fields, mpp_sequential_layer_fields;

typedef enum { MPP_PART_CONV, MPP_PART_LINEAR, MPP_PART_SHORTCUT, MPP_PART_MAX_POOL, MPP_PART_AVERAGE_POOL } MppPartKind;

/** A product over windows or a pool, with what follows it. A product has a bias where no norm follows. */
typedef struct {
    MppPartKind kind;
    MppShape in, out;
    int64_t kernel_height, kernel_width, stride, padding, groups;
    MppChannelNorm norm;
    MppElementwise activation;
    bool split_in, split_out; /* over tp: the channels it takes and gives */
} MppPart;

bool mpp_part_is_product(const MppPart *part);

/** Whether its rows are not simply the pixels of what comes in. */
bool mpp_part_gathers(const MppPart *part);

/** Multiply-adds of a product for one sample, and its weights, bias and norm. */
double mpp_part_products(const MppPart *part);
double mpp_part_parameters(const MppPart *part);

/**
 * The parts of @layer, the @index-th listed at @list, for what is @in: its ops, and last the shortcut's projection where
 * the shape changes (arXiv:1512.03385 option B).
 * @json, @list: where it stands, or NULL. Error: MPP_ERROR_INVALID.
 */
GArray *mpp_sequential_parts(const MppSequentialLayer *layer, int64_t index, MppShape in, const MppJson *json, const cJSON *list,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** What leaves a layer of @parts. */
MppShape mpp_sequential_out(const GArray *parts);

/** The first split number of channels that @tp does not divide; 0: all are divided. */
int64_t mpp_sequential_undivided(const GArray *parts, int64_t tp);

/** "residual layer, 256 × 56 × 56": what a layer of @parts is called. */
char *mpp_sequential_title(const MppSequentialLayer *layer, const GArray *parts);
