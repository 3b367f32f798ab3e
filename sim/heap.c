#include "sim/heap.h"

/* Four children a node: half the depth of a binary heap, and a node's children share cache lines. */
enum { FAN = 4 };

struct MppHeap {
    GArray *events; /* MppEvent */
    uint64_t n_pushed;
};

MppHeap *mpp_heap_new(void)
{
    MppHeap *heap = g_new0(MppHeap, 1);
    heap->events = g_array_new(FALSE, FALSE, sizeof(MppEvent));
    return heap;
}

void mpp_heap_free(MppHeap *heap)
{
    if (!heap)
        return;
    g_array_unref(heap->events);
    g_free(heap);
}

static bool before(const MppEvent *a, const MppEvent *b)
{
    return a->time_s < b->time_s || (a->time_s == b->time_s && a->sequence < b->sequence);
}

void mpp_heap_push(MppHeap *heap, double time_s, uint32_t kind, int64_t subject, uint32_t version)
{
    MppEvent event = { time_s, heap->n_pushed++, kind, version, subject };
    g_array_set_size(heap->events, heap->events->len + 1);
    MppEvent *events = (MppEvent *)(void *)heap->events->data;
    guint hole = heap->events->len - 1;
    for (; hole > 0 && before(&event, &events[(hole - 1) / FAN]); hole = (hole - 1) / FAN)
        events[hole] = events[(hole - 1) / FAN];
    events[hole] = event;
}

/** Sinks @event from the root of the first @n events. */
static void sink(MppEvent *events, guint n, const MppEvent *event)
{
    guint hole = 0;
    for (;;) {
        guint first = hole * FAN + 1, least = first;
        if (first >= n)
            break;
        for (guint child = first + 1; child < n && child < first + FAN; child++)
            if (before(&events[child], &events[least]))
                least = child;
        if (!before(&events[least], event))
            break;
        events[hole] = events[least];
        hole = least;
    }
    events[hole] = *event;
}

bool mpp_heap_pop(MppHeap *heap, MppEvent *event)
{
    if (!heap->events->len)
        return false;
    MppEvent *events = (MppEvent *)(void *)heap->events->data;
    *event = events[0];
    MppEvent last = events[heap->events->len - 1];
    g_array_set_size(heap->events, heap->events->len - 1);
    if (heap->events->len)
        sink(events, heap->events->len, &last);
    return true;
}
