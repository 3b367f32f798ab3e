#include <string.h>

#include "planner/schedule/program.h"
#include "planner/schedule/schedule.h"
#include "tests/support/tiny_job.h"

/** "R0F1 0F1 S0F1>1 …" of one stage. */
static char *text_of(const MppProgram *program, int64_t stage)
{
    static const char letters[] = { [MPP_ACTION_RECEIVE] = 'r', [MPP_ACTION_PASS] = 'p', [MPP_ACTION_SEND] = 's', [MPP_ACTION_REDUCE] = 'd' };
    GString *text = g_string_new(NULL);
    const GArray *actions = program->stages[stage].actions;
    for (guint i = 0; i < actions->len; i++) {
        const MppAction *action = &g_array_index(actions, MppAction, i);
        g_string_append(text, i ? " " : "");
        if (action->kind > MPP_ACTION_REDUCE)
            g_string_append(text, mpp_names_get(&mpp_action_names, action->kind));
        else if (action->kind == MPP_ACTION_REDUCE)
            g_string_append_printf(text, "%c%d", letters[action->kind], action->chunk);
        else
            g_string_append_printf(text, "%c%d%s%d", letters[action->kind], action->chunk,
                                   mpp_names_get(&mpp_pass_names, action->pass), action->micro_batch);
        if (action->kind == MPP_ACTION_SEND)
            g_string_append_printf(text, ">%d", g_array_index(program->stages[stage].peers, MppPeer, action->peer).stage);
    }
    return g_string_free(text, FALSE);
}

static void expect(const MppSchedule *schedule, const MppProgramOptions *options, const char *const *texts)
{
    g_autoptr(MppOrder) order = mpp_schedule_order(schedule);
    g_autoptr(MppProgram) program = mpp_program_new(order, options);
    for (int64_t k = 0; k < schedule->pp; k++) {
        g_autofree char *text = text_of(program, k);
        g_assert_cmpstr(text, ==, texts[k]);
    }
}

static void test_1f1b(void)
{
    static const MppSchedule schedule = { MPP_SCHEDULE_1F1B, 2, 1, 2, 0 };
    static const MppProgramOptions bare = { 0 }, all = { true, true, true, true };
    static const char *const short_texts[] = {
        "p0F0 s0F0>1 p0F1 s0F1>1 r0B0 p0B0 r0B1 p0B1 update",
        "r1F0 p1F0 p1B0 s1B0>0 r1F1 p1F1 p1B1 s1B1>0 update",
    };
    static const char *const full_texts[] = {
        "p0F0 s0F0>1 p0F1 s0F1>1 r0B0 p0B0 r0B1 p0B1 d0 drain tied barrier update gather",
        "r1F0 p1F0 p1B0 s1B0>0 r1F1 p1F1 p1B1 s1B1>0 d1 drain tied barrier update gather",
    };
    expect(&schedule, &bare, short_texts);
    expect(&schedule, &all, full_texts);
}

/** Chunk 2's message goes round to stage 0 again; a chunk is reduced once its last micro-batch is through. */
static void test_interleaved(void)
{
    static const MppSchedule schedule = { MPP_SCHEDULE_INTERLEAVED, 2, 2, 2, 0 };
    static const MppProgramOptions options = { .replicated = true };
    static const char *const texts[] = {
        "p0F0 s0F0>1 p0F1 s0F1>1 r2F0 p2F0 s2F0>1 r2F1 p2F1 s2F1>1 r2B0 p2B0 s2B0>1 r2B1 p2B1 s2B1>1 d2 r0B0 p0B0 r0B1 p0B1 d0 drain update",
        "r1F0 p1F0 s1F0>0 r1F1 p1F1 s1F1>0 r3F0 p3F0 p3B0 s3B0>0 r3F1 p3F1 p3B1 s3B1>0 d3 r1B0 p1B0 s1B0>0 r1B1 p1B1 s1B1>0 d1 drain update",
    };
    expect(&schedule, &options, texts);
}

static void test_one_stage(void)
{
    static const MppSchedule schedule = { MPP_SCHEDULE_1F1B, 1, 1, 2, 0 };
    static const MppProgramOptions options = { .tied_embedding = true, .replicated = true };
    static const char *const texts[] = { "p0F0 p0B0 p0F1 p0B1 d0 drain update" };
    expect(&schedule, &options, texts);
}

/** Where the stages are that carry a program out, in which a reduction waits for the other stage that has the same chunks. */
typedef struct {
    const MppProgram *program;
    guint at[16];
    GHashTable *sent; /* what a pass waits for */
} Progress;

static int32_t model_chunk(const Progress *progress, const MppAction *action)
{
    return action->chunk % (progress->program->n_chunks / 2);
}

static const MppAction *next_of(const Progress *progress, int64_t stage)
{
    const GArray *actions = progress->program->stages[stage].actions;
    return progress->at[stage] < actions->len ? &g_array_index(actions, MppAction, progress->at[stage]) : NULL;
}

static bool may_go_on(const Progress *progress, int64_t stage, const MppAction *action)
{
    const MppAction *other = next_of(progress, progress->program->pp - 1 - stage);
    g_autofree char *text = mpp_action_to_text(action);
    if (action->kind == MPP_ACTION_RECEIVE)
        return g_hash_table_contains(progress->sent, strchr(text, ' '));
    return action->kind != MPP_ACTION_REDUCE ||
           (other && other->kind == MPP_ACTION_REDUCE && model_chunk(progress, other) == model_chunk(progress, action));
}

static void act(Progress *progress, int64_t stage, const MppAction *action)
{
    progress->at[stage]++;
    if (action->kind == MPP_ACTION_REDUCE)
        progress->at[progress->program->pp - 1 - stage]++;
    if (action->kind != MPP_ACTION_SEND)
        return;
    MppAction received = *action;
    received.chunk += action->pass == MPP_PASS_FORWARD ? 1 : -1;
    g_autofree char *text = mpp_action_to_text(&received);
    g_hash_table_add(progress->sent, g_strdup(strchr(text, ' ')));
}

/** The stages that have the same chunks come to their reductions in the same order, and to wait there stops nobody. */
static void test_two_copies(void)
{
    static const MppProgramOptions options = { .replicated = true };
    for (int64_t pp = 2; pp <= 16; pp += 2)
        for (int64_t micro_batches = pp; micro_batches <= 3 * pp; micro_batches += 2) {
            MppSchedule schedule = { MPP_SCHEDULE_CHIMERA, pp, 1, micro_batches, 0 };
            g_autoptr(MppOrder) order = mpp_schedule_order(&schedule);
            g_autoptr(MppProgram) program = mpp_program_new(order, &options);
            g_autoptr(GHashTable) sent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
            Progress progress = { program, { 0 }, sent };
            for (bool moved = true; moved;) {
                moved = false;
                for (int64_t k = 0; k < pp; k++)
                    for (const MppAction *action = next_of(&progress, k); action && may_go_on(&progress, k, action);
                         action = next_of(&progress, k), moved = true)
                        act(&progress, k, action);
            }
            for (int64_t k = 0; k < pp; k++)
                g_assert_null(next_of(&progress, k));
        }
}

/** Two copies are replicas of each other, and their sums leave nothing to do for a tied matrix. */
static void test_options(void)
{
    static const struct {
        const char *strategy;
        bool tied, replicated, gathers;
    } rows[] = {
        { "pp=2,mbs=2", true, false, false },
        { "dp=2,pp=2,mbs=2,zero=1", true, true, true },
        { "dp=2,pp=2,mbs=2,zero=3", true, false, false },
        { "dp=2,mbs=2,zero=2", false, false, true },
        { "pp=2,schedule=chimera,mbs=2", false, true, false },
        { "dp=2,pp=2,schedule=chimera,mbs=2,zero=3", false, true, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(MppInputs) inputs = tiny_job_new("gpt", strstr(rows[i].strategy, "dp=2,pp") ? 4 : 2);
        MppStrategy strategy = tiny_job_strategy(inputs, rows[i].strategy);
        MppProgramOptions options = mpp_program_options(&inputs->job, &strategy);
        g_assert_cmpint(options.tied_embedding, ==, rows[i].tied);
        g_assert_cmpint(options.replicated, ==, rows[i].replicated);
        g_assert_cmpint(options.gathers, ==, rows[i].gathers);
        mpp_strategy_clear(&strategy);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/program/1f1b", test_1f1b);
    g_test_add_func("/program/interleaved", test_interleaved);
    g_test_add_func("/program/one-stage", test_one_stage);
    g_test_add_func("/program/two-copies", test_two_copies);
    g_test_add_func("/program/options", test_options);
    return g_test_run();
}
