/**
 * Parameters of a model, part by part.
 *
 * Counts follow what is published: tied matrices count once, multi-token-prediction layers not at all
 * (DeepSeek-V3's 671B, arXiv:2412.19437 §2), vocabularies are unpadded, and what a checkpoint stores without
 * training it by gradient (the balancing bias of DeepSeek-V3's router) counts.
 */
#pragma once

#include "planner/spec/model.h"

/** What stands before and after the layers. */
typedef struct {
    double token_embedding;
    double other_embedding; /* positions (the relative ones of all stacks), types, patches, narrow width, norm */
    double final_norm;      /* of one stack; each of two stacks has one */
    double head;            /* without the vocabulary matrix if it is tied */
} MppEndParameters;

/** One layer. */
typedef struct {
    double attention;         /* projections, biases, sinks, the gate */
    double attention_unsplit; /* part of attention that tensor parallelism leaves whole: latent down projections */
    double cross_attention;
    double ssm;      /* projections of a state-space layer */
    double ssm_rest; /* its convolution, what each head has, the gated norm */
    double mlp;            /* 0 in layers with experts */
    double router;         /* with its bias and the gate of the shared experts */
    double shared_experts; /* together */
    double expert;         /* one routed expert */
    double norms;          /* also of queries, keys and latents */
    double prediction;     /* projection and norms that join a prediction layer to the stack */
    double listed;         /* of a layer that is listed: all there is */
} MppLayerParameters;

MppEndParameters mpp_model_end_parameters(const MppModel *model);
MppLayerParameters mpp_model_layer_parameters(const MppModel *model, const MppLayerKind *kind);

/** Sum of a layer's parts with @experts routed experts: all of them, topk, or those one rank holds. */
double mpp_layer_parameters_sum(const MppLayerParameters *layer, double experts);

/** Parameters of the whole model, prediction layers left out. */
double mpp_model_parameters(const MppModel *model);

/** Parameters a token meets: as above, with topk routed experts a layer instead of all. */
double mpp_model_active_parameters(const MppModel *model);

/** Multiply-adds of a token's products in the forward pass, attention's own left out (6 times as many FLOP a step). */
double mpp_model_products(const MppModel *model);
