#include "planner/cli/progress.h"

#include <glib-unix.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
    gint64 start_us, shown_us;
    bool shows, interrupted;
} Progress;

/** Ten times a second at most. */
static void show(Progress *progress, double done_frac)
{
    gint64 now_us = g_get_monotonic_time();
    if (now_us < progress->start_us + G_USEC_PER_SEC || now_us < progress->shown_us + G_USEC_PER_SEC / 10)
        return;
    progress->shown_us = now_us;
    fprintf(stderr, "\rsearching  %3.0f %%", 100 * done_frac);
}

static bool note(double done_frac, void *data)
{
    Progress *progress = data;
    if (progress->shows)
        show(progress, done_frac);
    g_main_context_iteration(NULL, FALSE); /* where signals arrive */
    return !progress->interrupted;
}

static MppSearchResult *search(const MppJob *job, const MppSearchOptions *options, Progress *progress)
{
    MppSearchOptions how = *options;
    how.progress = note;
    how.progress_data = progress;
    progress->shows = progress->shows && isatty(STDERR_FILENO);
    progress->start_us = g_get_monotonic_time();
    MppSearchResult *result = mpp_search_run(job, &how);
    if (progress->shown_us)
        fprintf(stderr, "\r                    \r");
    return result;
}

MppSearchResult *mpp_progress_search(const MppJob *job, const MppSearchOptions *options)
{
    return search(job, options, &(Progress){ .shows = true });
}

static gboolean interrupt(gpointer data)
{
    ((Progress *)data)->interrupted = true;
    return G_SOURCE_CONTINUE;
}

static MppSearchResult *search_until_interrupted(const MppJob *job, const MppSearchOptions *options, bool shows)
{
    Progress progress = { .shows = shows };
    guint source = g_unix_signal_add(SIGINT, interrupt, &progress);
    MppSearchResult *result = search(job, options, &progress);
    g_source_remove(source);
    return result;
}

static MppSearchResult *search_shown(const MppJob *job, const MppSearchOptions *options)
{
    return search_until_interrupted(job, options, true);
}

static MppSearchResult *search_quietly(const MppJob *job, const MppSearchOptions *options)
{
    return search_until_interrupted(job, options, false);
}

MppSearcher mpp_progress_until_interrupted(bool quiet)
{
    return quiet ? search_quietly : search_shown;
}
