/**
 * The space a search covers: every legal strategy of a job, in a fixed order.
 *
 * A family fixes what the operations of a layer are (tp, cp, ep, etp, sequence parallelism, micro-batch); its members add what is
 * done with them: modules recomputed, mesh order, pp, vpp, stage split, recomputation, ZeRO, offload. The work of a step is nearly
 * the same for all members, so a family has a bound that one cost of its layers gives.
 */
#pragma once

#include "planner/spec/job.h"
#include "planner/spec/technique.h"

/** A space narrowed to strategies that have given values in some fields and do without some techniques. */
typedef struct {
    MppStrategy fixed;
    MppStrategyFields fields; /* those whose value in @fixed counts */
    MppTechniques without;
} MppSpaceLimits;

/** Whether the limits give the field called @field its value. */
bool mpp_space_fixes(const MppSpaceLimits *limits, const char *field);

/** Whether @strategy's value in @field, a number, switch or name, is one that the search tries. */
bool mpp_space_allows(const MppSpaceLimits *limits, const char *field, const MppStrategy *strategy);

/** Whether what @strategy does so far is barred. */
bool mpp_space_bars(const MppSpaceLimits *limits, const MppStrategy *strategy);

/**
 * Whether a sequence goes over more ranks than its micro-batch needs: half the sequences over half the ranks each are as many tokens
 * a rank with less exchange. The space leaves that out unless the limits ask for it.
 */
bool mpp_space_spreads_idly(const MppSpaceLimits *limits, const MppStrategy *strategy);

typedef struct {
    MppStrategy base; /* the fields that members share; pp, dp and the rest are free */
    double bound_s;   /* no member has a shorter step */
    int index;        /* order of enumeration, for ties */
} MppFamily;

/** Families of @job whose own fields break no rule, bound not yet set. */
GArray *mpp_space_families(const MppJob *job, const MppSpaceLimits *limits);

/** Shapes of a pipeline within a family: modules recomputed, mesh order, pp, vpp, dp, schedule, and the layers of chunks that limits fix. */
GArray *mpp_space_shapes(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits);

/** Number of members of one shape: splits times recomputations times ZeRO stages times offload. */
int64_t mpp_space_members(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits);

enum { MPP_SPACE_MOST_VPP = 12 };
enum { MPP_SPACE_MOST_CHOICES = 12 }; /* ZeRO 0 to 2, and 3 in two ways, each with and without offload, 3 with two kinds */

/** The choices for one field within a shape. Returns: how many, written to @out (at most MPP_SPACE_MOST_CHOICES). */
int mpp_space_splits(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppStageSplit *out);
int mpp_space_recomputes(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppRecompute *out);

typedef struct {
    int64_t zero, zero_ranks;
    MppOffload offload;
} MppSharding;
int mpp_space_shardings(const MppJob *job, const MppStrategy *shape, const MppSpaceLimits *limits, MppSharding *out);

/** What the space contains, in words. */
char *mpp_space_describe(const MppJob *job);
