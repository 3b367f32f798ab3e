/**
 * A queue of events by time; equal times leave in the order they came, so a run is the same on every machine.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double time_s;
    uint64_t sequence; /* of arrival; set by the heap */
    int32_t subject;   /* these are the caller's */
    uint32_t kind : 4;
    uint32_t version : 28; /* to tell events that have been put off */
} MppEvent;

typedef struct MppHeap MppHeap;

MppHeap *mpp_heap_new(void);
void mpp_heap_free(MppHeap *heap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppHeap, mpp_heap_free)

void mpp_heap_push(MppHeap *heap, double time_s, uint32_t kind, int32_t subject, uint32_t version);

/** Takes the earliest event. Returns: false when there is none. */
bool mpp_heap_pop(MppHeap *heap, MppEvent *event);

/** Time of the earliest event, INFINITY if there is none. */
double mpp_heap_next_s(const MppHeap *heap);
