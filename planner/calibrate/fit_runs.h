/**
 * The runs of a fit: predicted again and again as its parameters move, and what each parameter changes of them.
 */
#pragma once

#include "planner/calibrate/fit.h"

typedef struct {
    const MppRun *run; /* borrowed */
    double measured_s;
    double weight;  /* of its source */
    MppRunJob *job; /* with its own copies of the profiles' numbers, which the parameters set too */
} MppFitRun;

typedef struct {
    GArray *parameters;  /* MppParameter, borrowed */
    GArray *runs;        /* MppFitRun */
    double *predicted_s; /* at the last scores */
    guint *n_places;     /* of each parameter, without those in the jobs */
    bool *bears;         /* parameters by runs: whether the run's profiles have the parameter */
    bool *moves;         /* whether it changed the run at the last look: most do not */
    int threads;
} MppFitRuns;

/** Takes those of @runs that are to be fitted and can be predicted; @fit is to be cleared. */
void mpp_fit_runs_init(MppFitRuns *fit, GArray *parameters, const MppProfiles *profiles, const GPtrArray *runs,
                       const MppFitOptions *options);
void mpp_fit_runs_clear(MppFitRuns *fit);

/** Seconds of a step of each run that @parameter moves (-1: of all), into @out; the others of @out stay. */
void mpp_fit_runs_predict(const MppFitRuns *fit, int parameter, double *out);

/** Logarithm of predicted over measured. */
double mpp_fit_runs_error(const MppFitRuns *fit, guint i);

/** Mean of |predicted / measured - 1|; 0 without runs. */
double mpp_fit_runs_mean_error(const MppFitRuns *fit);

/** Every parameter may move every run that has it again. */
void mpp_fit_runs_look_again(MppFitRuns *fit);

/** Notes in the parameters how many runs each moves, and what these are off by. */
void mpp_fit_runs_set_evidence(MppFitRuns *fit);
