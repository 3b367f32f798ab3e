#include "validate/net/bucket.h"

MppBucket *mpp_bucket_new(const MppPlace *place, MppElement element, MppGroupKind shard, MppGroupKind replicas, bool reduces_all)
{
    MppBucket *bucket = g_new0(MppBucket, 1);
    bucket->place = place;
    bucket->element = element;
    bucket->shard = shard;
    bucket->replicas = replicas;
    bucket->zero = place->groups[shard].n > 1 ? place->strategy->zero : 0;
    bucket->reduces_all = reduces_all;
    bucket->parameters = g_ptr_array_new();
    return bucket;
}

void mpp_bucket_free(MppBucket *bucket)
{
    if (!bucket)
        return;
    MppBuffer *buffers[] = { bucket->data,   bucket->gradient, bucket->open_data, bucket->open_gradient,
                             bucket->master, bucket->mean,     bucket->variance };
    for (size_t i = 0; i < G_N_ELEMENTS(buffers); i++)
        mpp_buffer_drop(buffers[i]);
    g_ptr_array_unref(bucket->parameters);
    g_free(bucket);
}

void mpp_bucket_add(MppBucket *bucket, MppNetParameter *parameter)
{
    parameter->offset = bucket->size;
    bucket->size += mpp_net_parameter_size(parameter);
    g_ptr_array_add(bucket->parameters, parameter);
}

int64_t mpp_bucket_overlap(const MppNetParameter *parameter, int64_t first, int64_t n, int64_t *first_element)
{
    int64_t from = MAX(first, parameter->offset), to = MIN(first + n, parameter->offset + mpp_net_parameter_size(parameter));
    *first_element = from - parameter->offset;
    return MAX(0, to - from);
}

/** The first values of elements @first … of the bucket; padding is zero. */
static float *initial_values(const MppBucket *bucket, uint64_t seed, int64_t first, int64_t n)
{
    float *values = g_new0(float, n);
    for (guint i = 0; i < bucket->parameters->len; i++) {
        const MppNetParameter *parameter = bucket->parameters->pdata[i];
        int64_t from, count = mpp_bucket_overlap(parameter, first, n, &from);
        mpp_net_parameter_initial(parameter, seed, from, count, values + parameter->offset + from - first);
    }
    return values;
}

/** Points the parameters into @data and @gradient, either of which may be NULL. */
static void point(MppBucket *bucket, const MppBuffer *data, const MppBuffer *gradient)
{
    static const MppTensor none = { 0 };
    for (guint i = 0; i < bucket->parameters->len; i++) {
        MppNetParameter *parameter = bucket->parameters->pdata[i];
        int64_t rows = mpp_split_rows(&parameter->split), columns = parameter->split.n_columns, n = rows * columns;
        MppTensor views[] = { data ? data->tensor : none, gradient ? gradient->tensor : none };
        for (int v = 0; v < 2; v++)
            if (views[v].data)
                views[v] = mpp_tensor_shaped(mpp_tensor_columns(views[v], parameter->offset, n), rows, columns);
        parameter->data = views[0];
        parameter->gradient = views[1];
    }
}

static void fill_data(MppBucket *bucket, uint64_t seed, int64_t first, int64_t n)
{
    const MppRank *rank = bucket->place->rank;
    g_autofree float *values = initial_values(bucket, seed, first, n);
    bucket->data = mpp_buffer_of(rank, MPP_ELEMENT_F32, 1, n, values);
    if (bucket->element == MPP_ELEMENT_F32)
        return;
    g_autoptr(MppBuffer) exact = g_steal_pointer(&bucket->data);
    bucket->data = mpp_buffer_new(rank, bucket->element, 1, n);
    bucket->master = mpp_buffer_of(rank, MPP_ELEMENT_F32, 1, bucket->own_size, values + bucket->own_first - first);
    mpp_run(rank, copy, bucket->data->tensor, exact->tensor);
}

void mpp_bucket_fill(MppBucket *bucket, uint64_t seed)
{
    const MppRank *rank = bucket->place->rank;
    const MppRankGroup *shard = &bucket->place->groups[bucket->shard];
    bucket->own_size = bucket->zero ? (bucket->size + shard->n - 1) / shard->n : bucket->size;
    bucket->own_first = bucket->zero ? bucket->own_size * shard->index : 0;
    bucket->size = bucket->zero ? bucket->own_size * shard->n : bucket->size;

    bool keeps_data = bucket->zero < 3, keeps_gradient = bucket->zero < 2;
    int64_t first = keeps_data ? 0 : bucket->own_first, n = keeps_data ? bucket->size : bucket->own_size;
    fill_data(bucket, seed, first, n);
    bucket->gradient = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, keeps_gradient ? bucket->size : bucket->own_size);
    bucket->mean = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, bucket->own_size);
    bucket->variance = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, bucket->own_size);
    point(bucket, keeps_data ? bucket->data : NULL, keeps_gradient ? bucket->gradient : NULL);
}

MppTensor mpp_bucket_own_gradient(const MppBucket *bucket)
{
    return mpp_tensor_columns(bucket->gradient->tensor, bucket->zero < 2 ? bucket->own_first : 0, bucket->own_size);
}

static MppTensor own_data(const MppBucket *bucket)
{
    return mpp_tensor_columns(bucket->data->tensor, bucket->zero < 3 ? bucket->own_first : 0, bucket->own_size);
}

void mpp_bucket_open(MppBucket *bucket, bool backward)
{
    const MppRank *rank = bucket->place->rank;
    if (bucket->zero == 3) {
        bucket->open_data = mpp_buffer_new(rank, bucket->element, 1, bucket->size);
        mpp_place_gather(bucket->place, bucket->shard, bucket->open_data->tensor, bucket->data->tensor);
    }
    if (bucket->zero >= 2 && backward)
        bucket->open_gradient = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, bucket->size);
    if (bucket->zero >= 2)
        point(bucket, bucket->zero == 3 ? bucket->open_data : bucket->data, bucket->open_gradient);
}

/** Sums the gradients of all replicas into each owner's part, over what it has from earlier micro-batches. */
static void scatter(MppBucket *bucket, MppTensor all, bool accumulate)
{
    const MppRank *rank = bucket->place->rank;
    g_autoptr(MppBuffer) part = mpp_buffer_new(rank, MPP_ELEMENT_F32, 1, bucket->own_size);
    MppTensor own = mpp_bucket_own_gradient(bucket);
    mpp_place_scatter(bucket->place, bucket->shard, part->tensor, all);
    if (accumulate)
        mpp_run(rank, add, own, own, part->tensor);
    else
        mpp_run(rank, copy, own, part->tensor);
}

void mpp_bucket_close(MppBucket *bucket, bool backward)
{
    if (bucket->zero >= 2 && backward)
        scatter(bucket, bucket->open_gradient->tensor, true);
    g_clear_pointer(&bucket->open_data, mpp_buffer_drop);
    g_clear_pointer(&bucket->open_gradient, mpp_buffer_drop);
    if (bucket->zero >= 2)
        point(bucket, bucket->zero == 3 ? NULL : bucket->data, NULL);
}

void mpp_bucket_reduce(MppBucket *bucket)
{
    if (++bucket->reduced < bucket->users)
        return;
    if (bucket->zero == 0 || (bucket->zero == 1 && bucket->reduces_all))
        mpp_place_sum(bucket->place, bucket->shard, bucket->gradient->tensor);
    else if (bucket->zero == 1)
        scatter(bucket, bucket->gradient->tensor, false);
    mpp_place_sum(bucket->place, bucket->replicas, mpp_bucket_own_gradient(bucket));
    mpp_place_sum(bucket->place, MPP_GROUP_COPIES, mpp_bucket_own_gradient(bucket));
}

/** Elements of @parameter that are summed: all, or those of the key and value rows. */
static int64_t first_partial(const MppNetParameter *parameter)
{
    return parameter->partial == MPP_PARTIAL_KV ? parameter->split.segments[0].n * parameter->split.n_columns : 0;
}

void mpp_bucket_sum_partial(MppBucket *bucket)
{
    for (guint i = 0; i < bucket->parameters->len; i++) {
        const MppNetParameter *parameter = bucket->parameters->pdata[i];
        if (parameter->partial == MPP_PARTIAL_NONE)
            continue;
        int64_t from, n = mpp_bucket_overlap(parameter, bucket->own_first, bucket->own_size, &from);
        int64_t skipped = MAX(0, first_partial(parameter) - from);
        if (n <= skipped)
            continue;
        int64_t column = parameter->offset + from + skipped - bucket->own_first;
        mpp_place_sum(bucket->place, parameter->partial == MPP_PARTIAL_TP ? MPP_GROUP_TP : MPP_GROUP_KV,
                      mpp_tensor_columns(mpp_bucket_own_gradient(bucket), column, n - skipped));
    }
}

void mpp_bucket_update(MppBucket *bucket, const MppAdam *adam)
{
    const MppRank *rank = bucket->place->rank;
    MppTensor own = own_data(bucket), exact = bucket->master ? bucket->master->tensor : own;
    mpp_run(rank, adam, adam, exact, mpp_bucket_own_gradient(bucket), bucket->mean->tensor, bucket->variance->tensor);
    if (bucket->master)
        mpp_run(rank, copy, own, exact);
}

void mpp_bucket_gather(MppBucket *bucket)
{
    if (bucket->zero == 1 || bucket->zero == 2)
        mpp_place_gather(bucket->place, bucket->shard, bucket->data->tensor, own_data(bucket));
}

void mpp_bucket_clear_gradients(MppBucket *bucket)
{
    bucket->reduced = 0;
    mpp_run(bucket->place->rank, fill, bucket->gradient->tensor, 0);
}
