/**
 * Random numbers by name and index instead of by order: every rank draws the same ones, whatever part it holds.
 */
#pragma once

#include <stdint.h>

/** A stream of its own for each @name and @seed. */
uint64_t mpp_counter_random_stream(const char *name, uint64_t seed);

/** The @index-th number of @stream: uniform over all 64 bits (splitmix64, doi:10.1145/2714064.2660195). */
uint64_t mpp_counter_random_bits(uint64_t stream, uint64_t index);

/** Uniform in [-1, 1). */
double mpp_counter_random_signed(uint64_t stream, uint64_t index);
