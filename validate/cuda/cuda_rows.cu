/**
 * Rows by index, and the choice of experts.
 */
#include "validate/cuda/cuda_kernel.cuh"

/** @x's row that @index asks for, -1 where it has none. */
__host__ __device__ static int64_t row_of(View<int32_t> index, int64_t i, int64_t first, int64_t rows)
{
    int64_t row = index.data[i * index.stride] - first;
    return row < rows ? row : -1;
}

template <typename T> static void take_rows(MppBackendState *s, View<T> y, View<T> x, View<int32_t> index, int64_t first)
{
    mpp_each(s, y.rows, y.columns, [=] __device__(int64_t i, int64_t j) {
        int64_t row = row_of(index, i, first, x.rows);
        y.set(i, j, row >= 0 ? x.get(row, j) : 0);
    });
}

void mpp_cuda_take_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first)
{
    MPP_BY_ELEMENT(y, take_rows, s, y, x, index, first);
}

/** Where several rows go to one, their order is not told: the last bit of a sum may change from run to run. */
template <typename T, typename U>
static void add_rows(MppBackendState *s, View<T> y, View<U> x, View<int32_t> index, int64_t first)
{
    mpp_each(s, x.rows, x.columns, [=] __device__(int64_t i, int64_t j) {
        int64_t row = row_of(index, i, first, y.rows);
        T number;
        mpp_from_float(&number, x.get(i, j));
        if (row >= 0)
            atomicAdd(&y.data[row * y.stride + j], number);
    });
}

template <typename T> static void add_rows_of(MppBackendState *s, View<T> y, MppTensor x, View<int32_t> index, int64_t first)
{
    if (x.element == MPP_ELEMENT_BF16)
        add_rows<T, MppBf16>(s, y, x, index, first);
    else
        add_rows<T, float>(s, y, x, index, first);
}

void mpp_cuda_add_rows(MppBackendState *s, MppTensor y, MppTensor x, MppTensor index, int64_t first)
{
    MPP_BY_ELEMENT(y, add_rows_of, s, y, x, index, first);
}

__host__ __device__ static bool is_taken(const int32_t *chosen, int64_t n, int64_t expert)
{
    for (int64_t i = 0; i < n; i++)
        if (chosen[i] == expert)
            return true;
    return false;
}

/** A thread takes one token: experts are few. */
template <typename T> static void route(MppBackendState *s, View<float> weights, View<int32_t> experts, View<T> logits)
{
    mpp_each(s, logits.rows, 1, [=] __device__(int64_t i, int64_t) {
        int32_t *chosen = experts.data + i * experts.stride;
        float sum = 0;
        for (int64_t n = 0; n < experts.columns; n++) {
            chosen[n] = -1;
            for (int64_t e = 0; e < logits.columns; e++)
                if ((chosen[n] < 0 || logits.get(i, e) > logits.get(i, chosen[n])) && !is_taken(chosen, n, e))
                    chosen[n] = (int32_t)e;
            weights.set(i, n, expf(logits.get(i, chosen[n]) - logits.get(i, chosen[0])));
            sum += weights.get(i, n);
        }
        for (int64_t n = 0; n < experts.columns; n++)
            weights.set(i, n, weights.get(i, n) / sum);
    });
}

void mpp_cuda_route(MppBackendState *s, MppTensor weights, MppTensor experts, MppTensor logits)
{
    MPP_BY_ELEMENT(logits, route, s, weights, experts, logits);
}

template <typename T>
static void route_backward(MppBackendState *s, View<T> dlogits, View<float> dweights, View<float> weights, View<int32_t> experts)
{
    mpp_each(s, dlogits.rows, 1, [=] __device__(int64_t i, int64_t) {
        float mean = 0;
        for (int64_t n = 0; n < experts.columns; n++)
            mean += weights.get(i, n) * dweights.get(i, n);
        for (int64_t e = 0; e < dlogits.columns; e++)
            dlogits.set(i, e, 0);
        for (int64_t n = 0; n < experts.columns; n++)
            dlogits.set(i, experts.data[i * experts.stride + n], weights.get(i, n) * (dweights.get(i, n) - mean));
    });
}

void mpp_cuda_route_backward(MppBackendState *s, MppTensor dlogits, MppTensor dweights, MppTensor weights, MppTensor experts)
{
    MPP_BY_ELEMENT(dlogits, route_backward, s, dlogits, dweights, weights, experts);
}
