#include "planner/cli/accuracy_text.h"

#include <stdio.h>
#include <string.h>

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

/** How many runs' predictions rest on a sentence. */
typedef struct {
    const char *sentence;
    int runs;
} Assumed;

static int compare_assumed(const void *a, const void *b)
{
    const Assumed *x = a, *y = b;
    return x->runs != y->runs ? y->runs - x->runs : strcmp(x->sentence, y->sentence);
}

static void count(GArray *list, const char *sentence)
{
    guint i = 0;
    while (i < list->len && strcmp(g_array_index(list, Assumed, i).sentence, sentence) != 0)
        i++;
    if (i == list->len)
        g_array_append_vals(list, &(Assumed){ sentence, 0 }, 1);
    g_array_index(list, Assumed, i).runs++;
}

void mpp_accuracy_text_assumed(const GArray *predictions)
{
    enum { MOST_SHOWN = 12 };
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(Assumed));
    for (guint i = 0; i < predictions->len; i++) {
        const MppRunJob *job = g_array_index(predictions, MppPrediction, i).job;
        for (guint k = 0; job && k < job->assumed->len; k++)
            count(list, job->assumed->pdata[k]);
    }
    g_array_sort(list, compare_assumed);
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
    for (guint i = 0; i < MIN(list->len, MOST_SHOWN); i++) {
        const Assumed *one = &g_array_index(list, Assumed, i);
        g_autofree char *text = g_strdup_printf("%d run%s: %s", one->runs, one->runs == 1 ? "" : "s", one->sentence);
        g_strv_builder_add(texts, text);
    }
    if (list->len > MOST_SHOWN)
        g_strv_builder_add(texts, "… (--json: run by run)");
    g_auto(GStrv) shown = g_strv_builder_end(texts);
    if (list->len) {
        puts("");
        mpp_terminal_flow("  assumed   ", "   ", (const char *const *)shown);
    }
}
