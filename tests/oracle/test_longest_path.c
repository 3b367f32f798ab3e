/* Replays against the longest path through the graph of passes, found by relaxation to a fixed point. */
#include "tests/support/schedules.h"

enum { CASES = 2400, MOST_PP = 6, MOST_VPP = 4, MOST_MICRO_BATCHES = 18 };

/** One pass: when it ends, and which two passes it waits for. */
typedef struct {
    int64_t before, input; /* indices, -1: none */
    double duration_s, message_s, end_s;
} Node;

/** Backward passes, whole or of the input, share a row: a micro-batch has one of them. */
static int64_t node_of(const MppOrder *order, MppPass pass, int64_t chunk, int64_t micro_batch)
{
    int64_t row = pass == MPP_PASS_FORWARD ? 0 : pass == MPP_PASS_WEIGHT ? 2 : 1;
    return (row * order->n_chunks + chunk) * order->micro_batches + micro_batch;
}

/** The pass that makes this one's input: the chunk before or after on its route, or the loss. */
static int64_t input_of(const MppOrder *order, const MppSlot *slot)
{
    int64_t n_visited, first = mpp_order_route(order, slot->micro_batch, &n_visited), last = first + n_visited - 1;
    if (slot->pass == MPP_PASS_WEIGHT)
        return node_of(order, MPP_PASS_INPUT, slot->chunk, slot->micro_batch);
    if (slot->pass == MPP_PASS_FORWARD)
        return slot->chunk > first ? node_of(order, MPP_PASS_FORWARD, slot->chunk - 1, slot->micro_batch) : -1;
    if (slot->chunk == last)
        return node_of(order, MPP_PASS_FORWARD, last, slot->micro_batch);
    return node_of(order, MPP_PASS_INPUT, slot->chunk + 1, slot->micro_batch);
}

static double duration_of(const MppDurations *durations, const MppSlot *slot)
{
    double input_s = durations->input_s[slot->chunk], weight_s = durations->weight_s[slot->chunk];
    switch (slot->pass) {
    case MPP_PASS_FORWARD: return durations->forward_s[slot->chunk];
    case MPP_PASS_BACKWARD: return input_s + weight_s;
    case MPP_PASS_INPUT: return input_s;
    default: return weight_s;
    }
}

static int64_t n_nodes(const MppOrder *order)
{
    return (int64_t)3 * order->n_chunks * order->micro_batches;
}

static Node *make_graph(const MppOrder *order, const MppDurations *durations)
{
    Node *nodes = g_new0(Node, n_nodes(order));
    for (int64_t i = 0; i < n_nodes(order); i++)
        nodes[i] = (Node){ .before = -1, .input = -1 };
    for (int64_t k = 0; k < order->pp; k++) {
        int64_t before = -1;
        for (guint i = 0; i < order->slots[k]->len; i++) {
            const MppSlot *slot = &g_array_index(order->slots[k], MppSlot, i);
            int64_t node = node_of(order, slot->pass, slot->chunk, slot->micro_batch), input = input_of(order, slot);
            int64_t maker = input < 0 ? slot->chunk : input / order->micro_batches % order->n_chunks;
            nodes[node] = (Node){ .before = before,
                                  .input = input,
                                  .duration_s = duration_of(durations, slot),
                                  .message_s = order->rank_of[maker] == k ? 0 : durations->message_s[MIN(maker, slot->chunk)] };
            before = node;
        }
    }
    return nodes;
}

static double longest_path(const MppOrder *order, Node *nodes)
{
    int64_t n = n_nodes(order), rounds = 0;
    double longest = 0;
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
    for (;;) {
        MppSchedule s = { g_rand_int_range(rand, 0, MPP_N_SCHEDULES), g_rand_int_range(rand, 1, MOST_PP + 1),
                          g_rand_int_range(rand, 1, MOST_VPP + 1), g_rand_int_range(rand, 1, MOST_MICRO_BATCHES + 1), 0 };
        if (mpp_schedule_check(&s, NULL))
            return s;
    }
}

static double end_of(const MppReplay *replay, const MppOrder *order, int64_t rank)
{
    return replay->end_s[rank][order->slots[rank]->len - 1];
}

static void check_case(GRand *rand)
{
    MppSchedule s = random_schedule(rand);
    g_autoptr(MppOrder) order = mpp_schedule_order(&s);
    g_autoptr(SchedulesTimes) times = schedules_random_times(rand, order);
    g_autofree Node *nodes = make_graph(order, &times->durations);
    g_autoptr(MppReplay) replay = mpp_replay_new(order, &times->durations);
    double longest_s = longest_path(order, nodes), rounding_s = 1e-12 * longest_s;
    g_assert_cmpfloat_with_epsilon(replay->length_s, longest_s, rounding_s);
    for (int64_t k = 0; k < s.pp; k++)
        for (guint i = 0; i < order->slots[k]->len; i++) {
            const MppSlot *slot = &g_array_index(order->slots[k], MppSlot, i);
            const Node *node = &nodes[node_of(order, slot->pass, slot->chunk, slot->micro_batch)];
            g_assert_cmpfloat_with_epsilon(replay->end_s[k][i], node->end_s, rounding_s);
            g_assert_cmpfloat_with_epsilon(replay->start_s[k][i] + node->duration_s, node->end_s, rounding_s);
        }
    MppRankBound bound = mpp_schedule_bound(&s, &times->durations, false), own = mpp_schedule_bound(&s, &times->durations, true);
    double own_start_s = replay->start_s[own.rank][0];
    g_assert_cmpfloat(bound.end_s, <=, end_of(replay, order, bound.rank) + rounding_s);
    g_assert_cmpfloat(own.end_s, <=, end_of(replay, order, own.rank) - own_start_s + rounding_s);
    if (s.pp == 1) /* nothing waits: the bound is the length */
        g_assert_cmpfloat(bound.end_s, >, longest_s - rounding_s);
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
