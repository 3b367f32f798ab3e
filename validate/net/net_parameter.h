/**
 * A parameter of the model by name, the part of it that a rank holds, and its first values.
 *
 * Matrices are [outputs, inputs], vectors [outputs, 1]. The whole is a stack of equal blocks (one for each expert,
 * else one), each a stack of segments (queries, keys and values; gate and up projection) that are split over ranks
 * one by one, so that a rank's part of a fused matrix works as a fused matrix.
 */
#pragma once

#include <glib.h>

#include "validate/net/rank.h"

/** Of a block's rows: how many, and which of them are here. */
typedef struct {
    int64_t rows, first, n;
} MppSegment;

enum { MPP_MOST_SEGMENTS = 3 };

typedef struct {
    int64_t first_block, blocks; /* here */
    int n_segments;
    MppSegment segments[MPP_MOST_SEGMENTS];
    int64_t columns, first_column, n_columns; /* all; here */
} MppSplit;

/** One block of @rows by @columns, all here. */
MppSplit mpp_split_whole(int64_t rows, int64_t columns);

/** A block without rows yet. */
MppSplit mpp_split_empty(int64_t columns);

/** Appends a segment of @rows, of which the @part-th of @parts equal parts is here. */
void mpp_split_add(MppSplit *split, int64_t rows, int64_t parts, int64_t part);

/** Keeps the @part-th of @parts equal parts of the columns. */
void mpp_split_columns(MppSplit *split, int64_t parts, int64_t part);

int64_t mpp_split_block_rows(const MppSplit *split); /* here */
int64_t mpp_split_rows(const MppSplit *split);       /* here, all blocks */

/** Index in the whole, row after row, of the element that is here at @index. */
int64_t mpp_split_global(const MppSplit *split, int64_t index);

/** Whose gradients of this parameter are summed before replicas exchange theirs. */
typedef enum {
    MPP_PARTIAL_NONE,
    MPP_PARTIAL_TP, /* each tp rank saw some of the tokens */
    MPP_PARTIAL_KV, /* ranks with the same key-value heads each saw some of the queries; of segments 1 and 2 */
} MppPartial;

typedef struct {
    char *name; /* NULL: the model has no such parameter */
    MppSplit split;
    double mean, range; /* first values are uniform in mean ± range */
    MppPartial partial;
    int64_t offset;           /* in its bucket */
    MppTensor data, gradient; /* data NULL while they are not here */
} MppNetParameter;

static inline bool mpp_net_parameter_exists(const MppNetParameter *parameter)
{
    return parameter && parameter->name;
}

int64_t mpp_net_parameter_size(const MppNetParameter *parameter); /* elements here */

/** Writes the first values of the elements here from @first on. */
void mpp_net_parameter_initial(const MppNetParameter *parameter, uint64_t seed, int64_t first, int64_t n, float *out);
