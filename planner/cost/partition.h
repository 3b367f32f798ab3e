/**
 * Cutting a chain of layers into chunks.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/** The chain: n_layers loads, and what the first and the last chunk carry beside their layers. */
typedef struct {
    int64_t n_layers;
    const double *load; /* n_layers */
    double first_load, last_load;
    bool uniform; /* all loads are equal: counted, not added up one by one */
} MppChain;

/**
 * Equal numbers of layers. If one or two are lacking, the last chunk (with the loss) and then the first (with the
 * embedding) have one fewer, as Megatron's account-for flags and torchtitan have it; a larger remainder goes to the
 * earliest chunks. @layers: out, n_chunks.
 */
void mpp_partition_even(int64_t n_layers, int64_t n_chunks, int64_t *layers);

/**
 * Equal numbers of modules, a remainder to the earliest chunks (DeepSpeed, partition_uniform). Beside layers a pipeline of
 * Megatron-DeepSpeed's has five: cast, embedding and transposition before them, the final norm and a cast after them.
 */
void mpp_partition_modules(int64_t n_layers, int64_t n_chunks, int64_t *layers);

/**
 * nanotron's rule (build_model): layers are placed in order, and a chunk is left once the load placed so far exceeds
 * its share of the total (embedding 0, head counted); the last chunks may stay without a layer.
 */
void mpp_partition_greedy(const MppChain *chain, int64_t n_chunks, int64_t *layers);

/**
 * Least longest chunk, layers spread evenly as far as that allows. Every chunk has a layer.
 * @most: largest number of layers of each chunk, or NULL
 *
 * Returns: false when @most leaves no way.
 */
bool mpp_partition_balanced(const MppChain *chain, int64_t n_chunks, const int64_t *most, int64_t *layers);
