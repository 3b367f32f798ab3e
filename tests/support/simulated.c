#include "tests/support/simulated.h"

Simulated *simulated_of(MppInputs *inputs, const char *strategy, const MppWhatIf *what_if)
{
    Simulated *simulated = g_new0(Simulated, 1);
    MppStrategy *s = &simulated->strategy;
    *s = plain_job_strategy(strategy);
    simulated->inputs = inputs;
    simulated->cost = mpp_plan_cost_new(&inputs->job, s);
    simulated->pipeline = simulated->cost->pipeline;
    g_autoptr(GError) error = NULL;
    simulated->simulation = mpp_simulate(simulated->pipeline, what_if, NULL, &error);
    g_assert_no_error(error);
    simulated->tracks = mpp_tracks_new(simulated->simulation, NULL);
    return simulated;
}

Simulated *simulated_new(const char *strategy, int64_t gpus, const MppWhatIf *what_if)
{
    return simulated_of(plain_job_new(gpus), strategy, what_if);
}

void simulated_free(Simulated *simulated)
{
    mpp_tracks_free(simulated->tracks);
    mpp_simulation_free(simulated->simulation);
    mpp_plan_cost_free(simulated->cost);
    mpp_strategy_clear(&simulated->strategy);
    mpp_inputs_free(simulated->inputs);
    g_free(simulated);
}

void simulated_set_spans(Simulated *simulated, const MppSpan *spans, int n, double step_s)
{
    MppSimulation *simulation = simulated->simulation;
    g_array_set_size(simulation->spans, 0);
    g_array_append_vals(simulation->spans, spans, (guint)n);
    simulation->step_s = step_s;
    simulation->host_s = simulation->straggler_s = 0;
    mpp_tracks_free(simulated->tracks);
    simulated->tracks = mpp_tracks_new(simulation, NULL);
}
