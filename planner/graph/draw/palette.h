/**
 * Colours of the pictures, for light and for dark backgrounds.
 *
 * Graphviz draws in light ones; a style sheet in the SVG puts the dark ones in their place where the reader's
 * system is dark.
 */
#pragma once

#include "planner/graph/partition_graph.h"

typedef struct {
    const char *light, *dark; /* "#rrggbb" */
} MppInk;

/** Shades from little to much of what a graph is coloured by. */
enum { MPP_N_SHADES = 7 };

extern const MppInk mpp_ink_paper, mpp_ink_frame, mpp_ink_line, mpp_ink_text, mpp_ink_quiet, mpp_ink_chip_text, mpp_ink_part,
    mpp_ink_rest;

/** Shade of @frac (0 to 1) of the most. */
const MppInk *mpp_palette_shade(MppGraphColour by, double frac);

/** Of a transfer's axis. */
const MppInk *mpp_palette_axis(MppGraphAxis axis);

/** A style sheet for SVG that puts dark inks in the place of light ones. */
char *mpp_palette_style(void);
