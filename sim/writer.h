/**
 * Writes a simulation as other programs read it, one format a row of a table.
 */
#pragma once

#include <cjson/cJSON.h>

#include "sim/output.h"
#include "sim/report.h"

typedef struct {
    const bool *lanes; /* a flag for each lane: those that are written; NULL: all. Their spans must be recorded */
    bool detail;       /* the layers within each pass */
    bool spans;        /* of JSON: the spans themselves */
} MppWriterOptions;

typedef struct {
    const char *name;
    const char *suffix;  /* of a file's name, of each in a folder */
    const char *summary; /* for --help */
    bool folder;         /* one file a rank, called PREFIX.RANK SUFFIX */
    bool every_rank;     /* of the folder; else only the first rank of each lane has a file */
    const char *prefix;
    const char *extra;               /* name of a further file in the folder, or NULL */
    double event_count, event_bytes; /* for each span, about; 0: of any size it can be read */

    /** Writes a file, in a folder that of @rank. */
    void (*write)(const MppTracks *tracks, const MppWriterOptions *options, int64_t rank, MppOutput *output);
    /** Writes the folder's further file. */
    void (*write_extra)(const MppTracks *tracks, const MppWriterOptions *options, MppOutput *output);
} MppWriter;

/** What the json format writes, for a caller that adds to it. */
cJSON *mpp_write_json_document(const MppTracks *tracks, const MppWriterOptions *options);

/** The formats, and how many there are. */
const MppWriter *const *mpp_writers(int *n);

/** Returns: the one called @name. Error: MPP_ERROR_USAGE that lists the known ones, nearest first. */
const MppWriter *mpp_writer_find(const char *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Writes to @path, a file or a folder that is made if need be; each file whole or not at all.
 * Errors: G_IO_ERROR and G_FILE_ERROR with the path.
 */
bool mpp_writer_write(const MppWriter *writer, const MppSimulation *simulation, const MppWriterOptions *options, const char *path,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * Returns: a warning that what will be written is too large for the programs that show it, and what to do; NULL if it
 * is not.
 */
char *mpp_writer_warning(const MppWriter *writer, const MppSimulation *simulation, const MppWriterOptions *options);
