#include "planner/graph/graph_of_plan.h"

#include "planner/graph/graph_build.h"

static bool check_index(int64_t index, int64_t count, const char *flag, const char *things, GError **error)
{
    if (index < count)
        return true;
    return mpp_error_usage(error, "--%s: the plan has %" G_GINT64_FORMAT " %s, 0 to %" G_GINT64_FORMAT "; got %" G_GINT64_FORMAT,
                           flag, count, things, count - 1, index);
}

static bool check(const MppPipelineCost *pipeline, const MppGraphRequest *request, GError **error)
{
    const MppStrategy *s = pipeline->strategy;
    if (request->layer >= 0 && (request->stage >= 0 || request->replica >= 0))
        return mpp_error_usage(error, "--layer shows one layer; it does not go with --stage or --replica");
    return check_index(request->replica, s->dp, "replica", "replicas", error) &&
           check_index(request->stage, s->pp, "stage", "stages", error) &&
           check_index(request->layer, pipeline->shard->job->model->n_layers, "layer", "layers", error);
}

MppPartitionGraph *mpp_graph_of_plan(MppPipelineCost *pipeline, const MppGraphRequest *request, GError **error)
{
    if (!check(pipeline, request, error))
        return NULL;
    const MppJob *job = pipeline->shard->job;
    g_autoptr(MppPartitionGraph) graph = mpp_partition_graph_new();
    MppGraphBuild build = { .pipeline = pipeline, .graph = graph, .rates = mpp_memory_rates(pipeline) };
    build.micro_batches = mpp_strategy_micro_batches(pipeline->strategy, job->training.global_batch);
    graph->micro_batches = build.micro_batches;
    if (request->layer >= 0)
        mpp_graph_build_layer(&build, request->layer);
    else if (request->stage >= 0)
        mpp_graph_build_stage(&build, MAX(request->replica, 0), request->stage);
    else
        mpp_graph_build_plan(&build, request->replica);
    return g_steal_pointer(&graph);
}
