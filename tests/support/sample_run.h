/**
 * Jobs of measured runs' records on a cluster of "chip" in nodes of 6, with stacks whose words are Old, Lazy, Late, Few, Dense, Lone, Plain.
 */
#pragma once

#include "planner/runs/run_job.h"

#define SIZES "\"layers\": 6, \"hidden\": 210, \"heads\": 30, \"kv_heads\": 6, \"ffn\": 420, \"vocab\": 1009, \"seq\": 96"
#define GATED SIZES ", \"gated_mlp\": true"
#define EXPERTS GATED ", \"family\": \"moe\", \"experts\": 20, \"topk\": 3, \"moe_ffn\": 56"
#define ON_12 "\"gpu\": \"chip\", \"gpus\": 12"
#define BATCH "\"global_batch\": 120"

/** The job of a record with these members, or NULL and why it was skipped. */
MppRunJob *mpp_sample_run_job(const char *model, const char *hardware, const char *training, const char *parallel, char **skipped);
