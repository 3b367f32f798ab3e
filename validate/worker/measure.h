/**
 * Microbenchmarks of a backend, taken by all ranks at once: what a profile of the device is fitted to.
 *
 * Everything goes through the backend's own functions, so a sample is what a step of training does. Sizes grow until
 * an operation takes too long, so one list serves slow devices and fast ones. Where the backend computes BF16, what layers
 * do is measured in both formats.
 */
#pragma once

#include "validate/worker/stopwatch.h"

/** All of them, @rounds times; samples on every rank, of the slowest. Error: MPP_ERROR_BACKEND. */
bool mpp_measure_run(const MppRank *rank, int64_t rounds, MppWatchdog *watchdog, MppSamples *samples,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Longest time of an operation that is worth measuring. */
#define MPP_MEASURE_LONGEST_S 0.08

/** The parts: one round each. @element: of activations and of the parameters that layers use, F32 or BF16. */
void mpp_measure_products(MppStopwatch *watch, MppElement element);
void mpp_measure_attention(MppStopwatch *watch, MppElement element);
void mpp_measure_streams(MppStopwatch *watch, MppElement element);
void mpp_measure_links(MppStopwatch *watch);

/** Random numbers in [-1, 1) on the device, what products of trained networks are fed with. */
MppBuffer *mpp_measure_numbers(const MppRank *rank, MppElement element, int64_t rows, int64_t columns);

static inline MppPrecision mpp_measure_precision(MppElement element)
{
    return element == MPP_ELEMENT_BF16 ? MPP_PRECISION_BF16 : MPP_PRECISION_FP32;
}
