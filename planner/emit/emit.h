/**
 * A plan in the words of the framework that will run it.
 *
 * A target writes one file: arguments, a configuration, or code that sets the framework up. What the target cannot say
 * is refused by name; nothing of a strategy is dropped or rounded. How a plan's inputs fare depends on the format:
 * what it has a place for is written (sequence, batch, number format, kernels), the rest is told in a comment where
 * comments are allowed. Which target says what stands in README.md.
 */
#pragma once

#include "planner/cost/estimate.h"
#include "planner/emit/launch.h"
#include "planner/spec/inputs.h"
#include "planner/spec/strategy.h"

/** A file being written: the plan, the text so far, and what was found that cannot be said. */
typedef struct {
    const MppInputs *inputs;
    const MppJob *job;
    const MppStrategy *strategy;
    const MppEstimate *estimate;
    const GArray *chunk_layers; /* the estimate's: of each of the pp * vpp chunks in model order */
    GString *text;
    GPtrArray *refused; /* phrases */
} MppEmission;

/** Notes what the target cannot express, as a phrase: "the gpipe schedule". */
void mpp_emission_refuse(MppEmission *emission, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Appends to the text. */
void mpp_emission_add(MppEmission *emission, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Appends lines that tell what the file is, which mpplan wrote it and what was predicted, each begun by @mark. */
void mpp_emission_add_header(MppEmission *emission, const char *mark);

/** Whether the schedule takes micro-batches in groups of pp, as all targets but Megatron's have it. */
bool mpp_emission_has_usual_group(const MppEmission *emission);

/** Whether @order lays the strategy's ranks out as its own order does: ranks of degree 1 have no place. */
bool mpp_emission_has_order(const MppEmission *emission, MppMeshOrder order);

typedef struct {
    const char *name;      /* "megatron" */
    const char *file_name; /* what its users call such a file */
    const char *summary;   /* one line */
    void (*emit)(MppEmission *emission);
    /** NULL where the format does not state a strategy that could be read back. Errors: those of mpp_emit_read(). */
    bool (*read)(const MppLaunchSource *source, MppLaunch *launch, GError **error);
} MppEmitTarget;

extern const MppEmitTarget mpp_emit_megatron, mpp_emit_megatron_bridge, mpp_emit_deepspeed, mpp_emit_torchtitan,
    mpp_emit_torchtitan_toml, mpp_emit_pytorch, mpp_emit_pytorch_csv, mpp_emit_accelerate;

/** All targets, NULL at the end. */
extern const MppEmitTarget *const mpp_emit_targets[];

/** The target called @name. Error: MPP_ERROR_USAGE listing the known ones. */
const MppEmitTarget *mpp_emit_find(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * The plan's file for @target; @strategy must be legal. @predicted: what its header tells, with what a simulation adds; NULL: the estimate.
 * Error: MPP_ERROR_UNSUPPORTED, which lists all that cannot be said.
 */
char *mpp_emit_text(const MppEmitTarget *target, const MppInputs *inputs, const MppStrategy *strategy, const MppEstimate *predicted,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * What a present launch states.
 * Errors: MPP_ERROR_SYNTAX, MPP_ERROR_SCHEMA at the place; MPP_ERROR_UNSUPPORTED for what is not modelled;
 * MPP_ERROR_INVALID where its values do not go together; MPP_ERROR_USAGE where the model or the number of devices is
 * stated neither by the launch nor by @source.
 */
MppLaunch *mpp_emit_read(const MppEmitTarget *target, const MppLaunchSource *source, GError **error) G_GNUC_WARN_UNUSED_RESULT;
