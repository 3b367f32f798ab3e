#include "planner/schedule/csv_cells.h"

static const MppCsvKind kind_of[MPP_N_PASSES] = {
    [MPP_PASS_FORWARD] = MPP_CSV_FORWARD,
    [MPP_PASS_BACKWARD] = MPP_CSV_BACKWARD,
    [MPP_PASS_INPUT] = MPP_CSV_INPUT,
    [MPP_PASS_WEIGHT] = MPP_CSV_WEIGHT,
};

GArray *mpp_csv_actions(const GArray *slots, const GArray *pairs)
{
    GArray *actions = g_array_sized_new(FALSE, TRUE, sizeof(MppCsvCell), slots->len);
    for (guint i = 0; i < slots->len; i++) {
        const MppSlot *slot = &g_array_index(slots, MppSlot, i);
        MppCsvCell action = { .kind = kind_of[slot->pass], .stage = slot->chunk, .micro_batch = slot->micro_batch };
        g_array_append_val(actions, action);
    }
    for (guint i = 0; pairs && i < pairs->len; i++)
        g_array_index(actions, MppCsvCell, g_array_index(pairs, guint, i)).paired = true;
    return actions;
}

static void use_2024_dialect(GArray *actions)
{
    for (guint i = 0; i < actions->len; i++) {
        MppCsvCell *action = &g_array_index(actions, MppCsvCell, i);
        if (action->kind == MPP_CSV_BACKWARD || action->kind == MPP_CSV_INPUT)
            action->kind = action->kind == MPP_CSV_BACKWARD ? MPP_CSV_BOTH : MPP_CSV_BACKWARD;
    }
}

static void append_row(GString *text, const GArray *actions)
{
    for (guint i = 0; i < actions->len; i++) {
        const MppCsvCell *action = &g_array_index(actions, MppCsvCell, i);
        bool ends_pair = i > 0 && g_array_index(actions, MppCsvCell, i - 1).paired;
        g_autofree char *cell = mpp_csv_cell_to_text(action);
        g_string_append_printf(text, "%s%s%s%s", i == 0 ? "" : ends_pair ? ";" : ",", action->paired ? "(" : "", cell,
                               ends_pair ? ")OVERLAP_F_B" : "");
    }
    g_string_append_c(text, '\n');
}

static bool check_style(const MppOrder *order, const MppCsvStyle *style, GError **error)
{
    bool paired = false;
    for (int32_t k = 0; style->pairs && k < order->pp; k++)
        paired = paired || style->pairs[k]->len > 0;
    const char *why = order->n_routes > 1 ? "PyTorch's schedules have one route through all stages, this one has two"
                      : paired && style->dialect == MPP_CSV_2024 ? "the dialect of 2024 has no passes that run together"
                                                                 : NULL;
    if (why)
        g_set_error_literal(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, why);
    return !why;
}

char *mpp_csv_to_text(const MppOrder *order, const MppCsvStyle *style, GError **error)
{
    if (!check_style(order, style, error))
        return NULL;
    g_autofree GArray **actions = g_new(GArray *, order->pp);
    for (int32_t k = 0; k < order->pp; k++)
        actions[k] = mpp_csv_actions(order->slots[k], style->pairs ? style->pairs[k] : NULL);
    bool lowered = !style->comms || mpp_csv_add_comms(order, actions);
    g_autoptr(GString) text = g_string_new(NULL);
    for (int32_t k = 0; k < order->pp; k++) {
        if (style->dialect == MPP_CSV_2024)
            use_2024_dialect(actions[k]);
        append_row(text, actions[k]);
        g_array_unref(actions[k]);
    }
    if (lowered)
        return g_string_free(g_steal_pointer(&text), FALSE);
    g_set_error_literal(error, MPP_ERROR, MPP_ERROR_UNSUPPORTED, "passes that run together wait for each other's outputs");
    return NULL;
}
