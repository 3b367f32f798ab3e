#include "planner/cli/accuracy_text.h"

#include "planner/cli/terminal.h"

static void add_text_row(MppTable *table, const MppAccuracy *a)
{
    mpp_table_add(table, "%s", a->source ? a->source : "all");
    mpp_table_add(table, "%d", a->rows);
    mpp_table_add(table, "%d", a->predicted);
    for (int i = 0; i < 4 && !a->n_times; i++)
        mpp_table_add(table, "%s", "");
    if (a->n_times) {
        mpp_table_add(table, "%.1f %%", 100 * a->mape);
        mpp_table_add(table, "%.1f %%", 100 * a->median);
        mpp_table_add(table, "%+.1f %%", 100 * a->bias);
        mpp_table_add(table, "%.1f %%", 100 * a->p90);
    }
    mpp_table_add(table, a->n_intervals ? "%.0f %%" : "", 100.0 * a->n_inside / MAX(a->n_intervals, 1));
    mpp_table_add(table, a->n_memory ? "%.1f %%" : "", 100 * a->memory_mape);
    int right = a->fits_fits + a->oom_oom, all = right + a->fits_oom + a->oom_fits;
    mpp_table_add(table, all ? "%d/%d" : "", right, all);
    mpp_table_add(table, a->n_groups ? "%.1f / %.1f %%" : "", 100 * a->regret_mean, 100 * a->regret_worst);
    mpp_table_add(table, a->n_groups ? "%.2f" : "", a->spearman);
    mpp_table_add(table, a->worst_id ? "%+.0f %% %s" : "", 100 * a->worst, a->worst_id ? a->worst_id : "");
}

void mpp_accuracy_text_print(const GArray *predictions, bool clean)
{
    g_autoptr(MppTable) table = mpp_table_new("source|rows >|predicted >|MAPE >|median >|bias >|p90 >|in interval >|memory >|fits right >|"
                                              "regret mean / worst >|rank corr. >|worst row");
    g_autoptr(GArray) sources = mpp_accuracy_by_source(predictions, clean);
    for (guint i = 0; i < sources->len; i++)
        add_text_row(table, &g_array_index(sources, MppAccuracy, i));
    MppAccuracy all = mpp_accuracy_overall(predictions, clean);
    add_text_row(table, &all);
    mpp_table_print(table);
}
