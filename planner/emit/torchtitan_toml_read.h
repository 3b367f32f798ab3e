/**
 * Reading torchtitan's TOML.
 */
#pragma once

#include "planner/emit/torchtitan_forms.h"

/** An MppEmitTarget.read. */
bool mpp_titan_read_toml(const MppLaunchSource *source, MppLaunch *launch, GError **error) G_GNUC_WARN_UNUSED_RESULT;
