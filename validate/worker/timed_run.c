#include "validate/worker/timed_run.h"

#include "validate/worker/gather.h"

typedef struct {
    const MppTrainer *trainer;
    const MppTimedRunOptions *options;
    MppLaps *laps;
    const GArray *actions;
    double *start_s, *duration_s; /* [action][measured step] */
} Run;

static const MppRank *rank_of(const Run *run)
{
    return run->trainer->place->rank;
}

static void keep_times(Run *run, int64_t measured)
{
    const MppActionTime *times = mpp_step_action_times(run->trainer->step);
    for (guint i = 0; i < run->actions->len; i++) {
        run->start_s[i * run->options->steps + measured] = times[i].start_s;
        run->duration_s[i * run->options->steps + measured] = times[i].end_s - times[i].start_s;
    }
}

static bool run_step(Run *run, int64_t number, MppRunReport *report, GError **error)
{
    const MppTrainer *trainer = run->trainer;
    MppBackendGroup *world = trainer->place->groups[MPP_GROUP_WORLD].handle;
    int64_t measured = number - run->options->warm_up;
    if (measured == 0) {
        mpp_laps_restart(run->laps);
        mpp_run(rank_of(run), peak_bytes, true);
    }
    if (world)
        mpp_run(rank_of(run), barrier, world);
    mpp_step_begin(trainer->step, number);
    if (!mpp_step_run(trainer->step, MPP_N_ACTIONS, error))
        return false;
    const MppActionTime *last = &mpp_step_action_times(trainer->step)[run->actions->len - 1];
    double step_s = mpp_gather_most(rank_of(run), world, last->end_s), loss = mpp_step_loss(trainer->step);
    g_array_append_val(report->losses, loss);
    if (measured < 0)
        return mpp_rank_check(rank_of(run), error);
    g_array_append_val(report->steps_s, step_s);
    keep_times(run, measured);
    return mpp_rank_check(rank_of(run), error);
}

static GArray *measured_actions(const Run *run)
{
    GArray *actions = g_array_new(FALSE, TRUE, sizeof(MppMeasuredAction));
    int64_t steps = run->options->steps;
    for (guint i = 0; i < run->actions->len; i++) {
        const MppAction *action = &g_array_index(run->actions, MppAction, i);
        MppMeasuredAction measured = { action->kind,
                                       action->pass,
                                       action->chunk,
                                       action->micro_batch,
                                       mpp_median(run->start_s + i * steps, steps),
                                       mpp_median(run->duration_s + i * steps, steps) };
        g_array_append_val(actions, measured);
    }
    return actions;
}

static GArray *measured_ops(const Run *run)
{
    GArray *ops = g_array_new(FALSE, TRUE, sizeof(MppMeasuredOp));
    double steps = (double)run->options->steps;
    for (guint i = 0; i < run->laps->ops->len; i++) {
        const MppLap *lap = &g_array_index(run->laps->ops, MppLap, i);
        MppMeasuredOp op = { g_strdup(lap->name), lap->s[MPP_LAP_FORWARD] / steps, lap->s[MPP_LAP_BACKWARD] / steps,
                             lap->s[MPP_LAP_WEIGHT] / steps };
        g_array_append_val(ops, op);
    }
    return ops;
}

static bool gather_ranks(const Run *run, MppRunReport *report, GError **error)
{
    MppMeasuredRank own = { rank_of(run)->index, run->trainer->place->pp, mpp_run(rank_of(run), peak_bytes, false),
                            measured_actions(run), measured_ops(run) };
    if (rank_of(run)->slice) {
        g_array_append_val(report->ranks, own);
        return true;
    }
    g_autofree char *text = mpp_measured_rank_to_text(&own);
    mpp_fields_clear(&mpp_measured_rank_fields, &own);
    g_auto(GStrv) texts = mpp_gather_texts(rank_of(run), text);
    if (!texts)
        return mpp_rank_check(rank_of(run), error);
    for (int64_t r = 0; r < rank_of(run)->size && rank_of(run)->index == 0; r++)
        if (!mpp_run_report_add_rank(report, texts[r], error))
            return false;
    return true;
}

bool mpp_timed_run(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, const MppTimedRunOptions *options,
                   MppWatchdog *watchdog, MppRunReport *report, GError **error)
{
    g_autoptr(MppLaps) laps = mpp_laps_new();
    g_autoptr(MppTrainer) trainer = mpp_trainer_new(rank, job, strategy, laps, error);
    if (!trainer)
        return false;
    mpp_step_watch(trainer->step, watchdog);
    const GArray *actions = trainer->program->stages[trainer->place->pp].actions;
    g_autofree double *start_s = g_new0(double, actions->len * options->steps),
                      *duration_s = g_new0(double, actions->len * options->steps);
    Run run = { trainer, options, laps, actions, start_s, duration_s };
    for (int64_t number = 0; number < options->warm_up + options->steps; number++)
        if (!run_step(&run, number, report, error))
            return false;
    mpp_watchdog_feed(watchdog, "report");
    return gather_ranks(&run, report, error);
}

bool mpp_timed_run_slices(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, const MppTimedRunOptions *options,
                          MppWatchdog *watchdog, MppRunReport *report, GError **error)
{
    for (int64_t stage = 0; stage < strategy->pp; stage++) {
        MppRank slice = *rank;
        slice.slice = true;
        slice.index = stage * mpp_mesh_stride(strategy, MPP_AXIS_PP);
        slice.size = job->gpus;
        if (!mpp_timed_run(&slice, job, strategy, options, watchdog, report, error))
            return false;
    }
    g_array_set_size(report->steps_s, 0);
    g_array_set_size(report->losses, 0);
    report->slice = true;
    return true;
}
