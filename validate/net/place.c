#include "validate/net/place.h"

/** Coordinates of a rank in the plane of dp and cp: ZeRO shards lie along its faster direction first. */
typedef struct {
    int64_t n_fast, fast_stride, slow_stride;
    int64_t index;  /* of this rank */
    int64_t origin; /* rank with index 0 and the same tp and pp */
} Plane;

static Plane plane_of(const MppPlace *place)
{
    const MppStrategy *s = place->strategy;
    int64_t cp_stride = mpp_mesh_stride(s, MPP_AXIS_CP), dp_stride = mpp_mesh_stride(s, MPP_AXIS_DP);
    int64_t origin = place->rank->index - place->cp * cp_stride - place->dp * dp_stride;
    if (cp_stride < dp_stride || s->dp == 1)
        return (Plane){ s->cp, cp_stride, dp_stride, place->dp * s->cp + place->cp, origin };
    return (Plane){ s->dp, dp_stride, cp_stride, place->cp * s->dp + place->dp, origin };
}

static int64_t rank_in_plane(const Plane *plane, int64_t index)
{
    return plane->origin + index % plane->n_fast * plane->fast_stride + index / plane->n_fast * plane->slow_stride;
}

/** The expert grid lies over the ranks of a stage: tp fastest, then the plane. */
static int64_t rank_in_stage(const MppPlace *place, const Plane *plane, int64_t index)
{
    return rank_in_plane(plane, index / place->strategy->tp) - place->tp + index % place->strategy->tp;
}

/** A group is told by its first rank; its members are ordered by @index. */
static void add_group(MppPlace *place, MppGroupKind kind, int64_t first_rank, int64_t n, int64_t index)
{
    place->groups[kind] = (MppRankGroup){ .n = n, .index = n > 1 ? index : 0 };
    if (place->rank->slice || place->strategy->dp * place->strategy->tp * place->strategy->pp * place->strategy->cp == 1)
        return;
    MppBackendGroup *handle = mpp_run(place->rank, group_new, first_rank, index);
    if (n > 1)
        place->groups[kind].handle = handle;
    else
        mpp_run(place->rank, group_free, handle);
}

static void add_grid_groups(MppPlace *place)
{
    const MppStrategy *s = place->strategy;
    Plane plane = plane_of(place);
    int64_t shard = mpp_strategy_shard_ranks(s), sets = s->dp * s->cp / shard;
    add_group(place, MPP_GROUP_SHARD, rank_in_plane(&plane, plane.index / shard * shard), shard, plane.index % shard);
    add_group(place, MPP_GROUP_REPLICAS, rank_in_plane(&plane, plane.index % shard), sets, plane.index / shard);

    int64_t in_stage = plane.index * s->tp + place->tp, experts = s->ep * s->etp;
    place->etp = in_stage % s->etp;
    place->ep = in_stage / s->etp % s->ep;
    add_group(place, MPP_GROUP_EXPERTS, rank_in_stage(place, &plane, in_stage / experts * experts), experts, in_stage % experts);
    add_group(place, MPP_GROUP_EXPERT_DP, rank_in_stage(place, &plane, in_stage % experts), mpp_strategy_expert_dp(s),
              in_stage / experts);
}

/** Stage k has the chunks of the first copy that the last but k has of the second, and the other way round. */
static void add_copies(MppPlace *place)
{
    const MppStrategy *s = place->strategy;
    bool copies = mpp_schedule_kind_shape(s->schedule)->placement == MPP_PLACEMENT_BIDIRECTIONAL;
    int64_t other = copies ? s->pp - 1 - place->pp : place->pp;
    add_group(place, MPP_GROUP_COPIES, mpp_place_stage_rank(place, MIN(place->pp, other)), copies ? 2 : 1, place->pp > other);
}

/** Neighbours in the ring of context-parallel ranks. */
static void connect_ring(const MppPlace *place)
{
    int64_t cp = place->strategy->cp;
    if (place->rank->slice)
        return;
    const int64_t peers[] = { mpp_place_cp_rank(place, (place->cp + cp - 1) % cp),
                              mpp_place_cp_rank(place, (place->cp + 1) % cp) };
    mpp_run(place->rank, connect, peers, cp > 2 ? 2 : cp - 1);
}

MppPlace *mpp_place_new(const MppRank *rank, const MppStrategy *s, int64_t kv_heads, const int64_t *tied_stages)
{
    MppPlace *place = g_new0(MppPlace, 1);
    int64_t r = rank->index;
    *place = (MppPlace){ .rank = rank, .strategy = s };
    place->tp = r % s->tp;
    place->cp = r / mpp_mesh_stride(s, MPP_AXIS_CP) % s->cp;
    place->dp = r / mpp_mesh_stride(s, MPP_AXIS_DP) % s->dp;
    place->pp = r / mpp_mesh_stride(s, MPP_AXIS_PP) % s->pp;

    place->groups[MPP_GROUP_ALONE] = (MppRankGroup){ .n = 1 };
    add_group(place, MPP_GROUP_WORLD, 0, s->dp * s->tp * s->pp * s->cp, r);
    add_group(place, MPP_GROUP_TP, r - place->tp, s->tp, place->tp);
    int64_t copies = kv_heads ? MAX(1, s->tp / kv_heads) : 1;
    add_group(place, MPP_GROUP_KV, r - place->tp % copies, copies, place->tp % copies);
    add_group(place, MPP_GROUP_CP, mpp_place_cp_rank(place, 0), s->cp, place->cp);
    add_grid_groups(place);
    add_copies(place);
    bool shares = tied_stages[0] != tied_stages[1] && (place->pp == tied_stages[0] || place->pp == tied_stages[1]);
    add_group(place, MPP_GROUP_TIED, shares ? mpp_place_stage_rank(place, tied_stages[0]) : r, shares ? 2 : 1,
              place->pp == tied_stages[1]);
    connect_ring(place);
    return place;
}

void mpp_place_free(MppPlace *place)
{
    if (!place)
        return;
    for (int i = 0; i < MPP_N_GROUPS; i++)
        if (place->groups[i].handle)
            mpp_run(place->rank, group_free, place->groups[i].handle);
    g_free(place);
}

int64_t mpp_place_stage_rank(const MppPlace *place, int64_t stage)
{
    return place->rank->index + (stage - place->pp) * mpp_mesh_stride(place->strategy, MPP_AXIS_PP);
}

int64_t mpp_place_cp_rank(const MppPlace *place, int64_t cp)
{
    return place->rank->index + (cp - place->cp) * mpp_mesh_stride(place->strategy, MPP_AXIS_CP);
}

void mpp_place_sum(const MppPlace *place, MppGroupKind group, MppTensor x)
{
    if (place->groups[group].handle)
        mpp_run(place->rank, all_reduce, place->groups[group].handle, MPP_SUM, x);
}

static MppTensor flat(MppTensor x)
{
    return mpp_tensor_shaped(x, 1, x.rows * x.columns);
}

void mpp_place_gather(const MppPlace *place, MppGroupKind group, MppTensor out, MppTensor in)
{
    const MppRankGroup *ranks = &place->groups[group];
    if (ranks->handle) {
        mpp_run(place->rank, all_gather, ranks->handle, out, in);
        return;
    }
    MppTensor parts = mpp_tensor_shaped(out, ranks->n, in.rows * in.columns);
    for (int64_t i = 0; i < ranks->n; i++)
        if (mpp_tensor_rows(parts, i, 1).data != in.data)
            mpp_run(place->rank, copy, mpp_tensor_rows(parts, i, 1), flat(in));
}

void mpp_place_scatter(const MppPlace *place, MppGroupKind group, MppTensor out, MppTensor in)
{
    const MppRankGroup *ranks = &place->groups[group];
    if (ranks->handle) {
        mpp_run(place->rank, reduce_scatter, ranks->handle, out, in);
        return;
    }
    MppTensor parts = mpp_tensor_shaped(in, ranks->n, out.rows * out.columns);
    mpp_run(place->rank, copy, flat(out), mpp_tensor_rows(parts, ranks->index, 1));
}

void mpp_place_turn(const MppPlace *place, MppTensor from, int64_t to, MppTensor into, int64_t source)
{
    const MppRank *rank = place->rank;
    if (rank->slice) {
        mpp_run(rank, copy, into, from);
        return;
    }
    MppBackendTransfer *in = mpp_run(rank, receive, into, source);
    MppBackendTransfer *out = mpp_run(rank, send, from, to);
    mpp_run(rank, wait, in);
    mpp_run(rank, wait, out);
}
