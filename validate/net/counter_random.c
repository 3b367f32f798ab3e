#include "validate/net/counter_random.h"

static const uint64_t golden = 0x9e3779b97f4a7c15u; /* 2^64 over the golden ratio */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/** FNV-1a over the name, mixed with the seed. */
uint64_t mpp_counter_random_stream(const char *name, uint64_t seed)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    return mix(hash + mix(seed + golden));
}

uint64_t mpp_counter_random_bits(uint64_t stream, uint64_t index)
{
    return mix(stream + (index + 1) * golden);
}

double mpp_counter_random_signed(uint64_t stream, uint64_t index)
{
    return (double)(int64_t)mpp_counter_random_bits(stream, index) * 0x1p-63;
}
