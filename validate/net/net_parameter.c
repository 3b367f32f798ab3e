#include "validate/net/net_parameter.h"

#include "validate/net/counter_random.h"

MppSplit mpp_split_empty(int64_t columns)
{
    return (MppSplit){ .blocks = 1, .columns = columns, .n_columns = columns };
}

MppSplit mpp_split_whole(int64_t rows, int64_t columns)
{
    MppSplit split = mpp_split_empty(columns);
    mpp_split_add(&split, rows, 1, 0);
    return split;
}

void mpp_split_add(MppSplit *split, int64_t rows, int64_t parts, int64_t part)
{
    g_assert(split->n_segments < MPP_MOST_SEGMENTS && rows % parts == 0);
    split->segments[split->n_segments++] = (MppSegment){ rows, rows / parts * part, rows / parts };
}

void mpp_split_columns(MppSplit *split, int64_t parts, int64_t part)
{
    g_assert(split->columns % parts == 0);
    split->n_columns = split->columns / parts;
    split->first_column = split->n_columns * part;
}

int64_t mpp_split_block_rows(const MppSplit *split)
{
    int64_t n = 0;
    for (int i = 0; i < split->n_segments; i++)
        n += split->segments[i].n;
    return n;
}

int64_t mpp_split_rows(const MppSplit *split)
{
    return split->blocks * mpp_split_block_rows(split);
}

int64_t mpp_split_global(const MppSplit *split, int64_t index)
{
    int64_t local_rows = mpp_split_block_rows(split), row = index / split->n_columns, block = row / local_rows;
    int64_t in_block = row % local_rows, global = 0, all_rows = 0;
    for (int i = 0; i < split->n_segments; i++) {
        const MppSegment *segment = &split->segments[i];
        if (in_block >= 0 && in_block < segment->n)
            global = all_rows + segment->first + in_block;
        in_block -= segment->n;
        all_rows += segment->rows;
    }
    global += (split->first_block + block) * all_rows;
    return global * split->columns + split->first_column + index % split->n_columns;
}

int64_t mpp_net_parameter_size(const MppNetParameter *parameter)
{
    return mpp_split_rows(&parameter->split) * parameter->split.n_columns;
}

void mpp_net_parameter_initial(const MppNetParameter *parameter, uint64_t seed, int64_t first, int64_t n, float *out)
{
    uint64_t stream = mpp_counter_random_stream(parameter->name, seed);
    for (int64_t i = 0; i < n; i++) {
        uint64_t global = (uint64_t)mpp_split_global(&parameter->split, first + i);
        out[i] = (float)(parameter->mean + parameter->range * mpp_counter_random_signed(stream, global));
    }
}
