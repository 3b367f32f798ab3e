#include "sim/monte_carlo.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "planner/cost/step_end.h"

#include "sim/engine.h"
#include "sim/scene_of_plan.h"

struct MppMonteCarlo {
    const MppJob *job;
    const MppWhatIf *what_if;
    MppLanes lanes;
    MppPipelineCost *pipeline;
    MppProgram *program;
    MppScene scene; /* of every run but for the seed */
    bool ready;
    int64_t runs, done;
    int threads;
    double *step_s, *sorted_s;
};

MppMonteCarlo *mpp_monte_carlo_new(MppPipelineCost *pipeline, const MppWhatIf *what_if, int64_t runs, int threads)
{
    MppMonteCarlo *sample = g_new0(MppMonteCarlo, 1);
    sample->job = pipeline->shard->job;
    sample->what_if = what_if;
    sample->pipeline = pipeline;
    sample->runs = runs;
    sample->threads = threads > 0 ? threads : (int)g_get_num_processors();
    sample->step_s = g_new0(double, runs);
    sample->sorted_s = g_new0(double, runs);
    return sample;
}

void mpp_monte_carlo_free(MppMonteCarlo *sample)
{
    if (!sample)
        return;
    if (sample->ready)
        mpp_scene_clear(&sample->scene);
    mpp_program_free(sample->program);
    g_free(sample->step_s);
    g_free(sample->sorted_s);
    g_free(sample);
}

/** One run; @data: its number plus one. */
static void run(gpointer data, gpointer user_data)
{
    MppMonteCarlo *sample = user_data;
    int64_t index = GPOINTER_TO_SIZE(data) - 1;
    MppScene scene = sample->scene;
    g_autofree bool *recorded = g_new0(bool, scene.n_lanes);
    scene.jitter.seed += (uint64_t)index;
    g_autoptr(MppEngine) engine = mpp_engine_new(&scene, recorded);
    while (mpp_engine_step(engine))
        ;
    sample->step_s[index] = mpp_engine_now_s(engine) + mpp_step_end_host_s(sample->job);
}

static bool prepare(MppMonteCarlo *sample, GError **error)
{
    sample->lanes = mpp_lanes_new(sample->job, sample->pipeline->strategy, !mpp_what_if_unfolds(sample->what_if));
    sample->program = mpp_program_of_plan(sample->pipeline);
    sample->ready = true;
    return mpp_scene_of_plan(sample->pipeline, sample->what_if, &sample->lanes, sample->program, &sample->scene, error);
}

bool mpp_monte_carlo_step(MppMonteCarlo *sample, GError **error)
{
    if (!sample->ready && !prepare(sample, error))
        return false;
    GThreadPool *pool = g_thread_pool_new(run, sample, sample->threads, TRUE, error);
    if (!pool)
        return false;
    int64_t end = MIN(sample->done + 4 * (int64_t)sample->threads, sample->runs);
    for (int64_t i = sample->done; i < end; i++)
        g_thread_pool_push(pool, GSIZE_TO_POINTER(i + 1), NULL);
    g_thread_pool_free(pool, FALSE, TRUE);
    sample->done = end;
    memcpy(sample->sorted_s, sample->step_s, end * sizeof(double));
    gsl_sort(sample->sorted_s, 1, end);
    return sample->done < sample->runs;
}

int64_t mpp_monte_carlo_done(const MppMonteCarlo *sample)
{
    return sample->done;
}

double mpp_monte_carlo_quantile_s(const MppMonteCarlo *sample, double frac)
{
    return gsl_stats_quantile_from_sorted_data(sample->sorted_s, 1, sample->done, frac);
}

double mpp_monte_carlo_mean_s(const MppMonteCarlo *sample)
{
    return gsl_stats_mean(sample->sorted_s, 1, sample->done);
}

double mpp_monte_carlo_deviation_s(const MppMonteCarlo *sample)
{
    return sample->done > 1 ? gsl_stats_sd(sample->sorted_s, 1, sample->done) : 0;
}
