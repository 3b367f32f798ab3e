/**
 * What the host's time makes of a pass.
 *
 * A processor launches what the device runs, ahead of it: a pass takes the greater of both times (smoothly: both jitter).
 */
#pragma once

#include "planner/spec/job.h"

/** What the host does for one pass. */
typedef struct {
    double s;        /* to launch it, on a host of usual speed */
    double counts_s; /* nothing runs while the host waits for the counts of tokens */
} MppHostWork;

/** Seconds to launch what takes @host_s on a host of usual speed: none where passes are launched whole. */
double mpp_host_launch_s(const MppJob *job, double host_s);

/**
 * How many layers' worth of host time beyond kernels a pass has: one for both parts of a transformer layer, half for one part alone,
 * and of what is launched whole none but the part with experts. @layer: NULL for what is no layer.
 */
double mpp_host_layers(const MppJob *job, const MppLayerKind *layer);

/**
 * Seconds of the host for a layer and pass, beyond its kernels, on a host of usual speed; compiled code finds out once where
 * tensors lie.
 */
double mpp_host_layer_s(const MppJob *job, const MppLayerKind *layer, int64_t tp);

/**
 * Seconds that a forward pass of a layer of experts waits: until the host knows how many tokens each expert gets it cannot launch on,
 * and by then the device has nothing left to do. Beside another micro-batch's pass it works on that, and some experts take as many each.
 */
double mpp_host_counts_s(const MppJob *job);

/** Seconds of a pass of @device_s, during which the host does @work and loses @added_s. */
double mpp_host_pass_s(const MppJob *job, const MppHostWork *work, double device_s, double added_s);
