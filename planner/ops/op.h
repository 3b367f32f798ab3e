/**
 * What one rank computes and moves for one layer and one micro-batch: a list of operations without hardware.
 *
 * An op carries its forward work and, beside it, what its backward pass does; so one list describes both
 * passes, what is kept between them, and what a recomputation runs again. Estimate, simulation and execution
 * read the same list. Sizes are per rank, after every split.
 */
#pragma once

#include <stdint.h>

#include "planner/spec/job.h"
#include "planner/spec/mesh.h"

/** Kind of an op: name as reports show it. */
#define MPP_OP_KINDS(OP) \
    OP(MATMUL, "matmul") /* count products [m,k]x[k,n]; backward: both gradients */ \
    OP(ATTENTION, "attention") /* a fused attention core */ \
    OP(MEMORY, "memory") /* bound by memory bandwidth: norms, activations, softmax, copies */ \
    OP(COLLECTIVE, "collective")

typedef enum {
#define OP(kind, name) MPP_OP_##kind,
    MPP_OP_KINDS(OP)
#undef OP
    MPP_N_OP_KINDS,
} MppOpKind;

extern const MppNames mpp_op_kind_names;

typedef enum {
    MPP_COLLECTIVE_ALL_REDUCE,
    MPP_COLLECTIVE_ALL_GATHER,
    MPP_COLLECTIVE_REDUCE_SCATTER,
    MPP_COLLECTIVE_ALL_TO_ALL,
    MPP_COLLECTIVE_EXCHANGE, /* each member sends to its neighbour */
    MPP_N_COLLECTIVES,
} MppCollective;

extern const MppNames mpp_collective_names;

typedef struct {
    const char *name;
    MppOpKind kind;

    /* matmul; attention: per head m queries, n keys seen on average, k and v the widths */
    double count, m, n, k, v;
    double blocks; /* of an attention's keys, a kernel each: those of a ring; 0: one */
    double overlap; /* how many windows, or heads of a group, read a number of the first operand, where that is more than one */
    MppPrecision precision;

    /* memory: bytes read and written */
    MppStreaming streaming;
    double forward_bytes, backward_bytes;

    /* collective over the axis' group; bytes as mpp_collective_time_s() takes them */
    MppCollective collective;
    MppAxis axis;
    double bytes;
    double copies; /* in an all-to-all: experts that a token goes to, where it goes to a rank and node once; else 0 */
    double experts_in_turn; /* of a rank, where these experts follow each other; else 0 */
    int forward_times, backward_times;

    int forward_kernels, backward_kernels; /* operators that are called, a kernel each */
    int forward_launches, backward_launches; /* kernels that these launch besides */
    double kept_bytes;      /* for the backward pass */
    double working_bytes;   /* beside it while the op's passes run */
    bool attention_core;
    bool remade; /* its backward pass first makes again what the forward pass did not keep */
    double again_frac;      /* of its forward pass, run again under selective recomputation */
    double dropped_frac;    /* of its kept bytes, not kept under selective recomputation */
    double parameters;      /* weights on this rank */
    bool expert;            /* weights of routed experts */
    bool routed;            /* its sizes are known once tokens have chosen experts */
} MppOp;

/** What decides a layer's ops beside the layer itself; small, compared by value. */
typedef struct {
    int64_t tp, cp, ep, etp, micro_batch;
    bool sequence_parallel;
    MppCpKind cp_kind;
    int64_t recompute_modules; /* see MppStrategy */
} MppShard;

MppShard mpp_shard_of(const MppStrategy *strategy);

enum { MPP_OPS_MOST = 80 };

typedef struct {
    int n;
    MppOp ops[MPP_OPS_MOST];
} MppOps;

/** Appends one op; @ops must have room. Returns: the new op, zeroed but for name and kind. */
MppOp *mpp_ops_add(MppOps *ops, MppOpKind kind, const char *name);

/** Sizes every part of a layer needs, worked out once. */
typedef struct {
    const MppJob *job;
    const MppShard *shard;
    const MppLayerKind *layer;
    double element;     /* bytes of an activation */
    double input;       /* bytes of one that is kept as the input of a product */
    double gathered;    /* bytes of one on the wire, where ranks of tp gather a product's input */
    double tokens;      /* of the micro-batch on this rank, inside a layer's split parts */
    double source;      /* the same of what cross attention reads */
    double seq;         /* tokens of a sequence in the layer, on average */
    double longest;     /* tokens that the longest sequences would have, over these */
    double norm_tokens; /* where norms and residuals run: tokens, over tp under sequence parallelism */
    double tp;
} MppOpContext;

MppOpContext mpp_op_context(const MppJob *job, const MppShard *shard, const MppLayerKind *layer);

/** Ops of one layer of @kind, forward order. */
void mpp_ops_layer(const MppJob *job, const MppShard *shard, const MppLayerKind *kind, MppOps *ops);

/** Ops before the first layer: token (or patch) embedding, positions. */
void mpp_ops_embedding(const MppJob *job, const MppShard *shard, MppOps *ops);

/** Ops after the last layer: final norm, vocabulary projection, loss. */
void mpp_ops_head(const MppJob *job, const MppShard *shard, MppOps *ops);

/** Whether ranks of @tp keep logits apart and the loss sums over them; else each computes it of the whole vocabulary. */
bool mpp_ops_logits_split(const MppJob *job, int64_t tp);

/** Logits of a token that a rank has at the loss; 0: the head has none. */
double mpp_ops_logits(const MppJob *job, int64_t tp);

/** Vocabulary as the stack pads it for tp ranks (Megatron: to a multiple of 128 tp). */
int64_t mpp_ops_padded_vocab(const MppJob *job, int64_t tp);
