/**
 * The parts a layer is assembled from. Each appends its ops to a list.
 */
#pragma once

#include "planner/ops/op.h"

/** @name: [m,k]x[k,n] with @parameters = k n (+ n with a bias), its input of m k elements kept by whoever made it. */
MppOp *mpp_ops_add_matmul(const MppOpContext *at, MppOps *ops, const char *name, double m, double n, double k, bool bias);

/** Reads @read and writes @written elements forward; backward the same plus @backward_extra elements. */
MppOp *mpp_ops_add_memory(const MppOpContext *at, MppOps *ops, const char *name, double read, double written,
                          double backward_extra, int kernels);

/** A norm over @tokens tokens of width @width. */
MppOp *mpp_ops_add_norm(const MppOpContext *at, MppOps *ops, const char *name, double tokens, double width, bool keeps_input);

/** What selective recomputation of every second product does to an op; nothing in stacks that mean the attention core. */
void mpp_ops_half_products(const MppOpContext *at, MppOp *op, double again_frac, double dropped_frac);

/**
 * The same of a product, or of what keeps its output. The list of operators whose outputs are kept is PyTorch's compute_intensive_ops
 * (torch/_functorch/partitioners.py), which lacks those of 4-bit products: these are all run again.
 */
void mpp_ops_listed_products(const MppOpContext *at, MppOp *op, double again_frac, double dropped_frac);

/** What selective recomputation does to an op of @module, if it is of that: runs it again, and @dropped_frac of its kept bytes are not kept. */
void mpp_ops_in_module(const MppOpContext *at, MppOp *op, MppModule module, double dropped_frac);

/** The same for a module of all ops from @first on, of which it keeps nothing. */
void mpp_ops_are_module(const MppOpContext *at, MppOps *ops, int first, MppModule module);

/** What selective recomputation of norms and activation functions does to one that keeps @bytes of output. */
void mpp_ops_stream_again(const MppOpContext *at, MppOp *op, double bytes);

/** Marks an op of the attention core. */
void mpp_ops_mark_core(const MppOpContext *at, MppOp *op);

/** Entry of a block split over tp, @width numbers a token: gathers the sequence, or all-reduces the input's gradient. */
void mpp_ops_add_tp_entry(const MppOpContext *at, MppOps *ops, double width);

/** Exit of a block split over tp: sums the partial outputs. */
void mpp_ops_add_tp_exit(const MppOpContext *at, MppOps *ops, double width);

/** Bias, dropout and residual after a block. */
void mpp_ops_add_residual(const MppOpContext *at, MppOps *ops, const char *name);

/** Heads of keys and values that a rank with @kv_heads sends to the others of its context-parallel group: some stacks repeat them. */
double mpp_ops_context_keys(const MppOpContext *at, double kv_heads);

/** What context-parallel ranks send each other for an attention core: queries, keys and values, output of so many numbers a token. */
void mpp_ops_add_context_exchange(const MppOpContext *at, MppOps *ops, double query_width, double kv_width, double out_width);

/** After a core that took keys block by block: the sums of its outputs, @width numbers a token. */
void mpp_ops_add_block_sums(const MppOpContext *at, MppOps *ops, double width);

/** Projections, positions, core and output of self attention (or of @cross attention). */
void mpp_ops_add_attention(const MppOpContext *at, MppOps *ops, bool cross);

/** A state-space layer (Mamba-2, gated delta rule): projections, convolution, chunked scan, gated norm. */
void mpp_ops_add_ssm(const MppOpContext *at, MppOps *ops);

/** Dense MLP of width @ffn before splitting, for @tokens tokens a rank, split over @ranks. */
void mpp_ops_add_mlp(const MppOpContext *at, MppOps *ops, double ffn, double tokens, double ranks);

/** Router, dispatch, experts, combine, shared experts. */
void mpp_ops_add_moe(const MppOpContext *at, MppOps *ops);

/** What is kept is that of the longest sequences, not of the average. */
void mpp_ops_keep_longest(const MppOpContext *at, MppOps *ops);

/** A layer that is listed: products over windows, pools, norms, activations, the residual sum. */
void mpp_ops_add_listed(const MppOpContext *at, MppOps *ops);
