/**
 * PyTorch's own parts: a module that makes the device mesh and applies tensor parallelism's plan, recomputation and
 * fully_shard (FSDP2) to a model's blocks (torch.distributed.device_mesh, torch.distributed.fsdp, since 2.6).
 *
 * Whatever the model's code has to do itself (which projections are split over tp, how attention uses cp, the pipeline's
 * stages) is handed to it as the mesh and as constants.
 */
#include "planner/emit/emit.h"
#include "planner/emit/torch_names.h"

#define N G_GINT64_FORMAT

static void refuse_strategy(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    MppPrecision precision = e->job->training.precision;
    if (s->zero == 1 && s->dp * s->cp > 1)
        mpp_emission_refuse(e, "ZeRO-1");
    if (s->zero && mpp_strategy_shard_ranks(s) % s->cp)
        mpp_emission_refuse(e, "shard groups that are a part of the context-parallel ranks");
    if (!s->zero && s->cp > 1)
        mpp_emission_refuse(e, "context parallelism without sharding over it");
    if (s->ep > 1)
        mpp_emission_refuse(e, "experts spread over ranks");
    if (s->offload == MPP_OFFLOAD_OPTIMIZER)
        mpp_emission_refuse(e, "an offloaded optimizer without its parameters");
    if (s->recompute == MPP_RECOMPUTE_OFFLOAD)
        mpp_emission_refuse(e, "offloaded activations");
    if (s->recompute == MPP_RECOMPUTE_SELECTIVE)
        mpp_emission_refuse(e, "selective recomputation");
    if (precision != MPP_PRECISION_FP32 && precision != MPP_PRECISION_FP16 && precision != MPP_PRECISION_BF16)
        mpp_emission_refuse(e, "%s products", mpp_names_get(&mpp_precision_names, precision));
    if (!mpp_emission_has_order(e, MPP_ORDER_CP_DP_PP))
        mpp_emission_refuse(e, "ranks in the order %s", mpp_names_get(&mpp_order_names, s->order));
}

/** Which rank has stage i. */
static const char *placement(const MppStrategy *s)
{
    bool zigzag = mpp_schedule_kind_shape(s->schedule)->placement == MPP_PLACEMENT_ZIGZAG;
    return s->pp > 1 && zigzag ? "of stage i; rank r has stages r and 2 * pp - 1 - r" : "of stage i, which rank i % pp has";
}

static void add_constants(MppEmission *e, int64_t replicas, int64_t shard)
{
    static const char *const dtypes[MPP_N_PRECISIONS] = {
        [MPP_PRECISION_FP32] = "float32", [MPP_PRECISION_FP16] = "float16", [MPP_PRECISION_BF16] = "bfloat16"
    };
    const MppStrategy *s = e->strategy;
    const char *dtype = dtypes[e->job->training.precision];
    mpp_emission_add(e,
                     "MESH = {\"pp\": %" N ", \"dp_replicate\": %" N ", \"dp_shard\": %" N ", \"cp\": %" N ", \"tp\": %" N "}\n",
                     s->pp, replicas, shard, s->cp, s->tp);
    mpp_emission_add(e, "SEQUENCE_PARALLEL = %s  # norms and dropout split the sequence over tp\n",
                     s->sequence_parallel ? "True" : "False");
    mpp_emission_add(e, "CONTEXT_PARALLEL = \"%s\"\n", mpp_names_get(&mpp_cp_names, s->cp_kind));
    mpp_emission_add(e, "MICRO_BATCH = %" N "\nMICRO_BATCHES = %" N "\nSEQ_LEN = %" N "\n", s->micro_batch,
                     mpp_strategy_micro_batches(s, e->job->training.global_batch), e->job->training.seq);
    mpp_emission_add(e, "PARAM_DTYPE = torch.%s\n", dtype ? dtype : "");
    mpp_emission_add(e, "SHARDED = %s\n", s->zero ? "True" : "False");
    mpp_emission_add(e, "RESHARD_AFTER_FORWARD = %s\n", s->zero == 3 ? "True" : "False");
    mpp_emission_add(e, "OFFLOAD = %s  # parameters, gradients and optimizer states in the host's memory\n",
                     s->offload == MPP_OFFLOAD_PARAMETERS ? "True" : "False");
    mpp_emission_add(e, "SCHEDULE = %s%s%s  # for torch.distributed.pipelining.schedules.get_schedule_class\n",
                     s->pp > 1 ? "\"" : "", s->pp > 1 ? mpp_torch_schedule_name(e) : "None", s->pp > 1 ? "\"" : "");
    mpp_emission_add(e, "STAGE_LAYERS = [");
    for (guint i = 0; i < e->chunk_layers->len; i++)
        mpp_emission_add(e, "%s%" N, i ? ", " : "", g_array_index(e->chunk_layers, int64_t, i));
    mpp_emission_add(e, "]  # %s\n", placement(s));
    int64_t recomputed = s->recompute == MPP_RECOMPUTE_NONE ? 0 : s->recompute_layers;
    if (s->recompute == MPP_RECOMPUTE_FULL && !recomputed)
        mpp_emission_add(e, "RECOMPUTED_LAYERS = None  # of a stage; None: all\n");
    else
        mpp_emission_add(e, "RECOMPUTED_LAYERS = %" N "  # of a stage; None: all\n", recomputed);
}

static const char functions[] =
    "\n\n"
    "def make_meshes(device_type: str = \"cuda\") -> tuple[DeviceMesh, DeviceMesh]:\n"
    "    \"\"\"All ranks, slowest dimension first, after init_process_group(): as the model is split, and as it is "
    "sharded.\"\"\"\n"
    "    sharding = {\"pp\": MESH[\"pp\"], \"dp_replicate\": MESH[\"dp_replicate\"], \"fsdp\": MESH[\"dp_shard\"] * "
    "MESH[\"cp\"], "
    "\"tp\": MESH[\"tp\"]}\n"
    "    return tuple(init_device_mesh(device_type, tuple(mesh.values()), mesh_dim_names=tuple(mesh)) for mesh in (MESH, "
    "sharding))\n"
    "\n\n"
    "def apply_plan(stage: nn.Module, blocks: list[nn.Module], sharding: DeviceMesh) -> nn.Module:\n"
    "    \"\"\"Recomputes and shards the blocks of one stage, then the rest of it. Split projections over \"tp\" before.\"\"\"\n"
    "    n = len(blocks) if RECOMPUTED_LAYERS is None else RECOMPUTED_LAYERS\n"
    "    for block in blocks[:n]:\n"
    "        block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)\n"
    "    mesh = sharding[\"dp_replicate\", \"fsdp\"] if MESH[\"dp_replicate\"] > 1 else sharding[\"fsdp\"]\n"
    "    policy = MixedPrecisionPolicy(param_dtype=PARAM_DTYPE, reduce_dtype=torch.float32)\n"
    "    options = {\"mesh\": mesh, \"mp_policy\": policy, \"reshard_after_forward\": RESHARD_AFTER_FORWARD}\n"
    "    if OFFLOAD:\n"
    "        options[\"offload_policy\"] = CPUOffloadPolicy()\n"
    "    if SHARDED or MESH[\"dp_replicate\"] > 1:\n"
    "        for block in blocks:\n"
    "            fully_shard(block, **options)\n"
    "        fully_shard(stage, **options)\n"
    "    return stage\n";

static void emit(MppEmission *e)
{
    const MppStrategy *s = e->strategy;
    refuse_strategy(e);
    int64_t shard = s->zero ? MAX(mpp_strategy_shard_ranks(s) / s->cp, 1) : 1;
    mpp_emission_add_header(e, "#");
    mpp_emission_add(e, "# torchrun with %" N " processes; optimizer: %s.\n", e->job->gpus,
                     mpp_names_get(&mpp_optimizer_names, e->job->training.optimizer));
    mpp_emission_add(e, "import functools\n\nimport torch\nfrom torch import nn\n"
                        "from torch.distributed.device_mesh import DeviceMesh, init_device_mesh\n"
                        "from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, fully_shard\n"
                        "from torch.utils.checkpoint import checkpoint\n\n");
    add_constants(e, s->dp / shard, shard);
    mpp_emission_add(e, "%s", functions);
}

const MppEmitTarget mpp_emit_pytorch = {
    .name = "pytorch",
    .file_name = "pytorch_plan.py",
    .summary = "PyTorch: device mesh, FSDP2, recomputation and pipeline constants in Python",
    .emit = emit,
    .read = NULL,
};
