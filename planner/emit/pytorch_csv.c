/**
 * The plan's order of passes as PyTorch's pipeline CSV, for _PipelineScheduleRuntime or torchtitan's
 * pipeline_parallel_schedule_csv. The rest of the plan is not in it: the targets pytorch and torchtitan write that.
 */
#include "planner/emit/emit.h"
#include "planner/schedule/csv.h"
#include "planner/schedule/schedule.h"

static void emit(MppEmission *e)
{
    if (e->strategy->pp == 1) {
        mpp_emission_refuse(e, "a plan without pipeline stages");
        return;
    }
    const MppSchedule schedule = mpp_schedule_of(e->strategy, e->job->training.global_batch);
    const MppCsvStyle style = { .dialect = MPP_CSV_CURRENT };
    g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = mpp_csv_to_text(order, &style, &error);
    if (text)
        mpp_emission_add(e, "%s", text);
    else
        mpp_emission_refuse(e, "%s", error->message);
}

const MppEmitTarget mpp_emit_pytorch_csv = {
    .name = "pytorch-csv",
    .file_name = "schedule.csv",
    .summary = "PyTorch and torchtitan: the pipeline's order of passes alone, as CSV",
    .emit = emit,
    .read = NULL,
};
