#include "planner/cost/collective.h"
#include "planner/cost/compute.h"
#include "validate/comparison.h"

/** Operations that the executor does in one go with another, whose name they take. */
static const struct {
    const char *op;
    MppAxis axis; /* of collectives; MPP_N_AXES: any */
    const char *within;
} joined[] = {
    { "scatter input gradients", MPP_N_AXES, "gather sequence" },
    { "gather output gradients", MPP_AXIS_TP, "scatter outputs" },
    { "gather output gradients", MPP_AXIS_ETP, "combine" },
    { "scatter expert outputs", MPP_N_AXES, "combine" },
    { "unpermute tokens", MPP_N_AXES, "combine" },
    { "gather expert tokens", MPP_N_AXES, "dispatch" },
    { "scatter expert gradients", MPP_N_AXES, "dispatch" },
    { "permute tokens", MPP_N_AXES, "dispatch" },
    { "context exchange", MPP_N_AXES, "attention core" },
    { "loss sums", MPP_N_AXES, "cross entropy" },
};

static const char *name_of(const MppOp *op)
{
    for (size_t i = 0; i < G_N_ELEMENTS(joined); i++)
        if (g_str_equal(joined[i].op, op->name) && (joined[i].axis == MPP_N_AXES || joined[i].axis == op->axis))
            return joined[i].within;
    return op->name;
}

static void add(GArray *times, const char *name, bool between_ranks, double seconds)
{
    for (guint i = 0; i < times->len; i++) {
        MppComparedTime *time = &g_array_index(times, MppComparedTime, i);
        if (g_str_equal(time->name, name)) {
            time->predicted_s += seconds;
            time->between_ranks = time->between_ranks || between_ranks;
            return;
        }
    }
    MppComparedTime time = { .name = g_strdup(name), .predicted_s = seconds, .between_ranks = between_ranks };
    g_array_append_val(times, time);
}

/** How often a block's ops run in a step: in whole, and how much of its forward pass again. */
typedef struct {
    double runs, again_frac;
    bool selective;
} Repeats;

static double op_s(const MppJob *job, const MppMesh *mesh, const MppOp *op, const Repeats *repeats)
{
    double slowdown = mpp_cluster_slowdown(job->cluster, (double)mesh->host_ranks); /* nearly all are busy most of the time */
    double again = repeats->selective ? op->again_frac : repeats->again_frac;
    if (op->kind == MPP_OP_COLLECTIVE) {
        double once_s = slowdown * mpp_collective_op_s(job->cluster, op, &mesh->groups[op->axis]);
        return once_s * (op->forward_times * (1 + again) + op->backward_times);
    }
    MppOpTime time = mpp_compute_time(job, op);
    return slowdown * (time.forward_s * (1 + again) + time.backward_input_s + time.backward_weight_s);
}

static void add_block(const MppPipelineCost *pipeline, const MppOps *ops, const Repeats *repeats, GArray *times)
{
    const MppJob *job = pipeline->shard->job;
    for (int i = 0; i < ops->n; i++)
        add(times, name_of(&ops->ops[i]), ops->ops[i].kind == MPP_OP_COLLECTIVE,
            repeats->runs * op_s(job, &pipeline->exchange.mesh, &ops->ops[i], repeats));
}

static void add_layers(const MppPipelineCost *pipeline, double per_stage, GArray *times)
{
    const MppJob *job = pipeline->shard->job;
    const MppStrategy *s = pipeline->strategy;
    for (int64_t k = 0; k < job->model->n_kinds; k++) {
        double stored = 0, recomputed = 0;
        for (int64_t c = 0; c < pipeline->n_chunks; c++) {
            stored += pipeline->chunks[c].stored.n[k];
            recomputed += pipeline->chunks[c].recomputed.n[k];
        }
        MppOps ops;
        mpp_ops_layer(job, &pipeline->shard->place.shard, &job->model->kinds[k], &ops);
        bool selective = s->recompute == MPP_RECOMPUTE_SELECTIVE;
        add_block(pipeline, &ops, &(Repeats){ stored * per_stage, 0, selective }, times);
        add_block(pipeline, &ops, &(Repeats){ recomputed * per_stage, 1, selective }, times);
    }
}

/** Gathers of sharded parameters and scatters of gradients, as the passes wait for them. */
static void add_sharded(const MppPipelineCost *pipeline, double per_stage, GArray *times)
{
    double seconds = 0;
    for (int64_t c = 0; c < pipeline->n_chunks; c++) {
        MppShares shares;
        mpp_pipeline_cost_shares(pipeline, c, &shares);
        seconds += shares.s[MPP_SHARE_DP] * per_stage;
    }
    if (pipeline->strategy->zero > 1)
        add(times, "gather parameters", true, seconds);
}

GArray *mpp_predicted_ops(const MppPipelineCost *pipeline)
{
    const MppJob *job = pipeline->shard->job;
    const MppShard *shard = &pipeline->shard->place.shard;
    GArray *times = g_array_new(FALSE, TRUE, sizeof(MppComparedTime));
    double per_stage = (double)pipeline->schedule.micro_batches / (double)pipeline->strategy->pp;
    const Repeats ends = { .runs = per_stage };
    MppOps ops;
    mpp_ops_embedding(job, shard, &ops);
    add_block(pipeline, &ops, &ends, times);
    add_layers(pipeline, per_stage, times);
    mpp_ops_head(job, shard, &ops);
    add_block(pipeline, &ops, &ends, times);
    add_sharded(pipeline, per_stage, times);
    return times;
}
