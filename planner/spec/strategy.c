#include "planner/spec/strategy.h"

static const char *const cp_names[MPP_N_CPS] = {
#define CP(kind, name, mark) name,
    MPP_CP_KINDS(CP)
#undef CP
};
const MppNames mpp_cp_names = MPP_NAMES("context-parallel kind", cp_names);
static const char *const order_names[MPP_N_ORDERS] = { "tp-cp-dp-pp", "tp-cp-pp-dp", "tp-dp-cp-pp",
                                                       "tp-dp-pp-cp", "tp-pp-cp-dp", "tp-pp-dp-cp" };
const MppNames mpp_order_names = MPP_NAMES("mesh order", order_names);
static const char *const offload_names[MPP_N_OFFLOADS] = { "none", "optimizer", "parameters" };
const MppNames mpp_offload_names = MPP_NAMES("offload", offload_names);

enum { MOST_RANKS = 1 << 20 }; /* the product of three degrees fits 64 bits */

static const MppField rows[] = {
    MPP_FIELD_INT(MppStrategy, dp, 1, MOST_RANKS, 1, "data-parallel replicas"),
    MPP_FIELD_INT(MppStrategy, tp, 1, MOST_RANKS, 1, "tensor-parallel ranks"),
    MPP_FIELD_INT(MppStrategy, pp, 1, MOST_RANKS, 1, "pipeline ranks"),
    MPP_FIELD_INT(MppStrategy, vpp, 1, 4096, 1, "chunks of layers a pipeline rank holds"),
    MPP_FIELD_INT(MppStrategy, cp, 1, MOST_RANKS, 1, "context-parallel ranks"),
    MPP_FIELD_INT(MppStrategy, ep, 1, MOST_RANKS, 1, "ranks the experts are spread over"),
    MPP_FIELD_INT(MppStrategy, etp, 1, MOST_RANKS, 1, "tensor-parallel ranks of an expert"),
    MPP_FIELD_BOOL(MppStrategy, sequence_parallel, 0, "norms split the sequence over tp"),
    MPP_FIELD_INT(MppStrategy, micro_batch, 1, 1 << 20, 1, "sequences of a micro-batch"),
    MPP_FIELD_INT(MppStrategy, zero, 0, 3, 0, "ZeRO stage: 1 shards optimizer states, 2 gradients too, 3 parameters too"),
    MPP_FIELD_INT(MppStrategy, zero_ranks, 0, MOST_RANKS, 0, "ranks of a shard group; 0: dp * cp"),
    MPP_FIELD_ENUM(MppStrategy, schedule, &mpp_schedule_names, MPP_SCHEDULE_1F1B, "order of passes in a pipeline"),
    MPP_FIELD_INT(MppStrategy, schedule_group, 0, 1 << 20, 0, "micro-batches of a group in interleaved schedules; 0: pp"),
    MPP_FIELD_ENUM(MppStrategy, recompute, &mpp_recompute_names, MPP_RECOMPUTE_NONE, "what is computed twice, or kept by the host"),
    MPP_FIELD_INT(MppStrategy, recompute_layers, 0, 4096, 0, "layers of each chunk under full recompute or offload; 0: all"),
    MPP_FIELD_SET(MppStrategy, recompute_modules, &mpp_module_names, 0, "modules under selective recompute; none: the stack's choice"),
    MPP_FIELD_ENUM(MppStrategy, cp_kind, &mpp_cp_names, MPP_CP_RING, "how context-parallel ranks exchange"),
    MPP_FIELD_ENUM(MppStrategy, offload, &mpp_offload_names, MPP_OFFLOAD_NONE, "what is kept in host memory"),
    MPP_FIELD_ENUM(MppStrategy, stage_split, &mpp_stage_split_names, MPP_STAGE_SPLIT_EVEN, "how layers are cut into stages"),
    MPP_FIELD_ENUM(MppStrategy, order, &mpp_order_names, MPP_ORDER_CP_DP_PP, "order of the mesh over the ranks, fastest first"),
    MPP_FIELD_INTS(MppStrategy, stage_layers, 0, 4096, "layers of each chunk in model order"),
};
const MppFields mpp_strategy_fields = MPP_FIELDS("strategy", MppStrategy, rows);

MppStrategyFields mpp_strategy_field(const char *name)
{
    const MppField *row = mpp_fields_find(&mpp_strategy_fields, name);
    g_assert(row);
    return (MppStrategyFields)1 << (row - rows);
}

MppStrategy mpp_strategy_single(void)
{
    MppStrategy strategy;
    mpp_fields_default(&mpp_strategy_fields, &strategy);
    return strategy;
}

void mpp_strategy_clear(MppStrategy *strategy)
{
    mpp_fields_clear(&mpp_strategy_fields, strategy);
}

int64_t mpp_strategy_dp_on(const MppStrategy *strategy, int64_t gpus)
{
    return MAX(1, gpus / (strategy->tp * strategy->pp * strategy->cp));
}

int64_t mpp_strategy_micro_batches(const MppStrategy *strategy, int64_t global_batch)
{
    return global_batch / (strategy->dp * strategy->micro_batch);
}

int64_t mpp_strategy_recomputed(const MppStrategy *strategy, int64_t layers)
{
    if (strategy->recompute == MPP_RECOMPUTE_NONE)
        return 0;
    int64_t most = MAX(layers - (strategy->recompute == MPP_RECOMPUTE_OFFLOAD), 0);
    return strategy->recompute_layers ? MIN(strategy->recompute_layers, most) : most;
}

int64_t mpp_strategy_shard_ranks(const MppStrategy *strategy)
{
    return strategy->zero_ranks ? strategy->zero_ranks : strategy->dp * strategy->cp;
}

int64_t mpp_strategy_expert_dp(const MppStrategy *strategy)
{
    return strategy->tp * strategy->cp * strategy->dp / (strategy->ep * strategy->etp);
}

int64_t mpp_strategy_expert_shard_ranks(const MppStrategy *strategy)
{
    int64_t groups = strategy->dp * strategy->cp / mpp_strategy_shard_ranks(strategy);
    return MAX(1, mpp_strategy_expert_dp(strategy) / groups);
}
