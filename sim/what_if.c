#include "sim/what_if.h"

#include <math.h>

static const char *const jitter_names[] = { "lognormal", "gamma", "gaussian" };
const MppNames mpp_jitter_names = MPP_NAMES("distribution", jitter_names);

static void clear_range(gpointer data)
{
    g_free(((MppRankRange *)data)->device);
}

static GArray *ranges_new(void)
{
    GArray *ranges = g_array_new(FALSE, FALSE, sizeof(MppRankRange));
    g_array_set_clear_func(ranges, clear_range);
    return ranges;
}

MppWhatIf *mpp_what_if_new(void)
{
    MppWhatIf *what_if = g_new0(MppWhatIf, 1);
    what_if->slow_gpus = ranges_new();
    what_if->slow_links = ranges_new();
    what_if->failed_links = ranges_new();
    what_if->pools = ranges_new();
    return what_if;
}

void mpp_what_if_free(MppWhatIf *what_if)
{
    if (!what_if)
        return;
    g_array_unref(what_if->slow_gpus);
    g_array_unref(what_if->slow_links);
    g_array_unref(what_if->failed_links);
    g_array_unref(what_if->pools);
    g_free(what_if);
}

bool mpp_what_if_unfolds(const MppWhatIf *what_if)
{
    return what_if->unfold || what_if->jitter_frac > 0 || what_if->slow_gpus->len || what_if->slow_links->len ||
           what_if->failed_links->len || what_if->pools->len;
}

static const char *expected(char wants)
{
    return wants == 'f' ? "ranks and a factor of 1 or more, like 12:1.5 or 8-15:2"
           : wants == 'd' ? "ranks and a device, like 32-63:a100-80gb"
                          : "ranks, like 12 or 8-15";
}

/** "12" or "8-15" from the start of @text. Returns: what follows, NULL if it does not read so. */
static const char *parse_ranks(const char *text, MppRankRange *range)
{
    char *end;
    if (!g_ascii_isdigit(*text))
        return NULL;
    range->first = range->last = g_ascii_strtoll(text, &end, 10);
    if (*end == '-' && g_ascii_isdigit(end[1]))
        range->last = g_ascii_strtoll(end + 1, &end, 10);
    return range->first <= range->last ? end : NULL;
}

static bool parse_rest(const char *rest, char wants, MppRankRange *range)
{
    if (!wants)
        return *rest == '\0';
    if (*rest != ':' || !rest[1])
        return false;
    if (wants == 'd') {
        range->device = g_strdup(rest + 1);
        return true;
    }
    char *end;
    range->factor = g_ascii_strtod(rest + 1, &end);
    return *end == '\0' && range->factor >= 1 && isfinite(range->factor);
}

bool mpp_rank_range_parse(const char *text, char wants, MppRankRange *range, GError **error)
{
    *range = (MppRankRange){ .factor = 1 };
    const char *rest = parse_ranks(text, range);
    if (rest && parse_rest(rest, wants, range))
        return true;
    return mpp_error_usage(error, "expected %s, got \"%s\"", expected(wants), text);
}
