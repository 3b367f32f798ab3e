/**
 * The profiles that measured runs are predicted with, and which of them a run was made on and in.
 */
#pragma once

#include "planner/runs/runs.h"
#include "planner/spec/cluster.h"
#include "planner/spec/runtime.h"

/** The profiles runs are matched against, loaded once. */
typedef struct {
    GPtrArray *clusters, *runtimes; /* MppCluster *, MppRuntime * */
} MppProfiles;

/** Without any. */
MppProfiles *mpp_profiles_new(void);

MppProfiles *mpp_profiles_load(GError **error) G_GNUC_WARN_UNUSED_RESULT;

MppProfiles *mpp_profiles_copy(const MppProfiles *profiles);

/** Puts copies of a plan's profiles in, in place of those of the same names. */
void mpp_profiles_take(MppProfiles *profiles, const MppCluster *cluster, const MppRuntime *runtime);
void mpp_profiles_free(MppProfiles *profiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppProfiles, mpp_profiles_free)

/**
 * A copy of the cluster with the run's device that names its source (and a word of its model's name), or whose words its
 * `internode` has, or that is the device's usual one; with the run's number of devices a node, and with the rate its
 * `internode` states ("8x200 Gb/s", "800 Gb/s per node", "400 Gb/s per GPU"). Where the run has more than a node, a network that
 * the record neither names nor gives a rate of is noted in @assumed. NULL when no cluster has the device.
 */
MppCluster *mpp_profiles_cluster(const MppProfiles *profiles, const MppRun *run, GPtrArray *assumed);

/**
 * A copy of the runtime that names the run's source, or whose words come first in its `framework` (the longest of
 * those that begin there); megatron-core when none does, which is noted in @assumed.
 */
MppRuntime *mpp_profiles_runtime(const MppProfiles *profiles, const MppRun *run, GPtrArray *assumed);

/** A copy of the one that a run of @runtime was in if it used what that lacks, or NULL. */
MppRuntime *mpp_profiles_successor(const MppProfiles *profiles, const MppRuntime *runtime);

/** Copies of the profiles of these names, or of these themselves where there is none. */
MppCluster *mpp_profiles_known_cluster(const MppProfiles *profiles, const MppCluster *cluster);
MppRuntime *mpp_profiles_known_runtime(const MppProfiles *profiles, const MppRuntime *runtime);
