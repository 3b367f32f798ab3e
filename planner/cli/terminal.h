/**
 * What the terminal can show, and tables that fit it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/** Whether standard output takes colour: a terminal, NO_COLOR empty, TERM not dumb. */
bool mpp_terminal_has_colour(void);

/** "\033[1m" and the like around @text when there is colour, else @text alone. @code: "1" bold, "2" dim, "31" red … */
char *mpp_terminal_styled(const char *code, const char *text);

/** A bar of @width cells, @frac of them full. */
char *mpp_terminal_bar(double frac, int width);

/**
 * Prints @items after @label, @separator between them, in lines of at most 110 columns that begin below the first
 * item. @items ends with NULL; an item is not broken.
 */
void mpp_terminal_flow(const char *label, const char *separator, const char *const *items);

typedef struct MppTable MppTable;

/** @columns: titles separated by '|'; one that ends in " >" is aligned to the right. */
MppTable *mpp_table_new(const char *columns);

/** Adds the next cell, row by row. */
void mpp_table_add(MppTable *table, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Prints to standard output, two spaces between columns, the title row dim. */
void mpp_table_print(const MppTable *table);

void mpp_table_free(MppTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MppTable, mpp_table_free)
