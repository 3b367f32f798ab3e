#include "sim/memory_curve.h"

typedef struct {
    const MppPipelineCost *pipeline;
    MppMemory stage;       /* of the closed form */
    double gathered_bytes, gathered_at_loss_bytes; /* during any pass */
    double static_bytes;
    double activation_bytes;
    int32_t *held; /* micro-batches in flight by chunk */
} Walk;

/** What a pass needs beside what is kept; the logits and a recomputed layer do not meet. */
typedef struct {
    double working_bytes, loss_bytes;
} PassBytes;

static PassBytes pass_bytes(const Walk *walk, const MppSpan *span)
{
    const MppPipelineCost *pipeline = walk->pipeline;
    bool recomputes = span->pass == MPP_PASS_BACKWARD || span->pass == MPP_PASS_INPUT;
    bool head = span->chunk % pipeline->model_chunks == pipeline->model_chunks - 1 && span->pass != MPP_PASS_WEIGHT;
    double layer = recomputes ? mpp_pipeline_cost_working_bytes(pipeline, span->chunk) : 0;
    double logits = head ? pipeline->shard->head_bytes : 0, at_work = walk->gathered_bytes + layer;
    bool at_loss = logits + walk->gathered_at_loss_bytes > at_work;
    return (PassBytes){ at_loss ? walk->gathered_at_loss_bytes : at_work, at_loss ? logits : 0 };
}

/** Sets what holds from @time_s on. */
static void add_point(MppMemoryCurve *curve, const Walk *walk, double time_s, double pass_bytes)
{
    MppMemoryPoint point = { time_s, walk->static_bytes + walk->activation_bytes + pass_bytes, walk->activation_bytes,
                             pass_bytes };
    if (curve->points->len && g_array_index(curve->points, MppMemoryPoint, curve->points->len - 1).time_s == time_s)
        g_array_index(curve->points, MppMemoryPoint, curve->points->len - 1) = point;
    else
        g_array_append_val(curve->points, point);
}

static void take_peak(MppMemoryCurve *curve, const Walk *walk, const MppSpan *span)
{
    PassBytes pass = pass_bytes(walk, span);
    double bytes = walk->static_bytes + walk->activation_bytes + pass.working_bytes + pass.loss_bytes;
    if (bytes <= curve->peak_bytes)
        return;
    curve->peak_s = span->start_s;
    curve->peak_bytes = bytes;
    for (int part = 0; part < MPP_N_MEMORY_PARTS; part++)
        curve->parts[part] = walk->stage.bytes[part];
    curve->parts[MPP_MEMORY_ACTIVATIONS] = walk->activation_bytes;
    curve->parts[MPP_MEMORY_WORKING] = pass.working_bytes;
    curve->parts[MPP_MEMORY_LOSS] = pass.loss_bytes;
    g_array_set_size(curve->held, 0);
    for (int32_t c = 0; c < walk->pipeline->n_chunks; c++)
        if (walk->held[c]) {
            MppChunkHeld held = { c, walk->held[c] };
            g_array_append_val(curve->held, held);
        }
}

/** What is held, summed anew so that nothing is left of it at the end. */
static double sum_held(const Walk *walk)
{
    double sum = 0;
    for (int64_t c = 0; c < walk->pipeline->n_chunks; c++)
        sum += walk->held[c] * walk->pipeline->chunks[c].kept_bytes;
    return sum;
}

static void walk_pass(MppMemoryCurve *curve, Walk *walk, const MppSpan *span)
{
    if (span->pass == MPP_PASS_FORWARD) {
        walk->held[span->chunk]++;
        walk->activation_bytes = sum_held(walk);
    }
    PassBytes pass = pass_bytes(walk, span);
    add_point(curve, walk, span->start_s, pass.working_bytes + pass.loss_bytes);
    take_peak(curve, walk, span);
    if (span->pass == MPP_PASS_BACKWARD || span->pass == MPP_PASS_WEIGHT) {
        walk->held[span->chunk]--;
        walk->activation_bytes = sum_held(walk);
    }
    add_point(curve, walk, span->end_s, 0);
}

static Walk begin(const MppSimulation *simulation, int32_t lane)
{
    MppMemoryRates rates = mpp_memory_rates(simulation->pipeline);
    Walk walk = { .pipeline = simulation->pipeline, .gathered_bytes = rates.gathered_bytes,
                  .gathered_at_loss_bytes = rates.gathered_at_loss_bytes };
    walk.stage = mpp_memory_stage(simulation->pipeline, &rates, mpp_scene_stage(&simulation->scene, lane));
    walk.static_bytes = walk.stage.bytes[MPP_MEMORY_WEIGHTS] + walk.stage.bytes[MPP_MEMORY_GRADIENTS] +
                        walk.stage.bytes[MPP_MEMORY_OPTIMIZER] + walk.stage.bytes[MPP_MEMORY_BUFFERS];
    walk.held = g_new0(int32_t, simulation->pipeline->n_chunks);
    return walk;
}

MppMemoryCurve *mpp_memory_curve_new(const MppTracks *tracks, int32_t lane)
{
    MppMemoryCurve *curve = g_new0(MppMemoryCurve, 1);
    curve->lane = lane;
    curve->points = g_array_new(FALSE, FALSE, sizeof(MppMemoryPoint));
    curve->held = g_array_new(FALSE, FALSE, sizeof(MppChunkHeld));
    Walk walk = begin(tracks->simulation, lane);
    add_point(curve, &walk, 0, 0);
    for (guint i = 0; i < mpp_tracks_count(tracks, lane, MPP_STREAM_COMPUTE); i++) {
        const MppSpan *span = mpp_tracks_span(tracks, lane, MPP_STREAM_COMPUTE, i);
        if (span->action == MPP_ACTION_PASS)
            walk_pass(curve, &walk, span);
    }
    g_free(walk.held);
    return curve;
}

void mpp_memory_curve_free(MppMemoryCurve *curve)
{
    if (!curve)
        return;
    g_array_unref(curve->points);
    g_array_unref(curve->held);
    g_free(curve);
}
