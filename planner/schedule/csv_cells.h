/**
 * Cells of a schedule's CSV. Only the csv files of this folder include this.
 */
#pragma once

#include "planner/base/json_place.h"
#include "planner/schedule/csv.h"

/** Kinds of actions; those of a stage alone have no micro-batch. */
#define MPP_CSV_KINDS(KIND)                      \
    KIND(FORWARD, "F", true)                     \
    KIND(INPUT, "I", true)                       \
    KIND(BACKWARD, "B", true)                    \
    KIND(BOTH, "BW", true)                       \
    KIND(WEIGHT, "W", true)                      \
    KIND(UNSHARD, "UNSHARD", false)              \
    KIND(RESHARD, "RESHARD", false)              \
    KIND(REDUCE_GRAD, "REDUCE_GRAD", false)      \
    KIND(SEND_F, "SEND_F", true)                 \
    KIND(RECV_F, "RECV_F", true)                 \
    KIND(SEND_B, "SEND_B", true)                 \
    KIND(RECV_B, "RECV_B", true)

typedef enum {
#define KIND(kind, name, of_micro_batch) MPP_CSV_##kind,
    MPP_CSV_KINDS(KIND)
#undef KIND
    MPP_N_CSV_KINDS,
} MppCsvKind;

extern const char *const mpp_csv_kind_names[MPP_N_CSV_KINDS];
extern const bool mpp_csv_kind_of_micro_batch[MPP_N_CSV_KINDS];

/** Whether @kind is a pass in either dialect. */
static inline bool mpp_csv_is_pass(MppCsvKind kind)
{
    return kind < MPP_CSV_UNSHARD;
}

typedef struct {
    MppCsvKind kind;
    int32_t stage, micro_batch; /* micro_batch -1: none */
    bool paired;                /* with the action after it */
    int32_t rank, number;       /* place: number counts the rank's cells from 1 */
    size_t offset;
} MppCsvCell;

/** A file while it is read. */
typedef struct {
    const MppJson *text;
    GArray *cells; /* MppCsvCell, rank after rank */
    GArray *rows;  /* size_t: offset of each rank's row */
} MppCsvFile;

/** Sets @error to the place of @cell and a message. Always returns false. */
bool mpp_csv_refuse(const MppCsvFile *file, const MppCsvCell *cell, MppError code, GError **error, const char *format,
                    ...) G_GNUC_PRINTF(5, 6);

/** "2F7" as the file has it. */
char *mpp_csv_cell_to_text(const MppCsvCell *cell);

/** The legal schedule that @file holds. Error: MPP_ERROR_INVALID. */
MppCsv *mpp_csv_check(MppCsvFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** Checks a lowered file's communication against its passes. Error: MPP_ERROR_INVALID. */
bool mpp_csv_check_comms(const MppCsvFile *file, const MppOrder *order, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** A rank's slots as actions in the current dialect. @pairs: may be NULL */
GArray *mpp_csv_actions(const GArray *slots, const GArray *pairs);

/**
 * Adds communication to lists of passes, one GArray of MppCsvCell a rank, as PyTorch lowers them.
 * Returns: false when ranks wait for each other because the passes of a pair need both their inputs at once.
 */
bool mpp_csv_add_comms(const MppOrder *order, GArray **actions) G_GNUC_WARN_UNUSED_RESULT;
