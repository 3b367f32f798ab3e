/**
 * `mpplan calibrate --samples`: a profile of one's own from microbenchmarks.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Fits the numbers of @cluster (a name or file; NULL: cpu-hosts) to the samples that the stack @runtime (NULL: mpplan-run)
 * measured in @files, prints them with their residuals, and
 * writes the cluster to @output and its device beside it (NULL: nothing). Errors: those of the files and of mpp_sample_fit().
 */
bool mpp_calibrate_samples(char **files, const char *cluster, const char *runtime, const char *output,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
