/**
 * What the names of Megatron-LM's functional tests say that their records do not.
 *
 * A test is named after what it runs: "gpt3_mcore_te_tp2_pp2_cross_entropy_loss_fusion". Names without "mcore" are no such test's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool named;            /* it is a test's name */
    bool own_layers;       /* no "te": Megatron-Core's own layers, not Transformer Engine's; they keep the scores */
    bool loss_fused;       /* --cross-entropy-loss-fusion */
    bool any_order;        /* the order of sums is free, or states are resharded: not PyTorch's deterministic mode */
    bool recomputes_all;   /* --recompute-method uniform: the record's number of layers is that of a group, not of those recomputed */
    int64_t sharded_parts; /* --num-distributed-optimizer-instances: groups of replicas that each shard the states; 1: all together */
    int64_t etp;           /* ranks that an expert is split over; 0: not said */
} MppRunTestName;

/** @name: of the record's model, or NULL. Of what is no test's name: nothing said. */
MppRunTestName mpp_run_test_name(const char *name);
