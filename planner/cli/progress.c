#include "planner/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

typedef struct {
    gint64 start_us, shown_us;
} Progress;

/** Ten times a second at most. */
static void show(double done_frac, void *data)
{
    Progress *progress = data;
    gint64 now_us = g_get_monotonic_time();
    if (now_us < progress->start_us + G_USEC_PER_SEC || now_us < progress->shown_us + G_USEC_PER_SEC / 10)
        return;
    progress->shown_us = now_us;
    fprintf(stderr, "\rsearching  %3.0f %%", 100 * done_frac);
}

MppSearchResult *mpp_progress_search(const MppJob *job, const MppSearchOptions *options, bool quiet)
{
    Progress progress = { .start_us = g_get_monotonic_time() };
    MppSearchOptions how = *options;
    how.progress = !quiet && isatty(STDERR_FILENO) ? show : NULL;
    how.progress_data = &progress;
    MppSearchResult *result = mpp_search_run(job, &how);
    if (progress.shown_us)
        fprintf(stderr, "\r                    \r");
    return result;
}
