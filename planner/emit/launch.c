#include "planner/emit/launch.h"

#include "planner/base/error.h"

MppLaunch *mpp_launch_new(void)
{
    MppLaunch *launch = g_new0(MppLaunch, 1);
    launch->strategy = mpp_strategy_single();
    launch->passed_over = g_ptr_array_new_with_free_func(g_free);
    launch->assumed = g_ptr_array_new_with_free_func(g_free);
    return launch;
}

void mpp_launch_free(MppLaunch *launch)
{
    if (!launch)
        return;
    mpp_model_free(launch->model);
    mpp_strategy_clear(&launch->strategy);
    g_ptr_array_unref(launch->passed_over);
    g_ptr_array_unref(launch->assumed);
    g_free(launch);
}

const MppModel *mpp_launch_model(const MppLaunch *launch, const MppLaunchSource *source)
{
    return launch->model ? launch->model : source->model;
}

void mpp_launch_apply(const MppLaunch *launch, MppTraining *training)
{
    const MppTraining *from = &launch->training;
    if (launch->stated & MPP_LAUNCH_SEQ)
        training->seq = from->seq;
    if (launch->stated & MPP_LAUNCH_GLOBAL_BATCH)
        training->global_batch = from->global_batch;
    if (launch->stated & MPP_LAUNCH_PRECISION)
        training->precision = from->precision;
    if (launch->stated & MPP_LAUNCH_OPTIMIZER)
        training->optimizer = from->optimizer;
    if (launch->stated & MPP_LAUNCH_DROPOUT)
        training->dropout = from->dropout;
    if (launch->stated & MPP_LAUNCH_ATTENTION)
        training->kernels.attention = from->kernels.attention;
    if (launch->stated & MPP_LAUNCH_FUSIONS) {
        MppAttentionKernel attention = training->kernels.attention;
        training->kernels = from->kernels;
        training->kernels.attention = attention;
    }
}

void mpp_launch_pass_over(MppLaunch *launch, const char *words)
{
    g_ptr_array_add(launch->passed_over, g_strdup(words));
}

void mpp_launch_assume(MppLaunch *launch, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(launch->assumed, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

bool mpp_launch_set_gpus(MppLaunch *launch, const MppLaunchSource *source, int64_t stated, GError **error)
{
    launch->gpus = stated ? stated : source->gpus;
    if (!launch->gpus)
        mpp_error_usage(error, "%s does not state the number of devices: give --gpus", source->name);
    else if (stated && source->gpus && stated != source->gpus)
        g_set_error(error, MPP_ERROR, MPP_ERROR_INVALID,
                    "%s is for %" G_GINT64_FORMAT " devices, but --gpus is %" G_GINT64_FORMAT, source->name, stated,
                    source->gpus);
    else
        return true;
    return false;
}

bool mpp_launch_set_dp(MppLaunch *launch, const char *name, GError **error)
{
    MppStrategy *s = &launch->strategy;
    int64_t taken = s->tp * s->pp * s->cp;
    s->dp = launch->gpus / taken;
    if (s->dp >= 1 && launch->gpus % taken == 0)
        return true;
    return mpp_error_set(error, MPP_ERROR_INVALID,
                         "%s: tp * pp * cp = %" G_GINT64_FORMAT " does not divide the %" G_GINT64_FORMAT " devices", name, taken,
                         launch->gpus);
}
