/**
 * Timing of a piece of code, in the spirit of igraph's BENCH: one line a measurement, to be compared by eye.
 */
#pragma once

#include <glib.h>
#include <sys/resource.h>

/** Wall time of @code in s, into the double @seconds. */
#define BENCH(seconds, code)                                           \
    do {                                                               \
        gint64 bench_start_us = g_get_monotonic_time();                \
        code;                                                          \
        (seconds) = (double)(g_get_monotonic_time() - bench_start_us) / 1e6; \
    } while (0)

/** Processor time of the process in s, all threads: a rate per core by it holds on a machine that does other things too. */
static inline double bench_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/** The largest resident set this process has had so far. */
static inline double bench_peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024.0;
}
