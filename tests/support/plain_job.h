/**
 * A job whose costs can be worked out by hand.
 *
 * Model: 4 layers of width 512, 4 heads of 128, MLP 2048 without a gate, vocabulary 51200, RMS norms, no biases, no
 * positions, untied. Training: 1024 tokens, 16 sequences, bf16. Device: one core that runs whole tiles at 100 TFLOP/s
 * in every format, flash attention at half of it forward and a quarter backward, memory of 10 TB/s, 80 GB; no launch
 * costs. Links: nodes of 4 at 100 GB/s, then 10 GB/s, no latency. Stack: nothing hidden, nothing on the host; fp32
 * gradients and reduction, 12 bytes of optimizer, nothing fixed.
 */
#pragma once

#include "planner/ops/op.h"
#include "planner/spec/inputs.h"

MppInputs *plain_job_new(int64_t gpus);

/** After the model's fields were changed: its layers and the job anew. */
void plain_job_finish(MppInputs *inputs);

/** The strategy written as text. */
MppStrategy plain_job_strategy(const char *text);

/** The ops of a layer of @kind, split by the strategy written as text. */
MppOps plain_job_layer(const MppInputs *inputs, const char *strategy, int64_t kind);

/** FLOP of the forward pass of @ops. */
double plain_job_flop(const MppOps *ops);

/** The names of @ops, joined by ", ". */
char *plain_job_names(const MppOps *ops);

/** The only op called @name. */
const MppOp *plain_job_find(const MppOps *ops, const char *name);

/** Asserts that @found is @expected within 1e-12 of it; @what names it. */
void plain_job_expect(const char *what, double found, double expected);
