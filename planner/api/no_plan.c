#include "planner/api/no_plan.h"

#include "planner/api/job_words.h"
#include "planner/base/error.h"
#include "planner/base/units.h"

/** Fewest GPUs, doubling, on which some plan fits; 0 when none up to 64 times as many. */
static int64_t enough_gpus(const MppPlanQuestion *question)
{
    MppJob job = question->inputs->job;
    for (job.gpus *= 2; job.gpus <= 64 * question->inputs->gpus; job.gpus *= 2) {
        if (job.training.global_batch < job.gpus)
            job.training.global_batch = job.gpus;
        MppSearchOptions how = { .limits = *question->limits, .top = 1, .threads = question->threads };
        g_autoptr(MppSearchResult) result = question->search(&job, &how);
        if (result->board->fastest->len)
            return job.gpus;
    }
    return 0;
}

/** The next global batch that is as many sequences on each GPU, if some split goes with it; else 0. */
static int64_t batch_that_goes(const MppPlanQuestion *question)
{
    MppJob job = question->inputs->job;
    job.training.global_batch = (job.training.global_batch / job.gpus + 1) * job.gpus;
    MppSearchOptions how = { .limits = *question->limits, .top = 1, .threads = question->threads };
    g_autoptr(MppSearchResult) result = question->search(&job, &how);
    return result->counts.members ? job.training.global_batch : 0;
}

/** With the rule that the given strategy breaks as `estimate` would take it, if it does. */
static void illegal(const MppPlanQuestion *question, GError **error)
{
    const MppInputs *inputs = question->inputs;
    MppStrategy completed;
    g_autoptr(GError) broken = NULL;
    if (question->strategy && !mpp_job_words_strategy(&inputs->job, question->strategy, &completed, &broken)) {
        g_set_error(error, MPP_ERROR, MPP_ERROR_INFEASIBLE, "no legal plan has --strategy %s; as it stands, %s",
                    question->strategy, broken->message);
        return;
    }
    if (question->strategy)
        mpp_strategy_clear(&completed);
    int64_t batch = batch_that_goes(question);
    g_autofree char *hint = batch ? g_strdup_printf("\nhint: one goes with a global batch of %" G_GINT64_FORMAT, batch) : g_strdup("");
    g_set_error(error, MPP_ERROR, MPP_ERROR_INFEASIBLE,
                "no legal plan: no split of %" G_GINT64_FORMAT " GPUs goes with a global batch of %" G_GINT64_FORMAT "%s%s%s",
                inputs->gpus, inputs->training.global_batch, question->strategy ? " and --strategy " : "",
                question->strategy ? question->strategy : "", hint);
}

void mpp_no_plan_error(const MppPlanQuestion *question, const MppSearchResult *result, GError **error)
{
    if (!result->has_miss) {
        illegal(question, error);
        return;
    }
    const MppStrategy *nearest = &result->nearest_miss.strategy;
    g_autoptr(MppEstimate) estimate = mpp_estimate_new(&question->inputs->job, nearest);
    g_autofree char *lacking = mpp_units_bytes(result->lacking_bytes), *title = mpp_strategy_title(nearest);
    int64_t gpus = enough_gpus(question);
    g_autofree char *hint = gpus ? g_strdup_printf("a plan fits on %" G_GINT64_FORMAT " GPUs", gpus)
                                 : g_strdup("nor does any fit on 64 times as many GPUs");
    g_autofree char *where = estimate->peak_bytes - estimate->usable_bytes < estimate->host_bytes - estimate->host_usable_bytes
                                 ? g_strdup("in its host's memory, for each device")
                                 : g_strdup_printf("on stage %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, estimate->fullest_stage, estimate->pp);
    g_set_error(error, MPP_ERROR, MPP_ERROR_INFEASIBLE, "no plan fits: the nearest (%s) needs %s more %s\nhint: %s", title, lacking,
                where, hint);
}
