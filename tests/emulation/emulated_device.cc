/**
 * Threads of a block on one core: each has a stack of its own, which it leaves at a barrier. Contexts are made by
 * makecontext() and changed by longjmp(), which spares a system call.
 */
#include "tests/emulation/emulated_device.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { WARP = 32, MOST_THREADS = 1024, STACK_BYTES = 1 << 16 };

enum State { READY, AT_WARP, AT_BLOCK, ENDED };

struct Thread {
    State state;
    jmp_buf place;
    char *stack;
};

dim3 gridDim, blockDim, blockIdx, threadIdx;

static Thread threads[MOST_THREADS];
static float slots[MOST_THREADS / WARP][WARP];
static char *shared;
static EmulatedBody body;
static void *arguments;
static jmp_buf scheduler;
static bool backwards;

char *emulated_shared_memory()
{
    return shared;
}

float *emulated_warp_slots()
{
    return slots[threadIdx.x / WARP];
}

void emulated_barrier(bool warp)
{
    Thread *own = &threads[threadIdx.x];
    own->state = warp ? AT_WARP : AT_BLOCK;
    if (!_setjmp(own->place))
        _longjmp(scheduler, 1);
}

/** A stack runs one thread after another. */
static void run_threads()
{
    for (;;) {
        Thread *own = &threads[threadIdx.x];
        body(arguments);
        own->state = ENDED;
        if (!_setjmp(own->place))
            _longjmp(scheduler, 1);
    }
}

static void resume(Thread *thread)
{
    if (_setjmp(scheduler))
        return;
    thread->state = READY;
    if (thread->stack)
        _longjmp(thread->place, 1);
    ucontext_t start;
    getcontext(&start);
    thread->stack = (char *)malloc(STACK_BYTES);
    start.uc_stack.ss_sp = thread->stack;
    start.uc_stack.ss_size = STACK_BYTES;
    start.uc_link = NULL;
    makecontext(&start, run_threads, 0);
    setcontext(&start);
}

/** Opens the barrier @state for the threads [first, end), once all that have not ended are at it. */
static bool open_barrier(State state, unsigned first, unsigned end)
{
    bool waits = false;
    for (unsigned i = first; i < end; i++) {
        if (threads[i].state != state && threads[i].state != ENDED)
            return false;
        waits = waits || threads[i].state == state;
    }
    for (unsigned i = first; i < end && waits; i++)
        if (threads[i].state == state)
            threads[i].state = READY;
    return waits;
}

static bool run_ready()
{
    bool ran = false;
    for (unsigned i = 0; i < blockDim.x; i++) {
        threadIdx.x = backwards ? blockDim.x - 1 - i : i;
        if (threads[threadIdx.x].state == READY) {
            resume(&threads[threadIdx.x]);
            ran = true;
        }
    }
    return ran;
}

static void run_block()
{
    for (unsigned i = 0; i < blockDim.x; i++)
        threads[i].state = READY;
    bool moves = true;
    while (moves) {
        moves = run_ready();
        for (unsigned i = 0; i < blockDim.x; i += WARP)
            moves = open_barrier(AT_WARP, i, i + WARP < blockDim.x ? i + WARP : blockDim.x) || moves;
        moves = open_barrier(AT_BLOCK, 0, blockDim.x) || moves;
    }
    for (unsigned i = 0; i < blockDim.x; i++)
        if (threads[i].state != ENDED) {
            fprintf(stderr, "thread %u waits at a barrier that others never reach\n", i);
            abort();
        }
}

void emulated_launch(dim3 blocks, unsigned n_threads, size_t shared_bytes, EmulatedBody kernel, void *with)
{
    gridDim = blocks;
    blockDim = dim3(n_threads);
    body = kernel;
    arguments = with;
    backwards = !backwards;
    shared = (char *)aligned_alloc(128, (shared_bytes + 128) / 128 * 128);
    for (blockIdx.z = 0; blockIdx.z < blocks.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < blocks.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < blocks.x; blockIdx.x++)
                run_block();
    free(shared);
}
