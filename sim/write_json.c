/**
 * The simulation as JSON: where time goes, memory, links, critical path; the spans if asked for, column by column.
 */
#include "planner/base/json.h"
#include "sim/critical_path.h"
#include "sim/memory_curve.h"
#include "sim/writers.h"

static void add(cJSON *object, const char *key, double value)
{
    cJSON_AddNumberToObject(object, key, value);
}

static cJSON *shares_json(const MppLaneShares *shares)
{
    cJSON *json = cJSON_CreateObject();
    add(json, "compute", shares->compute_s);
    add(json, "exchange", shares->exchange_s);
    add(json, "data", shares->data_s);
    add(json, "message", shares->message_s);
    add(json, "idle", shares->idle_s);
    add(json, "end", shares->end_s);
    return json;
}

static cJSON *curve_json(const MppMemoryCurve *curve)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *times = cJSON_AddArrayToObject(json, "time_s"), *bytes = cJSON_AddArrayToObject(json, "bytes");
    for (guint i = 0; i < curve->points->len; i++) {
        const MppMemoryPoint *point = &g_array_index(curve->points, MppMemoryPoint, i);
        cJSON_AddItemToArray(times, cJSON_CreateNumber(point->time_s));
        cJSON_AddItemToArray(bytes, cJSON_CreateNumber(point->bytes));
    }
    return json;
}

static cJSON *memory_json(const MppTracks *tracks, int32_t lane)
{
    g_autoptr(MppMemoryCurve) curve = mpp_memory_curve_new(tracks, lane);
    cJSON *json = cJSON_CreateObject(), *peak = cJSON_AddObjectToObject(json, "peak");
    add(peak, "time_s", curve->peak_s);
    add(peak, "bytes", curve->peak_bytes);
    cJSON *parts = cJSON_AddObjectToObject(peak, "parts_bytes");
    for (int i = 0; i < MPP_N_MEMORY_PARTS; i++)
        add(parts, mpp_names_get(&mpp_memory_names, i), curve->parts[i]);
    cJSON *held = cJSON_AddArrayToObject(peak, "in_flight");
    for (guint i = 0; i < curve->held->len; i++) {
        cJSON *chunk = cJSON_CreateObject();
        add(chunk, "chunk", g_array_index(curve->held, MppChunkHeld, i).chunk);
        add(chunk, "micro_batches", g_array_index(curve->held, MppChunkHeld, i).micro_batches);
        cJSON_AddItemToArray(held, chunk);
    }
    cJSON_AddItemToObject(json, "curve", curve_json(curve));
    return json;
}

static cJSON *lane_json(const MppTracks *tracks, const MppLaneShares *shares)
{
    const MppSimulation *simulation = tracks->simulation;
    cJSON *json = cJSON_CreateObject();
    add(json, "stage", mpp_scene_stage(&simulation->scene, shares->lane));
    add(json, "first_rank", (double)mpp_lanes_first_rank(&simulation->ranks, shares->lane));
    add(json, "ranks", (double)simulation->ranks.ranks);
    cJSON_AddItemToObject(json, "time_s", shares_json(shares));
    cJSON_AddItemToObject(json, "memory", memory_json(tracks, shares->lane));
    return json;
}

static cJSON *tier_json(const MppSimulation *simulation, const MppTierUse *use)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "tier", mpp_cluster_tier(simulation->job->cluster, use->tier)->name);
    add(json, "links", use->n_links);
    add(json, "carried_bytes", use->carried_bytes);
    add(json, "mean_busy_frac", use->mean_busy_frac);
    add(json, "most_busy_frac", use->most_busy_frac);
    add(json, "most_contended_s", use->most_contended_s);
    return json;
}

static cJSON *part_json(const MppCriticalPart *part)
{
    cJSON *json = cJSON_CreateObject();
    g_autofree char *title = mpp_critical_part_title(part);
    cJSON_AddStringToObject(json, "title", title);
    cJSON_AddStringToObject(json, "kind", mpp_names_get(&mpp_critical_names, part->kind));
    if (part->stage >= 0)
        add(json, "stage", part->stage);
    if (part->kind == MPP_CRITICAL_PASS) {
        cJSON_AddStringToObject(json, "pass", mpp_names_get(&mpp_pass_names, part->pass));
        cJSON_AddStringToObject(json, "share", mpp_names_get(&mpp_share_names, part->share));
    }
    add(json, "time_s", part->s);
    return json;
}

static cJSON *critical_path_json(const MppSimulation *simulation)
{
    g_autoptr(MppCriticalPath) path = mpp_critical_path_new(simulation);
    cJSON *json = cJSON_CreateArray();
    for (guint i = 0; i < path->parts->len; i++)
        cJSON_AddItemToArray(json, part_json(&g_array_index(path->parts, MppCriticalPart, i)));
    return json;
}

/** Columns, so that a table of them can be made at once. */
static cJSON *spans_json(const MppTracks *tracks, const MppWriterOptions *options)
{
    const GArray *spans = tracks->simulation->spans;
    static const char *const keys[] = { "lane", "action", "pass", "chunk", "micro_batch", "start_s", "end_s" };
    cJSON *json = cJSON_CreateObject(), *columns[G_N_ELEMENTS(keys)];
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        columns[i] = cJSON_AddArrayToObject(json, keys[i]);
    for (guint i = 0; i < spans->len; i++) {
        const MppSpan *span = &g_array_index(spans, MppSpan, i);
        if (!mpp_writer_has_lane(options, span->lane))
            continue;
        cJSON *row[] = { cJSON_CreateNumber(span->lane),
                         cJSON_CreateString(mpp_names_get(&mpp_action_names, span->action)),
                         span->action == MPP_ACTION_PASS || span->action == MPP_ACTION_SEND
                             ? cJSON_CreateString(mpp_names_get(&mpp_pass_names, span->pass))
                             : cJSON_CreateNull(),
                         cJSON_CreateNumber(span->chunk),
                         cJSON_CreateNumber(span->micro_batch),
                         cJSON_CreateNumber(span->start_s),
                         cJSON_CreateNumber(span->end_s) };
        for (gsize k = 0; k < G_N_ELEMENTS(keys); k++)
            cJSON_AddItemToArray(columns[k], row[k]);
    }
    return json;
}

static void add_totals(cJSON *root, const MppSimulation *simulation, const MppReport *report)
{
    add(root, "format_version", 1);
    add(root, "step_time_s", simulation->step_s);
    add(root, "passes_end_s", simulation->passes_end_s);
    add(root, "host_s", simulation->host_s);
    add(root, "stragglers_s", simulation->straggler_s);
    add(root, "bubble_frac", report->bubble_frac);
    add(root, "longest_span_s", report->longest_span_s);
    add(root, "longest_span_bubble_frac", report->span_bubble_frac);
    add(root, "events", (double)simulation->n_events);
}

cJSON *mpp_write_json_document(const MppTracks *tracks, const MppWriterOptions *options)
{
    g_autoptr(MppReport) report = mpp_report_new(tracks, options->lanes);
    cJSON *root = cJSON_CreateObject();
    add_totals(root, tracks->simulation, report);
    cJSON *lanes = cJSON_AddArrayToObject(root, "lanes"), *tiers = cJSON_AddArrayToObject(root, "tiers");
    for (guint i = 0; i < report->lanes->len; i++)
        cJSON_AddItemToArray(lanes, lane_json(tracks, &g_array_index(report->lanes, MppLaneShares, i)));
    for (guint i = 0; i < report->tiers->len; i++)
        cJSON_AddItemToArray(tiers, tier_json(tracks->simulation, &g_array_index(report->tiers, MppTierUse, i)));
    cJSON_AddItemToObject(root, "critical_path", critical_path_json(tracks->simulation));
    if (options->spans)
        cJSON_AddItemToObject(root, "spans", spans_json(tracks, options));
    return root;
}

static void write_json(const MppTracks *tracks, const MppWriterOptions *options, int64_t rank, MppOutput *output)
{
    (void)rank;
    g_autoptr(cJSON) root = mpp_write_json_document(tracks, options);
    g_autofree char *text = mpp_json_to_text(root);
    mpp_output_text(output, text);
}

const MppWriter mpp_write_json = {
    .name = "json",
    .suffix = ".json",
    .summary = "shares, memory, links and critical path, with --spans every pass and transfer",
    .write = write_json,
};
