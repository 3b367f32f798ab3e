/**
 * The formats of the table, each in its own file. Only sim/writer.c and tests include this.
 */
#pragma once

#include "sim/writer.h"

extern const MppWriter mpp_write_chrome, mpp_write_kineto, mpp_write_chakra, mpp_write_svg, mpp_write_json;

static inline bool mpp_writer_has_lane(const MppWriterOptions *options, int32_t lane)
{
    return !options->lanes || options->lanes[lane];
}
