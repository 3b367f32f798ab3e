/**
 * What a plan does beyond plain data parallelism, one name each: what predictions of it need runs of.
 */
#pragma once

#include "planner/spec/strategy.h"

#define MPP_TECHNIQUES(TECHNIQUE)                          \
    TECHNIQUE(TP, "tp")                                    \
    TECHNIQUE(SP, "sp")                                    \
    TECHNIQUE(PP, "pp")                                    \
    TECHNIQUE(VPP, "vpp")                                  \
    TECHNIQUE(CP_RING, "cp by rings")                      \
    TECHNIQUE(CP_ALL_TO_ALL, "cp by all-to-all")           \
    TECHNIQUE(CP_ALL_GATHER, "cp by all-gather")           \
    TECHNIQUE(EP, "ep")                                    \
    TECHNIQUE(ETP, "etp")                                  \
    TECHNIQUE(ZERO_1, "ZeRO-1")                            \
    TECHNIQUE(ZERO_2, "ZeRO-2")                            \
    TECHNIQUE(ZERO_3, "ZeRO-3")                            \
    TECHNIQUE(ZERO_RANKS, "hybrid sharding")               \
    TECHNIQUE(FULL_RECOMPUTE, "full recompute")            \
    TECHNIQUE(SELECTIVE_RECOMPUTE, "selective recompute")  \
    TECHNIQUE(MODULE_RECOMPUTE, "recompute by modules")    \
    TECHNIQUE(ACTIVATION_OFFLOAD, "activation offload")    \
    TECHNIQUE(OPTIMIZER_OFFLOAD, "optimizer offload")      \
    TECHNIQUE(PARAMETER_OFFLOAD, "parameter offload")      \
    TECHNIQUE(SPLIT_BACKWARD, "schedules that split the backward pass") \
    TECHNIQUE(BIDIRECTIONAL, "bidirectional schedules")    \
    TECHNIQUE(OTHER_SCHEDULE, "other schedules")

typedef enum {
#define TECHNIQUE(technique, name) MPP_TECHNIQUE_##technique,
    MPP_TECHNIQUES(TECHNIQUE)
#undef TECHNIQUE
    MPP_N_TECHNIQUES,
} MppTechnique;

extern const MppNames mpp_technique_names;

/** A set, one bit a technique. */
typedef uint32_t MppTechniques;

MppTechniques mpp_techniques_of(const MppStrategy *strategy);

/** Their names with @between them; "" for none. */
char *mpp_techniques_text(MppTechniques techniques, const char *between);

/** Reads what mpp_techniques_text() wrote. Returns: false at a name that there is not. */
bool mpp_techniques_read(const char *text, const char *between, MppTechniques *techniques);
