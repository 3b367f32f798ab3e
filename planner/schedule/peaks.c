#include "planner/schedule/peaks.h"

#include <string.h>

/** Whether @a has at least @b's count in every place. */
static bool covers(const int32_t *a, const int32_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (a[i] < b[i])
            return false;
    return true;
}

static void add_row(MppPeaks *peaks, GArray *rows, const int32_t *counts)
{
    int64_t n = peaks->n_local, kept = 0;
    int32_t *all = (int32_t *)rows->data;
    for (int64_t i = peaks->n_rows - 1; i >= 0; i--) /* the last rows are the likeliest to recur */
        if (covers(all + i * n, counts, n))
            return;
    for (int64_t i = 0; i < peaks->n_rows; i++) {
        if (covers(counts, all + i * n, n))
            continue;
        memmove(all + kept * n, all + i * n, n * sizeof(int32_t));
        kept++;
    }
    g_array_set_size(rows, kept * n);
    g_array_append_vals(rows, counts, n);
    peaks->n_rows = kept + 1;
}

static GArray *local_chunks(const MppOrder *order, int64_t rank, int32_t *place)
{
    GArray *chunks = g_array_new(FALSE, FALSE, sizeof(int32_t));
    for (int32_t c = 0; c < order->n_chunks; c++) {
        if (order->rank_of[c] != rank)
            continue;
        place[c] = (int32_t)chunks->len;
        g_array_append_val(chunks, c);
    }
    return chunks;
}

static int64_t sum(const int32_t *counts, int64_t n)
{
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++)
        total += counts[i];
    return total;
}

MppPeaks mpp_order_peaks(const MppOrder *order, int64_t rank)
{
    g_autofree int32_t *place = g_new(int32_t, order->n_chunks);
    GArray *chunks = local_chunks(order, rank, place), *rows = g_array_new(FALSE, FALSE, sizeof(int32_t));
    MppPeaks peaks = { .n_local = chunks->len };
    g_autofree int32_t *held = g_new0(int32_t, chunks->len);
    const GArray *slots = order->slots[rank];
    bool fuller = false;
    for (guint i = 0; i < slots->len; i++) {
        const MppSlot *slot = &g_array_index(slots, MppSlot, i);
        bool frees = slot->pass == MPP_PASS_BACKWARD || slot->pass == MPP_PASS_WEIGHT;
        if (frees && fuller)
            add_row(&peaks, rows, held);
        fuller = slot->pass == MPP_PASS_FORWARD || (fuller && !frees);
        held[place[slot->chunk]] += slot->pass == MPP_PASS_FORWARD ? 1 : frees ? -1 : 0;
    }
    for (int64_t i = 0; i < peaks.n_rows; i++)
        peaks.most = MAX(peaks.most, sum((int32_t *)rows->data + i * peaks.n_local, peaks.n_local));
    peaks.chunks = (int32_t *)g_array_free(chunks, FALSE);
    peaks.counts = (int32_t *)g_array_free(rows, FALSE);
    return peaks;
}

void mpp_peaks_clear(MppPeaks *peaks)
{
    g_clear_pointer(&peaks->chunks, g_free);
    g_clear_pointer(&peaks->counts, g_free);
}

/** The weight that all chunks of the rank have, or a negative number. */
static double common_weight(const MppPeaks *peaks, const double *weights)
{
    double first = weights[peaks->chunks[0]];
    for (int64_t i = 1; i < peaks->n_local; i++)
        if (weights[peaks->chunks[i]] != first)
            return -1;
    return first;
}

double mpp_peaks_weigh(const MppPeaks *peaks, const double *weights)
{
    double common = common_weight(peaks, weights), most = 0;
    if (common >= 0)
        return peaks->most * common;
    const int32_t *row = peaks->counts;
    for (int64_t r = 0; r < peaks->n_rows; r++, row += peaks->n_local) {
        double weight = 0;
        for (int64_t i = 0; i < peaks->n_local; i++)
            weight += row[i] * weights[peaks->chunks[i]];
        most = MAX(most, weight);
    }
    return most;
}

struct MppPeaksTable {
    GMutex mutex;
    GHashTable *by_schedule; /* MppSchedule → Entry */
};

/** Peaks of one schedule; the schedule is the key, and lies within. */
typedef struct {
    MppSchedule schedule;
    MppPeaks *ranks;
} Entry;

static guint hash(gconstpointer key)
{
    const MppSchedule *s = key;
    return (guint)((((s->kind * 31 + s->pp) * 31 + s->vpp) * 1009 + s->micro_batches) * 31 + s->group);
}

static gboolean equal(gconstpointer a, gconstpointer b)
{
    return mpp_schedule_equal(a, b);
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    for (int64_t k = 0; k < entry->schedule.pp; k++)
        mpp_peaks_clear(&entry->ranks[k]);
    g_free(entry->ranks);
    g_free(entry);
}

/** Every micro-batch of every chunk at once. */
static MppPeaks hold_all(const MppSchedule *schedule, int64_t rank)
{
    int64_t n = schedule->vpp;
    MppPeaks peaks = { n, 1, n * schedule->micro_batches, g_new(int32_t, n), g_new(int32_t, n) };
    for (int64_t i = 0; i < n; i++) {
        peaks.chunks[i] = (int32_t)(i * schedule->pp + rank); /* only looped schedules hold all */
        peaks.counts[i] = (int32_t)schedule->micro_batches;
    }
    return peaks;
}

static Entry *entry_new(const MppSchedule *schedule)
{
    Entry *entry = g_new(Entry, 1);
    *entry = (Entry){ *schedule, g_new(MppPeaks, schedule->pp) };
    bool all = mpp_schedule_holds_all(schedule);
    g_autoptr(MppOrder) order = all ? NULL : mpp_schedule_order(schedule);
    for (int64_t k = 0; k < schedule->pp; k++)
        entry->ranks[k] = all ? hold_all(schedule, k) : mpp_order_peaks(order, k);
    return entry;
}

MppPeaksTable *mpp_peaks_table_new(void)
{
    MppPeaksTable *table = g_new0(MppPeaksTable, 1);
    g_mutex_init(&table->mutex);
    table->by_schedule = g_hash_table_new_full(hash, equal, NULL, entry_free);
    return table;
}

void mpp_peaks_table_free(MppPeaksTable *table)
{
    if (!table)
        return;
    g_hash_table_unref(table->by_schedule);
    g_mutex_clear(&table->mutex);
    g_free(table);
}

const MppPeaks *mpp_peaks_table_get(MppPeaksTable *table, const MppSchedule *schedule)
{
    MppSchedule key = *schedule;
    key.micro_batches = mpp_schedule_peak_micro_batches(schedule);
    g_mutex_lock(&table->mutex);
    Entry *entry = g_hash_table_lookup(table->by_schedule, &key);
    if (!entry) {
        entry = entry_new(&key);
        g_hash_table_insert(table->by_schedule, &entry->schedule, entry);
    }
    g_mutex_unlock(&table->mutex);
    return entry->ranks;
}
