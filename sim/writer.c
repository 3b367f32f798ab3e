#include "sim/writers.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "planner/base/units.h"

static const MppWriter *const writers[] = { &mpp_write_chrome, &mpp_write_kineto, &mpp_write_chakra, &mpp_write_svg,
                                            &mpp_write_json };

/** Where viewers in a browser stop: github.com/google/trace-viewer/issues/627, github.com/golang/go/issues/11520. */
static const double most_bytes = 256e6, most_events = 1e6;

enum { NO_RANK = -1 };

const MppWriter *const *mpp_writers(int *n)
{
    *n = (int)G_N_ELEMENTS(writers);
    return writers;
}

const MppWriter *mpp_writer_find(const char *name, GError **error)
{
    const char *known[G_N_ELEMENTS(writers)];
    for (gsize i = 0; i < G_N_ELEMENTS(writers); i++) {
        if (mpp_names_same(writers[i]->name, name))
            return writers[i];
        known[i] = writers[i]->name;
    }
    g_autofree char *nearest = mpp_names_suggest(known, (int)G_N_ELEMENTS(writers), name);
    mpp_error_usage(error, "no format is called \"%s\"; there are %s", name, nearest);
    return NULL;
}

static bool has_rank(const MppTracks *tracks, const MppWriter *writer, const MppWriterOptions *options, int64_t rank)
{
    const MppLanes *ranks = &tracks->simulation->ranks;
    int32_t lane = mpp_lanes_of_rank(ranks, rank);
    return mpp_writer_has_lane(options, lane) && (writer->every_rank || mpp_lanes_first_rank(ranks, lane) == rank);
}

static bool write_file(const MppTracks *tracks, const MppWriter *writer, const MppWriterOptions *options, int64_t rank,
                       const char *path, GError **error)
{
    g_autoptr(MppOutput) output = mpp_output_new(path, error);
    if (!output)
        return false;
    if (rank == NO_RANK)
        writer->write_extra(tracks, options, output);
    else
        writer->write(tracks, options, rank, output);
    return mpp_output_close(output, error);
}

static bool write_folder(const MppTracks *tracks, const MppWriter *writer, const MppWriterOptions *options, const char *path,
                         GError **error)
{
    if (g_mkdir_with_parents(path, 0777) != 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path, g_strerror(errno));
        return false;
    }
    for (int64_t rank = 0; rank < tracks->simulation->job->gpus; rank++) {
        g_autofree char *name = g_strdup_printf("%s/%s.%" G_GINT64_FORMAT "%s", path, writer->prefix, rank, writer->suffix);
        if (has_rank(tracks, writer, options, rank) && !write_file(tracks, writer, options, rank, name, error))
            return false;
    }
    g_autofree char *extra = writer->extra ? g_build_filename(path, writer->extra, NULL) : NULL;
    return !extra || write_file(tracks, writer, options, NO_RANK, extra, error);
}

bool mpp_writer_write(const MppWriter *writer, const MppSimulation *simulation, const MppWriterOptions *options, const char *path,
                      GError **error)
{
    g_autoptr(MppTracks) tracks = mpp_tracks_new(simulation, NULL);
    return writer->folder ? write_folder(tracks, writer, options, path, error)
                          : write_file(tracks, writer, options, 0, path, error);
}

/** Events drawn for the chosen lanes, about. */
static double count_events(const MppSimulation *simulation, const MppWriterOptions *options)
{
    enum { PIECES_A_LAYER = 6 }; /* shares that a layer's pass usually has */
    double events = 0;
    for (guint i = 0; i < simulation->spans->len; i++) {
        const MppSpan *span = &g_array_index(simulation->spans, MppSpan, i);
        bool layers = options->detail && span->action == MPP_ACTION_PASS;
        if (mpp_writer_has_lane(options, span->lane))
            events += 1 + (layers ? PIECES_A_LAYER * simulation->scene.layers[span->chunk] : 0);
    }
    return events;
}

char *mpp_writer_warning(const MppWriter *writer, const MppSimulation *simulation, const MppWriterOptions *options)
{
    int32_t files = 0;
    for (int32_t lane = 0; writer->folder && lane < simulation->n_lanes; lane++)
        files += mpp_writer_has_lane(options, lane);
    double events = writer->event_count * count_events(simulation, options) / MAX(files, 1);
    if (events <= most_events && events * writer->event_bytes <= most_bytes)
        return NULL;
    g_autofree char *count = mpp_units_whole(events), *size = mpp_units_whole(events * writer->event_bytes / 1e6);
    return g_strdup_printf(
        "%s will have about %s events in %s MB, more than viewers in a browser load; choose ranks with --ranks%s",
        writer->folder ? "each file" : "the file", count, size, options->detail ? ", or leave out --detail" : "");
}
