#include "planner/cli/schedule_text.h"

#include <stdio.h>

#include "planner/base/units.h"
#include "planner/cli/terminal.h"

static const char *const colours[MPP_N_PASSES] = {
    [MPP_PASS_FORWARD] = "34", [MPP_PASS_BACKWARD] = "32", [MPP_PASS_INPUT] = "32", [MPP_PASS_WEIGHT] = "33"
};

/** "0" to "9" for a forward pass, "a" to "j" for a backward one: the micro-batch's last digit. */
static char sign_of(const MppSlot *slot)
{
    if (slot->pass == MPP_PASS_WEIGHT)
        return 'w';
    return (char)((slot->pass == MPP_PASS_FORWARD ? '0' : 'a') + slot->micro_batch % 10);
}

/** Adds signs of one pass to @row in its colour and empties them. */
static void flush(GString *row, GString *signs, const char *colour)
{
    g_autofree char *styled = colour && signs->len ? mpp_terminal_styled(colour, signs->str) : g_strdup(signs->str);
    g_string_append(row, styled);
    g_string_truncate(signs, 0);
}

/** What the rank does at the middle of each column. */
static char *row_of(const GArray *slots, const double *start_s, const double *end_s, double column_s, int width)
{
    GString *row = g_string_new(NULL);
    g_autoptr(GString) signs = g_string_new(NULL);
    const char *colour = NULL;
    guint i = 0;
    for (int column = 0; column < width; column++) {
        double at_s = (column + 0.5) * column_s;
        while (i < slots->len && end_s[i] <= at_s)
            i++;
        const MppSlot *slot = i < slots->len && start_s[i] <= at_s ? &g_array_index(slots, MppSlot, i) : NULL;
        const char *next = slot ? colours[slot->pass] : NULL;
        if (next != colour)
            flush(row, signs, colour);
        colour = next;
        g_string_append(signs, slot ? (char[]){ sign_of(slot), '\0' } : "·");
    }
    flush(row, signs, colour);
    return g_string_free(row, FALSE);
}

void mpp_schedule_text_chart(const MppOrder *order, const MppReplay *replay, int width)
{
    for (int32_t k = 0; k < order->pp; k++) {
        g_autofree char *row = row_of(order->slots[k], replay->start_s[k], replay->end_s[k], replay->length_s / width, width);
        printf("  rank %-3d %s\n", k, row);
    }
    double column_s = replay->length_s / width, shortest_s = column_s;
    for (int32_t k = 0; k < order->pp; k++)
        for (guint i = 0; i < order->slots[k]->len; i++)
            shortest_s = MIN(shortest_s, replay->end_s[k][i] - replay->start_s[k][i]);
    g_autofree char *column = mpp_units_seconds(column_s);
    if (shortest_s < column_s)
        printf("           a column is %s: of shorter passes not all are seen\n", column);
    printf("           0-9 forward, a-j backward passes by the last digit of the micro-batch%s; · waits\n",
           mpp_order_splits_backward(order) ? "; w gradients of weights" : "");
}

MppTable *mpp_schedule_text_table(void)
{
    return mpp_table_new("schedule|time >|bubble >|fullest rank >|");
}

void mpp_schedule_text_row(MppTable *table, const char *name, const MppOrderCost *cost, double cap_bytes, const char *note)
{
    double peak = cost->peak_bytes[cost->fullest];
    g_autofree char *length = mpp_units_seconds(cost->length_s), *bytes = mpp_units_bytes(peak);
    mpp_table_add(table, "%s", name);
    mpp_table_add(table, "%s", length);
    mpp_table_add(table, "%.1f %%", 100 * mpp_order_cost_bubble_frac(cost));
    mpp_table_add(table, "%s", bytes);
    mpp_table_add(table, "%s%s%s", peak > cap_bytes ? "does not fit" : "", peak > cap_bytes && note ? ", " : "", note ? note : "");
}
