/**
 * The links of a scene: which ports a plan's transfers cross, and what they carry.
 *
 * A transfer is counted on the ports of the widest tier it crosses; tiers inside have more room. Folded lanes have
 * ports of their own with a device's share, since their replicas use the rest in the same way at the same time.
 */
#pragma once

#include "planner/cost/pipeline_cost.h"
#include "sim/lanes.h"
#include "sim/scene.h"
#include "sim/what_if.h"

typedef struct {
    const MppPipelineCost *pipeline;
    const MppWhatIf *what_if;
    const MppLanes *lanes;
} MppScenePlan;

/** Sets the scene's capacities and which links its lanes use. Error: MPP_ERROR_UNSUPPORTED for a rank without a port. */
bool mpp_scene_links_set(const MppScenePlan *plan, MppScene *scene, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Bytes per s that a lane puts on its links while it sends a message, while it exchanges gradients. */
double mpp_scene_links_message_load(const MppScenePlan *plan);
double mpp_scene_links_replica_load(const MppScenePlan *plan);

/**
 * The part of a lane's inner collectives that leaves its ports slows down with them (exchange_factor). Collectives of
 * axes that stay below the ports' tier are not touched.
 */
void mpp_scene_links_slow(const MppScenePlan *plan, MppScene *scene);
