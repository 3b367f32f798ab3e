#include "validate/worker/numerics.h"

#include <math.h>

#include "validate/worker/trainer.h"

/* --- gradients of the whole model --- */

typedef struct {
    char *name;
    float *values;
    int64_t n, id;
    double largest;
} Whole;

static void free_whole(gpointer data)
{
    Whole *whole = data;
    g_free(whole->name);
    g_free(whole->values);
    g_free(whole);
}

static float *downloaded(const MppRank *rank, MppTensor x)
{
    int64_t n = x.rows * x.columns;
    float *values = g_new0(float, n);
    mpp_run(rank, download, values, x.data, (size_t)n * sizeof(float));
    return values;
}

static void keep_whole(MppBucket *bucket, gpointer data)
{
    GPtrArray *wholes = data;
    for (guint i = 0; i < bucket->parameters->len; i++) {
        const MppNetParameter *parameter = bucket->parameters->pdata[i];
        Whole *whole = g_new0(Whole, 1);
        *whole = (Whole){ .name = g_strdup(parameter->name), .n = mpp_net_parameter_size(parameter), .id = wholes->len };
        whole->values = downloaded(bucket->place->rank, parameter->gradient);
        for (int64_t j = 0; j < whole->n; j++)
            whole->largest = fmax(whole->largest, fabs(whole->values[j]));
        g_ptr_array_add(wholes, whole);
    }
}

static const Whole *find_whole(const GPtrArray *wholes, const char *name)
{
    for (guint i = 0; i < wholes->len; i++) {
        const Whole *whole = wholes->pdata[i];
        if (g_str_equal(whole->name, name))
            return whole;
    }
    g_assert_not_reached();
}

/* --- and what this rank has of the split one's --- */

typedef struct {
    const GPtrArray *wholes;
    double worst;
    int64_t worst_id;
} Comparison;

/** A difference against @scale; what is zero in the whole must be zero, and a NaN is as far off as can be. */
static double relative(double a, double b, double scale)
{
    double difference = fabs(a - b);
    if (isnan(difference))
        return INFINITY;
    return difference > 0 ? difference / scale : 0;
}

static void compare_bucket(MppBucket *bucket, gpointer data)
{
    Comparison *comparison = data;
    g_autofree float *own = downloaded(bucket->place->rank, mpp_bucket_own_gradient(bucket));
    for (guint i = 0; i < bucket->parameters->len; i++) {
        const MppNetParameter *parameter = bucket->parameters->pdata[i];
        const Whole *whole = find_whole(comparison->wholes, parameter->name);
        int64_t from, n = mpp_bucket_overlap(parameter, bucket->own_first, bucket->own_size, &from);
        for (int64_t j = 0; j < n; j++) {
            int64_t global = mpp_split_global(&parameter->split, from + j);
            double wanted = global < whole->n ? whole->values[global] : 0; /* beyond: padding of the vocabulary */
            double found = own[parameter->offset + from + j - bucket->own_first];
            double difference = relative(found, wanted, whole->largest);
            if (difference > comparison->worst) {
                comparison->worst = difference;
                comparison->worst_id = whole->id;
            }
        }
    }
}

/** The largest number any rank has. */
static double largest(const MppPlace *place, double number)
{
    float value = (float)number;
    if (!place->groups[MPP_GROUP_WORLD].handle)
        return value;
    g_autoptr(MppBuffer) buffer = mpp_buffer_of(place->rank, MPP_ELEMENT_F32, 1, 1, &value);
    mpp_run(place->rank, all_reduce, place->groups[MPP_GROUP_WORLD].handle, MPP_MAX, buffer->tensor);
    mpp_run(place->rank, download, &value, buffer->tensor.data, sizeof value);
    return value;
}

static MppComparedStep compare(const MppTrainer *split, const MppTrainer *whole, int64_t number)
{
    g_autoptr(GPtrArray) wholes = g_ptr_array_new_with_free_func(free_whole);
    mpp_net_each_bucket(whole->net, keep_whole, wholes);
    Comparison comparison = { .wholes = wholes };
    mpp_net_each_bucket(split->net, compare_bucket, &comparison);
    double worst = largest(split->place, comparison.worst);
    int64_t id = (int64_t)largest(split->place, (float)comparison.worst == worst ? (double)comparison.worst_id : 0);
    return (MppComparedStep){
        .step = number + 1,
        .loss = mpp_step_loss(split->step),
        .whole_loss = mpp_step_loss(whole->step),
        .norm = mpp_step_gradient_norm(split->step),
        .whole_norm = mpp_step_gradient_norm(whole->step),
        .worst_gradient = worst,
        .parameter = g_strdup(((const Whole *)wholes->pdata[id])->name),
    };
}

static bool run_steps(const MppTrainer *split, const MppTrainer *whole, int64_t n_steps, MppRunReport *report, GError **error)
{
    for (int64_t number = 0; number < n_steps; number++) {
        mpp_step_begin(split->step, number);
        mpp_step_begin(whole->step, number);
        if (!mpp_step_run(whole->step, MPP_ACTION_UPDATE, error) || !mpp_step_run(split->step, MPP_ACTION_UPDATE, error))
            return false;
        if (number == 0 || number == n_steps - 1) {
            MppComparedStep step = compare(split, whole, number);
            g_array_append_val(report->numerics, step);
        }
        if (!mpp_step_run(whole->step, MPP_N_ACTIONS, error) || !mpp_step_run(split->step, MPP_N_ACTIONS, error))
            return false;
    }
    return true;
}

bool mpp_numerics_run(const MppRank *rank, const MppJob *job, const MppStrategy *strategy, int64_t n_steps, MppWatchdog *watchdog,
                      MppRunReport *report, GError **error)
{
    if (mpp_net_element(job) != MPP_ELEMENT_F32)
        return mpp_error_set(
            error, MPP_ERROR_UNSUPPORTED,
            "numerics are compared in fp32: in other formats rounding hides what is wrong (plan with --precision fp32)");
    g_autoptr(MppTrainer) split = mpp_trainer_new(rank, job, strategy, NULL, error);
    g_autoptr(MppTrainer) whole = split ? mpp_trainer_new_whole(rank, job, error) : NULL;
    if (!whole)
        return false;
    mpp_step_watch(split->step, watchdog);
    mpp_step_watch(whole->step, watchdog);
    return run_steps(split, whole, n_steps, report, error);
}
