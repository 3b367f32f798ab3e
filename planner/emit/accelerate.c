/**
 * Hugging Face accelerate: the YAML file of `accelerate launch --config_file`
 * (accelerate/commands/config/config_args.py, parallelism_config.py, release 1.15).
 *
 * The file has no place for the batch and the sequence, which the training script passes: comments tell them.
 */
#include "planner/emit/torch_names.h"

#define N G_GINT64_FORMAT

static void refuse_strategy(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    if (s->pp > 1)
        mpp_emission_refuse(e, "%" N " pipeline stages", s->pp);
    if (s->ep > 1)
        mpp_emission_refuse(e, "experts spread over ranks");
    if (e->job->model->moe.experts && s->ep == 1 && s->etp != s->tp)
        mpp_emission_refuse(e, "experts split otherwise than the rest");
    if (s->sequence_parallel)
        mpp_emission_refuse(e, "sequence parallelism of the norms");
    if (s->zero == 1 && s->dp * s->cp > 1)
        mpp_emission_refuse(e, "ZeRO-1");
    if (s->zero && s->zero_ranks == 1 && s->dp * s->cp > 1)
        mpp_emission_refuse(e, "ZeRO over single ranks");
    if (s->offload == MPP_OFFLOAD_OPTIMIZER)
        mpp_emission_refuse(e, "an offloaded optimizer without its parameters");
    if (s->recompute == MPP_RECOMPUTE_OFFLOAD)
        mpp_emission_refuse(e, "offloaded activations");
    else if (s->recompute == MPP_RECOMPUTE_SELECTIVE || s->recompute_layers)
        mpp_emission_refuse(e, "recomputation of a part of the layers");
    if (!mpp_emission_has_order(e, MPP_ORDER_CP_DP_PP))
        mpp_emission_refuse(e, "ranks in the order %s", mpp_names_get(&mpp_order_names, s->order));
}

/** dp_shard: data-parallel ranks of a shard group, which cp ranks belong to as well. */
static int64_t shard_degree(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    int64_t ranks = s->zero ? mpp_strategy_shard_ranks(s) : 1, shard = MAX(ranks / s->cp, 1);
    if (s->zero && ranks % s->cp)
        mpp_emission_refuse(e, "shard groups of %" N " ranks, a part of the %" N " context-parallel ones", ranks, s->cp);
    if (!s->zero && s->cp > 1)
        mpp_emission_refuse(e, "context parallelism without sharding over it");
    if (s->tp * s->cp > 1 && s->dp / shard > 1 && shard == 1) /* parallelism_config.py refuses it */
        mpp_emission_refuse(e, "replicas without sharding beside other parallelism");
    return shard;
}

static const char *mixed_precision(MppEmission *e)
{
    static const char *const names[MPP_N_PRECISIONS] = {
        [MPP_PRECISION_FP32] = "'no'", [MPP_PRECISION_FP16] = "fp16", [MPP_PRECISION_BF16] = "bf16", [MPP_PRECISION_FP8] = "fp8"
    };
    MppPrecision precision = e->job->training.precision;
    if (!names[precision])
        mpp_emission_refuse(e, "%s products", mpp_names_get(&mpp_precision_names, precision));
    return names[precision];
}

static void add_machines(MppEmission *e)
{
    int64_t node = mpp_cluster_domain(e->job->cluster, 0, e->job->gpus);
    int64_t machines = e->job->gpus % node ? 1 : e->job->gpus / node;
    mpp_emission_add(e, "compute_environment: LOCAL_MACHINE\nnum_processes: %" N "\nnum_machines: %" N "\nmachine_rank: 0\n",
                     e->job->gpus, machines);
}

static void emit(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    refuse_strategy(e);
    int64_t shard = shard_degree(e), micro_batches = mpp_strategy_micro_batches(s, e->job->training.global_batch);
    mpp_emission_add_header(e, "#");
    mpp_emission_add(
        e,
        "# The training script sets: batch of a device %" N ", gradient accumulation %" N ", sequences of %" N " tokens, %s.\n",
        s->micro_batch, micro_batches, e->job->training.seq, mpp_names_get(&mpp_optimizer_names, e->job->training.optimizer));
    add_machines(e);
    mpp_emission_add(e, "mixed_precision: %s\n", mixed_precision(e));
    mpp_emission_add(
        e, "distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n");
    mpp_emission_add(e, "  fsdp_reshard_after_forward: %s\n", s->zero == 3 ? "true" : "false");
    mpp_emission_add(e, "  fsdp_activation_checkpointing: %s\n", s->recompute == MPP_RECOMPUTE_FULL ? "true" : "false");
    mpp_emission_add(e, "  fsdp_offload_params: %s\n", s->offload == MPP_OFFLOAD_PARAMETERS ? "true" : "false");
    mpp_emission_add(e, "parallelism_config:\n  parallelism_config_dp_replicate_size: %" N "\n", s->dp / shard);
    mpp_emission_add(e, "  parallelism_config_dp_shard_size: %" N "\n  parallelism_config_tp_size: %" N "\n", shard, s->tp);
    mpp_emission_add(e, "  parallelism_config_cp_size: %" N "\n", s->cp);
    const char *rotate = mpp_torch_context_name(e);
    if (rotate)
        mpp_emission_add(e, "  parallelism_config_cp_comm_strategy: %s\n", rotate);
}

const MppEmitTarget mpp_emit_accelerate = {
    .name = "accelerate",
    .file_name = "accelerate.yaml",
    .summary = "Hugging Face accelerate: the configuration of accelerate launch",
    .emit = emit,
    .read = NULL,
};
