#include "planner/calibrate/spread.h"

#include <string.h>

#include "planner/spec/zoo.h"

static const MppField basis_rows[] = {
    MPP_FIELD_BOOL(MppBasis, device_fitted, MPP_REQUIRED, "runs on this device were fitted"),
    MPP_FIELD_BOOL(MppBasis, stack_fitted, MPP_REQUIRED, "runs of this stack were fitted, and runs that do what the plan does"),
    MPP_FIELD_BOOL(MppBasis, host_bound, MPP_REQUIRED, "launching kernels takes a good share of the step"),
    MPP_FIELD_BOOL(MppBasis, experts, MPP_REQUIRED, "mixture of experts"),
};
static const MppFields basis_fields = MPP_FIELDS("basis", MppBasis, basis_rows);

static const MppField spread_rows[] = {
    MPP_FIELD_STRUCT(MppSpread, basis, &basis_fields, MPP_REQUIRED, "what such a prediction rests on"),
    MPP_FIELD_INT(MppSpread, runs, 0, 1e9, MPP_REQUIRED, "runs the spread was taken from"),
    MPP_FIELD_INT(MppSpread, sources, 0, 1e6, MPP_REQUIRED, "their sources"),
    MPP_FIELD_DOUBLE(MppSpread, p10_frac, 1e-6, 1e6, MPP_REQUIRED, "measured over predicted: a tenth of the runs lies below"),
    MPP_FIELD_DOUBLE(MppSpread, p50_frac, 1e-6, 1e6, MPP_REQUIRED, "half of them"),
    MPP_FIELD_DOUBLE(MppSpread, p90_frac, 1e-6, 1e6, MPP_REQUIRED, "nine tenths"),
};
static const MppFields spread_fields = MPP_FIELDS("spread", MppSpread, spread_rows);

static const MppField source_rows[] = {
    MPP_FIELD_STRING(MppSourceSpread, source, MPP_REQUIRED, "a fitted source"),
    MPP_FIELD_INT(MppSourceSpread, runs, 0, 1e9, MPP_REQUIRED, "its runs, each held out of a fit"),
    MPP_FIELD_DOUBLE(MppSourceSpread, p10_frac, 1e-6, 1e6, MPP_REQUIRED, "measured over predicted: a tenth of the runs lies below"),
    MPP_FIELD_DOUBLE(MppSourceSpread, p90_frac, 1e-6, 1e6, MPP_REQUIRED, "nine tenths"),
};
static const MppFields source_fields = MPP_FIELDS("source's spread", MppSourceSpread, source_rows);

static const MppField rows[] = {
    MPP_FIELD_STRUCTS(MppSpreads, spreads, &spread_fields, MPP_REQUIRED, "by what a prediction rests on"),
    MPP_FIELD_STRUCTS(MppSpreads, sources, &source_fields, 0, "of runs whose source is fitted"),
    MPP_FIELD_STRINGS(MppSpreads, devices, "devices that were fitted"),
    MPP_FIELD_STRINGS(MppSpreads, runtimes, "stacks that were fitted"),
    MPP_FIELD_STRINGS(MppSpreads, techniques, "what plans do that was fitted"),
    MPP_FIELD_DOUBLE(MppSpreads, pair_frac, 0, 10, MPP_REQUIRED,
                     "a plan predicted faster by this share was faster in 80 % of the pairs of unseen runs"),
    MPP_FIELD_DOUBLE(MppSpreads, tail_frac, 0, 0.5, 0.1, "share of the residuals on either side of an interval"),
    MPP_FIELD_DOUBLE(MppSpreads, coverage_frac, 0, 1, MPP_REQUIRED,
                     "unseen runs inside their interval, each source judged by the spreads of the others"),
    MPP_FIELD_DOUBLE(MppSpreads, run_coverage_frac, 0, 1, 0,
                     "runs held out inside their source's interval, each fifth judged by the others"),
};
const MppFields mpp_spreads_fields = MPP_FIELDS("spreads", MppSpreads, rows);

MppSpreads *mpp_spreads_built_in(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppJson) json = mpp_zoo_built_in("hwprofiles/spreads.json", &error);
    MppSpreads *spreads = g_new0(MppSpreads, 1);
    if (!json || !mpp_fields_read(&mpp_spreads_fields, json, json->root, spreads, &error))
        g_error("%s", error->message); /* the file is part of the program */
    return spreads;
}

void mpp_spreads_free(MppSpreads *spreads)
{
    if (!spreads)
        return;
    mpp_fields_clear(&mpp_spreads_fields, spreads);
    g_free(spreads);
}

MppBasis mpp_basis_of(const MppJob *job, const MppShares *shares)
{
    return (MppBasis){ .host_bound = shares->s[MPP_SHARE_HOST] > MPP_SPREAD_HOST_BOUND * mpp_shares_sum(shares),
                       .experts = job->model->moe.experts > 0 };
}

static bool has(const GPtrArray *names, const char *name)
{
    for (guint i = 0; names && i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return true;
    return false;
}

static bool same(const MppBasis *a, const MppBasis *b)
{
    return a->device_fitted == b->device_fitted && a->stack_fitted == b->stack_fitted && a->host_bound == b->host_bound &&
           a->experts == b->experts;
}

MppTechniques mpp_spreads_unfitted(const MppSpreads *spreads)
{
    MppTechniques unfitted = 0;
    for (int i = 0; i < MPP_N_TECHNIQUES; i++)
        unfitted |= (MppTechniques)!has(spreads->techniques, mpp_names_get(&mpp_technique_names, i)) << i;
    return unfitted;
}

MppTechniques mpp_spreads_unfitted_in(const MppSpreads *spreads, const MppJob *job, const MppStrategy *strategy)
{
    return has(spreads->runtimes, job->runtime->name) ? mpp_techniques_of(strategy) & mpp_spreads_unfitted(spreads) : 0;
}

const MppSpread *mpp_spreads_find(const MppSpreads *spreads, const MppJob *job, const MppStrategy *strategy, const MppShares *shares)
{
    MppBasis basis = mpp_basis_of(job, shares);
    basis.device_fitted = has(spreads->devices, job->cluster->device.name);
    basis.stack_fitted = has(spreads->runtimes, job->runtime->name) && !mpp_spreads_unfitted_in(spreads, job, strategy);
    for (guint i = 0; i < spreads->spreads->len; i++) {
        const MppSpread *spread = &g_array_index(spreads->spreads, MppSpread, i);
        if (same(&spread->basis, &basis))
            return spread;
    }
    g_return_val_if_reached(NULL);
}

const MppSourceSpread *mpp_spreads_find_source(const MppSpreads *spreads, const char *source)
{
    for (guint i = 0; spreads->sources && i < spreads->sources->len; i++) {
        const MppSourceSpread *spread = &g_array_index(spreads->sources, MppSourceSpread, i);
        if (strcmp(spread->source, source) == 0)
            return spread;
    }
    return NULL;
}
