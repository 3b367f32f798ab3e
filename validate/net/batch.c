#include "validate/net/batch.h"

#include "validate/net/context.h"
#include "validate/net/counter_random.h"

int64_t mpp_batch_rows(const MppJob *job, const MppStrategy *strategy)
{
    return strategy->micro_batch * job->training.seq / strategy->cp;
}

/** Fills @positions with those of the rank's rows of one sequence; returns how many. */
static int64_t positions_of(const MppJob *job, const MppPlace *place, int64_t *positions)
{
    int64_t n = 0, cp = place->strategy->cp;
    for (int i = 0; i < mpp_context_n_runs(cp); i++) {
        MppContextRun run = mpp_context_run(job->training.seq, cp, place->cp, i);
        for (int64_t j = 0; j < run.n; j++)
            positions[n++] = run.position + j;
    }
    return n;
}

static int32_t token(const MppJob *job, uint64_t stream, int64_t sequence, int64_t position)
{
    int64_t symbols = job->model->sequential ? job->model->classes : job->model->vocab;
    uint64_t index = (uint64_t)sequence * (uint64_t)(job->training.seq + 1) + (uint64_t)position; /* one more: the last target */
    return (int32_t)(mpp_counter_random_bits(stream, index) % (uint64_t)symbols);
}

/** @n samples from number @first on, uniform in ± 1. */
static MppBuffer *samples_of(const MppRank *rank, MppShape shape, uint64_t seed, int64_t first, int64_t n)
{
    int64_t size = mpp_shape_elements(shape);
    uint64_t stream = mpp_counter_random_stream("samples", seed);
    g_autofree float *values = g_new(float, n * size);
    for (int64_t i = 0; i < n * size; i++)
        values[i] = (float)mpp_counter_random_signed(stream, (uint64_t)(first * size + i));
    return mpp_buffer_of(rank, MPP_ELEMENT_F32, n * mpp_shape_pixels(shape), shape.channels, values);
}

MppBatch *mpp_batch_new(const MppJob *job, const MppPlace *place, uint64_t seed, int64_t step, int64_t micro_batch)
{
    const MppStrategy *s = place->strategy;
    int64_t rows = mpp_batch_rows(job, s), of_replica = mpp_strategy_micro_batches(s, job->training.global_batch);
    int64_t first = step * job->training.global_batch + (place->dp * of_replica + micro_batch) * s->micro_batch;
    uint64_t stream = mpp_counter_random_stream("tokens", seed);
    g_autofree int64_t *positions = g_new(int64_t, job->training.seq);
    int64_t per_sequence = positions_of(job, place, positions);
    g_autofree int32_t *tokens = g_new(int32_t, rows), *targets = g_new(int32_t, rows);
    for (int64_t i = 0; i < rows; i++) {
        int64_t sequence = first + i / per_sequence, position = positions[i % per_sequence];
        tokens[i] = token(job, stream, sequence, position);
        targets[i] = token(job, stream, sequence, position + 1);
    }
    MppBatch *batch = g_new0(MppBatch, 1);
    if (job->model->sequential)
        batch->samples = samples_of(place->rank, job->model->input, seed, first, s->micro_batch);
    else
        batch->tokens = mpp_buffer_of(place->rank, MPP_ELEMENT_I32, rows, 1, tokens);
    batch->targets = mpp_buffer_of(place->rank, MPP_ELEMENT_I32, rows, 1, targets);
    return batch;
}

void mpp_batch_free(MppBatch *batch)
{
    if (!batch)
        return;
    mpp_buffer_drop(batch->tokens);
    mpp_buffer_drop(batch->targets);
    mpp_buffer_drop(batch->samples);
    g_free(batch);
}

MppBuffer *mpp_batch_positions(const MppJob *job, const MppPlace *place)
{
    int64_t rows = mpp_batch_rows(job, place->strategy);
    g_autofree int64_t *positions = g_new(int64_t, job->training.seq);
    int64_t per_sequence = positions_of(job, place, positions);
    g_autofree int32_t *all = g_new(int32_t, rows);
    for (int64_t i = 0; i < rows; i++)
        all[i] = (int32_t)positions[i % per_sequence];
    return mpp_buffer_of(place->rank, MPP_ELEMENT_I32, rows, 1, all);
}
