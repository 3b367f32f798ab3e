#include "planner/schedule/csv.h"

#include <string.h>

#include "planner/base/file.h"
#include "planner/schedule/csv_cells.h"

enum { MOST_DIGITS = 8, MOST_SHOWN = 40 };

static const char *const dialect_names[MPP_N_CSV_DIALECTS] = { "current", "2024" };
const MppNames mpp_csv_dialect_names = MPP_NAMES("dialect", dialect_names);

#define KIND(kind, name, of_micro_batch) name,
const char *const mpp_csv_kind_names[MPP_N_CSV_KINDS] = { MPP_CSV_KINDS(KIND) };
#undef KIND
#define KIND(kind, name, of_micro_batch) of_micro_batch,
const bool mpp_csv_kind_of_micro_batch[MPP_N_CSV_KINDS] = { MPP_CSV_KINDS(KIND) };
#undef KIND

MppOrder *mpp_csv_free_but_order(MppCsv *csv)
{
    MppOrder *order = csv->order;
    for (int32_t k = 0; k < order->pp; k++)
        g_array_unref(csv->pairs[k]);
    g_free(csv->pairs);
    g_free(csv);
    return order;
}

void mpp_csv_free(MppCsv *csv)
{
    if (csv)
        mpp_order_free(mpp_csv_free_but_order(csv));
}

bool mpp_csv_refuse(const MppCsvFile *file, const MppCsvCell *cell, MppError code, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *placed = g_strdup_printf("rank %d, cell %d: %s", cell->rank, cell->number, message);
    return mpp_json_place_error(error, file->text, cell->offset, NULL, code, placed);
}

char *mpp_csv_cell_to_text(const MppCsvCell *cell)
{
    if (!mpp_csv_kind_of_micro_batch[cell->kind])
        return g_strdup_printf("%d%s", cell->stage, mpp_csv_kind_names[cell->kind]);
    return g_strdup_printf("%d%s%d", cell->stage, mpp_csv_kind_names[cell->kind], cell->micro_batch);
}

/** Reads a number at *@at, which moves behind it; -1: none, or more digits than any schedule needs. */
static int32_t take_number(const char **at, const char *end)
{
    int32_t number = 0;
    const char *first = *at;
    for (; *at < end && g_ascii_isdigit(**at); (*at)++)
        number = *at - first < MOST_DIGITS ? number * 10 + (**at - '0') : -1;
    return *at == first || *at - first > MOST_DIGITS ? -1 : number;
}

static int find_kind(const char *name, size_t length)
{
    for (int i = 0; i < MPP_N_CSV_KINDS; i++)
        if (strlen(mpp_csv_kind_names[i]) == length && memcmp(mpp_csv_kind_names[i], name, length) == 0)
            return i;
    return -1;
}

/** One action from @at to @end, whose place @cell has already. */
static bool read_action(const char *at, const char *end, MppCsvCell *cell)
{
    cell->stage = take_number(&at, end);
    const char *name = at;
    while (at < end && !g_ascii_isdigit(*at))
        at++;
    int kind = find_kind(name, at - name);
    if (cell->stage < 0 || kind < 0)
        return false;
    cell->kind = (MppCsvKind)kind;
    cell->micro_batch = mpp_csv_kind_of_micro_batch[kind] ? take_number(&at, end) : -1;
    return at == end && (cell->micro_batch >= 0) == mpp_csv_kind_of_micro_batch[kind];
}

/** "(0F7;7B3)OVERLAP_F_B" as two actions, a forward and a backward pass. */
static bool read_pair(const char *at, const char *end, MppCsvCell *cells)
{
    static const char kind[] = ")OVERLAP_F_B";
    const char *close = end - (sizeof kind - 1), *middle = memchr(at, ';', end - at);
    if (end - at < (ptrdiff_t)sizeof kind || memcmp(close, kind, sizeof kind - 1) != 0 || !middle || middle > close)
        return false;
    if (!read_action(at + 1, middle, &cells[0]) || !read_action(middle + 1, close, &cells[1]))
        return false;
    int forwards = (cells[0].kind == MPP_CSV_FORWARD) + (cells[1].kind == MPP_CSV_FORWARD);
    int backwards = (cells[0].kind == MPP_CSV_BACKWARD) + (cells[1].kind == MPP_CSV_BACKWARD);
    cells[0].paired = true;
    return forwards == 1 && backwards == 1;
}

/** Leaves out blanks around a cell, and quotes as some programs write them. */
static void trim(const char **at, const char **end)
{
    while (*at < *end && g_ascii_isspace(**at))
        (*at)++;
    while (*end > *at && g_ascii_isspace((*end)[-1]))
        (*end)--;
    if (*end - *at < 2 || **at != '"' || (*end)[-1] != '"')
        return;
    (*at)++;
    (*end)--;
}

static bool read_cell(MppCsvFile *file, const char *at, const char *end, int32_t number, GError **error)
{
    trim(&at, &end);
    if (at == end)
        return true;
    MppCsvCell cells[2] = { { .rank = (int32_t)file->rows->len - 1, .number = number, .offset = at - file->text->text } };
    cells[1] = cells[0];
    bool pair = *at == '(';
    if (pair ? read_pair(at, end, cells) : read_action(at, end, cells)) {
        g_array_append_vals(file->cells, cells, pair ? 2 : 1);
        return true;
    }
    g_autofree char *shown = g_utf8_make_valid(at, MIN(end - at, MOST_SHOWN));
    return mpp_csv_refuse(file, &cells[0], MPP_ERROR_SYNTAX, error,
                          "\"%s\" is no action; expected one like 2F7 (stage 2, F, I, B or W, micro-batch 7), 2SEND_F7, "
                          "2UNSHARD or (2F7;5B3)OVERLAP_F_B",
                          shown);
}

static bool read_row(MppCsvFile *file, const char *at, const char *end, GError **error)
{
    size_t offset = at - file->text->text;
    guint before = file->cells->len;
    g_array_append_val(file->rows, offset);
    for (int32_t number = 1; at <= end; number++) {
        const char *comma = memchr(at, ',', end - at), *cell_end = comma ? comma : end;
        if (!read_cell(file, at, cell_end, number, error))
            return false;
        at = cell_end + 1;
    }
    if (file->cells->len > before)
        return true;
    MppCsvCell place = { .rank = (int32_t)file->rows->len - 1, .number = 1, .offset = offset };
    return mpp_csv_refuse(file, &place, MPP_ERROR_INVALID, error, "the rank has no passes");
}

/** Empty lines at the end are no ranks. */
static bool read_rows(MppCsvFile *file, GError **error)
{
    const char *at = file->text->text, *end = at + file->text->n_bytes;
    while (end > at && g_ascii_isspace(end[-1]))
        end--;
    while (at < end) {
        const char *newline = memchr(at, '\n', end - at), *row_end = newline ? newline : end;
        if (!read_row(file, at, row_end, error))
            return false;
        at = row_end + 1;
    }
    return true;
}

MppCsv *mpp_csv_parse(const char *name, const char *text, size_t n_bytes, GError **error)
{
    g_autoptr(MppJson) copy = g_new0(MppJson, 1);
    *copy = (MppJson){ g_strdup(name), g_malloc(n_bytes + 1), n_bytes, 1, NULL };
    memcpy(copy->text, text, n_bytes);
    copy->text[n_bytes] = '\0';
    g_autoptr(GArray) cells = g_array_new(FALSE, TRUE, sizeof(MppCsvCell)), rows = g_array_new(FALSE, FALSE, sizeof(size_t));
    MppCsvFile file = { copy, cells, rows };
    if (!read_rows(&file, error))
        return NULL;
    if (cells->len > 0)
        return mpp_csv_check(&file, error);
    g_set_error(error, MPP_ERROR, MPP_ERROR_SYNTAX, "%s: the file is empty; expected a row of passes for each rank", name);
    return NULL;
}

MppCsv *mpp_csv_load(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    size_t n_bytes;
    return mpp_file_read(path, &text, &n_bytes, error) ? mpp_csv_parse(path, text, n_bytes, error) : NULL;
}
