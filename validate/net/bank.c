#include "validate/net/bank.h"

MppBank *mpp_bank_new(const MppPlace *place, MppElement element, MppGroupKind shard, MppGroupKind replicas, bool reduces_all)
{
    MppBank *bank = g_new0(MppBank, 1);
    bank->place = place;
    bank->element = element;
    bank->shard = shard;
    bank->replicas = replicas;
    bank->zero = place->groups[shard].n > 1 ? place->strategy->zero : 0;
    bank->reduces_all = reduces_all;
    bank->parameters = g_ptr_array_new();
    return bank;
}

void mpp_bank_free(MppBank *bank)
{
    if (!bank)
        return;
    MppBuffer *buffers[] = { bank->data,   bank->gradient, bank->open_data, bank->open_gradient,
                             bank->master, bank->mean,     bank->variance };
    for (size_t i = 0; i < G_N_ELEMENTS(buffers); i++)
        mpp_buffer_drop(buffers[i]);
    g_ptr_array_unref(bank->parameters);
    g_free(bank);
}

void mpp_bank_add(MppBank *bank, MppNetParameter *parameter)
{
    parameter->offset = bank->size;
    bank->size += mpp_net_parameter_size(parameter);
    g_ptr_array_add(bank->parameters, parameter);
}

int64_t mpp_bank_overlap(const MppNetParameter *parameter, int64_t first, int64_t n, int64_t *first_element)
{
    int64_t from = MAX(first, parameter->offset), to = MIN(first + n, parameter->offset + mpp_net_parameter_size(parameter));
    *first_element = from - parameter->offset;
    return MAX(0, to - from);
}

/** The first values of elements @first … of the bank; padding is zero. */
static float *initial_values(const MppBank *bank, uint64_t seed, int64_t first, int64_t n)
{
    float *values = g_new0(float, n);
    for (guint i = 0; i < bank->parameters->len; i++) {
        const MppNetParameter *parameter = bank->parameters->pdata[i];
        int64_t from, count = mpp_bank_overlap(parameter, first, n, &from);
        mpp_net_parameter_initial(parameter, seed, from, count, values + parameter->offset + from - first);
    }
    return values;
}

/** Points the parameters into @data and @gradient, either of which may be NULL. */
static void point(MppBank *bank, const MppBuffer *data, const MppBuffer *gradient)
{
    static const MppTensor none = { 0 };
    for (guint i = 0; i < bank->parameters->len; i++) {
        MppNetParameter *parameter = bank->parameters->pdata[i];
        int64_t rows = mpp_split_rows(&parameter->split), columns = parameter->split.n_columns, n = rows * columns;
        MppTensor views[] = { data ? data->tensor : none, gradient ? gradient->tensor : none };
        for (int v = 0; v < 2; v++)
            if (views[v].data)
                views[v] = mpp_tensor_shaped(mpp_tensor_columns(views[v], parameter->offset, n), rows, columns);
        parameter->data = views[0];
        parameter->gradient = views[1];
    }
}

static void fill_data(MppBank *bank, uint64_t seed, int64_t first, int64_t n)
{
    const MppRank *rank = bank->place->rank;
    g_autofree float *values = initial_values(bank, seed, first, n);
    bank->data = mpp_buffer_of(rank, MPP_ELEMENT_F32, 1, n, values);
    if (bank->element == MPP_ELEMENT_F32)
        return;
    g_autoptr(MppBuffer) exact = g_steal_pointer(&bank->data);
    bank->data = mpp_buffer_new(rank, bank->element, 1, n);
    bank->master = mpp_buffer_of(rank, MPP_ELEMENT_F32, 1, bank->own_size, values + bank->own_first - first);
    mpp_run(rank, copy, bank->data->tensor, exact->tensor);
}

void mpp_bank_fill(MppBank *bank, uint64_t seed)
{
    const MppRank *rank = bank->place->rank;
    const MppRankGroup *shard = &bank->place->groups[bank->shard];
    bank->own_size = bank->zero ? (bank->size + shard->n - 1) / shard->n : bank->size;
    bank->own_first = bank->zero ? bank->own_size * shard->index : 0;
    bank->size = bank->zero ? bank->own_size * shard->n : bank->size;

    bool keeps_data = bank->zero < 3, keeps_gradient = bank->zero < 2;
    int64_t first = keeps_data ? 0 : bank->own_first, n = keeps_data ? bank->size : bank->own_size;
    fill_data(bank, seed, first, n);
    bank->gradient = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, keeps_gradient ? bank->size : bank->own_size);
    bank->mean = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, bank->own_size);
    bank->variance = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, bank->own_size);
    point(bank, keeps_data ? bank->data : NULL, keeps_gradient ? bank->gradient : NULL);
}

MppTensor mpp_bank_own_gradient(const MppBank *bank)
{
    return mpp_tensor_columns(bank->gradient->tensor, bank->zero < 2 ? bank->own_first : 0, bank->own_size);
}

static MppTensor own_data(const MppBank *bank)
{
    return mpp_tensor_columns(bank->data->tensor, bank->zero < 3 ? bank->own_first : 0, bank->own_size);
}

void mpp_bank_open(MppBank *bank, bool backward)
{
    const MppRank *rank = bank->place->rank;
    if (bank->zero == 3) {
        bank->open_data = mpp_buffer_new(rank, bank->element, 1, bank->size);
        mpp_place_gather(bank->place, bank->shard, bank->open_data->tensor, bank->data->tensor);
    }
    if (bank->zero >= 2 && backward)
        bank->open_gradient = mpp_buffer_zeros(rank, MPP_ELEMENT_F32, 1, bank->size);
    if (bank->zero >= 2)
        point(bank, bank->zero == 3 ? bank->open_data : bank->data, bank->open_gradient);
}

/** Sums the gradients of all replicas into each owner's part, over what it has from earlier micro-batches. */
static void scatter(MppBank *bank, MppTensor all, bool accumulate)
{
    const MppRank *rank = bank->place->rank;
    g_autoptr(MppBuffer) part = mpp_buffer_new(rank, MPP_ELEMENT_F32, 1, bank->own_size);
    MppTensor own = mpp_bank_own_gradient(bank);
    mpp_place_scatter(bank->place, bank->shard, part->tensor, all);
    if (accumulate)
        mpp_run(rank, add, own, own, part->tensor);
    else
        mpp_run(rank, copy, own, part->tensor);
}

void mpp_bank_close(MppBank *bank, bool backward)
{
    if (bank->zero >= 2 && backward)
        scatter(bank, bank->open_gradient->tensor, true);
    g_clear_pointer(&bank->open_data, mpp_buffer_drop);
    g_clear_pointer(&bank->open_gradient, mpp_buffer_drop);
    if (bank->zero >= 2)
        point(bank, bank->zero == 3 ? NULL : bank->data, NULL);
}

void mpp_bank_reduce(MppBank *bank)
{
    if (++bank->reduced < bank->users)
        return;
    if (bank->zero == 0 || (bank->zero == 1 && bank->reduces_all))
        mpp_place_sum(bank->place, bank->shard, bank->gradient->tensor);
    else if (bank->zero == 1)
        scatter(bank, bank->gradient->tensor, false);
    mpp_place_sum(bank->place, bank->replicas, mpp_bank_own_gradient(bank));
    mpp_place_sum(bank->place, MPP_GROUP_COPIES, mpp_bank_own_gradient(bank));
}

/** Elements of @parameter that are summed: all, or those of the key and value rows. */
static int64_t first_partial(const MppNetParameter *parameter)
{
    return parameter->partial == MPP_PARTIAL_KV ? parameter->split.segments[0].n * parameter->split.n_columns : 0;
}

void mpp_bank_sum_partial(MppBank *bank)
{
    for (guint i = 0; i < bank->parameters->len; i++) {
        const MppNetParameter *parameter = bank->parameters->pdata[i];
        if (parameter->partial == MPP_PARTIAL_NONE)
            continue;
        int64_t from, n = mpp_bank_overlap(parameter, bank->own_first, bank->own_size, &from);
        int64_t skipped = MAX(0, first_partial(parameter) - from);
        if (n <= skipped)
            continue;
        int64_t column = parameter->offset + from + skipped - bank->own_first;
        mpp_place_sum(bank->place, parameter->partial == MPP_PARTIAL_TP ? MPP_GROUP_TP : MPP_GROUP_KV,
                      mpp_tensor_columns(mpp_bank_own_gradient(bank), column, n - skipped));
    }
}

void mpp_bank_update(MppBank *bank, const MppAdam *adam)
{
    const MppRank *rank = bank->place->rank;
    MppTensor own = own_data(bank), exact = bank->master ? bank->master->tensor : own;
    mpp_run(rank, adam, adam, exact, mpp_bank_own_gradient(bank), bank->mean->tensor, bank->variance->tensor);
    if (bank->master)
        mpp_run(rank, copy, own, exact);
}

void mpp_bank_gather(MppBank *bank)
{
    if (bank->zero == 1 || bank->zero == 2)
        mpp_place_gather(bank->place, bank->shard, bank->data->tensor, own_data(bank));
}

void mpp_bank_clear_gradients(MppBank *bank)
{
    bank->reduced = 0;
    mpp_run(bank->place->rank, fill, bank->gradient->tensor, 0);
}
