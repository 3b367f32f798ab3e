#include "tests/support/lone_rank.h"

#include "validate/backend_load.h"
#include "validate/net/counter_random.h"

/** The build folder, two above the test program's. */
static char *build_folder(void)
{
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL), *folder = g_path_get_dirname(program);
    return g_build_filename(folder, "..", "..", NULL);
}

LoneRank *lone_rank_new(void)
{
    const char *wanted = g_getenv("MPPLAN_TEST_BACKEND");
    g_autofree char *build = build_folder(), *path = g_build_filename(build, wanted ? wanted : "cpu", NULL);
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    g_autoptr(GError) error = NULL;
    const MppBackend *backend = mpp_backend_load(folder, name, &error);
    if (!backend) {
        g_test_skip(error->message);
        return NULL;
    }
    LoneRank *lone = g_new0(LoneRank, 1);
    lone->rank = mpp_rank_open(backend, &(MppBackendStart){ .alone = true }, &error);
    g_assert_no_error(error);
    lone->strategy = mpp_strategy_single();
    lone->place = mpp_place_new(lone->rank, &lone->strategy, 1, (const int64_t[]){ 0, 0 });
    return lone;
}

void lone_rank_free(LoneRank *lone)
{
    if (!lone)
        return;
    mpp_place_free(lone->place);
    mpp_rank_close(lone->rank, false);
    g_free(lone);
}

MppBuffer *lone_rank_random(const LoneRank *lone, const char *name, int64_t rows, int64_t columns)
{
    uint64_t stream = mpp_counter_random_stream(name, 7);
    g_autofree float *values = g_new(float, rows *columns);
    for (int64_t i = 0; i < rows * columns; i++)
        values[i] = (float)mpp_counter_random_signed(stream, (uint64_t)i);
    return mpp_buffer_of(lone->rank, MPP_ELEMENT_F32, rows, columns, values);
}

float *lone_rank_values(const LoneRank *lone, MppTensor x)
{
    float *values = g_new(float, x.rows *x.columns);
    mpp_run(lone->rank, download, values, x.data, (size_t)(x.rows * x.columns) * sizeof(float));
    return values;
}
