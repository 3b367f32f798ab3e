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

/** Leaves out the inner ones of rows that follow each other by equal steps. */
static void drop_between(MppPeaks *peaks, GArray *rows)
{
    int64_t n = peaks->n_local, kept = 0;
    const g_autofree int32_t *all = g_memdup2(rows->data, rows->len * sizeof(int32_t));
    for (int64_t r = 0; r < peaks->n_rows; r++) {
        const int32_t *row = all + r * n;
        bool between = r > 0 && r < peaks->n_rows - 1;
        for (int64_t i = 0; i < n && between; i++)
            between = row[i] - row[i - n] == row[i + n] - row[i];
        if (!between)
            memcpy((int32_t *)rows->data + kept++ * n, row, n * sizeof(int32_t));
    }
    peaks->n_rows = kept;
    g_array_set_size(rows, kept * n);
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

/** Finds the largest sum, and which largest counts a row of that sum has. */
static void summarize(MppPeaks *peaks)
{
    int64_t n = peaks->n_local;
    peaks->largest = g_new0(int32_t, n);
    for (int64_t r = 0; r < peaks->n_rows; r++) {
        peaks->most = MAX(peaks->most, sum(peaks->counts + r * n, n));
        for (int64_t i = 0; i < n; i++)
            peaks->largest[i] = MAX(peaks->largest[i], peaks->counts[r * n + i]);
    }
    for (int64_t i = 0; i < n; i++) {
        bool together = false;
        for (int64_t r = 0; r < peaks->n_rows && !together; r++)
            together = peaks->counts[r * n + i] == peaks->largest[i] && sum(peaks->counts + r * n, n) == peaks->most;
        peaks->largest[i] = together ? peaks->largest[i] : -1;
    }
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
    drop_between(&peaks, rows);
    peaks.chunks = (int32_t *)g_array_free(chunks, FALSE);
    peaks.counts = (int32_t *)g_array_free(rows, FALSE);
    summarize(&peaks);
    return peaks;
}

void mpp_peaks_clear(MppPeaks *peaks)
{
    g_clear_pointer(&peaks->chunks, g_free);
    g_clear_pointer(&peaks->counts, g_free);
    g_clear_pointer(&peaks->largest, g_free);
}

static double weigh_rows(const MppPeaks *peaks, const double *weights)
{
    const int32_t *row = peaks->counts;
    double most = 0;
    for (int64_t r = 0; r < peaks->n_rows; r++, row += peaks->n_local) {
        double weight = 0;
        for (int64_t i = 0; i < peaks->n_local; i++)
            weight += row[i] * weights[peaks->chunks[i]];
        most = MAX(most, weight);
    }
    return most;
}

/** Chunks are mostly alike, or one of them holds more: then the row is known whose sum and place are largest. */
double mpp_peaks_weigh(const MppPeaks *peaks, const double *weights)
{
    const int32_t *chunks = peaks->chunks;
    int64_t n = peaks->n_local, heavy = weights[chunks[0]] > weights[chunks[n - 1]] ? 0 : n - 1;
    double common = weights[chunks[heavy ? 0 : n - 1]];
    for (int64_t i = 0; i < n; i++)
        if (i != heavy && weights[chunks[i]] != common)
            return weigh_rows(peaks, weights);
    double added = weights[chunks[heavy]] - common;
    if (added > 0 && peaks->largest[heavy] < 0)
        return weigh_rows(peaks, weights);
    return peaks->most * common + (added > 0 ? peaks->largest[heavy] * added : 0);
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
    MppPeaks peaks = { .n_local = n, .n_rows = 1, .chunks = g_new(int32_t, n), .counts = g_new(int32_t, n) };
    for (int64_t i = 0; i < n; i++) {
        peaks.chunks[i] = (int32_t)(i * schedule->pp + rank); /* only looped schedules hold all */
        peaks.counts[i] = (int32_t)schedule->micro_batches;
    }
    summarize(&peaks);
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
