/**
 * Notices when nothing goes on: ranks that wait for one that is gone or does something else would wait for ever.
 */
#pragma once

#include <glib.h>

#include "planner/schedule/program.h"

typedef struct MppWatchdog MppWatchdog;

/** @expired: called once, in the watchdog's own thread, when it was not fed for @patience_s; @what: the last thing fed. */
MppWatchdog *mpp_watchdog_new(double patience_s, void (*expired)(const char *what, gpointer data), gpointer data);
void mpp_watchdog_free(MppWatchdog *watchdog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppWatchdog, mpp_watchdog_free)

/** @what: a literal. NULL watchdogs are not fed. */
void mpp_watchdog_feed(MppWatchdog *watchdog, const char *what);
void mpp_watchdog_feed_action(MppWatchdog *watchdog, const MppAction *action);
