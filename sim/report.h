/**
 * Where each lane's time goes, and how busy the links are.
 */
#pragma once

#include "sim/tracks.h"

/** Seconds of one lane; they add up to the step. What passes hide is not in them. */
typedef struct {
    int32_t lane;
    double compute_s;  /* in passes and update, computing */
    double exchange_s; /* in passes, waiting for tensor-, context-, expert-parallel and sharded peers */
    double data_s;     /* exposed exchange of gradients and parameters */
    double message_s;  /* waiting for a message in flight */
    double idle_s;     /* waiting for other stages and replicas: the bubble */
    double end_s;      /* after its last action: others' ends, the host, stragglers */
} MppLaneShares;

/** Ports of one tier. */
typedef struct {
    int tier; /* of the cluster */
    int32_t n_links;
    double carried_bytes;    /* by all of them */
    double mean_busy_frac;   /* carried against what they could have carried in the step */
    double most_busy_frac;   /* of the busiest link */
    double most_contended_s; /* longest time that transfers on one link slowed each other */
} MppTierUse;

typedef struct {
    GArray *lanes;                              /* MppLaneShares of the chosen ones */
    double step_s, bubble_frac, longest_span_s; /* as the simulation has them */
    double span_bubble_frac;                    /* of the longest span: what its lane is not in passes, as in arXiv:2401.10241 */
    GArray *tiers;                              /* MppTierUse of those that carry something */
} MppReport;

/**
 * A lane's time between its passes and update goes, in this order, to an exchange of gradients or parameters that
 * runs meanwhile, to the message that its next pass waits for while that is in flight, and to idleness.
 * A pass slowed down by jitter or contention is split as planned between computation and exchange.
 */
MppReport *mpp_report_new(const MppTracks *tracks, const bool *chosen);
void mpp_report_free(MppReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppReport, mpp_report_free)
