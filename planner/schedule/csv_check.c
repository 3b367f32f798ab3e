/* Passes of a file: complete, on one rank each, in order. Sorted by stage and micro-batch, gaps and doubles lie side by side. */
#include "planner/schedule/csv_cells.h"

static const MppPass pass_of[] = {
    [MPP_CSV_FORWARD] = MPP_PASS_FORWARD, [MPP_CSV_INPUT] = MPP_PASS_INPUT,   [MPP_CSV_BACKWARD] = MPP_PASS_BACKWARD,
    [MPP_CSV_BOTH] = MPP_PASS_BACKWARD,   [MPP_CSV_WEIGHT] = MPP_PASS_WEIGHT,
};

typedef struct {
    const MppCsvFile *file;
    MppCsvDialect dialect;
    GPtrArray *passes; /* const MppCsvCell *, by stage, micro-batch, then as they stand */
    int32_t n_stages, micro_batches;
    const MppCsvCell **first; /* pass of each stage */
} Check;

static const MppCsvCell *cell_at(const MppCsvFile *file, guint i)
{
    return &g_array_index(file->cells, MppCsvCell, i);
}

static MppPass read_pass(MppCsvDialect dialect, MppCsvKind kind)
{
    return dialect == MPP_CSV_2024 && kind == MPP_CSV_BACKWARD ? MPP_PASS_INPUT : pass_of[kind];
}

/** I is of the current dialect, BW of that of 2024; with neither, a W tells that a B is half of a backward pass. */
static bool find_dialect(const MppCsvFile *file, MppCsvDialect *dialect, GError **error)
{
    const MppCsvCell *input = NULL, *both = NULL, *weight = NULL;
    for (guint i = 0; i < file->cells->len; i++) {
        const MppCsvCell *cell = cell_at(file, i);
        const MppCsvCell **first = cell->kind == MPP_CSV_INPUT  ? &input
                                   : cell->kind == MPP_CSV_BOTH ? &both
                                   : cell->kind == MPP_CSV_WEIGHT ? &weight
                                                                  : NULL;
        if (first && !*first)
            *first = cell;
    }
    *dialect = both || (weight && !input) ? MPP_CSV_2024 : MPP_CSV_CURRENT;
    if (!input || !both)
        return true;
    const MppCsvCell *later = MAX(input, both), *earlier = MIN(input, both);
    g_autofree char *here = mpp_csv_cell_to_text(later), *there = mpp_csv_cell_to_text(earlier);
    return mpp_csv_refuse(file, later, MPP_ERROR_INVALID, error,
                          "%s and %s (rank %d, cell %d) are of two dialects: I, W, B and B, W, BW do not mix", here, there,
                          earlier->rank, earlier->number);
}

static int compare(gconstpointer a, gconstpointer b)
{
    const MppCsvCell *x = *(const MppCsvCell *const *)a, *y = *(const MppCsvCell *const *)b;
    if (x->stage != y->stage)
        return x->stage < y->stage ? -1 : 1;
    if (x->micro_batch != y->micro_batch)
        return x->micro_batch < y->micro_batch ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void sort_passes(Check *check)
{
    for (guint i = 0; i < check->file->cells->len; i++) {
        const MppCsvCell *cell = cell_at(check->file, i);
        if (!mpp_csv_is_pass(cell->kind))
            continue;
        g_ptr_array_add(check->passes, (gpointer)cell);
        check->n_stages = MAX(check->n_stages, cell->stage + 1);
        check->micro_batches = MAX(check->micro_batches, cell->micro_batch + 1);
    }
    g_ptr_array_sort(check->passes, compare);
}

static bool refuse(const Check *check, const MppCsvCell *cell, GError **error, const char *why)
{
    g_autofree char *text = mpp_csv_cell_to_text(cell);
    return mpp_csv_refuse(check->file, cell, MPP_ERROR_INVALID, error, "%s %s", text, why);
}

/** What is wrong with @cell after the micro-batch's passes @before of the stage; NULL: nothing. */
static const char *out_of_order(MppPass pass, unsigned before)
{
    bool backward = pass == MPP_PASS_BACKWARD || pass == MPP_PASS_INPUT;
    unsigned backwards = 1u << MPP_PASS_BACKWARD | 1u << MPP_PASS_INPUT;
    if (before & 1u << pass || (backward && before & backwards))
        return "stands twice";
    if (pass != MPP_PASS_FORWARD && !(before & 1u << MPP_PASS_FORWARD))
        return "stands before its forward pass, or has none";
    if (pass == MPP_PASS_WEIGHT && before & 1u << MPP_PASS_BACKWARD)
        return "stands after a backward pass that has the weights' gradient already";
    if (pass == MPP_PASS_WEIGHT && !(before & 1u << MPP_PASS_INPUT))
        return "stands before the gradient of its input, or has none";
    return NULL;
}

/** The passes of one stage and micro-batch, from *@i on. */
static bool check_micro_batch(const Check *check, guint *i, GError **error)
{
    const MppCsvCell *first = check->passes->pdata[*i], *last = first;
    unsigned before = 0;
    for (; *i < check->passes->len; (*i)++) {
        const MppCsvCell *cell = check->passes->pdata[*i], *home = check->first[first->stage];
        if (cell->stage != first->stage || cell->micro_batch != first->micro_batch)
            break;
        if (cell->rank != home->rank)
            return mpp_csv_refuse(check->file, cell, MPP_ERROR_INVALID, error, "stage %d stands on rank %d too (cell %d there)",
                                  cell->stage, home->rank, home->number);
        MppPass pass = read_pass(check->dialect, cell->kind);
        const char *why = out_of_order(pass, before);
        if (why)
            return refuse(check, cell, error, why);
        before |= 1u << pass;
        last = cell;
    }
    if (!(before & (1u << MPP_PASS_BACKWARD | 1u << MPP_PASS_INPUT)))
        return refuse(check, last, error, "has no backward pass after it");
    if (before & 1u << MPP_PASS_INPUT && !(before & 1u << MPP_PASS_WEIGHT))
        return refuse(check, last, error, "has no gradient of the weights after it");
    return true;
}

static bool check_stage(Check *check, int32_t stage, guint *i, GError **error)
{
    const MppCsvCell *first = check->passes->pdata[*i]; /* there is one: the last stage has passes */
    if (first->stage != stage)
        return mpp_csv_refuse(check->file, first, MPP_ERROR_INVALID, error, "stage %d has passes, but stage %d has none",
                              first->stage, stage);
    check->first[stage] = first;
    for (int32_t b = 0; b < check->micro_batches; b++) {
        const MppCsvCell *next = *i < check->passes->len ? check->passes->pdata[*i] : NULL;
        if (!next || next->stage != stage || next->micro_batch != b)
            return mpp_csv_refuse(check->file, first, MPP_ERROR_INVALID, error,
                                  "stage %d has no pass of micro-batch %d; the file has micro-batches up to %d", stage, b,
                                  check->micro_batches - 1);
        if (!check_micro_batch(check, i, error))
            return false;
    }
    return true;
}

/** All stages and micro-batches in turn: each has passes, so this ends with the file however large its numbers are. */
static bool check_passes(Check *check, GError **error)
{
    if (check->passes->len == 0)
        return mpp_csv_refuse(check->file, cell_at(check->file, 0), MPP_ERROR_INVALID, error, "the file has no passes");
    const MppCsvCell *last = check->passes->pdata[check->passes->len - 1];
    if ((guint)check->n_stages > check->passes->len)
        return mpp_csv_refuse(check->file, last, MPP_ERROR_INVALID, error,
                              "stage %d has passes, but not all %d before it have", last->stage, last->stage);
    check->first = g_new0(const MppCsvCell *, check->n_stages);
    guint i = 0;
    for (int32_t stage = 0; stage < check->n_stages; stage++)
        if (!check_stage(check, stage, &i, error))
            return false;
    return true;
}

/** Ranks may hold chunks without a pass of their own only in lowered files that are wrong. */
static bool check_ranks(const Check *check, GError **error)
{
    g_autofree bool *works = g_new0(bool, check->file->rows->len);
    for (int32_t stage = 0; stage < check->n_stages; stage++)
        works[check->first[stage]->rank] = true;
    for (guint i = 0; i < check->file->cells->len; i++)
        if (!works[cell_at(check->file, i)->rank])
            return mpp_csv_refuse(check->file, cell_at(check->file, i), MPP_ERROR_INVALID, error, "the rank has no passes");
    return true;
}

static MppCsv *to_csv(const Check *check)
{
    const MppCsvFile *file = check->file;
    MppCsv *csv = g_new0(MppCsv, 1);
    csv->dialect = check->dialect;
    csv->order = mpp_order_new(file->rows->len, check->n_stages, check->micro_batches);
    csv->pairs = g_new(GArray *, file->rows->len);
    for (guint k = 0; k < file->rows->len; k++)
        csv->pairs[k] = g_array_new(FALSE, FALSE, sizeof(guint));
    for (int32_t stage = 0; stage < check->n_stages; stage++)
        csv->order->rank_of[stage] = check->first[stage]->rank;
    for (guint i = 0; i < file->cells->len; i++) {
        const MppCsvCell *cell = cell_at(file, i);
        if (!mpp_csv_is_pass(cell->kind)) {
            csv->comms = true;
            continue;
        }
        if (cell->paired)
            g_array_append_val(csv->pairs[cell->rank], csv->order->slots[cell->rank]->len);
        mpp_order_add(csv->order, read_pass(check->dialect, cell->kind), cell->stage, cell->micro_batch);
    }
    return csv;
}

/** Passes that run together need all their inputs at once, which can block where one after the other does not. */
static bool check_pairs(const MppCsv *csv, GError **error)
{
    int32_t pp = csv->order->pp;
    g_autofree GArray **actions = g_new(GArray *, pp);
    for (int32_t k = 0; k < pp; k++)
        actions[k] = mpp_csv_actions(csv->order->slots[k], csv->pairs[k]);
    bool runs = mpp_csv_add_comms(csv->order, actions);
    for (int32_t k = 0; k < pp; k++)
        g_array_unref(actions[k]);
    if (!runs)
        g_set_error_literal(error, MPP_ERROR, MPP_ERROR_INVALID, "deadlock: passes that run together wait for each other's outputs");
    return runs;
}

MppCsv *mpp_csv_check(MppCsvFile *file, GError **error)
{
    g_autoptr(GPtrArray) passes = g_ptr_array_new();
    Check check = { .file = file, .passes = passes };
    if (!find_dialect(file, &check.dialect, error))
        return NULL;
    sort_passes(&check);
    bool legal = check_passes(&check, error) && check_ranks(&check, error);
    g_autoptr(MppCsv) csv = legal ? to_csv(&check) : NULL;
    g_free(check.first);
    if (!csv || (csv->comms && !mpp_csv_check_comms(file, csv->order, error)))
        return NULL;
    if (mpp_order_check(csv->order, error) && check_pairs(csv, error))
        return g_steal_pointer(&csv);
    g_prefix_error(error, "%s: ", file->text->name);
    return NULL;
}
