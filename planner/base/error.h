/**
 * The one error domain and the exit status of each of its codes.
 *
 * What can fail returns bool or a pointer and takes a last GError **. Reading and writing files keeps
 * GLib's own G_FILE_ERROR domain.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef enum {
    MPP_ERROR_SYNTAX,      /* a file is not the format it should be */
    MPP_ERROR_SCHEMA,      /* a field is unknown, missing, of the wrong type or out of range */
    MPP_ERROR_INVALID,     /* values that are fine alone do not go together */
    MPP_ERROR_INFEASIBLE,  /* a valid question without a feasible answer */
    MPP_ERROR_UNSUPPORTED, /* understood, but not modelled */
    MPP_ERROR_USAGE,       /* the command line */
    MPP_ERROR_NUMERIC,     /* a computation did not converge */
    MPP_ERROR_BACKEND,     /* a device, library or worker failed */
    MPP_ERROR_TOLERANCE,   /* measured and predicted differ by more than allowed */
    MPP_ERROR_INTERRUPTED, /* by SIGINT, with nothing left half done */
    MPP_ERROR_TERMINATED,  /* by SIGTERM, likewise */
    MPP_N_ERRORS,
} MppError;

#define MPP_ERROR mpp_error_quark()
GQuark mpp_error_quark(void);

/** Sets @code. Returns: false, for the caller to hand on. */
bool mpp_error_set(GError **error, MppError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** Sets MPP_ERROR_USAGE. Returns: false, likewise. */
bool mpp_error_usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Exit status of the program for @error: 0 for NULL, 1 run time, 2 usage, 3 infeasible, 4 tolerance, 5 bad input, 130 and 143 interrupted. */
int mpp_error_exit_status(const GError *error);
