/**
 * What happened when: the spans of a simulated step.
 */
#pragma once

#include "planner/schedule/program.h"

typedef struct {
    double start_s, end_s;
    int32_t lane;
    int32_t chunk, micro_batch; /* of PASS and SEND; chunk of REDUCE */
    int32_t cause;              /* span whose end let this one start; -1: the step's beginning */
    uint8_t action;             /* MppActionKind: PASS, SEND, REDUCE, TIED, UPDATE or GATHER */
    uint8_t pass;               /* MppPass */
} MppSpan;

/** Where a span is drawn. */
typedef enum {
    MPP_STREAM_COMPUTE, /* passes, update */
    MPP_STREAM_SEND,    /* messages to other stages */
    MPP_STREAM_DATA,    /* gradients and parameters between replicas */
    MPP_N_STREAMS,
} MppStream;

extern const MppNames mpp_stream_names;

MppStream mpp_span_stream(const MppSpan *span);
