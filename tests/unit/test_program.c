#include "planner/schedule/program.h"
#include "planner/schedule/schedule.h"

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/program/1f1b", test_1f1b);
    g_test_add_func("/program/interleaved", test_interleaved);
    g_test_add_func("/program/one-stage", test_one_stage);
    return g_test_run();
}
