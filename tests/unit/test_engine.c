/* Scenes small enough to work out by hand: two stages, forward 1 s, backward 2 s. */
#include "sim/engine.h"

#include "planner/schedule/schedule.h"

typedef struct {
    MppOrder *order;
    MppProgram *program;
    MppScene scene;
} Stage;

enum { PP = 2 };

/** 1F1B over two stages and @m micro-batches; messages of @message_s; everything else takes no time. */
static Stage set_up(int64_t m, int32_t replicas, double message_s, const MppProgramOptions *options)
{
    MppSchedule schedule = { MPP_SCHEDULE_1F1B, PP, 1, m, 0 };
    Stage stage = { .order = mpp_schedule_order(&schedule) };
    stage.program = mpp_program_new(stage.order, options);
    int32_t n_lanes = PP * replicas;
    MppScene *scene = &stage.scene;
    *scene = (MppScene){ .program = stage.program, .n_replicas = replicas, .n_lanes = n_lanes, .n_pools = 1 };
    scene->message_s = g_new(double, PP);
    scene->times = g_new0(MppChunkTime, MPP_N_PASSES * PP);
    scene->pool_of_lane = g_new0(int32_t, n_lanes);
    scene->compute_factor = g_new(double, n_lanes);
    scene->exchange_factor = g_new(double, n_lanes);
    scene->layers = g_new0(int32_t, PP);
    scene->reductions = g_new0(MppReduction, PP);
    scene->update_s = g_new0(double, n_lanes);
    scene->gather_s = g_new0(double, PP);
    scene->gather_bytes_per_s = g_new0(double, PP);
    scene->message_out = g_new(int32_t, n_lanes);
    scene->message_in = g_new(int32_t, n_lanes);
    scene->replica_links = g_new0(int32_t *, PP);
    scene->n_replica_links = g_new0(int32_t, PP);
    for (int c = 0; c < PP; c++) {
        scene->message_s[c] = message_s;
        scene->times[MPP_PASS_FORWARD * PP + c].compute_s = 1;
        scene->times[MPP_PASS_BACKWARD * PP + c].compute_s = 2;
    }
    for (int32_t lane = 0; lane < n_lanes; lane++) {
        scene->compute_factor[lane] = scene->exchange_factor[lane] = 1;
        scene->message_out[lane] = scene->message_in[lane] = -1;
    }
    return stage;
}

static void clear(Stage *stage)
{
    mpp_scene_clear(&stage->scene);
    mpp_program_free(stage->program);
    mpp_order_free(stage->order);
}

static MppEngine *run(const Stage *stage)
{
    MppEngine *engine = mpp_engine_new(&stage->scene, NULL);
    while (mpp_engine_step(engine))
        ;
    return engine;
}

/** The n-th span of @lane's @action. */
static const MppSpan *span_of(const MppEngine *engine, int32_t lane, MppActionKind action, int n)
{
    const GArray *spans = mpp_engine_spans(engine);
    for (guint i = 0; i < spans->len; i++) {
        const MppSpan *span = &g_array_index(spans, MppSpan, i);
        if (span->lane == lane && span->action == action && n-- == 0)
            return span;
    }
    g_assert_not_reached();
}

static void expect_span(const MppEngine *engine, int32_t lane, MppActionKind action, int n, double start_s, double end_s)
{
    const MppSpan *span = span_of(engine, lane, action, n);
    g_assert_cmpfloat_with_epsilon(span->start_s, start_s, 1e-12);
    g_assert_cmpfloat_with_epsilon(span->end_s, end_s, 1e-12);
}

/** 3 micro-batches: (3 + 1)(1 + 2) s without messages; with 0.25 s ones, two on the way down and back. */
static void test_length(void)
{
    static const MppProgramOptions bare = { 0 };
    static const struct { double message_s, end_s; } rows[] = { { 0, 12 }, { 0.25, 13 } };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        Stage stage = set_up(3, 1, rows[i].message_s, &bare);
        g_autoptr(MppEngine) engine = run(&stage);
        g_assert_cmpfloat_with_epsilon(mpp_engine_now_s(engine), rows[i].end_s, 1e-12);
        g_assert_cmpfloat_with_epsilon(mpp_engine_lane(engine, 0)->pass_s, 9, 1e-12);
        g_assert_cmpint(mpp_engine_n_queued(engine), ==, 0);
        clear(&stage);
    }
}

/** Messages slower than passes queue: each leaves when the one before has arrived. */
static void test_queue(void)
{
    static const MppProgramOptions bare = { 0 };
    Stage stage = set_up(2, 1, 3, &bare);
    g_autoptr(MppEngine) engine = run(&stage);
    expect_span(engine, 0, MPP_ACTION_SEND, 0, 1, 4);
    expect_span(engine, 0, MPP_ACTION_SEND, 1, 4, 7);
    g_assert_cmpint(mpp_engine_n_queued(engine), ==, 1);
    const GArray *spans = mpp_engine_spans(engine);
    const MppSpan *second = span_of(engine, 0, MPP_ACTION_SEND, 1);
    g_assert_true(&g_array_index(spans, MppSpan, second->cause) == span_of(engine, 0, MPP_ACTION_SEND, 0));
    clear(&stage);
}

/** A reduction of 3 s of which 1.5 s hide in the last backward pass; then the update of 0.5 s, the gather of 0.75 s. */
static void test_step_end(void)
{
    static const MppProgramOptions all = { .replicated = true, .barrier = true, .gathers = true };
    Stage stage = set_up(1, 1, 0, &all);
    for (int c = 0; c < PP; c++) {
        stage.scene.reductions[c] = (MppReduction){ .work_s = 3, .hidden_s = 1.5 };
        stage.scene.update_s[c] = 0.5;
        stage.scene.gather_s[c] = 0.75;
    }
    g_autoptr(MppEngine) engine = run(&stage);
    expect_span(engine, 1, MPP_ACTION_REDUCE, 0, 2.5, 5.5);
    expect_span(engine, 0, MPP_ACTION_REDUCE, 0, 4.5, 7.5);
    expect_span(engine, 1, MPP_ACTION_UPDATE, 0, 7.5, 8); /* waits for stage 0 at the barrier */
    expect_span(engine, 0, MPP_ACTION_GATHER, 0, 8, 8.75);
    g_assert_cmpfloat_with_epsilon(mpp_engine_now_s(engine), 8.75, 1e-12);
    clear(&stage);
}

/** Beside a reduction passes run at 1 / 1.25: of stage 1's last 2 s the second half takes 1.25 s. */
static void test_slowdown(void)
{
    static const MppProgramOptions options = { .replicated = true };
    Stage stage = set_up(1, 1, 0, &options);
    stage.scene.slowdown_frac = 0.25;
    stage.scene.reductions[1] = (MppReduction){ .work_s = 2, .hidden_s = 1 };
    g_autoptr(MppEngine) engine = run(&stage);
    expect_span(engine, 1, MPP_ACTION_PASS, 1, 2, 4.25);
    expect_span(engine, 1, MPP_ACTION_REDUCE, 0, 3, 5);
    expect_span(engine, 0, MPP_ACTION_PASS, 1, 4.25, 6.25);
    clear(&stage);
}

/** Two replicas, one with a stage that takes twice as long: the other's reduction waits for it. */
static void test_straggler(void)
{
    static const MppProgramOptions options = { .replicated = true };
    Stage stage = set_up(1, 2, 0, &options);
    stage.scene.compute_factor[3] = 2; /* replica 1, stage 1 */
    stage.scene.reductions[0].work_s = stage.scene.reductions[1].work_s = 1;
    g_autoptr(MppEngine) engine = run(&stage);
    expect_span(engine, 1, MPP_ACTION_PASS, 1, 2, 4);
    expect_span(engine, 3, MPP_ACTION_PASS, 1, 3, 7);
    expect_span(engine, 1, MPP_ACTION_REDUCE, 0, 7, 8);
    expect_span(engine, 0, MPP_ACTION_REDUCE, 0, 9, 10);
    clear(&stage);
}

/** The last to come decides when the shared embedding is exchanged. */
static void test_tied(void)
{
    static const MppProgramOptions options = { .tied_embedding = true };
    Stage stage = set_up(1, 1, 0, &options);
    stage.scene.tied_s = 0.5;
    g_autoptr(MppEngine) engine = run(&stage);
    expect_span(engine, 0, MPP_ACTION_TIED, 0, 6, 6.5);
    expect_span(engine, 1, MPP_ACTION_UPDATE, 0, 6.5, 6.5);
    clear(&stage);
}

/** Random kernel times of mean 1: the same for a seed, and on average no shorter. */
static void test_jitter(gconstpointer data)
{
    static const MppProgramOptions bare = { 0 };
    Stage stage = set_up(64, 1, 0, &bare);
    double end_s[3], pass_s = 0;
    static const uint64_t seeds[] = { 5, 5, 6 };
    for (int i = 0; i < 3; i++) {
        stage.scene.jitter = (MppJitter){ .kind = GPOINTER_TO_INT(data), .kernel_frac = 0.2, .kernels_per_layer = 4, .ranks = 8, .seed = seeds[i] };
        g_autoptr(MppEngine) engine = run(&stage);
        end_s[i] = mpp_engine_now_s(engine);
        pass_s = mpp_engine_lane(engine, 0)->pass_s;
    }
    g_assert_cmpfloat(end_s[0], ==, end_s[1]);
    g_assert_cmpfloat(end_s[0], !=, end_s[2]);
    /* the slowest of 8 ranks is 1.42 deviations of 0.1 above the mean (H. Ruben, Biometrika 41, 1954) */
    g_assert_cmpfloat_with_epsilon(pass_s / (64 * 3), 1.142, 0.02);
    clear(&stage);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/length", test_length);
    g_test_add_func("/engine/queue", test_queue);
    g_test_add_func("/engine/step-end", test_step_end);
    g_test_add_func("/engine/slowdown", test_slowdown);
    g_test_add_func("/engine/straggler", test_straggler);
    g_test_add_func("/engine/tied", test_tied);
    for (int kind = 0; kind < MPP_N_JITTERS; kind++) {
        g_autofree char *path = g_strdup_printf("/engine/jitter/%s", mpp_names_get(&mpp_jitter_names, kind));
        g_test_add_data_func(path, GINT_TO_POINTER(kind), test_jitter);
    }
    return g_test_run();
}
