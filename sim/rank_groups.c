#include "sim/rank_groups.h"

/** Where a rank is: its stage, and its number among the stage's ranks. */
typedef struct {
    int64_t stage, number;
} Place;

/** Numbers first, first + step, … of one stage. */
typedef struct {
    int64_t first, step, n;
} Progression;

static bool cp_is_faster(const MppStrategy *s)
{
    return s->dp == 1 || mpp_mesh_stride(s, MPP_AXIS_CP) < mpp_mesh_stride(s, MPP_AXIS_DP);
}

static Place place_of(const MppStrategy *s, int64_t rank)
{
    int64_t tp = rank % s->tp, cp = rank / mpp_mesh_stride(s, MPP_AXIS_CP) % s->cp,
            dp = rank / mpp_mesh_stride(s, MPP_AXIS_DP) % s->dp;
    int64_t grid = cp_is_faster(s) ? cp + s->cp * dp : dp + s->dp * cp;
    return (Place){ rank / mpp_mesh_stride(s, MPP_AXIS_PP) % s->pp, tp + s->tp * grid };
}

static int64_t rank_at(const MppStrategy *s, Place place)
{
    int64_t tp = place.number % s->tp, grid = place.number / s->tp;
    int64_t cp = cp_is_faster(s) ? grid % s->cp : grid / s->dp, dp = cp_is_faster(s) ? grid / s->cp : grid % s->dp;
    return tp + cp * mpp_mesh_stride(s, MPP_AXIS_CP) + dp * mpp_mesh_stride(s, MPP_AXIS_DP) +
           place.stage * mpp_mesh_stride(s, MPP_AXIS_PP);
}

/** The group of @n numbers @step apart that @number is in. */
static Progression around(int64_t number, int64_t step, int64_t n)
{
    return (Progression){ number - number / step % n * step, step, n };
}

static Progression progression(const MppStrategy *s, MppAxis axis, int64_t number)
{
    int64_t grid = s->dp * s->cp, shard = mpp_strategy_shard_ranks(s);
    switch (axis) {
    case MPP_AXIS_TP: return around(number, 1, s->tp);
    case MPP_AXIS_CP: return around(number, s->tp * (cp_is_faster(s) ? 1 : s->dp), s->cp);
    case MPP_AXIS_DP: return around(number, s->tp * (cp_is_faster(s) ? s->cp : 1), s->dp);
    case MPP_AXIS_DP_CP: return around(number, s->tp, grid);
    case MPP_AXIS_SHARD: return around(number, s->tp, shard);
    case MPP_AXIS_REPLICAS: return around(number, s->tp * shard, grid / shard);
    case MPP_AXIS_ETP: return around(number, 1, s->etp);
    case MPP_AXIS_EP: return around(number, s->etp, s->ep);
    case MPP_AXIS_EXPERT_DP: return around(number, s->etp * s->ep, mpp_strategy_expert_dp(s));
    case MPP_AXIS_PP:
    case MPP_N_AXES: break;
    }
    return (Progression){ number, 1, 1 };
}

int64_t mpp_rank_group_first(const MppStrategy *s, MppAxis axis, int64_t rank)
{
    Place place = place_of(s, rank);
    place.number = progression(s, axis, place.number).first;
    place.stage = axis == MPP_AXIS_PP ? 0 : place.stage;
    return rank_at(s, place);
}

static int by_rank(const void *a, const void *b)
{
    int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
    return (p > q) - (p < q);
}

GArray *mpp_rank_group_members(const MppStrategy *s, MppAxis axis, int64_t rank)
{
    GArray *members = g_array_new(FALSE, FALSE, sizeof(int64_t));
    Place place = place_of(s, rank);
    Progression numbers = progression(s, axis, place.number);
    int64_t stages = axis == MPP_AXIS_PP && s->pp > 1 ? 2 : 1;
    for (int64_t k = 0; k < stages; k++)
        for (int64_t i = 0; i < numbers.n; i++) {
            int64_t stage = axis != MPP_AXIS_PP ? place.stage : k ? s->pp - 1 : 0;
            int64_t member = rank_at(s, (Place){ stage, numbers.first + i * numbers.step });
            g_array_append_val(members, member);
        }
    g_array_sort(members, by_rank);
    return members;
}
