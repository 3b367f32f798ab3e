/**
 * The parameters of a layer: name of each, as in "layers.3.qkv.weight".
 */
#pragma once

#define MPP_LAYER_PARAMETERS(PARAMETER)                                                                                          \
    PARAMETER(ATTENTION_NORM, "attention_norm.weight")                                                                           \
    PARAMETER(ATTENTION_NORM_BIAS, "attention_norm.bias")                                                                        \
    PARAMETER(QKV, "qkv.weight")                                                                                                 \
    PARAMETER(QKV_BIAS, "qkv.bias")                                                                                              \
    PARAMETER(OUT, "out.weight")                                                                                                 \
    PARAMETER(OUT_BIAS, "out.bias")                                                                                              \
    PARAMETER(ATTENTION_POST_NORM, "attention_post_norm.weight")                                                                 \
    PARAMETER(ATTENTION_POST_NORM_BIAS, "attention_post_norm.bias")                                                              \
    PARAMETER(MLP_NORM, "mlp_norm.weight")                                                                                       \
    PARAMETER(MLP_NORM_BIAS, "mlp_norm.bias")                                                                                    \
    PARAMETER(UP, "up.weight")                                                                                                   \
    PARAMETER(UP_BIAS, "up.bias")                                                                                                \
    PARAMETER(DOWN, "down.weight")                                                                                               \
    PARAMETER(DOWN_BIAS, "down.bias")                                                                                            \
    PARAMETER(MLP_POST_NORM, "mlp_post_norm.weight")                                                                             \
    PARAMETER(MLP_POST_NORM_BIAS, "mlp_post_norm.bias")                                                                          \
    PARAMETER(ROUTER, "router.weight")                                                                                           \
    PARAMETER(ROUTER_BIAS, "router.bias")                                                                                        \
    PARAMETER(EXPERTS_UP, "experts.up.weight")                                                                                   \
    PARAMETER(EXPERTS_DOWN, "experts.down.weight")

typedef enum {
#define PARAMETER(kind, name) MPP_LAYER_##kind,
    MPP_LAYER_PARAMETERS(PARAMETER)
#undef PARAMETER
        MPP_N_LAYER_PARAMETERS,
} MppLayerParameterKind;
