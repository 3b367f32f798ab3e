/**
 * Orders of passes as the CSV that PyTorch reads (torch.distributed.pipelining, torchtitan's
 * pipeline_parallel_schedule_csv).
 *
 * One row a rank, one cell an action in program order, no header; an empty cell is a slot in which the rank waits:
 *
 *     0F0,0F1,,0I0,0W0,0B1
 *     1F0,1I0,1F1,1W0,1B1
 *
 * An action is a stage of the whole pipeline, a kind and a micro-batch: F forward, I gradient of the input, W of the
 * weights, B both. Until the end of 2024 the same were written F, B, W and BW. "(0F7;7B3)OVERLAP_F_B" runs two passes
 * together; an order has them one after the other. A lowered file has communication too: SEND_F, RECV_F, SEND_B and
 * RECV_B of a stage and micro-batch, UNSHARD, RESHARD and REDUCE_GRAD of a stage. It follows from the passes, so it is
 * checked and then left out.
 */
#pragma once

#include "planner/schedule/order.h"

typedef enum {
    MPP_CSV_CURRENT, /* I, W, B */
    MPP_CSV_2024,    /* B, W, BW */
    MPP_N_CSV_DIALECTS,
} MppCsvDialect;

extern const MppNames mpp_csv_dialect_names; /* "current", "2024" */

/** What a file says. Which rank has a stage follows from where its passes stand. */
typedef struct {
    MppOrder *order; /* legal */
    GArray **pairs;  /* of each rank: guint, rising: slots that run together with the slot after them */
    MppCsvDialect dialect;
    bool comms; /* it was lowered */
} MppCsv;

/** Reads a file of at most 256 MiB. Errors: G_FILE_ERROR, and those of mpp_csv_parse(). */
MppCsv *mpp_csv_load(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Parses @n_bytes at @text, named @name in errors, which tell line, column, rank and cell.
 * Errors: MPP_ERROR_SYNTAX for a cell that is no action, MPP_ERROR_INVALID for passes that are missing, stand twice,
 * in the wrong order or on two ranks, for messages that do not match them, and for ranks that wait for each other.
 */
MppCsv *mpp_csv_parse(const char *name, const char *text, size_t n_bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void mpp_csv_free(MppCsv *csv);

/** Returns: the order, the caller's. */
MppOrder *mpp_csv_free_but_order(MppCsv *csv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppCsv, mpp_csv_free)

typedef struct {
    MppCsvDialect dialect;
    bool comms;           /* add communication */
    GArray *const *pairs; /* as in MppCsv, or NULL: none */
} MppCsvStyle;

/**
 * The text of a legal order that mpp_csv_parse() reads back equal.
 * Error: MPP_ERROR_UNSUPPORTED for two routes, and for pairs in the dialect of 2024.
 */
char *mpp_csv_to_text(const MppOrder *order, const MppCsvStyle *style, GError **error) G_GNUC_WARN_UNUSED_RESULT;
