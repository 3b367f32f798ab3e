#include "validate/worker/trainer.h"

#include "planner/schedule/schedule.h"

const MppAdam mpp_trainer_adam = { .rate = 6e-4, .beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-3 };
const uint64_t mpp_trainer_seed = 1234;

void mpp_trainer_free(MppTrainer *trainer)
{
    if (!trainer)
        return;
    mpp_step_free(trainer->step);
    mpp_program_free(trainer->program);
    mpp_net_free(trainer->net);
    mpp_place_free(trainer->place);
    g_array_unref(trainer->stage_layers);
    g_free(trainer);
}

static bool check(const MppRank *rank, const MppJob *job, const MppStrategy *s, const MppOrder *order, GError **error)
{
    if (mpp_net_element(job) == MPP_ELEMENT_BF16 && !rank->backend->computes_bf16)
        return mpp_error_set(error, MPP_ERROR_UNSUPPORTED,
                             "training: backend %s does not compute bf16 (plan with --precision fp32)", rank->backend->name);
    if (s->zero > 1 && mpp_order_splits_backward(order))
        return mpp_error_set(error, MPP_ERROR_UNSUPPORTED, "%s",
                             "strategy: the executor does not compute ZeRO 2 and 3 with backward passes in two parts");
    return mpp_net_check(job, s, error);
}

MppTrainer *mpp_trainer_new(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, MppLaps *times, GError **error)
{
    MppSchedule schedule = mpp_schedule_of(strategy, job->training.global_batch);
    g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
    if (!check(rank, job, strategy, order, error))
        return NULL;
    g_autoptr(MppTrainer) trainer = g_new0(MppTrainer, 1);
    trainer->stage_layers = g_array_copy(strategy->stage_layers);
    trainer->strategy = *strategy;
    trainer->strategy.stage_layers = trainer->stage_layers;
    int64_t tied[2] = { order->rank_of[0], order->rank_of[order->n_chunks - 1] };
    tied[1] = job->model->tied_embeddings ? tied[1] : tied[0];
    trainer->place = mpp_place_new(rank, &trainer->strategy, job->model->kv_heads, tied);
    MppProgramOptions options = mpp_program_options(job, &trainer->strategy);
    trainer->program = mpp_program_new(order, &options);
    trainer->net = mpp_net_new(job, trainer->place, order, mpp_trainer_seed);
    trainer->step = mpp_step_new(trainer->net, trainer->program, &mpp_trainer_adam, times);
    return mpp_rank_check(rank, error) ? g_steal_pointer(&trainer) : NULL;
}

MppTrainer *mpp_trainer_new_whole(const MppRank *rank, const MppJob *job, GError **error)
{
    MppStrategy strategy = mpp_strategy_single();
    strategy.stage_layers = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_val(strategy.stage_layers, job->model->n_layers);
    MppTrainer *trainer = mpp_trainer_new(rank, job, &strategy, NULL, error);
    mpp_strategy_clear(&strategy);
    return trainer;
}
