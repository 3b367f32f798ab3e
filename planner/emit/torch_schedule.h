/**
 * PyTorch's names of pipeline schedules (torch.distributed.pipelining.schedules, get_schedule_class).
 */
#pragma once

#include "planner/spec/schedule_kind.h"

/** "Interleaved1F1B", or NULL where PyTorch has no such schedule. */
const char *mpp_torch_schedule_name(MppScheduleKind kind);

/** The kind that @name (case aside) stands for. Returns: false where it is not modelled. */
bool mpp_torch_schedule_find(const char *name, MppScheduleKind *kind);

/** Whether a rank holds several stages: PyTorch's multi-stage schedules. */
bool mpp_torch_schedule_has_chunks(MppScheduleKind kind);
