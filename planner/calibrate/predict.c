#include <string.h>

#include "planner/calibrate/accuracy.h"
#include "planner/calibrate/assume.h"
#include "planner/cost/estimate.h"
#include "planner/runs/run_match.h"

/** Of a step's figure, what the first update makes: the optimizer's moments, beside a master copy of the weights. */
static double moments_bytes(const MppRunJob *job, const MppMemory *memory)
{
    double moments = mpp_optimizer_moments(job->job.training.optimizer);
    return memory->bytes[MPP_MEMORY_OPTIMIZER] * moments / (1 + moments);
}

/** The stage the record's figure was read on, and the figure; the first iteration's has no moments yet. */
static void set_memory(const MppRun *run, const MppEstimate *estimate, MppPrediction *out)
{
    const char *kind = run->measured.memory_kind ? run->measured.memory_kind : "";
    int64_t stage = strstr(kind, "last rank") ? estimate->pp - 1 : strstr(kind, "rank 0") ? 0 : estimate->fullest_stage;
    MppMemoryFigure figure = mpp_run_match_figure(run, out->job->runtime);
    const MppMemory *memory = &estimate->stages[stage].memory;
    out->memory = *memory;
    out->memory_bytes = figure == MPP_FIGURE_DEVICE     ? memory->device_bytes
                        : figure == MPP_FIGURE_RESERVED ? memory->reserved_bytes
                                                        : memory->allocated_bytes;
    if (strstr(kind, "first iteration"))
        out->memory_bytes -= moments_bytes(out->job, memory);
}

static MppPrediction predict(const MppRun *run, const MppProfiles *profiles)
{
    MppPrediction prediction = { .run = run };
    prediction.job = mpp_run_job_new(run, profiles, &prediction.skipped);
    if (!prediction.job)
        return prediction;
    mpp_assume(run, prediction.job);
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&prediction.job->job, &prediction.job->strategy);
    prediction.step_time_s = estimate->step_s;
    prediction.shares = estimate->shares;
    set_memory(run, estimate, &prediction);
    prediction.fits = estimate->fits;
    return prediction;
}

GArray *mpp_predictions_new(const GPtrArray *runs, const MppProfiles *profiles)
{
    GArray *predictions = g_array_new(FALSE, FALSE, sizeof(MppPrediction));
    for (guint i = 0; i < runs->len; i++) {
        MppPrediction prediction = predict(runs->pdata[i], profiles);
        g_array_append_val(predictions, prediction);
    }
    return predictions;
}

void mpp_predictions_free(GArray *predictions)
{
    for (guint i = 0; i < predictions->len; i++) {
        MppPrediction *prediction = &g_array_index(predictions, MppPrediction, i);
        g_free(prediction->skipped);
        mpp_run_job_free(prediction->job);
    }
    g_array_free(predictions, TRUE);
}

void mpp_predictions_set_intervals(GArray *predictions, const MppSpreads *spreads)
{
    for (guint i = 0; i < predictions->len; i++) {
        MppPrediction *one = &g_array_index(predictions, MppPrediction, i);
        if (one->skipped)
            continue;
        const MppSourceSpread *source = mpp_spreads_find_source(spreads, one->run->source);
        const MppSpread *any = mpp_spreads_find(spreads, &one->job->job, &one->job->strategy, &one->shares);
        one->p10_s = one->step_time_s * (source ? source->p10_frac : any->p10_frac);
        one->p90_s = one->step_time_s * (source ? source->p90_frac : any->p90_frac);
    }
}
