/**
 * How far measured steps lie from predictions: the interval that each prediction carries.
 *
 * The spreads are those of runs whose whole source the fit had not seen (leave_one_out.h), by what the prediction
 * rested on: a user's cluster is in none of the sources. A run that is known to belong to a fitted source has the spread
 * of that source's runs, each held out of the fit. An interval holds the middle 80 % of them. Compiled in from
 * hwprofiles/spreads.json.
 */
#pragma once

#include "planner/base/fields.h"
#include "planner/cost/estimate.h"
#include "planner/spec/technique.h"

/** What a prediction rests on. */
typedef struct {
    bool device_fitted;  /* runs on this device were fitted */
    bool stack_fitted;   /* runs of this stack were fitted, and enough runs that do what the plan does */
    bool host_bound;     /* launching kernels takes a good share of the step */
    bool experts;
} MppBasis;

/** Measured over predicted. */
typedef struct {
    MppBasis basis;
    int64_t runs, sources; /* it was taken from */
    double p10_frac, p50_frac, p90_frac;
} MppSpread;

/** Of one source's runs, each predicted by a fit to other runs of it. */
typedef struct {
    char *source;
    int64_t runs;
    double p10_frac, p90_frac; /* measured over predicted */
} MppSourceSpread;

typedef struct {
    GArray *spreads;       /* MppSpread, one for each basis */
    GArray *sources;       /* MppSourceSpread, of sources with enough runs */
    GPtrArray *devices, *runtimes, *techniques; /* names of those that were fitted */
    double pair_frac;      /* a plan predicted faster by this share was faster in 80 % of the pairs of unseen runs */
    double tail_frac;      /* quantiles at which p10 and p90 are taken, so that an interval holds 80 % of another source's runs */
    double coverage_frac;  /* of unseen runs inside their interval, each source judged by the others' spreads */
    double run_coverage_frac; /* of runs held out inside their source's interval, each fifth judged by the others */
} MppSpreads;

extern const MppFields mpp_spreads_fields;

/** Share of host time from which on a step counts as bound by the host. */
#define MPP_SPREAD_HOST_BOUND 0.2

/** The built-in ones. */
MppSpreads *mpp_spreads_built_in(void);
void mpp_spreads_free(MppSpreads *spreads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppSpreads, mpp_spreads_free)

/** Basis of a prediction of @job with these @shares of time, as far as the job shows: nothing about fits. */
MppBasis mpp_basis_of(const MppJob *job, const MppShares *shares);

/** The spread of @source's runs, or NULL: not fitted, or too few runs. Lent. */
const MppSourceSpread *mpp_spreads_find_source(const MppSpreads *spreads, const char *source);

/** What too few fitted runs do. */
MppTechniques mpp_spreads_unfitted(const MppSpreads *spreads);

/** What of it @strategy does, on a stack that was fitted; on others nothing was. */
MppTechniques mpp_spreads_unfitted_in(const MppSpreads *spreads, const MppJob *job, const MppStrategy *strategy);

/** The spread of a prediction of @job under @strategy with these @shares of time. Lent. */
const MppSpread *mpp_spreads_find(const MppSpreads *spreads, const MppJob *job, const MppStrategy *strategy, const MppShares *shares);
