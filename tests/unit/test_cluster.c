#include "planner/spec/cluster.h"

#include <string.h>

#include "planner/spec/zoo.h"

static MppCluster *read_text(const char *text, GError **error)
{
    g_autoptr(MppJson) json = mpp_json_parse("c.json", text, strlen(text), 1, error);
    return json ? mpp_cluster_read(json, error) : NULL;
}

static char *write_text(const MppCluster *cluster, bool brief)
{
    g_autoptr(cJSON) root = mpp_fields_write(&mpp_cluster_fields, cluster, brief);
    return mpp_json_to_text(root);
}

static MppCluster *load(const char *name)
{
    g_autoptr(GError) error = NULL;
    MppCluster *cluster = mpp_zoo_cluster(name, &error);
    g_assert_no_error(error);
    return cluster;
}

#define HEAD "{\"name\": \"c\", \"title\": \"C\", \"device\": \"a100\", "

static void test_tiers(void)
{
    static const char text[] = HEAD
        "\"tiers\": [\n"
        " {\"name\": \"board\", \"devices\": 3, \"bytes_per_s\": 2.385e11, \"efficiency_frac\": 0.71},\n"
        " {\"name\": \"node\", \"devices\": 12, \"bytes_per_s\": 7.3e10, \"shared_by\": 3},\n"
        " {\"name\": \"net\", \"bytes_per_s\": 1.27e10, \"oversubscription\": 1.5}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(MppCluster) cluster = read_text(text, &error);
    g_assert_no_error(error);
    g_assert_cmpint(mpp_cluster_n_tiers(cluster), ==, 3);
    g_assert_cmpfloat(mpp_cluster_tier(cluster, 0)->efficiency_frac, ==, 0.71);
    g_assert_cmpint(mpp_cluster_tier(cluster, 1)->shared_by, ==, 3);
    g_assert_cmpfloat(mpp_cluster_tier(cluster, 2)->oversubscription, ==, 1.5);
    g_assert_cmpfloat(mpp_cluster_tier(cluster, 2)->efficiency_frac, ==, 0.8);
    g_assert_false(mpp_cluster_tier(cluster, 2)->in_network);

    static const struct { int64_t gpus, domains[3]; } rows[] = {
        { 1, { 1, 1, 1 } }, { 7, { 3, 7, 7 } }, { 12, { 3, 12, 12 } }, { 385, { 3, 12, 385 } },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int tier = 0; tier < 3; tier++)
            g_assert_cmpint(mpp_cluster_domain(cluster, tier, rows[i].gpus), ==, rows[i].domains[tier]);
}

#define PAIR ", \"devices\": 2"
#define TIER(name, rest) "{\"name\": \"" name "\", \"bytes_per_s\": 7.3e10" rest "}"

static const struct {
    const char *text;
    int code;
    const char *message;
} error_rows[] = {
    { HEAD "\n\"tiers\": []}", MPP_ERROR_INVALID,
      "c.json:2:10: /tiers: expected 1 to 4 tiers, got 0\n"
      "    2 | \"tiers\": []}\n"
      "      |          ^" },
    { HEAD "\n\"tiers\": [" TIER("a", PAIR) ",\n" TIER("b", PAIR) "," TIER("c", PAIR) "," TIER("d", PAIR) ","
      TIER("e", "") "]}", MPP_ERROR_INVALID,
      "c.json:2:10: /tiers: expected 1 to 4 tiers, got 5\n"
      "    2 | \"tiers\": [{\"name\": \"a\", \"bytes_per_s\": 7.3e10, \"devices\": 2},\n"
      "      |          ^" },
    { HEAD "\"tiers\": [" TIER("a", ", \"devices\": 6") ",\n" TIER("b", ", \"devices\": 15") "]}",
      MPP_ERROR_INVALID,
      "c.json:2:1: /tiers/1: devices must be a multiple of the inner tier's 6\n"
      "    2 | {\"name\": \"b\", \"bytes_per_s\": 7.3e10, \"devices\": 15}]}\n"
      "      | ^" },
    { HEAD "\"tiers\": [" TIER("a", ", \"devices\": 6") ",\n" TIER("b", ", \"devices\": 3") "]}",
      MPP_ERROR_INVALID,
      "c.json:2:1: /tiers/1: devices must be a multiple of the inner tier's 6\n"
      "    2 | {\"name\": \"b\", \"bytes_per_s\": 7.3e10, \"devices\": 3}]}\n"
      "      | ^" },
    { HEAD "\"tiers\": [\n" TIER("a", "") ",\n" TIER("b", ", \"devices\": 3") "]}", MPP_ERROR_INVALID,
      "c.json:2:1: /tiers/0: only the last tier may have no size\n"
      "    2 | {\"name\": \"a\", \"bytes_per_s\": 7.3e10},\n"
      "      | ^" },
    { HEAD "\"tiers\": [\n{\"name\": \"a\", \"bytes_per_s\": 0}]}", MPP_ERROR_SCHEMA,
      "c.json:2:30: /tiers/0/bytes_per_s: expected a number from 1000000 to 100000000000000, got 0\n"
      "    2 | {\"name\": \"a\", \"bytes_per_s\": 0}]}\n"
      "      |                              ^" },
    { HEAD "\"tiers\": [\n{\"name\": \"a\"}]}", MPP_ERROR_SCHEMA,
      "c.json:2:1: /tiers/0: the tier field \"bytes_per_s\" is missing (rate of one port, each way)\n"
      "    2 | {\"name\": \"a\"}]}\n"
      "      | ^" },
    { HEAD "\"tiers\": [\n" TIER("a", ", \"shared_by\": 0") "]}", MPP_ERROR_SCHEMA,
      "c.json:2:51: /tiers/0/shared_by: expected an integer from 1 to 4096, got 0\n"
      "    2 | {\"name\": \"a\", \"bytes_per_s\": 7.3e10, \"shared_by\": 0}]}\n"
      "      |                                                   ^" },
    { HEAD "\"tiers\": [\n" TIER("a", ", \"p2p_frac\": 1.3") "]}", MPP_ERROR_SCHEMA,
      "c.json:2:50: /tiers/0/p2p_frac: expected a number from 0.01 to 1, got 1.3\n"
      "    2 | {\"name\": \"a\", \"bytes_per_s\": 7.3e10, \"p2p_frac\": 1.3}]}\n"
      "      |                                                  ^" },
    { HEAD "\"tiers\": [\n" TIER("a", ", \"latency\": 1e-6") "]}", MPP_ERROR_SCHEMA,
      "c.json:2:49: /tiers/0/latency: unknown tier field \"latency\"; known: "
      "latency_s, name, step_s, shared_by, devices, p2p_frac, two_frac, bytes_per_s, congestion, four_frac, in_network, "
      "efficiency_frac, oversubscription\n"
      "    2 | {\"name\": \"a\", \"bytes_per_s\": 7.3e10, \"latency\": 1e-6}]}\n"
      "      |                                                 ^" },
    { HEAD "\"tiers\": [" TIER("a", "") "],\n\"run_source\": [\"x\"]}", MPP_ERROR_SCHEMA,
      "c.json:2:15: /run_source: unknown cluster field \"run_source\"; known: "
      "run_sources, run_words, sources, name, device, title, tiers, products_frac, host_frac, jitter_frac, host_bytes, host_capacity, internode_words, input_tokens_per_s, host_memory_bytes_per_s\n"
      "    2 | \"run_source\": [\"x\"]}\n"
      "      |               ^" },
    { "{\"name\": \"c\", \"title\": \"C\", \"tiers\": [" TIER("a", "") "]}", MPP_ERROR_SCHEMA,
      "c.json:1:1: /: the cluster field \"device\" is missing (device profile: a name, or a file beside this one)\n"
      "    1 | {\"name\": \"c\", \"title\": \"C\", \"tiers\": [{\"name\": \"a\", \"bytes_per_s\": 7.3e10}]}\n"
      "      | ^" },
    { HEAD "\"tiers\": [" TIER("a", "") "],\n\"sources\": {\"tiers\": 7}}", MPP_ERROR_SCHEMA,
      "c.json:2:22: /sources/tiers: expected a string, got 7\n"
      "    2 | \"sources\": {\"tiers\": 7}}\n"
      "      |                      ^" },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(error_rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCluster) cluster = read_text(error_rows[i].text, &error);
        g_assert_null(cluster);
        g_assert_error(error, MPP_ERROR, error_rows[i].code);
        g_assert_cmpstr(error->message, ==, error_rows[i].message);
    }
}

static bool has_source(const cJSON *sources, const char *tier, const char *field)
{
    g_autofree char *key = g_strconcat(tier, ".", field, NULL);
    const cJSON *source = mpp_json_get(sources, key);
    return cJSON_IsString(source) && *source->valuestring;
}

/** The sizes and the sharing of a tier come from where its rate comes from. */
static const char *source_of(const char *field)
{
    static const char *const with_rate[] = { "devices", "shared_by", "oversubscription" };
    for (size_t i = 0; i < G_N_ELEMENTS(with_rate); i++)
        if (strcmp(field, with_rate[i]) == 0)
            return "bytes_per_s";
    return field;
}

static int check_tier_sources(const char *file, const cJSON *tier, const cJSON *sources)
{
    const char *name = mpp_json_get(tier, "name")->valuestring;
    int n_own = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, tier) {
        if (strcmp(member->string, "name") == 0)
            continue;
        if (!has_source(sources, name, source_of(member->string)))
            g_error("%s: no source for %s.%s", file, name, member->string);
        n_own += strcmp(source_of(member->string), member->string) == 0;
    }
    return n_own;
}

static void test_zoo_sources(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_CLUSTERS);
    g_assert_cmpint(names->len, >=, 48);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppJson) json = mpp_zoo_open(MPP_ZOO_CLUSTERS, names->pdata[i], &error);
        g_assert_no_error(error);
        const cJSON *sources = mpp_json_get(json->root, "sources"), *tier;
        int n_sources = mpp_json_get(sources, "run_sources") != NULL;
        static const char *const own[] = { "products_frac", "host_frac", "host_capacity", "host_bytes", "jitter_frac",
                                           "host_memory_bytes_per_s", "input_tokens_per_s" };
        for (size_t k = 0; k < G_N_ELEMENTS(own); k++) {
            g_assert_cmpint(mpp_json_get(json->root, own[k]) != NULL, ==, mpp_json_get(sources, own[k]) != NULL);
            n_sources += mpp_json_get(sources, own[k]) != NULL;
        }
        cJSON_ArrayForEach(tier, mpp_json_get(json->root, "tiers"))
            n_sources += check_tier_sources(json->name, tier, sources);
        g_assert_cmpint(cJSON_GetArraySize(sources), ==, n_sources);
    }
}

static void test_zoo(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_CLUSTERS), devices = mpp_zoo_list(MPP_ZOO_DEVICES);
    MppNames known = { "device", (const char *const *)devices->pdata, (int)devices->len };
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(MppCluster) cluster = load(names->pdata[i]);
        int n = mpp_cluster_n_tiers(cluster);
        g_assert_cmpstr(cluster->name, ==, names->pdata[i]);
        g_assert_cmpint(mpp_names_find(&known, cluster->device_name), >=, 0);
        g_assert_cmpstr(cluster->device.name, ==, cluster->device_name);
        g_assert_cmpint(mpp_cluster_tier(cluster, n - 1)->devices, ==, 0);
    }
}

/** A device's own cluster has that device, and its name and aliases lead there. */
static void test_zoo_usual_clusters(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_DEVICES);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(GError) error = NULL;
        MppDevice device;
        g_assert_true(mpp_zoo_device(names->pdata[i], &device, &error));
        g_autoptr(MppCluster) own = load(device.cluster);
        g_assert_cmpstr(own->device_name, ==, device.name);
        for (guint j = 0; j <= (device.aliases ? device.aliases->len : 0); j++) {
            g_autoptr(MppCluster) cluster = load(j ? device.aliases->pdata[j - 1] : device.name);
            g_assert_cmpstr(cluster->name, ==, device.cluster);
        }
        mpp_device_clear(&device);
    }
}

/** A collection of runs names one cluster for each device, or a word of the models whose runs are another's. */
static void test_zoo_run_sources(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_CLUSTERS);
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(MppCluster) cluster = load(names->pdata[i]);
        for (guint j = 0; cluster->run_sources && j < cluster->run_sources->len; j++) {
            const char *source = cluster->run_sources->pdata[j];
            const char *word = cluster->run_words && cluster->run_words->len ? cluster->run_words->pdata[0] : "";
            if (!g_hash_table_add(taken, g_strconcat(source, " on ", cluster->device_name, word, NULL)))
                g_error("%s: runs of %s on %s have another cluster", cluster->name, source, cluster->device_name);
        }
    }
}

static void test_zoo_round_trip(void)
{
    g_autoptr(GPtrArray) names = mpp_zoo_list(MPP_ZOO_CLUSTERS);
    for (guint i = 0; i < 2 * names->len; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(MppCluster) cluster = load(names->pdata[i / 2]);
        g_autofree char *text = write_text(cluster, i % 2), *all = write_text(cluster, false);
        g_autoptr(MppCluster) again = read_text(text, &error);
        g_assert_no_error(error);
        g_autofree char *all_again = write_text(again, false);
        g_assert_cmpstr(all_again, ==, all);
        g_autoptr(MppCluster) copy = mpp_cluster_copy(cluster);
        g_autofree char *all_copied = write_text(copy, false);
        g_assert_cmpstr(all_copied, ==, all);
        g_assert_cmpstr(copy->device.name, ==, cluster->device.name);
        g_assert_true(copy->tiers != cluster->tiers && copy->device.name != cluster->device.name);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cluster/tiers", test_tiers);
    g_test_add_func("/cluster/errors", test_errors);
    g_test_add_func("/cluster/zoo", test_zoo);
    g_test_add_func("/cluster/zoo/sources", test_zoo_sources);
    g_test_add_func("/cluster/zoo/usual-clusters", test_zoo_usual_clusters);
    g_test_add_func("/cluster/zoo/run-sources", test_zoo_run_sources);
    g_test_add_func("/cluster/zoo/round-trip", test_zoo_round_trip);
    return g_test_run();
}
