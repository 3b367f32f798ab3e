/**
 * Tiny models of every kind that the executor computes, to be trained in milliseconds.
 */
#pragma once

#include "planner/spec/inputs.h"
#include "planner/spec/strategy.h"

/**
 * @model: "llama" (grouped heads, rotary, gated), "gpt" (learned positions, biases, tied), "parallel" (one norm, one
 * key-value head), "window" (norms after blocks, alternating windows), "experts" (with shared ones), "routed" (without);
 * four layers, 16 tokens, 8 sequences a step, fp32, in a stack that allows everything.
 */
MppInputs *tiny_job_new(const char *model, int64_t ranks);

/** The strategy written as @text for that job, chunks listed, checked to be legal. */
MppStrategy tiny_job_strategy(const MppInputs *inputs, const char *text);
