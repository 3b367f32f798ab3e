#include "sim/timeline.h"

static const char *const stream_names[] = { "compute", "send", "data" };
const MppNames mpp_stream_names = MPP_NAMES("stream", stream_names);

MppStream mpp_span_stream(const MppSpan *span)
{
    switch ((MppActionKind)span->action) {
    case MPP_ACTION_SEND:
        return MPP_STREAM_SEND;
    case MPP_ACTION_REDUCE:
    case MPP_ACTION_TIED:
    case MPP_ACTION_GATHER:
        return MPP_STREAM_DATA;
    default:
        return MPP_STREAM_COMPUTE;
    }
}
