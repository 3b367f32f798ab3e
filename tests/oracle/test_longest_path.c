/* Replays against the longest path through the graph of passes, found by relaxation to a fixed point. */
#include <math.h>

#include "planner/schedule/schedule.h"

enum { CASES = 600, MOST_PP = 6, MOST_VPP = 4, MOST_MICRO_BATCHES = 18, MOST_CHUNKS = MOST_PP * MOST_VPP };

/** One pass: when it ends, and which two passes it waits for. */
typedef struct {
    int64_t before, input; /* indices, -1: none */
    double duration_s, message_s, end_s;
} Node;

static int64_t node_of(const MppSchedule *s, MppPass pass, int64_t chunk, int64_t micro_batch)
{
    return ((pass == MPP_PASS_BACKWARD) * s->pp * s->vpp + chunk) * s->micro_batches + micro_batch;
}

/** The pass that makes this one's input: the chunk before, the chunk after, or the loss. */
static int64_t input_of(const MppSchedule *s, const MppSlot *slot)
{
    int64_t last = s->pp * s->vpp - 1;
    if (slot->pass == MPP_PASS_FORWARD)
        return slot->chunk ? node_of(s, MPP_PASS_FORWARD, slot->chunk - 1, slot->micro_batch) : -1;
    if (slot->chunk == last)
        return node_of(s, MPP_PASS_FORWARD, last, slot->micro_batch);
    return node_of(s, MPP_PASS_BACKWARD, slot->chunk + 1, slot->micro_batch);
}

static Node *make_graph(const MppSchedule *s, const MppDurations *durations)
{
    int64_t last = s->pp * s->vpp - 1;
    Node *nodes = g_new(Node, 2 * s->pp * s->vpp * s->micro_batches);
    for (int64_t k = 0; k < s->pp; k++) {
        int64_t before = -1;
        for (int64_t i = 0; i < mpp_schedule_n_slots(s); i++) {
            MppSlot slot = mpp_schedule_slot(s, k, i);
            bool forward = slot.pass == MPP_PASS_FORWARD;
            bool local = s->pp == 1 || (forward ? slot.chunk == 0 : slot.chunk == last);
            int64_t node = node_of(s, slot.pass, slot.chunk, slot.micro_batch);
            nodes[node] = (Node){ .before = before,
                                  .input = input_of(s, &slot),
                                  .duration_s = (forward ? durations->forward_s : durations->backward_s)[slot.chunk],
                                  .message_s = local ? 0 : durations->message_s };
            before = node;
        }
    }
    return nodes;
}

static double longest_path(const MppSchedule *s, Node *nodes)
{
    int64_t n = 2 * s->pp * s->vpp * s->micro_batches;
    double longest = 0;
    int rounds = 0;
    for (bool changed = true; changed; rounds++) {
        g_assert_cmpint(rounds, <=, n); /* no cycle */
        changed = false;
        for (int64_t i = 0; i < n; i++) {
            double start_s = nodes[i].before < 0 ? 0 : nodes[nodes[i].before].end_s;
            if (nodes[i].input >= 0)
                start_s = MAX(start_s, nodes[nodes[i].input].end_s + nodes[i].message_s);
            double end_s = start_s + nodes[i].duration_s;
            changed = changed || end_s != nodes[i].end_s;
            nodes[i].end_s = end_s;
            longest = MAX(longest, end_s);
        }
    }
    return longest;
}

static MppSchedule random_schedule(GRand *rand)
{
    MppSchedule s = { g_rand_int_range(rand, 0, MPP_N_SCHEDULES), 1, 1, 1 };
    s.pp = g_rand_int_range(rand, s.kind == MPP_SCHEDULE_INTERLEAVED ? 2 : 1, MOST_PP + 1);
    s.vpp = s.kind == MPP_SCHEDULE_INTERLEAVED ? g_rand_int_range(rand, 2, MOST_VPP + 1) : 1;
    int64_t group = s.kind == MPP_SCHEDULE_INTERLEAVED ? s.pp : 1;
    s.micro_batches = group * g_rand_int_range(rand, 1, MOST_MICRO_BATCHES / (int)group + 1);
    return s;
}

static void check_case(GRand *rand)
{
    MppSchedule s = random_schedule(rand);
    double forward_s[MOST_CHUNKS], backward_s[MOST_CHUNKS], ends_s[MOST_PP];
    bool equal = g_rand_int_range(rand, 0, 4) == 0;
    for (int64_t c = 0; c < s.pp * s.vpp; c++) {
        forward_s[c] = equal ? 1.25 : g_rand_double_range(rand, 0.1, 2);
        backward_s[c] = equal ? 2.5 : g_rand_double_range(rand, 0.1, 4);
    }
    MppDurations durations = { forward_s, backward_s, g_rand_boolean(rand) * g_rand_double_range(rand, 0, 1) };
    g_autofree Node *nodes = make_graph(&s, &durations);
    double longest_s = longest_path(&s, nodes), length_s = mpp_schedule_replay(&s, &durations, ends_s);
    double rounding_s = 1e-12 * longest_s;
    g_assert_cmpfloat_with_epsilon(length_s, longest_s, rounding_s);
    for (int64_t k = 0; k < s.pp; k++) {
        MppSlot last = mpp_schedule_slot(&s, k, mpp_schedule_n_slots(&s) - 1);
        double end_s = nodes[node_of(&s, last.pass, last.chunk, last.micro_batch)].end_s;
        g_assert_cmpfloat_with_epsilon(ends_s[k], end_s, rounding_s);
    }
    g_assert_cmpfloat(mpp_schedule_bound(&s, &durations), <=, longest_s + rounding_s);
    g_assert_cmpfloat(mpp_schedule_bound(&s, &durations), <=, ends_s[0] + rounding_s);
    if (s.pp == 1 || s.micro_batches == 1) /* nothing waits: the bound is the length */
        g_assert_cmpfloat(mpp_schedule_bound(&s, &durations), >, (s.vpp == 1) * (longest_s - rounding_s));
}

static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(8147);
    for (int i = 0; i < CASES; i++)
        check_case(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/longest-path/random", test_random);
    return g_test_run();
}
