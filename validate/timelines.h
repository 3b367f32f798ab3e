/**
 * A plan's predicted step and the one that ran, as timelines one above the other.
 */
#pragma once

#include "sim/simulate.h"
#include "validate/run_report.h"

/** How they are written: a trace for ui.perfetto.dev (Chrome's trace event format), or a page of its own. */
typedef enum { MPP_TIMELINES_TRACE, MPP_TIMELINES_PAGE } MppTimelinesFormat;

/**
 * For each stage the simulated lane, then the ranks that ran it. @simulation: of the plan as it ran, with all its spans.
 * The file is written whole or not at all. Error: G_FILE_ERROR.
 */
bool mpp_timelines_write(const MppSimulation *simulation, const MppRunReport *report, MppTimelinesFormat format, const char *path,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
