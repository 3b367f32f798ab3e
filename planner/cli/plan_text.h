/**
 * Plans for people: the answer first, then where the time goes, what binds, and why the others lose.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/search/search.h"
#include "planner/spec/inputs.h"

/** The plan in three lines: layout, speed, memory bar. */
void mpp_plan_text_answer(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate, const char *verdict);

/** Shares of the step of at least 0.5 %, largest first. */
void mpp_plan_text_shares(const MppEstimate *estimate);

/** What fills the fullest stage: parts of at least 0.5 %. */
void mpp_plan_text_memory(const MppEstimate *estimate);

/** Time, layers and memory of each stage; equal neighbours in one row. */
void mpp_plan_text_stages(const MppEstimate *estimate);

/** What the step would gain from better hardware, by predicting it again on such hardware. */
void mpp_plan_text_binds(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate);

/** What hardly any fitted run has, of what the plan does; "" for nothing. */
char *mpp_plan_text_unfitted(const MppJob *job, const MppStrategy *strategy);

/** What follows "faster" where the best plan is surer: ", with cp by all-to-all, which hardly any fitted run has"; or "". */
char *mpp_plan_text_unsure(const MppJob *job, const MppStrategy *strategy);

/**
 * Why @other loses to @best: "140 ms more: tensor-parallel exchange", the share in which it is worst (or the two, if one does not
 * make up for what it saves), and the one in which it is best where that outweighs the difference in step time. Where it is faster: "9.3 GiB more memory", or
 * that it loses nothing, and what it saves most of: "nothing; 140 ms less: host".
 */
char *mpp_plan_text_reason(const MppEstimate *best, const MppEstimate *other);

/** The first piece of advice that @strategy does not follow, if any. */
void mpp_plan_text_warning(const MppJob *job, const MppStrategy *strategy);

/** How sure the step time is, on what runs that rests, and which measurement would tell most. */
void mpp_plan_text_interval(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate);

/** The three figures of memory on the fullest stage, and what they rest on. */
void mpp_plan_text_figures(const MppJob *job, const MppEstimate *estimate);

/** What was assumed, and what the numbers rest on. */
void mpp_plan_text_basis(const MppInputs *inputs);
