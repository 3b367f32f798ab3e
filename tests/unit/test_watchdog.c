#include "validate/worker/watchdog.h"

typedef struct {
    GMutex mutex;
    GCond cond;
    char *what;
} Heard;

static void expired(const char *what, gpointer data)
{
    Heard *heard = data;
    g_mutex_lock(&heard->mutex);
    heard->what = g_strdup(what);
    g_cond_signal(&heard->cond);
    g_mutex_unlock(&heard->mutex);
}

static void test_expires(void)
{
    Heard heard = { 0 };
    g_mutex_init(&heard.mutex);
    g_cond_init(&heard.cond);
    g_autoptr(MppWatchdog) watchdog = mpp_watchdog_new(0.02, expired, &heard);
    g_mutex_lock(&heard.mutex);
    while (!heard.what)
        g_cond_wait(&heard.cond, &heard.mutex);
    g_mutex_unlock(&heard.mutex);
    g_assert_cmpstr(heard.what, ==, "start");
    g_free(heard.what);
}

/** Ends at once, unheard, however long its patience. */
static void test_ends(void)
{
    Heard heard = { 0 };
    mpp_watchdog_free(mpp_watchdog_new(1e6, expired, &heard));
    g_assert_null(heard.what);
    mpp_watchdog_feed(NULL, "nobody");
}

static void test_actions(void)
{
    static const MppAction actions[] = { { MPP_ACTION_PASS, MPP_PASS_INPUT, -1, 3, 12 },
                                         { MPP_ACTION_REDUCE, 0, -1, 2, 0 },
                                         { MPP_ACTION_UPDATE } };
    static const char *const texts[] = { "pass 3I12", "reduce 2", "update" };
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        g_autofree char *text = mpp_action_to_text(&actions[i]);
        g_assert_cmpstr(text, ==, texts[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watchdog/expires", test_expires);
    g_test_add_func("/watchdog/ends", test_ends);
    g_test_add_func("/watchdog/actions", test_actions);
    return g_test_run();
}
