#include "planner/graph/graph_build.h"

char *mpp_graph_stage_title(int64_t first, int64_t last)
{
    if (first == last)
        return g_strdup_printf("stage %" G_GINT64_FORMAT, first);
    return g_strdup_printf("stages %" G_GINT64_FORMAT "–%" G_GINT64_FORMAT, first, last);
}

char *mpp_graph_layer_title(const MppModel *model, const MppLayerKind *kind)
{
    if (kind->listed)
        return mpp_sequential_title(kind->listed, kind->parts);
    static const char *const ssm_titles[] = { [MPP_SSM_MAMBA2] = "Mamba-2 ", [MPP_SSM_GATED_DELTA] = "delta-rule " };
    bool encoders = false, dense = false, experts = false, windows = false, full = false;
    for (int64_t i = 0; i < model->n_kinds; i++) {
        const MppLayerKind *one = &model->kinds[i];
        encoders |= one->cross_attention;
        *(one->moe ? &experts : &dense) = true;
        windows |= one->window || one->mixer == MPP_MIXER_SSM;
        full |= one->mixer == MPP_MIXER_ATTENTION && !one->window;
    }
    g_autoptr(GString) title = g_string_new(NULL);
    if (kind->prediction)
        g_string_append(title, "prediction ");
    else if (encoders)
        g_string_append(title, kind->cross_attention ? "decoder " : "encoder ");
    else if (experts && dense && kind->ffn && !kind->moe && kind->mixer != MPP_MIXER_NONE)
        g_string_append(title, "dense ");
    if (kind->mixer == MPP_MIXER_SSM)
        g_string_append(title, ssm_titles[model->ssm.kind]);
    else if (!kind->ffn || kind->mixer == MPP_MIXER_NONE)
        g_string_append(title, !kind->ffn ? "attention " : kind->moe ? "expert " : "MLP ");
    g_string_append(title, "layer");
    if (kind->moe && kind->mixer != MPP_MIXER_NONE)
        g_string_append(title, " with experts");
    if (windows && full && kind->window)
        g_string_append_printf(title, ", window %" G_GINT64_FORMAT, kind->window);
    else if (windows && full && kind->mixer == MPP_MIXER_ATTENTION && kind->ffn)
        g_string_append(title, ", full attention");
    return g_strdup(title->str);
}

MppGraphAxis mpp_graph_axis(MppAxis axis)
{
    switch (axis) {
    case MPP_AXIS_TP: return MPP_GRAPH_TP;
    case MPP_AXIS_CP: return MPP_GRAPH_CP;
    case MPP_AXIS_PP: return MPP_GRAPH_PP;
    case MPP_AXIS_EP: return MPP_GRAPH_EP;
    case MPP_AXIS_ETP: return MPP_GRAPH_ETP;
    default: return MPP_GRAPH_DP;
    }
}

const char *mpp_graph_tier(const MppPipelineCost *pipeline, MppAxis axis)
{
    return mpp_cluster_tier(pipeline->shard->job->cluster, pipeline->exchange.mesh.groups[axis].widest_tier)->name;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/** "3", "0–7", "0–1, 8–9, …": rising numbers, runs joined, at most three of them. */
static char *runs_text(const GArray *numbers)
{
    enum { MOST_RUNS = 3 };
    g_autoptr(GString) text = g_string_new(NULL);
    int runs = 0;
    for (guint i = 0, last; i < numbers->len; i = last + 1) {
        int64_t first = g_array_index(numbers, int64_t, i);
        for (last = i; last + 1 < numbers->len && g_array_index(numbers, int64_t, last + 1) == first + (last + 1 - i); last++)
            ;
        if (runs++ == MOST_RUNS) {
            g_string_append(text, ", …");
            break;
        }
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i ? ", " : "", first);
        if (last > i)
            g_string_append_printf(text, "–%" G_GINT64_FORMAT, g_array_index(numbers, int64_t, last));
    }
    return g_strdup(text->str);
}

/** Numbers of the nodes that hold @ranks, which rise. */
static GArray *nodes_of(const GArray *ranks, int64_t per_node)
{
    GArray *nodes = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (guint i = 0; i < ranks->len; i++) {
        int64_t node = g_array_index(ranks, int64_t, i) / per_node;
        if (!nodes->len || g_array_index(nodes, int64_t, nodes->len - 1) != node)
            g_array_append_val(nodes, node);
    }
    return nodes;
}

/** Ranks of one stage of one replica, rising. */
static GArray *ranks_of(const MppStrategy *s, int64_t replica, int64_t stage)
{
    int64_t first = replica * mpp_mesh_stride(s, MPP_AXIS_DP) + stage * mpp_mesh_stride(s, MPP_AXIS_PP);
    GArray *ranks = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int64_t i = 0; i < s->tp * s->cp; i++) {
        int64_t rank = first + i % s->tp + i / s->tp * mpp_mesh_stride(s, MPP_AXIS_CP);
        g_array_append_val(ranks, rank);
    }
    g_array_sort(ranks, by_value);
    return ranks;
}

char *mpp_graph_place(const MppJob *job, const MppStrategy *s, int64_t replica, int64_t first, int64_t last)
{
    int64_t n = s->tp * s->cp;
    const char *word = n == 1 ? "rank" : "ranks", *each = last > first ? " a stage" : "";
    if (replica < 0 && s->dp > 1)
        return g_strdup_printf("%" G_GINT64_FORMAT " %s%s in each of %" G_GINT64_FORMAT " replicas", n, word, each, s->dp);
    if (last > first)
        return g_strdup_printf("%" G_GINT64_FORMAT " %s%s", n, word, each);
    g_autoptr(GArray) ranks = ranks_of(s, MAX(replica, 0), first);
    g_autoptr(GArray) nodes = nodes_of(ranks, mpp_cluster_domain(job->cluster, 0, job->gpus));
    g_autofree char *ranks_text = runs_text(ranks), *nodes_text = runs_text(nodes);
    return g_strdup_printf("%s %s on %s %s", word, ranks_text, nodes->len == 1 ? "node" : "nodes", nodes_text);
}
