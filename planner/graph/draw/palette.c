#include "planner/graph/draw/palette.h"

const MppInk mpp_ink_paper = { "#ffffff", "#14171c" };
const MppInk mpp_ink_frame = { "#f6f7f9", "#1b1f26" };
const MppInk mpp_ink_line = { "#9aa4b2", "#56606e" };
const MppInk mpp_ink_text = { "#1d232b", "#e6eaf0" };
const MppInk mpp_ink_quiet = { "#5a6573", "#9ba6b4" };
const MppInk mpp_ink_chip_text = { "#fefefe", "#0f1216" };
const MppInk mpp_ink_part = { "#3b6fb5", "#7fb0f0" }; /* this rank's part of a split product */
const MppInk mpp_ink_rest = { "#dfe6ef", "#2b323c" };

static const MppInk shades[MPP_N_GRAPH_COLOURS][MPP_N_SHADES] = {
    [MPP_GRAPH_BY_TIME] = { { "#fffdf9", "#1d1b19" },
                            { "#fdf2e2", "#2a231b" },
                            { "#fce6c8", "#392c1c" },
                            { "#fad8ab", "#49351c" },
                            { "#f8c88d", "#5a3f1c" },
                            { "#f5b66e", "#6d491b" },
                            { "#f2a24e", "#825519" } },
    [MPP_GRAPH_BY_MEMORY] = { { "#fafdff", "#191b1f" },
                              { "#e9f3fb", "#1b242e" },
                              { "#d5e8f7", "#1c2d3d" },
                              { "#bfdbf2", "#1d374d" },
                              { "#a7cdec", "#1d425f" },
                              { "#8ebee5", "#1d4d71" },
                              { "#73aedd", "#1c5a86" } },
};

static const MppInk axes[MPP_N_GRAPH_AXES] = {
    [MPP_GRAPH_FLOW] = { "#6b7684", "#8a95a3" }, [MPP_GRAPH_KEPT] = { "#b3bcc8", "#4a5462" },
    [MPP_GRAPH_TP] = { "#b3261e", "#f28b82" },   [MPP_GRAPH_CP] = { "#8430ce", "#c58af9" },
    [MPP_GRAPH_EP] = { "#0b7a3e", "#6dd58c" },   [MPP_GRAPH_ETP] = { "#5f7a0b", "#b9d56d" },
    [MPP_GRAPH_DP] = { "#1a5fb4", "#8ab4f8" },   [MPP_GRAPH_PP] = { "#9a5b00", "#f5bf6b" },
};

const MppInk *mpp_palette_shade(MppGraphColour by, double frac)
{
    return &shades[by][CLAMP((int)(frac * MPP_N_SHADES), 0, MPP_N_SHADES - 1)];
}

const MppInk *mpp_palette_axis(MppGraphAxis axis)
{
    return &axes[axis];
}

static void add_rule(GString *style, const MppInk *ink)
{
    g_string_append_printf(style, "[fill=\"%s\"]{fill:%s}[stroke=\"%s\"]{stroke:%s}", ink->light, ink->dark, ink->light,
                           ink->dark);
}

char *mpp_palette_style(void)
{
    const MppInk *const plain[] = { &mpp_ink_paper, &mpp_ink_frame,     &mpp_ink_line, &mpp_ink_text,
                                    &mpp_ink_quiet, &mpp_ink_chip_text, &mpp_ink_part, &mpp_ink_rest };
    GString *style = g_string_new("@media (prefers-color-scheme:dark){");
    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
        add_rule(style, plain[i]);
    for (int by = 0; by < MPP_N_GRAPH_COLOURS; by++)
        for (int i = 0; i < MPP_N_SHADES; i++)
            add_rule(style, &shades[by][i]);
    for (int axis = 0; axis < MPP_N_GRAPH_AXES; axis++)
        add_rule(style, &axes[axis]);
    return g_string_free(g_string_append_c(style, '}'), FALSE);
}
