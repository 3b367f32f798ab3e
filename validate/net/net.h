/**
 * The part of a model that one rank holds, and its forward pass.
 *
 * Parameters have names and first values that no split changes, so any two ways to split a model train the same one.
 * Decoders with grouped heads, dense or with experts, and nets that list their layers; net_check.c says what is not there.
 */
#pragma once

#include "planner/schedule/order.h"
#include "planner/spec/job.h"
#include "validate/net/batch.h"
#include "validate/net/net_list.h"
#include "validate/net/nodes.h"

typedef struct MppNet MppNet;

/** A part of a layer that is listed, on this rank: parameters that are not there have no name. */
typedef struct {
    const MppPart *part;
    MppWindows windows;
    MppNetParameter weight, bias, norm, norm_bias;
} MppNetPart;

/** A layer, and all its operations need to know. */
typedef struct {
    const MppNet *net;
    const MppLayerKind *kind;
    bool recomputed; /* computed again from its input in the backward pass */
    MppNetParameter parameters[MPP_N_LAYER_PARAMETERS];
    MppBucket *dense, *routed; /* routed: NULL without experts */
    MppExperts experts;
    MppAttentionShape attention;
    MppNetPart *parts; /* of a layer that is listed, else NULL */
} MppNetLayer;

/** Embedding and head: parameters that are not there have no name. */
typedef struct {
    MppNetParameter vocabulary, positions; /* tables */
    MppNetParameter final_norm, final_norm_bias, head, head_bias;
    MppBucket *vocabulary_bucket, *positions_bucket, *head_bucket; /* NULL: not on this rank */
} MppNetEnds;

typedef struct {
    int64_t chunk;       /* of the pipeline */
    bool begins, ends;   /* has the embedding, the head */
    MppNetLayer *layers; /* n_layers */
    int64_t n_layers;
    GPtrArray *buckets; /* MppBucket, the net's: exchanged when the chunk's gradients are complete */
} MppNetChunk;

struct MppNet {
    const MppJob *job; /* borrowed, as is the place */
    const MppPlace *place;
    uint64_t seed;
    MppElement element; /* of activations and of the parameters that layers use */
    MppTpEdge edge;
    MppNetEnds ends;
    GPtrArray *buckets; /* MppBucket: of all chunks, each once */
    MppNetChunk *chunks;
    int64_t n_chunks;         /* of this rank */
    MppBuffer *positions;     /* of the rank's rows */
    MppBuffer *own_positions; /* of those it has outside of blocks */
    MppBuffer *loss;          /* of the step so far */
};

/** Error: MPP_ERROR_UNSUPPORTED, naming what this executor does not compute. */
bool mpp_net_check(const MppJob *job, const MppStrategy *strategy, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The format a job's layers compute in. */
MppElement mpp_net_element(const MppJob *job);

/** @order: the pipeline's; @place->strategy must list the layers of each chunk. */
MppNet *mpp_net_new(const MppJob *job, const MppPlace *place, const MppOrder *order, uint64_t seed);
void mpp_net_free(MppNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppNet, mpp_net_free)

/** The chunk of the pipeline called @chunk, which must be on this rank. */
MppNetChunk *mpp_net_chunk(const MppNet *net, int64_t chunk);

/**
 * Runs a chunk forwards on @x (NULL where it begins). Returns: its output, with one hold; NULL where it ends with the
 * loss, which has been added to net->loss.
 */
MppValue *mpp_net_forward(const MppNet *net, MppTape *tape, const MppNetChunk *chunk, MppValue *x, const MppBatch *batch);

/** Rows and columns of what enters the pipeline's chunk @chunk on this rank; of the number of chunks: leaves the last. */
void mpp_net_size_between(const MppNet *net, int64_t chunk, int64_t *rows, int64_t *columns);

/** Buckets of all chunks, each once. */
void mpp_net_each_bucket(const MppNet *net, void (*visit)(MppBucket *bucket, gpointer data), gpointer data);

/* net_layer.c */
void mpp_net_layer_build(MppNet *net, MppNetChunk *chunk, MppNetLayer *layer, int64_t index);
MppValue *mpp_net_layer_forward(MppTape *tape, const MppNetLayer *layer, MppValue *x);

/** A new bucket of the net, used by @chunk; ranks of group @shard own parts, of @replicas copies of these. */
MppBucket *mpp_net_add_bucket(MppNet *net, MppNetChunk *chunk, MppGroupKind shard, MppGroupKind replicas);
/** Makes @chunk one more user. */
void mpp_net_use_bucket(MppNetChunk *chunk, MppBucket *bucket);

/* net_parameters.c */
/** Names and ranges a parameter and gives it to @bucket. */
void mpp_net_add(const MppNet *net, MppBucket *bucket, MppNetParameter *parameter, char *name, MppSplit split);
/** Weight and bias of a norm over @width, as far as the model has them. */
void mpp_net_add_norm(const MppNet *net, MppBucket *bucket, MppNetParameter *weight, MppNetParameter *bias, const char *prefix,
                      int64_t width);
void mpp_net_layer_add_parameters(MppNet *net, MppNetLayer *layer, int64_t index);

/* net_listed.c */
void mpp_net_listed_build(const MppNet *net, MppNetLayer *layer, int64_t index);
MppValue *mpp_net_listed_forward(MppTape *tape, const MppNetLayer *layer, MppValue *x);
void mpp_net_listed_clear(MppNetLayer *layer);

/* net_ends.c */
void mpp_net_ends_build(MppNet *net);
MppValue *mpp_net_ends_embed(const MppNet *net, MppTape *tape, const MppBatch *batch);
void mpp_net_ends_loss(const MppNet *net, MppTape *tape, MppValue *x, const MppBatch *batch);
