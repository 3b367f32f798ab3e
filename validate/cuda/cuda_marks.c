/**
 * Times on the main stream by events: the host goes on, and asks for them when a step is over.
 */
#include <glib.h>

#include "validate/cuda/cuda.h"

struct MppCudaMarks {
    GArray *events; /* cudaEvent_t: used again */
    guint n;        /* marks; the events beyond are free */
};

MppCudaMarks *mpp_cuda_marks_new(void)
{
    MppCudaMarks *marks = g_new0(MppCudaMarks, 1);
    marks->events = g_array_new(FALSE, FALSE, sizeof(cudaEvent_t));
    return marks;
}

static cudaEvent_t event_at(const MppCudaMarks *marks, int64_t mark)
{
    return g_array_index(marks->events, cudaEvent_t, mark);
}

void mpp_cuda_marks_free(MppCudaMarks *marks)
{
    for (guint i = 0; i < marks->events->len; i++)
        cudaEventDestroy(event_at(marks, i));
    g_array_unref(marks->events);
    g_free(marks);
}

int64_t mpp_cuda_mark(MppBackendState *s)
{
    MppCudaMarks *marks = s->marks;
    if (mpp_cuda_failed(s))
        return 0;
    if (marks->n == marks->events->len) {
        cudaEvent_t event = NULL;
        if (!mpp_cuda_check(s, cudaEventCreateWithFlags(&event, cudaEventDefault), "event"))
            return 0;
        g_array_append_val(marks->events, event);
    }
    mpp_cuda_check(s, cudaEventRecord(event_at(marks, marks->n), s->main), "event");
    return marks->n++;
}

double mpp_cuda_marked_s(MppBackendState *s, int64_t mark)
{
    float ms = 0;
    if (!mpp_cuda_failed(s) && mpp_cuda_check(s, cudaEventSynchronize(event_at(s->marks, mark)), "work on the device"))
        mpp_cuda_check(s, cudaEventElapsedTime(&ms, event_at(s->marks, 0), event_at(s->marks, mark)), "event");
    return 1e-3 * (double)ms;
}

void mpp_cuda_forget_marks(MppBackendState *s)
{
    s->marks->n = 0;
}
