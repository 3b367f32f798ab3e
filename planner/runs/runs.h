/**
 * Records of measured training runs, one JSON object a line, as published runs are collected.
 *
 * A record states model, hardware, training, parallel and measured fields; a missing one is one that the source
 * does not state. Convolutional nets are published by the batch of one device and the samples per s; their batch and step
 * follow. Unknown fields are passed over: records are other people's. A record of one's own run has its plan
 * besides ("plan", as a plan file), which says all that the other sections leave open.
 */
#pragma once

#include "planner/base/fields.h"

typedef struct {
    char *name, *family, *attention_type, *pattern;
    int64_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab, seq;
    bool gated_mlp, tied_embeddings;
    int64_t experts, topk, moe_ffn, shared_experts, dense_layers_first;
} MppRunModel;

typedef struct {
    char *gpu, *internode;
    int64_t gpus, gpus_per_node;
} MppRunHardware;

typedef struct {
    char *precision, *optimizer, *attention, *norm_kernel, *kernels, *fsdp_mixed_precision, *framework;
    int64_t global_batch, micro_batch, document_tokens, mean_seq, target_seq, loss_tokens;
} MppRunTraining;

typedef struct {
    int64_t dp, tp, pp, vpp, cp, ep, etp, zero, zero_ranks;
    bool sp;
    char *schedule, *recompute, *offload, *cp_kind;
    int64_t recompute_layers;
} MppRunParallel;

typedef struct {
    double step_time_s, samples_per_s;
    double memory_gib_per_gpu;
    char *memory_kind, *anomaly;
} MppRunMeasured;

typedef struct {
    char *id, *source;
    MppRunModel model;
    MppRunHardware hardware;
    MppRunTraining training;
    MppRunParallel parallel;
    MppRunMeasured measured;
    MppJson *json; /* the record; for members whose presence or type matters */
} MppRun;

extern const MppFields mpp_run_fields;

/**
 * Appends the records of a JSON-lines file to @runs (MppRun *). One that states no attention heads has those of the file's
 * models of the same width, where these agree. Errors: G_FILE_ERROR, MPP_ERROR_SYNTAX, MPP_ERROR_SCHEMA.
 */
bool mpp_runs_load(const char *path, GPtrArray *runs, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** An array that frees its runs. */
GPtrArray *mpp_runs_new(void);

/** Appends the record that @n_bytes of @text hold, line @number of the file @name. Errors: as above. */
bool mpp_runs_parse(const char *name, const char *text, size_t n_bytes, int64_t number, GPtrArray *runs,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** The plan of a run that has one, or NULL. To be read by mpp_plan_file_read(), which succeeds. */
const cJSON *mpp_run_plan(const MppRun *run);

/** Member @key of the record's object @section, or NULL. */
const cJSON *mpp_run_get(const MppRun *run, const char *section, const char *key);

/** Adds a sentence to @assumed, once: what is taken because the record does not state it. */
void mpp_runs_assume(GPtrArray *assumed, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Whether a run is known to have ended for lack of memory (1), to have run (0), or neither (-1). */
int mpp_run_out_of_memory(const MppRun *run);
