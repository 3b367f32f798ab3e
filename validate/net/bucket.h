/**
 * Parameters that are used together, with their gradients and optimizer states, as ZeRO lays them over replicas.
 *
 * A bucket, as in Megatron-Core, is one flat run of its parameters, padded so that the ranks of its shard group each own
 * an equal part.
 * ZeRO (arXiv:1910.02054): 0 every rank has and updates all; 1 a rank has the optimizer states of its own part;
 * 2 and only its own gradients; 3 and only its own parameters. What a rank does not keep is here only between
 * open and close.
 */
#pragma once

#include "validate/net/net_parameter.h"
#include "validate/net/place.h"

typedef struct {
    const MppPlace *place;             /* borrowed */
    MppGroupKind shard, replicas;      /* groups */
    MppElement element;                /* of the parameters that layers use; gradients and optimizer states are F32 */
    int64_t zero;                      /* 0 to 3; as 0 where the shard group is a single rank */
    bool reduces_all;                  /* ZeRO 1 all-reduces gradients instead of scattering them */
    int users, reduced;                /* chunks that use it; of those, how many have complete gradients */
    GPtrArray *parameters;             /* MppNetParameter, borrowed */
    int64_t size, own_first, own_size; /* elements, padded; this rank's part */
    MppBuffer *data, *gradient;        /* what is kept: all or the own part */
    MppBuffer *open_data, *open_gradient;
    MppBuffer *master;          /* the own part in F32; NULL where data is that */
    MppBuffer *mean, *variance; /* of the own part */
} MppBucket;

MppBucket *mpp_bucket_new(const MppPlace *place, MppElement element, MppGroupKind shard, MppGroupKind replicas, bool reduces_all);
void mpp_bucket_free(MppBucket *bucket);

/** Appends a parameter, which stays the caller's and must not move. */
void mpp_bucket_add(MppBucket *bucket, MppNetParameter *parameter);

/** After the last parameter: takes memory and draws the first values. */
void mpp_bucket_fill(MppBucket *bucket, uint64_t seed);

/** Makes the parameters usable; @backward: their gradients too. */
void mpp_bucket_open(MppBucket *bucket, bool backward);

/** Lets go what is not kept; after a backward pass gradients are summed into the parts their owners keep. */
void mpp_bucket_close(MppBucket *bucket, bool backward);

/**
 * Once a step, in this order: gradients over replicas (by the last of its users), their parts over tp, update, new
 * parameters, and clearing.
 */
void mpp_bucket_reduce(MppBucket *bucket);
void mpp_bucket_sum_partial(MppBucket *bucket);
void mpp_bucket_update(MppBucket *bucket, const MppAdam *adam);
void mpp_bucket_gather(MppBucket *bucket);
void mpp_bucket_clear_gradients(MppBucket *bucket);

/** This rank's own part of the gradients; one row. */
MppTensor mpp_bucket_own_gradient(const MppBucket *bucket);

/** The elements of @parameter within the part of the bucket from @first on: how many, and the first of them. */
int64_t mpp_bucket_overlap(const MppNetParameter *parameter, int64_t first, int64_t n, int64_t *first_element);
