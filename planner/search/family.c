#include "planner/search/family.h"

#include <math.h>
#include <string.h>

#include "planner/cost/estimate.h"

/** One layer stack's passes over a micro-batch at @place, with @recompute in every layer. */
static double work_at(const MppJob *job, const MppBlockPlace *place, MppRecompute recompute, MppShardCost *shard)
{
    mpp_shard_cost(job, place, shard);
    double work_s = 0;
    for (int64_t i = 0; i < job->model->n_layers; i++) {
        const MppPassCost *layer = &shard->kinds[job->model->kind_of_layer[i]].by_recompute[recompute];
        work_s += layer->forward_s + layer->backward_s;
    }
    const MppPassCost *first = &shard->embedding.by_recompute[0], *last = &shard->head.by_recompute[0];
    return work_s + first->forward_s + first->backward_s + last->forward_s + last->backward_s;
}

static bool same_group(const MppGroup *a, const MppGroup *b)
{
    return a->n == b->n && a->widest_tier == b->widest_tier && memcmp(a->members, b->members, sizeof(a->members)) == 0;
}

/** With pp or dp inside cp, the ranks of a context group lie nearer or farther with each shape: the least of all counts. */
void mpp_family_bound(const MppJob *job, MppFamily *family)
{
    const MppStrategy *s = &family->base;
    g_autofree MppShardCost *shard = g_new(MppShardCost, 1);
    MppStrategy shape = *s;
    MppGroup cp = { 0 };
    int64_t ranks = job->gpus / (s->tp * s->cp);
    double least_s = INFINITY;
    for (shape.pp = 1; shape.pp <= MIN(ranks, job->model->n_layers); shape.pp++) {
        if (ranks % shape.pp)
            continue;
        shape.dp = ranks / shape.pp;
        MppMesh mesh = mpp_mesh_new(&shape, job->cluster, job->gpus);
        MppBlockPlace place = mpp_block_place(&shape, &mesh);
        if (same_group(&cp, &place.cp))
            continue;
        cp = place.cp;
        place.waits_for_nodes = false; /* no message is pending: the least a layer can take */
        least_s = MIN(least_s, work_at(job, &place, s->recompute, shard));
    }
    double micro_batches = (double)job->training.global_batch / s->micro_batch;
    family->bound_s = least_s * micro_batches * s->tp * s->cp / job->gpus * MPP_ESTIMATE_ROUNDING;
}

typedef struct {
    const MppJob *job;
    const MppFamily *family;
    const MppSpaceLimits *limits;
    MppShardCost *shards; /* 2: without and with messages to other nodes pending */
    MppGroup shard_cp[2]; /* context group that each was made for; n is 0 while there is none */
    MppPipelineCost *pipeline;
    double usable_bytes, host_usable_bytes;
    int member;
    bool fixed_layers; /* the limits say how many layers are recomputed */
    MppFamilyResult *result;
} Evaluation;

/** Members of a family differ in nothing else that layer costs depend on. */
static const MppShardCost *shard_of(Evaluation *at, const MppStrategy *s)
{
    MppMesh mesh = mpp_mesh_new(s, at->job->cluster, at->job->gpus);
    MppBlockPlace place = mpp_block_place(s, &mesh);
    int which = place.waits_for_nodes && at->job->runtime->host.waiting_p2p_frac > 0;
    if (!same_group(&at->shard_cp[which], &place.cp))
        mpp_shard_cost(at->job, &place, &at->shards[which]);
    at->shard_cp[which] = place.cp;
    return &at->shards[which];
}

/** How much the pipeline as filled with a peak of @peak lacks on a device or in a host, whichever is more; at most 0: it fits. */
static double lacks(const Evaluation *at, double peak)
{
    return MAX(peak - at->usable_bytes, mpp_memory_host_bytes(at->pipeline) - at->host_usable_bytes);
}

static void note_miss(Evaluation *at, const MppStrategy *s, double peak, double lacking)
{
    MppFamilyResult *result = at->result;
    result->counts.pruned_by_memory++;
    if (result->has_miss && lacking >= result->lacking_bytes)
        return;
    result->has_miss = true;
    result->lacking_bytes = lacking;
    result->nearest_miss = (MppCandidate){ *s, mpp_estimate_bound_s(at->pipeline), peak, at->family->index, at->member };
}

/** Judges the pipeline as filled. Returns: whether it fits. */
static bool judge(Evaluation *at, const MppStrategy *s)
{
    MppFamilyResult *result = at->result;
    double peak = mpp_memory_peak_bytes(at->pipeline);
    result->counts.evaluated++;
    at->member++;
    double lacking = lacks(at, peak);
    if (lacking > 0) {
        note_miss(at, s, peak, lacking);
        return false;
    }
    double bound_s = mpp_estimate_bound_s(at->pipeline);
    if (mpp_board_wants(result->board, s, bound_s, peak)) {
        MppCandidate candidate = { *s, mpp_estimate_step_s(at->pipeline), peak, at->family->index, at->member };
        result->counts.replayed++;
        mpp_board_add(result->board, &candidate);
    }
    return true;
}

static bool fits_with(Evaluation *at, MppStrategy *s, int64_t layers)
{
    s->recompute_layers = layers;
    mpp_pipeline_cost_recompute(at->pipeline, s);
    return lacks(at, mpp_memory_peak_bytes(at->pipeline)) <= 0;
}

/** Memory falls with each layer recomputed or offloaded: bisect for the fewest that fit. */
static void judge_fewest_layers(Evaluation *at, const MppShardCost *shard, MppStrategy s)
{
    int64_t most = mpp_strategy_recomputed(&s, (at->job->model->n_layers + s.pp * s.vpp - 1) / (s.pp * s.vpp));
    int64_t low = 0, high = most; /* low does not fit; high, all layers, does */
    if (most < 2)
        return;
    s.recompute_layers = most;
    mpp_pipeline_cost_fill(at->pipeline, shard, &s);
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (fits_with(at, &s, middle))
            high = middle;
        else
            low = middle;
    }
    if (high < most && fits_with(at, &s, high))
        judge(at, &s);
}

/** One pipeline, split and recomputation, under every schedule and sharding. */
typedef struct {
    const MppShardCost *shard;
    const MppSharding *shardings;
    int n_shardings;
    bool summed; /* the pipeline's chunks are those of this one without transfers in every micro-batch */
} Pipeline;

static void fill(Evaluation *at, Pipeline *p, const MppStrategy *s)
{
    bool hides = s->zero >= 2; /* transfers in every micro-batch change the chunks' times */
    if (p->summed && !hides)
        mpp_pipeline_cost_reschedule(at->pipeline, s);
    else
        mpp_pipeline_cost_fill(at->pipeline, p->shard, s);
    p->summed = !hides;
}

/** @fits: in, whether each sharding fitted with no layer recomputed or offloaded; out, the same after this choice. */
static void evaluate_shardings(Evaluation *at, Pipeline *p, MppStrategy s, bool *fits)
{
    bool filled = false, of_layers = s.recompute == MPP_RECOMPUTE_FULL || s.recompute == MPP_RECOMPUTE_OFFLOAD;
    for (int i = 0; i < p->n_shardings; i++) {
        s.zero = p->shardings[i].zero;
        s.zero_ranks = p->shardings[i].zero_ranks;
        s.offload = p->shardings[i].offload;
        if (!filled || s.zero >= 2)
            fill(at, p, &s);
        filled = p->summed;
        bool fit = judge(at, &s);
        if (!of_layers)
            fits[i] = fit;
        if (of_layers && !at->fixed_layers && !fits[i] && fit) {
            judge_fewest_layers(at, p->shard, s);
            filled = p->summed = false;
        }
    }
}

/** @shapes: the same but for the schedule */
static void evaluate_shapes(Evaluation *at, const MppStrategy *shapes, int n_shapes)
{
    MppStageSplit splits[MPP_SPACE_MOST_CHOICES];
    MppRecompute recomputes[MPP_SPACE_MOST_CHOICES];
    MppSharding shardings[MPP_SPACE_MOST_CHOICES];
    int n_splits = mpp_space_splits(at->job, shapes, at->limits, splits);
    int n_recomputes = mpp_space_recomputes(at->job, shapes, at->limits, recomputes);
    int n_shardings = mpp_space_shardings(at->job, shapes, at->limits, shardings);
    const MppShardCost *shard = shard_of(at, shapes);
    for (int i = 0; i < n_splits; i++) {
        bool fits[MPP_N_SCHEDULES][MPP_SPACE_MOST_CHOICES] = { { false } };
        for (int k = 0; k < n_recomputes; k++) {
            Pipeline pipeline = { shard, shardings, n_shardings, false };
            for (int j = 0; j < n_shapes; j++) {
                MppStrategy s = shapes[j];
                s.stage_split = splits[i];
                s.recompute = recomputes[k];
                evaluate_shardings(at, &pipeline, s, fits[j]);
            }
        }
    }
}

/** How many of the shapes from @first on differ in their schedule alone. */
static int count_alike(const GArray *shapes, guint first)
{
    const MppStrategy *s = &g_array_index(shapes, MppStrategy, first);
    guint n = 1;
    while (first + n < shapes->len && s[n].pp == s->pp && s[n].vpp == s->vpp)
        n++;
    return (int)n;
}

MppFamilyResult mpp_family_evaluate(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits,
                                    const MppBoard *board, MppPeaksTable *peaks)
{
    MppFamilyResult result = { .board = mpp_board_copy(board) };
    g_autofree MppShardCost *shards = g_new(MppShardCost, 2);
    g_autoptr(MppPipelineCost) pipeline = mpp_pipeline_cost_new(job->model->n_layers + 2, job->model->n_layers);
    mpp_pipeline_cost_share_peaks(pipeline, peaks);
    Evaluation at = { .job = job,
                      .family = family,
                      .limits = limits,
                      .shards = shards,
                      .pipeline = pipeline,
                      .usable_bytes = mpp_memory_usable_bytes(job),
                      .host_usable_bytes = mpp_memory_host_usable_bytes(job),
                      .fixed_layers = limits->fields && limits->fields & mpp_strategy_field("recompute"),
                      .result = &result };
    g_autoptr(GArray) shapes = mpp_space_shapes(job, family, limits);
    for (guint i = 0; i < shapes->len;) {
        int alike = count_alike(shapes, i);
        evaluate_shapes(&at, &g_array_index(shapes, MppStrategy, i), alike);
        i += (guint)alike;
    }
    return result;
}

int64_t mpp_family_members(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits)
{
    g_autoptr(GArray) shapes = mpp_space_shapes(job, family, limits);
    int64_t members = 0;
    for (guint i = 0; i < shapes->len; i++)
        members += mpp_space_members(job, &g_array_index(shapes, MppStrategy, i), limits);
    return members;
}
