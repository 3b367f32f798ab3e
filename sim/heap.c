#include "sim/heap.h"

#include <math.h>

/* Four children a node: half the depth of a binary heap, and a node's children share cache lines. */
enum { FAN = 4 };

struct MppHeap {
    MppEvent *events;
    size_t n, room;
    uint64_t n_pushed;
};

MppHeap *mpp_heap_new(void)
{
    return g_new0(MppHeap, 1);
}

void mpp_heap_free(MppHeap *heap)
{
    if (!heap)
        return;
    g_free(heap->events);
    g_free(heap);
}

static bool before(const MppEvent *a, const MppEvent *b)
{
    return a->time_s < b->time_s || (a->time_s == b->time_s && a->sequence < b->sequence);
}

void mpp_heap_push(MppHeap *heap, double time_s, uint32_t kind, int32_t subject, uint32_t version)
{
    MppEvent event = { time_s, heap->n_pushed++, subject, kind, version };
    if (heap->n == heap->room) {
        heap->room = MAX(64, 2 * heap->room);
        heap->events = g_renew(MppEvent, heap->events, heap->room);
    }
    MppEvent *events = heap->events;
    size_t hole = heap->n++;
    for (; hole > 0 && before(&event, &events[(hole - 1) / FAN]); hole = (hole - 1) / FAN)
        events[hole] = events[(hole - 1) / FAN];
    events[hole] = event;
}

/** Sinks @event from the root of the first @n events. */
static void sink(MppEvent *events, size_t n, const MppEvent *event)
{
    size_t hole = 0;
    for (;;) {
        size_t first = hole * FAN + 1, least = first, last = MIN(first + FAN, n);
        if (first >= n)
            break;
        for (size_t child = first + 1; child < last; child++)
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
    if (!heap->n)
        return false;
    *event = heap->events[0];
    if (--heap->n)
        sink(heap->events, heap->n, &heap->events[heap->n]);
    return true;
}

double mpp_heap_next_s(const MppHeap *heap)
{
    return heap->n ? heap->events[0].time_s : INFINITY;
}
