/**
 * Microbenchmarks from others' files: the output of nccl-tests, traces of PyTorch's profiler (Kineto).
 */
#pragma once

#include "planner/calibrate/samples.h"

/**
 * nccl-tests' @text (PERFORMANCE.md of it): a sample a row, the time out of place. Which collective it was stands in newer
 * headers; older ones leave it to the ratio of bus to algorithm bandwidth and the reduction.
 * Errors: MPP_ERROR_SYNTAX at the line; MPP_ERROR_UNSUPPORTED for collectives that training does not use; MPP_ERROR_INVALID
 * for nodes of unlike numbers of ranks.
 */
MppSamples *mpp_nccl_tests_parse(const char *name, const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Collectives of known sizes and matrix products of known shapes (record_shapes=True) of a trace. A collective's kernel also
 * waits for its peers, so of equal ones the shortest counts; of equal products the median.
 * Error: MPP_ERROR_SYNTAX where there are none.
 */
MppSamples *mpp_kineto_read(const MppJson *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;
