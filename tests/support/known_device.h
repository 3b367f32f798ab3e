/**
 * A device that computes nothing and takes a known time for it, for tests of what measures.
 *
 * It stands for any number of ranks on one host that are all as fast: collectives have their time, not their results. Memory is
 * real.
 */
#pragma once

#include "validate/net/rank.h"

typedef struct {
    double launch_s;                        /* of every operation */
    double f32_flop_per_s, bf16_flop_per_s; /* products and attention */
    double bytes_per_s;                     /* all else: of its first tensor */
    double host_bytes_per_s;                /* uploads and downloads */
    double latency_s, link_bytes_per_s;     /* collectives and messages: of their whole tensor */
    int64_t ranks;
    bool computes_bf16;
} KnownTimes;

MppRank *known_device_new(const KnownTimes *times);
void known_device_free(MppRank *rank);

/** From now on everything takes @factor times as long. */
void known_device_slow(MppRank *rank, double factor);

/** Operations so far. */
int64_t known_device_calls(const MppRank *rank);
