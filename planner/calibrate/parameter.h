/**
 * Numbers of profiles that measured runs may adjust, by name.
 *
 * A name is a profile's kind and name and the field's path: "device:h100-sxm5-80gb/matmul_frac/bf16",
 * "runtime:nanotron/host/kernel_s", "cluster:aws-p5-efa/jitter_frac", "cluster:dgx-h100/tiers/1/step_s". Fields that
 * hold one number are joined: "device:a100-sxm4-80gb/matmul_frac/fp16+bf16".
 * What a parameter may be is the range of its field; what it is expected to be is its prior.
 *
 * Several profiles share what is known (partial pooling): the prior of "runtime:nanotron,torchtitan/host/kernel_s" is
 * that of a common centre, a parameter without a place of its own, and each profile's number is expected there. A
 * profile that no run tells about then has what the others have.
 */
#pragma once

#include "planner/runs/run_job.h"

typedef struct {
    char *name;
    double prior;  /* expected value */
    double spread; /* standard deviation of its logarithm, or of its log-odds when @is_fraction */
    double among;  /* the same, of several profiles' numbers about their centre */
} MppPrior;

typedef struct {
    char *name;            /* of one profile's number, or of a centre */
    const MppPrior *prior; /* borrowed */
    double expected, spread; /* of this one */
    int centre;            /* index of the parameter it is expected at, before it; -1: none */
    double low, high;      /* of the field */
    bool is_fraction;      /* at most 1 */
    GPtrArray *places;     /* double *: the number in every profile that holds a copy of it; none for a centre */
    double value;
    double deviation; /* standard deviation of the estimate, in the prior's measure; set by a fit */
    int n_runs;       /* runs that it changes; set by a fit */
    double mean_error; /* of these runs, after the fit */
} MppParameter;

/** Reads {"parameters": [{"name", "prior", "spread"}]}. Errors: those of mpp_json_load(), MPP_ERROR_SCHEMA. */
GArray *mpp_priors_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void mpp_priors_free(GArray *priors);

/** Binds each prior to the numbers in @profiles, which are set to it. Error: MPP_ERROR_INVALID for a name that means nothing. */
GArray *mpp_parameters_bind(const GArray *priors, const MppProfiles *profiles, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Reads the number called @name. Returns: whether there is one. */
bool mpp_parameter_read(const MppProfiles *profiles, const char *name, double *value, bool *is_fraction);

/** Whether the runs said anything of it: its deviation is clearly below the prior's. */
bool mpp_parameter_is_determined(const MppParameter *parameter);

/** Lets @parameter also set the copy that @job holds of its number. Returns: whether the job has one. */
bool mpp_parameter_add_job(MppParameter *parameter, MppRunJob *job);

void mpp_parameters_free(GArray *parameters);

/** Sets the number in all its places. */
void mpp_parameter_set(MppParameter *parameter, double value);

/** Between the number and a measure without bounds, in units of the spread around what is expected. */
double mpp_parameter_to_score(const MppParameter *parameter, double value);
double mpp_parameter_from_score(const MppParameter *parameter, double score);

/** Sets every parameter by its score, each expected where its centre then is. */
void mpp_parameters_set_scores(GArray *parameters, const double *scores);
