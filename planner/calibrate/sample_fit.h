/**
 * Fits a device's and its links' numbers to microbenchmarks.
 *
 * Minimises a heavy-tailed loss of log(predicted / measured) over the samples, and the squared distance of each number
 * from what the profile said (fit.h does the same with training runs). A number whose source is a datasheet stays: what is fitted
 * is the share of it that is reached. A guess is fitted itself.
 */
#pragma once

#include "planner/calibrate/parameter.h"
#include "planner/calibrate/samples.h"

/** What the cost model says of @sample; @runtime: the stack that measured, for its host and its attention kernel. */
double mpp_sample_predict_s(const MppCluster *cluster, const MppRuntime *runtime, const MppSample *sample);

/** The numbers of @cluster and its device that samples of these kinds may adjust, from what they are: MppPrior. */
GArray *mpp_sample_priors(const MppCluster *cluster, const MppRuntime *runtime, const GPtrArray *samples);

/** A number that was fitted. */
typedef struct {
    char *name;
    double before, value;
    double relative_error; /* standard deviation of the estimate's logarithm, or log-odds */
    int n_samples;         /* that it bears upon */
    bool determined;       /* they narrow it down to less than half of what was expected before */
} MppSampleParameter;

/** How well samples of one name are met. */
typedef struct {
    MppSampleKind kind;
    const char *name; /* lent by the samples */
    int n;
    double median_error, bias; /* of |predicted / measured - 1|; median of predicted / measured - 1 */
    double unseen_error;       /* median, each sample predicted without itself */
} MppSampleResidual;

typedef struct {
    GArray *parameters, *residuals;
    int n_samples;
    double median_error, unseen_error;
} MppSampleFit;

/**
 * Fits @cluster and its device in place to @samples (const MppSample *).
 * Errors: MPP_ERROR_INVALID without samples, or for what @cluster has no numbers of; MPP_ERROR_NUMERIC.
 */
MppSampleFit *mpp_sample_fit(MppCluster *cluster, const MppRuntime *runtime, const GPtrArray *samples,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_sample_fit_free(MppSampleFit *fit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppSampleFit, mpp_sample_fit_free)
