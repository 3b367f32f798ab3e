/**
 * Quantities as a person reads them. Code and files use SI base units; these are for printing only.
 */
#pragma once

#include <glib.h>

#define MPP_GIB 1073741824.0 /* bytes */

/** "1.24 ms", "2.31 s", "3.2 h": three significant digits. */
char *mpp_units_seconds(double seconds);

/** "61.3 GiB": one decimal from a MiB on. */
char *mpp_units_bytes(double bytes);

/** "6.7 B", "405 B", "1.2 T": a count of parameters or tokens. */
char *mpp_units_count(double count);

/** "56,800": with thousands separators, rounded to whole. */
char *mpp_units_whole(double number);
