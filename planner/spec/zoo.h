/**
 * Named inputs: the models, devices, clusters and runtimes compiled into the program, or a user's files.
 *
 * A name is first looked up as a file, then (its .json left off) among the built-in ones. Case, '-', '_' and spaces
 * do not matter, nor what stands before a device's name ("NVIDIA GeForce"), or the owner before a model's ("Qwen/").
 */
#pragma once

#include "planner/spec/cluster.h"
#include "planner/spec/model.h"
#include "planner/spec/runtime.h"

typedef enum { MPP_ZOO_MODELS, MPP_ZOO_DEVICES, MPP_ZOO_CLUSTERS, MPP_ZOO_RUNTIMES, MPP_N_ZOOS } MppZooKind;

extern const MppNames mpp_zoo_kind_names;

/** Names of the built-in entries, sorted. */
GPtrArray *mpp_zoo_list(MppZooKind kind);

/** The document called @name: a file, or built in. Errors: those of mpp_json_load(), MPP_ERROR_USAGE for an unknown name. */
MppJson *mpp_zoo_open(MppZooKind kind, const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The document compiled in from @path of the source tree. Error: G_RESOURCE_ERROR where there is none. */
MppJson *mpp_zoo_built_in(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

MppModel *mpp_zoo_model(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/** A runtime by its own name or file, or the first that has the name among its frameworks ("FSDP", "NeMo"). */
MppRuntime *mpp_zoo_runtime(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** A cluster by its own name or file, or the usual cluster of a device by the device's name or alias. */
MppCluster *mpp_zoo_cluster(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Fills @device by its name, alias or file. */
bool mpp_zoo_device(const char *name, MppDevice *device, GError **error) G_GNUC_WARN_UNUSED_RESULT;
