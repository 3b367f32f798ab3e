#include "validate/worker/gather.h"

#include <string.h>

/** Texts as rows of integers, all as long as the longest. */
static char **exchange(const MppRank *rank, MppBackendGroup *world, const char *text)
{
    int32_t longest = (int32_t)strlen(text) + 1;
    g_autoptr(MppBuffer) length = mpp_buffer_of(rank, MPP_ELEMENT_I32, 1, 1, &longest);
    mpp_run(rank, all_reduce, world, MPP_MAX, length->tensor);
    mpp_run(rank, download, &longest, length->tensor.data, sizeof longest);
    int64_t width = (longest + (int64_t)sizeof(int32_t) - 1) / (int64_t)sizeof(int32_t);
    gsize bytes = (gsize)width * sizeof(int32_t);
    g_autofree char *padded = g_malloc0(bytes), *all = g_malloc0(bytes * (gsize)rank->size);
    memcpy(padded, text, strlen(text));
    g_autoptr(MppBuffer) own = mpp_buffer_of(rank, MPP_ELEMENT_I32, 1, width, padded);
    g_autoptr(MppBuffer) rows = mpp_buffer_new(rank, MPP_ELEMENT_I32, rank->size, width);
    mpp_run(rank, all_gather, world, rows->tensor, own->tensor);
    mpp_run(rank, download, all, rows->tensor.data, bytes * (gsize)rank->size);
    char **texts = g_new0(char *, rank->size + 1);
    for (int64_t r = 0; r < rank->size; r++)
        texts[r] = g_strndup(all + (gsize)r * bytes, bytes);
    return texts;
}

char **mpp_gather_texts(const MppRank *rank, const char *text)
{
    MppBackendGroup *world = mpp_run(rank, group_new, 0, rank->index);
    char **texts = exchange(rank, world, text);
    mpp_run(rank, group_free, world);
    if (mpp_rank_check(rank, NULL))
        return texts;
    g_strfreev(texts);
    return NULL;
}

int32_t *mpp_gather_numbers(const MppRank *rank, MppBackendGroup *world, int32_t number)
{
    int32_t *numbers = g_new0(int32_t, rank->size);
    numbers[0] = number;
    if (!world)
        return numbers;
    g_autoptr(MppBuffer) own = mpp_buffer_of(rank, MPP_ELEMENT_I32, 1, 1, &number);
    g_autoptr(MppBuffer) all = mpp_buffer_new(rank, MPP_ELEMENT_I32, rank->size, 1);
    mpp_run(rank, all_gather, world, all->tensor, own->tensor);
    mpp_run(rank, download, numbers, all->tensor.data, (size_t)rank->size * sizeof *numbers);
    return numbers;
}

double mpp_gather_most(const MppRank *rank, MppBackendGroup *group, double value)
{
    if (!group)
        return value;
    float most = (float)value;
    g_autoptr(MppBuffer) buffer = mpp_buffer_of(rank, MPP_ELEMENT_F32, 1, 1, &most);
    mpp_run(rank, all_reduce, group, MPP_MAX, buffer->tensor);
    mpp_run(rank, download, &most, buffer->tensor.data, sizeof most);
    return most;
}

static char *digest_of(const char *path, GError **error)
{
    g_autofree char *content = NULL;
    gsize n;
    if (!g_file_get_contents(path, &content, &n, error))
        return NULL;
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)content, n);
}

/** What differs between two ranks' lines of digests; NULL: nothing. */
static const char *difference(const char *a, const char *b)
{
    static const char *const names[] = { "program", "backend", "plan" };
    g_auto(GStrv) left = g_strsplit(a, "\n", -1), right = g_strsplit(b, "\n", -1);
    for (size_t i = 0; i < G_N_ELEMENTS(names) && (left[i] || right[i]); i++)
        if (!left[i] || !right[i] || strcmp(left[i], right[i]) != 0)
            return names[i];
    return NULL;
}

bool mpp_gather_check_same(const MppRank *rank, const char *backend_path, const char *plan_path, bool *differ, GError **error)
{
    const char *const paths[] = { "/proc/self/exe", backend_path, plan_path };
    g_autoptr(GString) digests = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(paths) && paths[i]; i++) {
        g_autofree char *digest = digest_of(paths[i], error);
        if (!digest)
            return false;
        g_string_append_printf(digests, "%s%s", i ? "\n" : "", digest);
    }
    g_auto(GStrv) all = mpp_gather_texts(rank, digests->str);
    if (!all)
        return mpp_rank_check(rank, error);
    for (int64_t r = 1; r < rank->size; r++) {
        const char *what = difference(all[0], all[r]);
        *differ = what != NULL;
        if (*differ)
            return mpp_error_set(error, MPP_ERROR_BACKEND,
                                 "rank %" G_GINT64_FORMAT " has another %s than rank 0: install the same build on every host", r,
                                 what);
    }
    return true;
}
