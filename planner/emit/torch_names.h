/**
 * PyTorch's names of pipeline schedules (torch.distributed.pipelining.schedules, get_schedule_class), and of exchanges among
 * context-parallel ranks (torch.distributed.tensor.experimental, set_rotate_method).
 */
#pragma once

#include "planner/emit/emit.h"

/** "Interleaved1F1B"; refused where PyTorch has no such schedule, or not with such groups. */
const char *mpp_torch_schedule_name(MppEmission *emission);

/** The kind that @name (case aside) stands for. Returns: false where it is not modelled. */
bool mpp_torch_schedule_find(const char *name, MppScheduleKind *kind);

/** "allgather"; NULL without context parallelism; refused where PyTorch has no such exchange. */
const char *mpp_torch_context_name(MppEmission *emission);

/** The kind that @name stands for. Returns: false where it is not modelled. */
bool mpp_torch_context_find(const char *name, MppCpKind *kind);

/** Whether a rank holds several stages: PyTorch's multi-stage schedules. */
bool mpp_torch_schedule_has_chunks(MppScheduleKind kind);
