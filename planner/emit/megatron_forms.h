/**
 * Plans as Megatron's options and back, whatever form the options are given in.
 */
#pragma once

#include "planner/emit/megatron_knobs.h"

/** Sets the knobs of the strategy and of the training. Refuses what Megatron cannot express. */
void mpp_megatron_write_strategy(MppEmission *emission, MppKnobs *knobs);
void mpp_megatron_write_training(MppEmission *emission, MppKnobs *knobs);

/** Sets the knobs of the model's sizes. Refuses what Megatron's GPT model is not. */
void mpp_megatron_write_model(MppEmission *emission, MppKnobs *knobs);

/** The part of it for layers by pattern; nothing of models whose layers are all of two parts. */
void mpp_megatron_write_hybrid(MppEmission *emission, MppKnobs *knobs);
bool mpp_megatron_read_hybrid(const MppKnobReader *reader, MppModel *model, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The model that the knobs describe, "Megatron GPT model"; NULL without @error when they do not state one. */
MppModel *mpp_megatron_read_model(const MppKnobReader *reader, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** pp, vpp, the schedule and the layers of each chunk. */
bool mpp_megatron_read_stages(const MppKnobReader *reader, const MppModel *model, MppStrategy *strategy,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Strategy and training of the knobs; launch->gpus and the model must be set. Errors: those of mpp_emit_read(). */
bool mpp_megatron_read_launch(const MppKnobReader *reader, const MppModel *model, MppLaunch *launch,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
