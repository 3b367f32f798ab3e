#include "planner/base/error.h"

G_DEFINE_QUARK(mpp-error, mpp_error)

static const int exit_statuses[MPP_N_ERRORS] = {
    [MPP_ERROR_SYNTAX] = 5,  [MPP_ERROR_SCHEMA] = 5,      [MPP_ERROR_INVALID] = 5,
    [MPP_ERROR_INFEASIBLE] = 3, [MPP_ERROR_UNSUPPORTED] = 5, [MPP_ERROR_USAGE] = 2,
    [MPP_ERROR_NUMERIC] = 1, [MPP_ERROR_BACKEND] = 1,     [MPP_ERROR_TOLERANCE] = 4,
    [MPP_ERROR_INTERRUPTED] = 130, [MPP_ERROR_TERMINATED] = 143,
};

static void set(GError **error, MppError code, const char *format, va_list arguments)
{
    if (error)
        g_propagate_error(error, g_error_new_valist(MPP_ERROR, (int)code, format, arguments));
}

bool mpp_error_set(GError **error, MppError code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, code, format, arguments);
    va_end(arguments);
    return false;
}

bool mpp_error_usage(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, MPP_ERROR_USAGE, format, arguments);
    va_end(arguments);
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
