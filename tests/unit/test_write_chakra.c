#include "sim/chakra.pb-c.h"
#include "sim/writers.h"

#include "planner/base/json.h"
#include "tests/support/expect.h"
#include "tests/support/simulated.h"

static void free_node(gpointer node)
{
    chakra__node__free_unpacked(node, NULL);
}

static size_t read_length(const uint8_t **at)
{
    size_t n = 0;
    for (int shift = 0;; shift += 7) {
        n |= (size_t)(**at & 0x7f) << shift;
        if (!(*(*at)++ & 0x80))
            return n;
    }
}

/** Chakra__Node, read back. */
static GPtrArray *nodes_of(const Simulated *simulated, int64_t rank, bool detail)
{
    g_autoptr(MppOutput) output = mpp_output_new_memory();
    mpp_write_chakra.write(simulated->tracks, &(MppWriterOptions){ .detail = detail }, rank, output);
    const GString *content = mpp_output_content(output);
    const uint8_t *at = (const uint8_t *)content->str, *end = at + content->len;
    size_t n = read_length(&at);
    Chakra__Metadata *metadata = chakra__metadata__unpack(NULL, n, at);
    g_assert_cmpstr(metadata->version, ==, "0.0.4");
    chakra__metadata__free_unpacked(metadata, NULL);
    GPtrArray *nodes = g_ptr_array_new_with_free_func(free_node);
    for (at += n; at < end; at += n) {
        n = read_length(&at);
        Chakra__Node *node = chakra__node__unpack(NULL, n, at);
        g_assert_nonnull(node);
        g_ptr_array_add(nodes, node);
    }
    return nodes;
}

static const Chakra__Attribute *attribute(const Chakra__Node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attributes; i++)
        if (g_str_equal(node->attributes[i]->name, name))
            return node->attributes[i];
    return NULL;
}

/** Nodes wait for earlier ones only, and computation takes what the scene says, to a microsecond a node. */
static void test_nodes(void)
{
    static const char *const strategies[] = { "dp=8,zero=3", "dp=2,tp=2,pp=2,sp,zero=1",
                                              "cp=2,dp=2,pp=2,vpp=2,schedule=interleaved", "dp=4,pp=2,vpp=2,schedule=zb-v",
                                              "dp=2,pp=4,mbs=1,schedule=chimera" };
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(strategies); i++) {
        g_autoptr(Simulated) simulated = simulated_new(strategies[i / 2], 8, NULL);
        g_autoptr(GPtrArray) nodes = nodes_of(simulated, 7, i % 2);
        int32_t lane = mpp_lanes_of_rank(&simulated->simulation->ranks, 7);
        double compute_s = simulated->simulation->scene.update_s[lane], got_s = 0;
        for (guint k = 0; k < mpp_tracks_count(simulated->tracks, lane, MPP_STREAM_COMPUTE); k++) {
            const MppSpan *span = mpp_tracks_span(simulated->tracks, lane, MPP_STREAM_COMPUTE, k);
            compute_s += span->action == MPP_ACTION_PASS ? mpp_tracks_compute_s(simulated->simulation, span) : 0;
        }
        for (guint k = 0; k < nodes->len; k++) {
            const Chakra__Node *node = nodes->pdata[k];
            g_assert_cmpuint(node->id, ==, k + 1);
            for (size_t d = 0; d < node->n_data_dependencies; d++)
                g_assert_true(node->data_dependencies[d] >= 1 && node->data_dependencies[d] < node->id);
            g_assert_false(attribute(node, "is_cpu_op")->bool_value);
            got_s += (double)node->duration_us / 1e6;
        }
        g_assert_cmpfloat_with_epsilon(got_s, compute_s, 0.5e-6 * nodes->len);
    }
}

/** "0>2 tag 5": the messages that a rank sends or takes. */
static GHashTable *messages_of(const GPtrArray *nodes, Chakra__NodeKind kind)
{
    GHashTable *messages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < nodes->len; i++) {
        const Chakra__Node *node = nodes->pdata[i];
        if (node->kind != kind)
            continue;
        char *text = g_strdup_printf("%d>%d tag %d, %d bytes", attribute(node, "comm_src")->int32_value,
                                     attribute(node, "comm_dst")->int32_value, attribute(node, "comm_tag")->int32_value,
                                     (int)attribute(node, "comm_size")->int64_value);
        g_assert_true(g_hash_table_add(messages, text));
    }
    return messages;
}

/** What one rank sends the other takes, each message once. */
static void test_messages(void)
{
    g_autoptr(Simulated) simulated = simulated_new("tp=2,dp=2,pp=2,vpp=2,sp,schedule=interleaved", 8, NULL);
    for (int64_t rank = 0; rank < 8; rank++) {
        g_autoptr(GPtrArray) own = nodes_of(simulated, rank, false), peer = nodes_of(simulated, (rank + 4) % 8, false);
        g_autoptr(GHashTable) sent = messages_of(own, CHAKRA__NODE_KIND__SEND),
                              taken = messages_of(peer, CHAKRA__NODE_KIND__RECEIVE);
        g_assert_cmpuint(g_hash_table_size(sent), ==, 8 * 3); /* a rank's part of the boundaries, there and back */
        g_assert_cmpuint(g_hash_table_size(taken), ==, g_hash_table_size(sent));
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, sent);
        while (g_hash_table_iter_next(&iter, &key, NULL))
            g_assert_true(g_hash_table_contains(taken, key));
    }
}

/** A group's collectives as a line of text, to be compared between its members. */
static char *collectives_of(const GPtrArray *nodes, const char *group)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < nodes->len; i++) {
        const Chakra__Node *node = nodes->pdata[i];
        const Chakra__Attribute *name = attribute(node, "pg_name");
        if (node->kind == CHAKRA__NODE_KIND__COLLECTIVE && g_strcmp0(name ? name->string_value : NULL, group) == 0)
            g_string_append_printf(text, "%d:%d ", (int)attribute(node, "comm_type")->int64_value,
                                   (int)attribute(node, "comm_size")->int64_value);
    }
    return g_string_free(text, FALSE);
}

/** All members of a group run the same collectives in the same order; all ranks meet once, for the norm. */
static void test_collectives(void)
{
    static const char *const strategies[] = { "tp=2,dp=2,pp=2,sp,zero=1", "cp=2,dp=4,zero=1,zero_ranks=4", "cp=4,dp=2,zero=3" };
    for (size_t i = 0; i < G_N_ELEMENTS(strategies); i++) {
        g_autoptr(Simulated) simulated = simulated_new(strategies[i], 8, NULL);
        g_autoptr(MppOutput) output = mpp_output_new_memory();
        mpp_write_chakra.write_extra(simulated->tracks, &(MppWriterOptions){ 0 }, output);
        g_autoptr(MppJson) groups = mpp_expect_json(mpp_output_content(output)->str);
        g_autoptr(GPtrArray) ranks = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        for (int64_t rank = 0; rank < 8; rank++)
            g_ptr_array_add(ranks, nodes_of(simulated, rank, true));
        const cJSON *group, *member;
        guint n_used = 0;
        cJSON_ArrayForEach(group, groups->root)
        {
            g_autofree char *expected = NULL;
            cJSON_ArrayForEach(member, group)
            {
                g_autofree char *text = collectives_of(ranks->pdata[member->valueint], group->string);
                if (!expected)
                    expected = g_steal_pointer(&text);
                else
                    g_assert_cmpstr(text, ==, expected);
            }
            n_used += *expected != '\0';
        }
        g_assert_cmpuint(n_used, >=, 2);
        g_autofree char *norm = collectives_of(ranks->pdata[5], NULL);
        g_assert_cmpstr(norm, ==, "0:4 ");
    }
}

/** The schema counts what a rank brings: an all-gather's part, not the whole. */
static void test_sizes(void)
{
    g_autoptr(Simulated) simulated = simulated_new("dp=8,zero=1", 8, NULL);
    g_autoptr(GPtrArray) nodes = nodes_of(simulated, 3, false);
    double parameters = simulated->pipeline->chunks[0].parameters;
    const Chakra__Node *gather = nodes->pdata[nodes->len - 1], *update = nodes->pdata[nodes->len - 2];
    g_assert_cmpint(gather->kind, ==, CHAKRA__NODE_KIND__COLLECTIVE);
    g_assert_cmpint(attribute(gather, "comm_type")->int64_value, ==, 2);
    g_assert_cmpint(attribute(gather, "comm_size")->int64_value, ==, (int64_t)(parameters * 2 / 8));
    g_assert_cmpstr(update->name, ==, "update");
    g_assert_cmpuint(update->duration_us, ==, (uint64_t)(simulated->simulation->scene.update_s[0] * 1e6 + 0.5));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/write-chakra/nodes", test_nodes);
    g_test_add_func("/write-chakra/messages", test_messages);
    g_test_add_func("/write-chakra/collectives", test_collectives);
    g_test_add_func("/write-chakra/sizes", test_sizes);
    return g_test_run();
}
