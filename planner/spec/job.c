#include "planner/spec/job.h"

static double in_precision(const MppJob *job, double bytes)
{
    double fp16 = job->runtime->state.fp16_gradient_bytes;
    return job->training.precision == MPP_PRECISION_FP16 && fp16 > 0 ? fp16 : bytes;
}

double mpp_job_gradient_bytes(const MppJob *job)
{
    return in_precision(job, job->runtime->state.gradient_bytes);
}

double mpp_job_reduce_bytes(const MppJob *job)
{
    return in_precision(job, job->runtime->state.reduce_bytes);
}
