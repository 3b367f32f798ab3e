#include "validate/worker/watchdog.h"

struct MppWatchdog {
    GThread *thread;
    GMutex mutex;
    GCond cond;
    int64_t patience_us, due_us;
    const char *what; /* NULL: the action */
    MppAction action;
    bool ends;
    void (*expired)(const char *what, gpointer data);
    gpointer data;
};

static gpointer watch(gpointer data)
{
    MppWatchdog *watchdog = data;
    g_mutex_lock(&watchdog->mutex);
    while (!watchdog->ends) {
        if (g_get_monotonic_time() < watchdog->due_us) {
            g_cond_wait_until(&watchdog->cond, &watchdog->mutex, watchdog->due_us);
            continue;
        }
        g_autofree char *what = watchdog->what ? g_strdup(watchdog->what) : mpp_action_to_text(&watchdog->action);
        watchdog->expired(what, watchdog->data);
        break;
    }
    g_mutex_unlock(&watchdog->mutex);
    return NULL;
}

MppWatchdog *mpp_watchdog_new(double patience_s, void (*expired)(const char *what, gpointer data), gpointer data)
{
    MppWatchdog *watchdog = g_new0(MppWatchdog, 1);
    g_mutex_init(&watchdog->mutex);
    g_cond_init(&watchdog->cond);
    watchdog->patience_us = (int64_t)(patience_s * G_USEC_PER_SEC);
    watchdog->expired = expired;
    watchdog->data = data;
    mpp_watchdog_feed(watchdog, "start");
    watchdog->thread = g_thread_new("watchdog", watch, watchdog);
    return watchdog;
}

void mpp_watchdog_free(MppWatchdog *watchdog)
{
    if (!watchdog)
        return;
    g_mutex_lock(&watchdog->mutex);
    watchdog->ends = true;
    g_cond_signal(&watchdog->cond);
    g_mutex_unlock(&watchdog->mutex);
    g_thread_join(watchdog->thread);
    g_mutex_clear(&watchdog->mutex);
    g_cond_clear(&watchdog->cond);
    g_free(watchdog);
}

static void feed(MppWatchdog *watchdog, const char *what, const MppAction *action)
{
    if (!watchdog)
        return;
    g_mutex_lock(&watchdog->mutex);
    watchdog->due_us = g_get_monotonic_time() + watchdog->patience_us;
    watchdog->what = what;
    if (action)
        watchdog->action = *action;
    g_mutex_unlock(&watchdog->mutex);
}

void mpp_watchdog_feed(MppWatchdog *watchdog, const char *what)
{
    feed(watchdog, what, NULL);
}

void mpp_watchdog_feed_action(MppWatchdog *watchdog, const MppAction *action)
{
    feed(watchdog, NULL, action);
}
