#include "sim/simulate.h"

#include "planner/cost/step_end.h"
#include "sim/engine.h"
#include "sim/scene_of_plan.h"

void mpp_simulation_free(MppSimulation *simulation)
{
    if (!simulation)
        return;
    mpp_scene_clear(&simulation->scene);
    mpp_program_free(simulation->program);
    if (simulation->spans)
        g_array_unref(simulation->spans);
    g_free(simulation->lanes);
    g_free(simulation->carried_bytes);
    g_free(simulation->contended_s);
    g_free(simulation);
}

static void take_lanes(const MppEngine *engine, MppSimulation *simulation)
{
    double most_pass_s = 0;
    simulation->lanes = g_new(MppLaneTimes, simulation->n_lanes);
    for (int32_t lane = 0; lane < simulation->n_lanes; lane++) {
        const MppLaneTimes *times = &simulation->lanes[lane];
        simulation->lanes[lane] = *mpp_engine_lane(engine, lane);
        simulation->passes_end_s = MAX(simulation->passes_end_s, times->last_s);
        simulation->longest_span_s = MAX(simulation->longest_span_s, times->last_s - times->first_s);
        most_pass_s = MAX(most_pass_s, times->pass_s);
    }
    simulation->bubble_frac = simulation->passes_end_s > 0 ? MAX(0, 1 - most_pass_s / simulation->passes_end_s) : 0;
}

static void take_links(const MppEngine *engine, MppSimulation *simulation)
{
    const MppNetwork *network = mpp_engine_network(engine);
    simulation->carried_bytes = g_new(double, simulation->scene.n_links);
    simulation->contended_s = g_new(double, simulation->scene.n_links);
    for (int32_t l = 0; l < simulation->scene.n_links; l++) {
        simulation->carried_bytes[l] = mpp_network_carried_bytes(network, l);
        simulation->contended_s[l] = mpp_network_contended_s(network, l, mpp_engine_now_s(engine));
        simulation->contended_sum_s += simulation->contended_s[l];
    }
}

/** Stragglers are either drawn kernel by kernel or taken as the closed form's average. */
static void end_step(MppSimulation *simulation, const MppWhatIf *what_if, double lanes_end_s)
{
    simulation->host_s = mpp_step_end_host_s(simulation->job);
    double factor = what_if->jitter_frac > 0 ? 1 : mpp_step_end_straggler_factor(simulation->job);
    simulation->straggler_s = (lanes_end_s + simulation->host_s) * (factor - 1);
    simulation->step_s = (lanes_end_s + simulation->host_s) * factor;
}

MppSimulation *mpp_simulate(MppPipelineCost *pipeline, const MppWhatIf *what_if, const bool *recorded, GError **error)
{
    g_autoptr(MppWhatIf) as_planned = mpp_what_if_new();
    const MppWhatIf *asked = what_if ? what_if : as_planned;
    g_autoptr(MppSimulation) simulation = g_new0(MppSimulation, 1);
    simulation->pipeline = pipeline;
    simulation->job = pipeline->shard->job;
    simulation->ranks = mpp_lanes_new(simulation->job, pipeline->strategy, !mpp_what_if_unfolds(asked));
    simulation->n_lanes = simulation->ranks.n_lanes;
    simulation->program = mpp_program_of_plan(pipeline);
    if (!mpp_scene_of_plan(pipeline, asked, &simulation->ranks, simulation->program, &simulation->scene, error))
        return NULL;
    g_autoptr(MppEngine) engine = mpp_engine_new(&simulation->scene, recorded);
    while (mpp_engine_step(engine))
        ;
    simulation->n_events = mpp_engine_n_events(engine);
    simulation->n_queued = mpp_engine_n_queued(engine);
    simulation->spans = g_array_ref((GArray *)mpp_engine_spans(engine));
    take_lanes(engine, simulation);
    take_links(engine, simulation);
    end_step(simulation, asked, mpp_engine_now_s(engine));
    return g_steal_pointer(&simulation);
}
