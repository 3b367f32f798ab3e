/**
 * A user's present launch, read from the arguments or the configuration of a framework.
 *
 * A launch states a strategy and parts of the training; what it leaves to defaults takes the framework's. Options
 * that no prediction depends on (data, learning rate, checkpoints) are passed over and listed.
 */
#pragma once

#include "planner/spec/strategy.h"
#include "planner/spec/training.h"

/** What is read, and what is known beside it. */
typedef struct {
    const char *name; /* of the text, as errors show it */
    const char *text;
    const MppModel *model; /* that the user named; NULL: the launch has to state one */
    int64_t gpus;          /* that the user named; 0: the launch has to state them */
} MppLaunchSource;

/** Parts of MppTraining that a launch states; bits of MppLaunch.stated. */
enum {
    MPP_LAUNCH_SEQ = 1 << 0,
    MPP_LAUNCH_GLOBAL_BATCH = 1 << 1,
    MPP_LAUNCH_PRECISION = 1 << 2,
    MPP_LAUNCH_OPTIMIZER = 1 << 3,
    MPP_LAUNCH_DROPOUT = 1 << 4,
    MPP_LAUNCH_ATTENTION = 1 << 5,
    MPP_LAUNCH_FUSIONS = 1 << 6, /* the kernels' fusions, all of them */
};

typedef struct {
    MppModel *model;     /* NULL: the source's */
    const char *runtime; /* profile of the stack it launches */
    int64_t gpus;
    MppStrategy strategy; /* complete; owns its stage_layers */
    MppTraining training; /* where @stated */
    unsigned stated;
    GPtrArray *passed_over; /* words of the launch that the prediction does not depend on */
    GPtrArray *assumed;     /* sentences */
} MppLaunch;

MppLaunch *mpp_launch_new(void);
void mpp_launch_free(MppLaunch *launch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppLaunch, mpp_launch_free)

/** The launch's own model, or the source's. */
const MppModel *mpp_launch_model(const MppLaunch *launch, const MppLaunchSource *source);

/** Copies what the launch states over @training. */
void mpp_launch_apply(const MppLaunch *launch, MppTraining *training);

void mpp_launch_pass_over(MppLaunch *launch, const char *words);
void mpp_launch_assume(MppLaunch *launch, const char *format, ...) G_GNUC_PRINTF(2, 3);

/**
 * Settles the number of devices: @stated by the launch (0: not), else the source's.
 * Errors: MPP_ERROR_USAGE when neither says; MPP_ERROR_INVALID when both do and differ.
 */
bool mpp_launch_set_gpus(MppLaunch *launch, const MppLaunchSource *source, int64_t stated,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Sets dp to the devices that tp, pp and cp leave; @name: the launch's. Error: MPP_ERROR_INVALID when they do not divide. */
bool mpp_launch_set_dp(MppLaunch *launch, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
