#include "sim/recipe.h"

#include "sim/pass_pieces.h"

/** Adds a collective; to the equal one that stands there already when @join. */
static void add_collective(GArray *steps, MppCollective kind, MppAxis axis, double bytes, int32_t layer, bool join)
{
    if (bytes <= 0)
        return;
    for (guint i = 0; join && i < steps->len; i++) {
        MppRecipeStep *step = &g_array_index(steps, MppRecipeStep, i);
        if (step->compute_s == 0 && step->collective == kind && step->axis == axis) {
            step->bytes += bytes;
            return;
        }
    }
    MppRecipeStep step = { .collective = kind, .axis = axis, .bytes = bytes, .layer = layer };
    g_array_append_val(steps, step);
}

typedef struct {
    const MppSimulation *simulation;
    MppPass pass;
    int32_t layer;
    MppRecompute recompute; /* of the layer */
    bool join;
    GArray *steps;
} Recipe;

/** How often the pass runs @op's collective; recomputation runs the forward pass's again. */
static double times_of(const Recipe *recipe, const MppOp *op)
{
    if (recipe->pass == MPP_PASS_FORWARD)
        return op->forward_times;
    double again = recipe->recompute == MPP_RECOMPUTE_FULL        ? 1
                   : recipe->recompute == MPP_RECOMPUTE_SELECTIVE ? op->again_frac
                                                                  : 0;
    return op->backward_times + again * op->forward_times;
}

static void add_ops(Recipe *recipe, const MppOps *ops)
{
    for (int i = 0; i < ops->n; i++) {
        const MppOp *op = &ops->ops[i];
        bool alone = recipe->simulation->pipeline->exchange.mesh.groups[op->axis].n <= 1;
        if (op->kind == MPP_OP_COLLECTIVE && !alone && recipe->pass != MPP_PASS_WEIGHT)
            add_collective(recipe->steps, op->collective, op->axis, op->bytes * times_of(recipe, op), recipe->layer,
                           recipe->join);
    }
}

/** Parameters gathered before use, gradients scattered after it (ZeRO 2 and 3). */
static void add_sharded(Recipe *recipe, const MppBlockCost *block)
{
    const MppPipelineCost *pipeline = recipe->simulation->pipeline;
    const MppStateCosts *state = &recipe->simulation->job->runtime->state;
    const double parameters[] = { block->parameters, block->expert_parameters };
    const MppAxis axes[] = { MPP_AXIS_SHARD, MPP_AXIS_EXPERT_DP };
    for (int i = 0; i < 2; i++) {
        bool alone = pipeline->exchange.mesh.groups[axes[i]].n <= 1;
        if (pipeline->strategy->zero < 2 || alone || recipe->pass == MPP_PASS_WEIGHT)
            continue;
        if (pipeline->strategy->zero == 3)
            add_collective(recipe->steps, MPP_COLLECTIVE_ALL_GATHER, axes[i], parameters[i] * state->gather_bytes, recipe->layer,
                           recipe->join);
        if (recipe->pass != MPP_PASS_FORWARD)
            add_collective(recipe->steps, MPP_COLLECTIVE_REDUCE_SCATTER, axes[i], parameters[i] * mpp_job_reduce_bytes(recipe->simulation->job),
                           recipe->layer, recipe->join);
    }
}

static void add_layer(Recipe *recipe, int64_t local)
{
    const MppPipelineCost *pipeline = recipe->simulation->pipeline;
    const MppModel *model = recipe->simulation->job->model;
    int64_t kind = model->kind_of_layer[recipe->layer];
    int64_t n_recomputed = mpp_strategy_recomputed(pipeline->strategy, model->n_layers);
    MppOps ops = { 0 };
    mpp_ops_layer(recipe->simulation->job, &pipeline->shard->place.shard, &model->kinds[kind], &ops);
    recipe->recompute = local < n_recomputed ? pipeline->strategy->recompute : MPP_RECOMPUTE_NONE;
    add_ops(recipe, &ops);
    add_sharded(recipe, &pipeline->shard->kinds[kind]);
}

static void add_ends(Recipe *recipe, int32_t chunk)
{
    const MppPipelineCost *pipeline = recipe->simulation->pipeline;
    MppOps ops = { 0 };
    recipe->layer = -1;
    recipe->recompute = MPP_RECOMPUTE_NONE;
    if (chunk % pipeline->model_chunks == 0) {
        mpp_ops_embedding(recipe->simulation->job, &pipeline->shard->place.shard, &ops);
        add_ops(recipe, &ops);
        add_sharded(recipe, &pipeline->shard->embedding);
    }
    ops.n = 0;
    if (chunk % pipeline->model_chunks == pipeline->model_chunks - 1) {
        mpp_ops_head(recipe->simulation->job, &pipeline->shard->place.shard, &ops);
        add_ops(recipe, &ops);
        add_sharded(recipe, &pipeline->shard->head);
    }
}

/** A pass as the scene has it, without slow-downs. */
static MppSpan nominal_pass(const MppSimulation *simulation, int32_t lane, MppPass pass, int32_t chunk)
{
    const MppScene *scene = &simulation->scene;
    const MppChunkTime *time = mpp_scene_time(scene, scene->pool_of_lane[lane], pass, chunk);
    double duration_s = time->compute_s * scene->compute_factor[lane] + time->exchange_s * scene->exchange_factor[lane];
    return (MppSpan){
        .end_s = duration_s, .lane = lane, .chunk = chunk, .cause = -1, .action = MPP_ACTION_PASS, .pass = (uint8_t)pass
    };
}

/** Computation of the layer whose pieces begin at *@next, which moves past them. */
static double layer_compute_s(const GArray *pieces, guint *next, int32_t *layer)
{
    double compute_s = 0;
    *layer = g_array_index(pieces, MppPassPiece, *next).layer;
    for (; *next < pieces->len && g_array_index(pieces, MppPassPiece, *next).layer == *layer; ++*next) {
        const MppPassPiece *piece = &g_array_index(pieces, MppPassPiece, *next);
        compute_s += mpp_pass_pieces_is_exchange(piece->share) ? 0 : piece->end_s - piece->start_s;
    }
    return compute_s;
}

/** The chunk's computation in one, and its layers' collectives. */
static void add_summed(Recipe *recipe, const MppSpan *pass)
{
    const MppChunkCost *cost = &recipe->simulation->pipeline->chunks[pass->chunk];
    MppRecipeStep step = { .compute_s = mpp_tracks_compute_s(recipe->simulation, pass), .layer = -1 };
    if (step.compute_s > 0)
        g_array_append_val(recipe->steps, step);
    for (int64_t local = 0; local < cost->layers; local++) {
        recipe->layer = (int32_t)(cost->first_layer + local);
        add_layer(recipe, local);
    }
}

GArray *mpp_recipe_pass(const MppSimulation *simulation, int32_t lane, MppPass pass, int32_t chunk, bool detail)
{
    const MppChunkCost *cost = &simulation->pipeline->chunks[chunk];
    MppSpan span = nominal_pass(simulation, lane, pass, chunk);
    g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(MppPassPiece));
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(MppRecipeStep));
    Recipe recipe = { .simulation = simulation, .pass = pass, .join = !detail, .steps = steps };
    if (detail)
        mpp_pass_pieces(simulation, &span, pieces);
    for (guint next = 0; next < pieces->len;) {
        MppRecipeStep step = { 0 };
        step.compute_s = layer_compute_s(pieces, &next, &step.layer);
        recipe.layer = step.layer;
        if (step.compute_s > 0)
            g_array_append_val(steps, step);
        if (step.layer >= 0)
            add_layer(&recipe, step.layer - cost->first_layer);
    }
    if (!detail)
        add_summed(&recipe, &span);
    add_ends(&recipe, chunk);
    return steps;
}

typedef struct {
    MppAxis all, shard, replicas;
} Axes;

/** The collectives that exchange gradients (planner/cost/exchange.h). */
static void add_reductions(const MppSimulation *simulation, double parameters, Axes axes, GArray *steps)
{
    const MppStateCosts *state = &simulation->job->runtime->state;
    const MppGroup *groups = simulation->pipeline->exchange.mesh.groups;
    int64_t zero = simulation->pipeline->strategy->zero;
    double bytes = parameters * mpp_job_reduce_bytes(simulation->job);
    if (zero == 0 || (zero == 1 && !state->zero1_reduce_scatter)) {
        add_collective(steps, MPP_COLLECTIVE_ALL_REDUCE, axes.all, groups[axes.all].n > 1 ? bytes : 0, -1, false);
        return;
    }
    if (zero == 1)
        add_collective(steps, MPP_COLLECTIVE_REDUCE_SCATTER, axes.shard, groups[axes.shard].n > 1 ? bytes : 0, -1, false);
    bool hybrid = axes.replicas != axes.all && groups[axes.replicas].n > 1;
    add_collective(steps, MPP_COLLECTIVE_ALL_REDUCE, axes.replicas, hybrid ? bytes / groups[axes.shard].n : 0, -1, false);
}

static const Axes dense = { MPP_AXIS_DP_CP, MPP_AXIS_SHARD, MPP_AXIS_REPLICAS };
static const Axes experts = { MPP_AXIS_EXPERT_DP, MPP_AXIS_EXPERT_DP, MPP_AXIS_EXPERT_DP };

GArray *mpp_recipe_reduce(const MppSimulation *simulation, int32_t chunk)
{
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(MppRecipeStep));
    const MppChunkCost *cost = &simulation->pipeline->chunks[chunk];
    add_reductions(simulation, cost->parameters, dense, steps);
    add_reductions(simulation, cost->expert_parameters, experts, steps);
    return steps;
}

GArray *mpp_recipe_gather(const MppSimulation *simulation, int32_t stage)
{
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(MppRecipeStep));
    const MppPipelineCost *pipeline = simulation->pipeline;
    const MppStageCost *cost = &pipeline->stages[stage];
    double element = simulation->job->runtime->state.gather_bytes;
    const double parameters[] = { cost->parameters, cost->expert_parameters };
    const MppAxis axes[] = { MPP_AXIS_SHARD, MPP_AXIS_EXPERT_DP };
    for (int i = 0; i < 2; i++)
        if (pipeline->exchange.mesh.groups[axes[i]].n > 1)
            add_collective(steps, MPP_COLLECTIVE_ALL_GATHER, axes[i], parameters[i] * element, -1, false);
    return steps;
}
