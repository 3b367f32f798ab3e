#include "planner/search/family.h"

#include <string.h>

#include "planner/cost/estimate.h"
#include "planner/search/placed_shard.h"

typedef struct {
    const MppJob *job;
    const MppFamily *family;
    const MppSpaceLimits *limits;
    MppPlacedShards *shards;
    MppPipelineCost *pipeline;
    double usable_bytes, host_usable_bytes;
    int member;        /* two numbers each: as it is, and with the fewest layers recomputed or offloaded that fit */
    bool fixed_layers; /* the limits say how many layers are recomputed */
    MppSearchResult *result;
} Evaluation;

/** How much the pipeline as filled with a peak of @peak lacks on a device or in a host, whichever is more; at most 0: it fits. */
static double lacks(const Evaluation *at, double peak)
{
    return MAX(peak - at->usable_bytes, mpp_memory_host_bytes(at->pipeline) - at->host_usable_bytes);
}

static void note_miss(Evaluation *at, const MppStrategy *s, double peak, double lacking)
{
    MppSearchResult *result = at->result;
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
    MppSearchResult *result = at->result;
    double peak = mpp_memory_peak_bytes(at->pipeline);
    result->counts.evaluated++;
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

/** Whether the board wants no step that takes @bound_s at least. */
static bool beyond(const Evaluation *at, double bound_s)
{
    return bound_s > mpp_board_limit_s(at->result->board);
}

/** Memory falls and time rises with each layer recomputed or offloaded: bisect for the fewest that fit. */
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
        else if (beyond(at, mpp_estimate_passes_bound_s(at->pipeline)))
            return;
        else
            low = middle;
    }
    at->member++;
    if (high < most && fits_with(at, &s, high))
        judge(at, &s);
    at->member--;
}

/** One pipeline, split and recomputation, under every schedule and sharding. */
typedef struct {
    const MppPlacedShard *shard;
    const MppSharding *shardings;
    int n_shardings;
    bool summed; /* the pipeline's chunks are those of this one without transfers in every micro-batch, */
    bool staged; /* and its stages, too */
} Pipeline;

/** What a recomputation of single layers asks of the choices before it, by sharding. */
typedef struct {
    bool fits[MPP_SPACE_MOST_CHOICES]; /* with no layer recomputed or offloaded */
    bool none[MPP_SPACE_MOST_CHOICES]; /* fewer layers than all are no member, or none that the board wants */
} Fewer;

/** Leaves the member out if the board does not want it, and its memory decides nothing. @bound_s: of its step */
static bool skip_slow(Evaluation *at, MppRecompute recompute, int sharding, double bound_s, Fewer *fewer)
{
    if (!beyond(at, bound_s))
        return false;
    fewer->none[sharding] |= recompute == MPP_RECOMPUTE_NONE; /* recomputing some layers takes longer still */
    if (!fewer->none[sharding] && !(recompute >= MPP_RECOMPUTE_FULL && fewer->fits[sharding]))
        return false;
    at->result->counts.pruned_by_bound++;
    return true;
}

/** Leaves the member out if it cannot fit, and some plan does: else we are asked which lacks least. */
static bool skip_large(Evaluation *at, const MppShardCost *shard, const MppStrategy *s, int sharding, Fewer *fewer)
{
    const MppBoard *board = at->result->board;
    if ((board->top && !board->fastest->len) || mpp_memory_bound_bytes(shard, s) <= at->usable_bytes)
        return false;
    if (s->recompute < MPP_RECOMPUTE_FULL)
        fewer->fits[sharding] = false;
    at->result->counts.pruned_by_bound++;
    return true;
}

static void fill(Evaluation *at, Pipeline *p, const MppStrategy *s, bool anew)
{
    if (p->summed && !anew)
        mpp_pipeline_cost_reschedule(at->pipeline, s);
    else
        mpp_pipeline_cost_fill_chunks(at->pipeline, &p->shard->cost, s);
    p->summed = !anew;
    p->staged = false;
}

static void evaluate_sharding(Evaluation *at, Pipeline *p, const MppStrategy *s, int sharding, Fewer *fewer)
{
    if (skip_slow(at, s->recompute, sharding, mpp_estimate_passes_bound_s(at->pipeline), fewer))
        return;
    if (!p->staged)
        mpp_pipeline_cost_sum_stages(at->pipeline);
    p->staged = true;
    bool fit = judge(at, s);
    if (s->recompute < MPP_RECOMPUTE_FULL)
        fewer->fits[sharding] = fit;
    else if (!fewer->none[sharding] && !fewer->fits[sharding] && fit) {
        judge_fewest_layers(at, &p->shard->cost, *s);
        p->summed = false;
    }
}

static void evaluate_shardings(Evaluation *at, Pipeline *p, MppStrategy s, Fewer *fewer)
{
    bool filled = false;
    for (int i = 0; i < p->n_shardings; i++, at->member += 2) {
        s.zero = p->shardings[i].zero;
        s.zero_ranks = p->shardings[i].zero_ranks;
        s.offload = p->shardings[i].offload;
        if (skip_slow(at, s.recompute, i, p->shard->bound_s[s.recompute], fewer) || skip_large(at, &p->shard->cost, &s, i, fewer))
            continue;
        bool anew = mpp_exchange_zero(&s) >= 2 || s.zero_ranks; /* transfers in every micro-batch, or another mesh */
        if (!filled || anew)
            fill(at, p, &s, anew);
        evaluate_sharding(at, p, &s, i, fewer);
        filled = p->summed;
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
    const MppPlacedShard *shard = mpp_placed_shard(at->shards, at->job, shapes, mpp_pipeline_cost_mesh(at->pipeline, at->job, shapes));
    bool whole = at->fixed_layers || !n_recomputes || recomputes[n_recomputes - 1] < MPP_RECOMPUTE_FULL;
    for (int i = 0; i < n_splits; i++) {
        Fewer fewer[MPP_N_SCHEDULES] = { { { false } } };
        for (int j = 0; j < n_shapes; j++)
            memset(fewer[j].none, whole, sizeof(fewer[j].none));
        for (int k = 0; k < n_recomputes; k++) {
            Pipeline pipeline = { shard, shardings, n_shardings };
            for (int j = 0; j < n_shapes; j++) {
                MppStrategy s = shapes[j];
                s.stage_split = splits[i];
                s.recompute = recomputes[k];
                evaluate_shardings(at, &pipeline, s, &fewer[j]);
            }
        }
    }
}

/** How many of the @n shapes from @s on differ from it in their schedule alone. */
static int count_alike(const MppStrategy *s, int n)
{
    int alike = 1;
    while (alike < n && s[alike].pp == s->pp && s[alike].vpp == s->vpp && s[alike].order == s->order &&
           s[alike].recompute_modules == s->recompute_modules)
        alike++;
    return alike;
}

MppSearchResult *mpp_family_evaluate(const MppJob *job, const MppFamily *family, const MppSpaceLimits *limits,
                                     const MppBoard *board, MppPeaksTable *peaks)
{
    MppSearchResult *result = g_new0(MppSearchResult, 1);
    result->board = mpp_board_copy(board);
    g_autofree MppPlacedShards *shards = g_new0(MppPlacedShards, 1);
    g_autoptr(MppPipelineCost) pipeline = mpp_pipeline_cost_new(job->model->n_layers + 2, job->model->n_layers);
    mpp_pipeline_cost_share_peaks(pipeline, peaks);
    Evaluation at = { .job = job,
                      .family = family,
                      .limits = limits,
                      .shards = shards,
                      .pipeline = pipeline,
                      .usable_bytes = mpp_memory_usable_bytes(job),
                      .host_usable_bytes = mpp_memory_host_usable_bytes(job),
                      .fixed_layers = mpp_space_fixes(limits, "recompute"),
                      .result = result };
    g_autoptr(GArray) shapes = mpp_space_shapes(job, family, limits);
    for (int i = 0, alike; i < (int)shapes->len; i += alike) {
        const MppStrategy *first = &g_array_index(shapes, MppStrategy, i);
        alike = count_alike(first, (int)shapes->len - i);
        evaluate_shapes(&at, first, alike);
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
