#include "planner/cli/order_file.h"

MppCsv *mpp_order_file_load(const char *path, const MppPipelineCost *pipeline, GError **error)
{
    g_autoptr(MppCsv) csv = mpp_csv_load(path, error);
    if (!csv)
        return NULL;
    const MppOrder *order = csv->order;
    const MppSchedule *plan = &pipeline->schedule;
    if (order->pp == plan->pp && order->n_chunks == pipeline->n_chunks && order->micro_batches == plan->micro_batches)
        return g_steal_pointer(&csv);
    g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                "%s has %d ranks, %d stages and %d micro-batches; the plan has pp %d, pp * vpp %d and %d micro-batches", path,
                order->pp, order->n_chunks, order->micro_batches, (int)plan->pp, (int)pipeline->n_chunks,
                (int)plan->micro_batches);
    return NULL;
}
