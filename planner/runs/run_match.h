/**
 * What the words of a measured run's record mean: number format, kernels, recomputation, schedule.
 */
#pragma once

#include "planner/runs/run_job.h"

/** The figure of memory that the record states: by its own words, its collection, or the stack's habit. */
MppMemoryFigure mpp_run_match_figure(const MppRun *run, const MppRuntime *runtime);

MppPrecision mpp_run_match_precision(const char *words, MppPrecision otherwise);

/** Whether a number format's words say that states are kept in it too: "bf16-true", "pure bf16". */
bool mpp_run_match_narrow_states(const char *words);

/** Whether a number format's words say that gradients are kept and reduced in fp32: "bf16, fp32 gradients". */
bool mpp_run_match_wide_gradients(const char *words);

/** Whether a number format's words say that gradients are reduced in fp32, whatever they are kept in: "bf16-true, fp32 reduction". */
bool mpp_run_match_wide_reduction(const char *words);

/** Whether an optimizer's words say that its moments are of 16 bits beside a master copy: "adam (bf16 moments)". */
bool mpp_run_match_narrow_moments(const char *words);

MppOptimizer mpp_run_match_optimizer(const char *words);
MppAttentionKernel mpp_run_match_attention(const char *words, const MppDevice *device, MppAttentionKernel otherwise);

MppRecompute mpp_run_match_recompute(const char *words, MppRecompute otherwise);

/** Modules among the words of what is recomputed that the stack can be told to, a set of MppModule. */
int64_t mpp_run_match_modules(const char *words, const MppRuntime *runtime);

/** Whether the run's label, "table: words", has @word in small letters after the table's name. */
bool mpp_run_match_label(const MppRun *run, const char *word);

/** Whether the run's label or the words about its stack name a compiler ("torch.compile", "compiled"), and not that there was none. */
bool mpp_run_match_compiled(const MppRun *run);

/** Whether the run's words about FSDP are those of hybrid sharding: over the devices of a node, with replicas between nodes. */
bool mpp_run_match_hybrid(const MppRun *run);

/** How context-parallel ranks exchange by @words, the first of them that is known; @otherwise without. */
MppCpKind mpp_run_match_context(const char *words, MppCpKind otherwise);

/** The schedule that @words name; of interleaved and plain 1F1B, which records mix up, the one for @vpp. -1: not modelled. */
int mpp_run_match_schedule(const char *words, int64_t vpp);
