#include "planner/base/error.h"

G_DEFINE_QUARK(mpp-error, mpp_error)

static const int exit_statuses[MPP_N_ERRORS] = {
    [MPP_ERROR_SYNTAX] = 5,  [MPP_ERROR_SCHEMA] = 5,      [MPP_ERROR_INVALID] = 5,
    [MPP_ERROR_INFEASIBLE] = 3, [MPP_ERROR_UNSUPPORTED] = 5, [MPP_ERROR_USAGE] = 2,
    [MPP_ERROR_NUMERIC] = 1, [MPP_ERROR_BACKEND] = 1,     [MPP_ERROR_TOLERANCE] = 4,
    [MPP_ERROR_INTERRUPTED] = 130, [MPP_ERROR_TERMINATED] = 143,
};

bool mpp_error_usage(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, MPP_ERROR, MPP_ERROR_USAGE, message);
    return false;
}

int mpp_error_exit_status(const GError *error)
{
    if (!error)
        return 0;
    if (error->domain == MPP_ERROR && error->code >= 0 && error->code < MPP_N_ERRORS)
        return exit_statuses[error->code];
    if (error->domain == G_OPTION_ERROR)
        return 2;
    return 1;
}
