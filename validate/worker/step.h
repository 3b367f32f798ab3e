/**
 * Carries out a training step: the program's actions of this rank's stage, one after another, with real numbers.
 *
 * Messages are sent beside what follows, and so are reductions where the device has two lanes; on a CPU they are done
 * when they are started.
 */
#pragma once

#include "planner/schedule/program.h"
#include "validate/net/net.h"
#include "validate/worker/watchdog.h"

typedef struct MppStep MppStep;

/** When an action ran, in seconds from the step's begin. */
typedef struct {
    double start_s, end_s;
} MppActionTime;

/** Everything is borrowed. @times: of operations, or NULL. */
MppStep *mpp_step_new(MppNet *net, const MppProgram *program, const MppAdam *adam, MppLaps *times);
void mpp_step_free(MppStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppStep, mpp_step_free)

/** Feeds @watchdog with every action; borrowed. */
void mpp_step_watch(MppStep *step, MppWatchdog *watchdog);

/** Clears gradients and begins step @number (from 0). Ranks of the program's pipeline begin together. */
void mpp_step_begin(MppStep *step, int64_t number);

/**
 * Runs actions up to the next one of kind @until, which is left; MPP_N_ACTIONS: to the end.
 * Error: MPP_ERROR_BACKEND, saying in which action.
 */
bool mpp_step_run(MppStep *step, MppActionKind until, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Known after the barrier, on every rank: mean loss of a token, and the norm of all gradients. */
double mpp_step_loss(const MppStep *step);
double mpp_step_gradient_norm(const MppStep *step);

/** Of the stage's actions, in the program's order. */
const MppActionTime *mpp_step_action_times(const MppStep *step);

/** Sum of squares of the gradients that this rank counts, so that all ranks together count each once. */
double mpp_gradient_norm_squares(const MppNet *net);
