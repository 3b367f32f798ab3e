/**
 * Layout and output of a drawn graph.
 */
#pragma once

#include <cgraph.h>

#include "planner/base/error.h"
#include "planner/base/names.h"

typedef enum { MPP_RENDER_SVG, MPP_RENDER_PNG, MPP_RENDER_PDF, MPP_RENDER_DOT, MPP_N_RENDERS } MppRender;

extern const MppNames mpp_render_names;

/** @drawn laid out, as a file of @format. Error: MPP_ERROR_BACKEND where Graphviz lacks the plug-in for it. */
GString *mpp_render(Agraph_t *drawn, MppRender format, GError **error) G_GNUC_WARN_UNUSED_RESULT;
