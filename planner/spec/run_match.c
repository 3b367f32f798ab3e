#include "planner/spec/run_match.h"

#include <stdio.h>
#include <string.h>

#include "planner/spec/zoo.h"

/** Where @word begins in @text, case aside. */
static const char *find_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; at && *at; at++)
        if (g_ascii_strncasecmp(at, word, n) == 0)
            return at;
    return NULL;
}

static bool has_word(const char *text, const char *word)
{
    return find_word(text, word) != NULL;
}

static size_t longest_match(const GPtrArray *words, const char *text)
{
    size_t longest = 0;
    for (guint i = 0; words && text && i < words->len; i++)
        if (has_word(text, words->pdata[i]))
            longest = MAX(longest, strlen(words->pdata[i]));
    return longest;
}

static bool names(const GPtrArray *words, const char *text)
{
    for (guint i = 0; words && text && i < words->len; i++)
        if (strcmp(words->pdata[i], text) == 0)
            return true;
    return false;
}

/** Bytes per s each way of one node's network as stated in words, or 0. */
static double stated_node_rate(const char *internode, double devices)
{
    double ports, gbit;
    for (const char *at = internode; at && *at; at++) {
        bool begins = g_ascii_isdigit(*at) && !(at > internode && (g_ascii_isdigit(at[-1]) || at[-1] == '.'));
        if (!begins)
            continue;
        int used = 0;
        if (sscanf(at, "%lf x %lf Gb/s%n", &ports, &gbit, &used) == 2 && used)
            return ports * gbit * 1e9 / 8;
        if (sscanf(at, "%lf Gb/s per node%n", &gbit, &used) == 1 && used)
            return gbit * 1e9 / 8;
        if (sscanf(at, "%lf Gb/s per GPU%n", &gbit, &used) == 1 && used)
            return devices * gbit * 1e9 / 8;
    }
    return 0;
}

static void adapt_cluster(MppCluster *cluster, const MppRunHardware *hardware, bool take_rate)
{
    enum { LARGEST_NODE = 16 }; /* NVLink domains of many nodes stay as they are */
    MppTier *inner = &g_array_index(cluster->tiers, MppTier, 0);
    if (hardware->gpus_per_node && inner->devices && inner->devices <= LARGEST_NODE)
        inner->devices = hardware->gpus_per_node;
    double rate = take_rate ? stated_node_rate(hardware->internode, inner->devices) : 0;
    if (rate > 0 && cluster->tiers->len > 1) {
        MppTier *outer = &g_array_index(cluster->tiers, MppTier, 1);
        outer->bytes_per_s = rate / inner->devices;
        outer->shared_by = 1;
    }
}

/** How well @cluster suits the run, whose device it has. */
static int cluster_score(const MppRun *run, const MppCluster *cluster)
{
    bool named = longest_match(cluster->run_words, run->model.name), narrow = cluster->run_words && cluster->run_words->len;
    if (names(cluster->run_sources, run->source) && (named || !narrow))
        return named ? 5 : 4;
    return longest_match(cluster->internode_words, run->hardware.internode) ? 3
           : g_strcmp0(cluster->device.cluster, cluster->name) == 0         ? 2
                                                                            : 1;
}

MppCluster *mpp_run_match_cluster(const MppRun *run, const GPtrArray *clusters)
{
    const MppRunHardware *hardware = &run->hardware;
    const MppCluster *best = NULL;
    int best_score = 0;
    for (guint i = 0; i < clusters->len; i++) {
        const MppCluster *cluster = clusters->pdata[i];
        if (strcmp(cluster->device.name, hardware->gpu) != 0 && !names(cluster->device.aliases, hardware->gpu))
            continue;
        int score = cluster_score(run, cluster);
        if (score > best_score) {
            best = cluster;
            best_score = score;
        }
    }
    if (!best)
        return NULL;
    MppCluster *cluster = mpp_cluster_copy(best);
    adapt_cluster(cluster, hardware, best_score < 3);
    return cluster;
}

MppRuntime *mpp_run_match_named(const char *name, const GPtrArray *runtimes)
{
    for (guint i = 0; i < runtimes->len; i++)
        if (strcmp(((const MppRuntime *)runtimes->pdata[i])->name, name) == 0)
            return mpp_runtime_copy(runtimes->pdata[i]);
    g_return_val_if_reached(NULL);
}

/** Higher for words nearer to the start of @text, then for longer ones; 0 when none occurs. */
static size_t position_score(const GPtrArray *words, const char *text)
{
    enum { LONGEST_TEXT = 1000 };
    size_t best = 0;
    for (guint i = 0; words && text && i < words->len; i++) {
        const char *at = find_word(text, words->pdata[i]);
        if (at && at - text < LONGEST_TEXT)
            best = MAX(best, (LONGEST_TEXT - (at - text)) * LONGEST_TEXT + strlen(words->pdata[i]));
    }
    return best;
}

MppRuntime *mpp_run_match_runtime(const MppRun *run, const GPtrArray *runtimes)
{
    const char *best = "megatron-core";
    size_t best_score = 0;
    for (guint i = 0; i < runtimes->len; i++) {
        const MppRuntime *runtime = runtimes->pdata[i];
        size_t score = names(runtime->frameworks, run->source) ? G_MAXSIZE : position_score(runtime->frameworks, run->training.framework);
        if (score > best_score) {
            best = runtime->name;
            best_score = score;
        }
    }
    return mpp_run_match_named(best, runtimes);
}

MppMemoryFigure mpp_run_match_figure(const MppRun *run, const MppRuntime *runtime)
{
    const char *kind = run->measured.memory_kind;
    if (has_word(kind, "nvidia-smi") || (!kind && names(runtime->memory.device_figures, run->source)))
        return MPP_FIGURE_DEVICE;
    if (has_word(kind, "reserved"))
        return MPP_FIGURE_RESERVED;
    return has_word(kind, "allocated") ? MPP_FIGURE_ALLOCATED : runtime->memory.figure;
}

MppPrecision mpp_run_match_precision(const char *words, MppPrecision otherwise)
{
    static const MppPrecision narrowest_first[] = { MPP_PRECISION_NVFP4, MPP_PRECISION_MXFP8, MPP_PRECISION_FP8_ROWWISE, MPP_PRECISION_FP8,
                                                    MPP_PRECISION_BF16,  MPP_PRECISION_FP16,  MPP_PRECISION_TF32,        MPP_PRECISION_FP32 };
    for (size_t i = 0; words && i < G_N_ELEMENTS(narrowest_first); i++)
        if (has_word(words, mpp_names_get(&mpp_precision_names, narrowest_first[i])))
            return narrowest_first[i];
    return otherwise;
}

bool mpp_run_match_narrow_states(const char *words)
{
    return has_word(words, "pure") || has_word(words, "16-true");
}

MppOptimizer mpp_run_match_optimizer(const char *words)
{
    for (int i = 0; words && i < MPP_N_OPTIMIZERS; i++)
        if (has_word(words, mpp_names_get(&mpp_optimizer_names, i)))
            return i;
    return MPP_OPTIMIZER_ADAM;
}

/** The first row whose words occur decides. */
MppAttentionKernel mpp_run_match_attention(const char *words, const MppDevice *device, MppAttentionKernel otherwise)
{
    static const struct { const char *word; MppAttentionKernel kernel; } table[] = {
        { "unfused (torch)", MPP_ATTENTION_UNFUSED },      { "fused softmax", MPP_ATTENTION_FUSED_SOFTMAX },
        { "fused-softmax", MPP_ATTENTION_FUSED_SOFTMAX },  { "unfused", MPP_ATTENTION_FUSED_SOFTMAX },
        { "triton", MPP_ATTENTION_FLASH1 },                { "flash1", MPP_ATTENTION_FLASH1 },
        { "flash2", MPP_ATTENTION_FLASH2 },                { "flash3", MPP_ATTENTION_FLASH3 },
        { "cudnn", MPP_ATTENTION_FLASH3 },                 { "flash", MPP_ATTENTION_FLASH2 },
        { "fused", MPP_ATTENTION_FLASH3 },
    };
    MppAttentionKernel kernel = otherwise;
    for (size_t i = 0; words && i < G_N_ELEMENTS(table); i++) {
        if (has_word(words, table[i].word)) {
            kernel = table[i].kernel;
            break;
        }
    }
    const MppAttentionRate *rate = mpp_device_attention(device, kernel);
    return rate && !(rate->forward_frac > 0) ? MPP_ATTENTION_FLASH2 : kernel;
}

MppAttentionKernel mpp_run_match_usual_attention(const MppRun *run, const MppRuntime *runtime, MppAttentionKernel otherwise)
{
    return longest_match(runtime->older_frameworks, run->training.framework) ? runtime->older_attention : otherwise;
}

MppRecompute mpp_run_match_recompute(const char *words, MppRecompute otherwise)
{
    if (!words)
        return otherwise;
    if (has_word(words, "none"))
        return MPP_RECOMPUTE_NONE;
    return has_word(words, "full") ? MPP_RECOMPUTE_FULL : MPP_RECOMPUTE_SELECTIVE;
}

bool mpp_run_match_label(const MppRun *run, const char *word)
{
    const cJSON *label = mpp_json_get(run->json->root, "row");
    const char *text = cJSON_IsString(label) ? label->valuestring : "", *table = strstr(text, ": ");
    g_autofree char *words = g_ascii_strdown(table ? table : text, -1);
    return strstr(words, word);
}

bool mpp_run_match_compiled(const MppRun *run)
{
    static const char *const not_compiled[] = { "no compile", "no-compile", "without compile", "without torch.compile", "uncompiled" };
    for (size_t i = 0; i < G_N_ELEMENTS(not_compiled); i++)
        if (mpp_run_match_label(run, not_compiled[i]) || has_word(run->training.framework, not_compiled[i]))
            return false;
    return mpp_run_match_label(run, "compile") || has_word(run->training.framework, "compile");
}

bool mpp_run_match_hybrid(const MppRun *run)
{
    const cJSON *fsdp = mpp_run_get(run, "parallel", "fsdp");
    const char *words = cJSON_IsString(fsdp) ? fsdp->valuestring : NULL;
    return has_word(words, "HSDP") || has_word(words, "hybrid");
}

void mpp_run_match_test_name(const char *name, bool attention_stated, MppTraining *training)
{
    if (!name || !strstr(name, "mcore"))
        return;
    if (!attention_stated && !strstr(name, "_te") && !mpp_precision_needs_casts(training->precision))
        training->kernels.attention = MPP_ATTENTION_FUSED_SOFTMAX;
    training->kernels.cross_entropy_fused |= strstr(name, "cross_entropy_loss_fusion") != NULL;
}

int64_t mpp_run_match_test_etp(const char *name)
{
    const char *at = name && strstr(name, "mcore") ? strstr(name, "_etp") : NULL;
    return at ? (int64_t)g_ascii_strtoull(at + strlen("_etp"), NULL, 10) : 0;
}

/** The first row whose word occurs decides. zb-1p and zb-2p: arXiv:2401.10241 §4. */
int mpp_run_match_schedule(const char *words, int64_t vpp)
{
    static const struct { const char *word; MppScheduleKind kind; } table[] = {
        { "zb-1p", MPP_SCHEDULE_ZB_H1 },    { "zb-h1", MPP_SCHEDULE_ZB_H1 },       { "zb-2p", MPP_SCHEDULE_ZB_H2 },
        { "zb-h2", MPP_SCHEDULE_ZB_H2 },    { "zbv", MPP_SCHEDULE_ZB_V },          { "zb-v", MPP_SCHEDULE_ZB_V },
        { "v-half", MPP_SCHEDULE_V_HALF },  { "v-min", MPP_SCHEDULE_V_MIN },       { "dualpipe", MPP_SCHEDULE_DUALPIPE_V },
        { "chimera", MPP_SCHEDULE_CHIMERA }, { "hanayo", MPP_SCHEDULE_HANAYO },    { "breadth", MPP_SCHEDULE_BREADTH_FIRST },
        { "gpipe", MPP_SCHEDULE_GPIPE },    { "1f1b", MPP_SCHEDULE_1F1B },         { "interleaved", MPP_SCHEDULE_1F1B },
    };
    MppScheduleKind kind = MPP_N_SCHEDULES;
    for (size_t i = 0; words && kind == MPP_N_SCHEDULES && i < G_N_ELEMENTS(table); i++)
        if (has_word(words, table[i].word))
            kind = table[i].kind;
    if (words && kind == MPP_N_SCHEDULES)
        return -1;
    if (!words || kind == MPP_SCHEDULE_1F1B)
        return vpp > 1 ? MPP_SCHEDULE_INTERLEAVED : MPP_SCHEDULE_1F1B;
    return (int)kind;
}

void mpp_profiles_free(MppProfiles *profiles)
{
    if (!profiles)
        return;
    g_ptr_array_unref(profiles->clusters);
    g_ptr_array_unref(profiles->runtimes);
    g_free(profiles);
}

MppProfiles *mpp_profiles_load(GError **error)
{
    g_autoptr(MppProfiles) profiles = g_new0(MppProfiles, 1);
    profiles->clusters = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_cluster_free);
    profiles->runtimes = g_ptr_array_new_with_free_func((GDestroyNotify)mpp_runtime_free);
    g_autoptr(GPtrArray) clusters = mpp_zoo_list(MPP_ZOO_CLUSTERS), runtimes = mpp_zoo_list(MPP_ZOO_RUNTIMES);
    for (guint i = 0; i < clusters->len; i++) {
        MppCluster *cluster = mpp_zoo_cluster(clusters->pdata[i], error);
        if (!cluster)
            return NULL;
        g_ptr_array_add(profiles->clusters, cluster);
    }
    for (guint i = 0; i < runtimes->len; i++) {
        MppRuntime *runtime = mpp_zoo_runtime(runtimes->pdata[i], error);
        if (!runtime)
            return NULL;
        g_ptr_array_add(profiles->runtimes, runtime);
    }
    return g_steal_pointer(&profiles);
}

void mpp_profiles_take(MppProfiles *profiles, const MppCluster *cluster, const MppRuntime *runtime)
{
    for (guint i = profiles->clusters->len; i > 0; i--)
        if (strcmp(((const MppCluster *)profiles->clusters->pdata[i - 1])->name, cluster->name) == 0)
            g_ptr_array_remove_index(profiles->clusters, i - 1);
    for (guint i = profiles->runtimes->len; i > 0; i--)
        if (strcmp(((const MppRuntime *)profiles->runtimes->pdata[i - 1])->name, runtime->name) == 0)
            g_ptr_array_remove_index(profiles->runtimes, i - 1);
    g_ptr_array_add(profiles->clusters, mpp_cluster_copy(cluster));
    g_ptr_array_add(profiles->runtimes, mpp_runtime_copy(runtime));
}
