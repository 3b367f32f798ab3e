#include "planner/cli/plan_text.h"

#include <stdio.h>

#include "planner/api/sensitivity.h"
#include "planner/base/units.h"
#include "planner/calibrate/spread.h"
#include "planner/cli/terminal.h"
#include "planner/spec/rules.h"

enum { BAR_CELLS = 24 };

static void print_host(const MppEstimate *estimate)
{
    if (!(estimate->host_bytes > 0))
        return;
    g_autofree char *host = mpp_units_bytes(estimate->host_bytes), *usable = mpp_units_bytes(estimate->host_usable_bytes);
    const char *verdict = estimate->host_bytes <= estimate->host_usable_bytes ? "fits" : "DOES NOT FIT";
    printf("  host %s for each device of %s usable  %s\n", host, usable, verdict);
}

void mpp_plan_text_answer(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate, const char *verdict)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    const MppSpread *spread = mpp_spreads_find(spreads, job, strategy, &estimate->shares);
    g_autofree char *low = mpp_units_seconds(estimate->step_s * spread->p10_frac);
    g_autofree char *high = mpp_units_seconds(estimate->step_s * spread->p90_frac);
    g_autofree char *title = mpp_strategy_title(strategy), *bold = mpp_terminal_styled("1", title);
    g_autofree char *step = mpp_units_seconds(estimate->step_s), *rate = mpp_units_whole(estimate->tokens_per_s_per_gpu);
    g_autofree char *peak = mpp_units_bytes(estimate->peak_bytes), *usable = mpp_units_bytes(estimate->usable_bytes);
    g_autofree char *bar = mpp_terminal_bar(estimate->peak_bytes / estimate->capacity_bytes, BAR_CELLS);
    g_autofree char *capacity = mpp_units_bytes(estimate->capacity_bytes);
    const char *units = mpp_model_units(job->model);
    printf("\n  %s\n", bold);
    printf("  step %s (%s – %s)   %s %s/s/GPU   MFU %.1f %%", step, low, high, rate, units, 100 * estimate->mfu);
    if (estimate->usd_per_mtokens > 0)
        printf("   $%.3f per million %s", estimate->usd_per_mtokens, units);
    bool on_device = estimate->peak_bytes <= estimate->usable_bytes;
    printf("\n  peak %s of %s  %s  %s%s\n", peak, capacity, bar, on_device ? "fits; usable " : "DOES NOT FIT; usable ", usable);
    print_host(estimate);
    if (verdict)
        printf("  %s\n", verdict);
}

static void add_item(GStrvBuilder *items, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add_item(GStrvBuilder *items, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *item = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_strv_builder_add(items, item);
}

static void flow(const char *label, const char *separator, GStrvBuilder *items)
{
    g_auto(GStrv) list = g_strv_builder_end(items);
    mpp_terminal_flow(label, separator, (const char *const *)list);
}

static void sort_shares(const MppShares *shares, int *order)
{
    for (int i = 0; i < MPP_N_SHARES; i++)
        order[i] = i;
    for (int i = 1; i < MPP_N_SHARES; i++)
        for (int k = i; k > 0 && shares->s[order[k]] > shares->s[order[k - 1]]; k--) {
            int swap = order[k];
            order[k] = order[k - 1];
            order[k - 1] = swap;
        }
}

void mpp_plan_text_shares(const MppEstimate *estimate)
{
    const double least = 0.005;
    int order[MPP_N_SHARES];
    sort_shares(&estimate->shares, order);
    g_autoptr(GStrvBuilder) shares = g_strv_builder_new();
    for (int i = 0; i < MPP_N_SHARES; i++) {
        double frac = estimate->shares.s[order[i]] / estimate->step_s;
        if (frac >= least)
            add_item(shares, "%s %.1f %%", mpp_names_get(&mpp_share_titles, order[i]), 100 * frac);
    }
    puts("");
    flow("  where the step goes   ", "   ", shares);
}

static bool same_stage(const MppStageEstimate *a, const MppStageEstimate *b)
{
    return a->layers == b->layers && a->forward_s == b->forward_s && a->backward_s == b->backward_s;
}

void mpp_plan_text_stages(const MppEstimate *estimate)
{
    g_autoptr(MppTable) table = mpp_table_new("stage|layers >|forward >|backward >|weights >|gradients >|optimizer >|"
                                              "activations >|other >|peak >");
    for (int64_t k = 0, last; k < estimate->pp; k = last + 1) {
        const MppStageEstimate *stage = &estimate->stages[k];
        for (last = k; last + 1 < estimate->pp && same_stage(stage, &estimate->stages[last + 1]); last++)
            ;
        const double *bytes = stage->memory.bytes;
        double other = bytes[MPP_MEMORY_WORKING] + bytes[MPP_MEMORY_LOSS] + bytes[MPP_MEMORY_BUFFERS];
        double columns[] = { bytes[MPP_MEMORY_WEIGHTS],     bytes[MPP_MEMORY_GRADIENTS], bytes[MPP_MEMORY_OPTIMIZER],
                             bytes[MPP_MEMORY_ACTIVATIONS], other,                       stage->memory.allocated_bytes };
        g_autofree char *forward = mpp_units_seconds(stage->forward_s), *backward = mpp_units_seconds(stage->backward_s);
        if (last > k)
            mpp_table_add(table, "%" G_GINT64_FORMAT "–%" G_GINT64_FORMAT, k, last);
        else
            mpp_table_add(table, "%" G_GINT64_FORMAT, k);
        mpp_table_add(table, "%" G_GINT64_FORMAT, stage->layers);
        mpp_table_add(table, "%s", forward);
        mpp_table_add(table, "%s", backward);
        for (size_t i = 0; i < G_N_ELEMENTS(columns); i++) {
            g_autofree char *text = mpp_units_bytes(columns[i]);
            mpp_table_add(table, "%s", text);
        }
    }
    puts("");
    mpp_table_print(table);
}

void mpp_plan_text_binds(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate)
{
    g_autoptr(GArray) trials = mpp_sensitivity_rates(job, strategy);
    g_autoptr(GStrvBuilder) gains = g_strv_builder_new();
    for (guint i = 0; i < trials->len; i++) {
        const MppSensitivity *trial = &g_array_index(trials, MppSensitivity, i);
        add_item(gains, "%s −%.1f %%", trial->title, 100 * MAX(0, 1 - trial->step_s / estimate->step_s));
    }
    flow("  what binds            ", "   ", gains);
}

/** The share with the most of @sign times its seconds. */
static int extreme_of(const double *seconds, double sign)
{
    int most = 0;
    for (int i = 1; i < MPP_N_SHARES; i++)
        most = sign * seconds[i] > sign * seconds[most] ? i : most;
    return most;
}

static void add_difference(GString *text, const char *before, double seconds, const char *how, int share)
{
    g_autofree char *amount = mpp_units_seconds(seconds);
    g_string_append_printf(text, "%s%s %s: %s", before, amount, how, mpp_names_get(&mpp_share_titles, share));
}

/** What speaks against a plan that is faster: memory, if anything. @saved_s: what it saves most of, in @share */
static char *reason_of_faster(double more_bytes, double saved_s, int share)
{
    g_autofree char *bytes = mpp_units_bytes(more_bytes);
    if (more_bytes > 0)
        return g_strdup_printf("%s more memory", bytes);
    GString *text = g_string_new("nothing");
    add_difference(text, "; ", saved_s, "less", share);
    return g_string_free(text, FALSE);
}

char *mpp_plan_text_reason(const MppEstimate *best, const MppEstimate *other)
{
    enum { MOST = 2 };
    double difference_s[MPP_N_SHARES];
    for (int i = 0; i < MPP_N_SHARES; i++)
        difference_s[i] = other->shares.s[i] - best->shares.s[i];
    int least = extreme_of(difference_s, -1);
    if (other->step_s < best->step_s)
        return reason_of_faster(other->peak_bytes - best->peak_bytes, -difference_s[least], least);
    double saved_s = -difference_s[least];
    bool offset = saved_s > other->step_s - best->step_s; /* the loss is mostly made good */
    GString *text = g_string_new(NULL);
    double shown_s = offset ? -saved_s : 0;
    int n = 0;
    for (int i = extreme_of(difference_s, 1); n < MOST && shown_s <= 0 && difference_s[i] > 0; i = extreme_of(difference_s, 1)) {
        add_difference(text, n++ ? ", " : "", difference_s[i], "more", i);
        shown_s += difference_s[i];
        difference_s[i] = 0;
    }
    if (n == MOST && shown_s <= 0)
        g_string_append(text, ", …");
    if (!text->len)
        g_string_append(text, "equal");
    else if (offset)
        add_difference(text, "; ", saved_s, "less", least);
    return g_string_free(text, FALSE);
}

char *mpp_plan_text_unfitted(const MppJob *job, const MppStrategy *strategy)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    return mpp_techniques_text(mpp_spreads_unfitted_in(spreads, job, strategy), " or ");
}

char *mpp_plan_text_unsure(const MppJob *job, const MppStrategy *strategy)
{
    g_autofree char *unfitted = mpp_plan_text_unfitted(job, strategy);
    return *unfitted ? g_strdup_printf(", with %s, which hardly any fitted run has", unfitted) : g_strdup("");
}

void mpp_plan_text_memory(const MppEstimate *estimate)
{
    const double least = 0.005;
    const MppMemory *memory = &estimate->stages[estimate->fullest_stage].memory;
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    for (int i = 0; i < MPP_N_MEMORY_PARTS; i++) {
        g_autofree char *bytes = mpp_units_bytes(memory->bytes[i]);
        if (memory->bytes[i] >= least * memory->allocated_bytes)
            add_item(parts, "%s %s", mpp_names_get(&mpp_memory_titles, i), bytes);
    }
    g_autofree char *label = g_strdup_printf("  memory of stage %-5" G_GINT64_FORMAT " ", estimate->fullest_stage);
    flow(label, "   ", parts);
}

static void paragraph(const char *label, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    mpp_terminal_flow(label, " ", (const char *const *)words);
}

void mpp_plan_text_warning(const MppJob *job, const MppStrategy *strategy)
{
    int advice = mpp_rules_first_broken(MPP_RULE_ADVICE, job, strategy);
    if (advice < 0)
        return;
    g_autofree char *message = mpp_rules_get(advice)->broken(job, strategy);
    g_autofree char *text = g_strdup_printf("%s [%s]", message, mpp_rules_get(advice)->id);
    puts("");
    paragraph("  warning   ", text);
}

/** A benchmark of what the step spends most on. */
static const char *telling_benchmark(const MppEstimate *estimate)
{
    static const struct { MppShare share; const char *benchmark; } benchmarks[] = {
        { MPP_SHARE_MATMUL, "matrix products of its shapes" }, { MPP_SHARE_ATTENTION, "the attention kernel" },
        { MPP_SHARE_MEMORY, "memory bandwidth" },              { MPP_SHARE_HOST, "the host's time to launch a kernel" },
        { MPP_SHARE_TP, "all-reduces of tensor parallelism" }, { MPP_SHARE_CP, "exchanges of context parallelism" },
        { MPP_SHARE_EP, "all-to-alls of experts" },            { MPP_SHARE_DP, "reduce-scatters over all replicas" },
        { MPP_SHARE_PP, "messages between stages" },
    };
    gsize most = 0;
    for (gsize i = 1; i < G_N_ELEMENTS(benchmarks); i++)
        if (estimate->shares.s[benchmarks[i].share] > estimate->shares.s[benchmarks[most].share])
            most = i;
    return benchmarks[most].benchmark;
}

/** What the interval's runs have in common with the plan. @unfitted: what it does that hardly any run does, or "" */
static char *fitted_text(const MppBasis *basis, const char *unfitted)
{
    if (*unfitted)
        return g_strdup_printf("device %sfitted, hardly any run with %s", basis->device_fitted ? "" : "not ", unfitted);
    return g_strdup(basis->device_fitted && basis->stack_fitted ? "device and stack fitted to other runs"
                    : basis->device_fitted                      ? "device fitted, stack not"
                    : basis->stack_fitted                       ? "stack fitted, device not"
                                                                : "neither device nor stack fitted");
}

void mpp_plan_text_interval(const MppJob *job, const MppStrategy *strategy, const MppEstimate *estimate)
{
    g_autoptr(MppSpreads) spreads = mpp_spreads_built_in();
    const MppSpread *spread = mpp_spreads_find(spreads, job, strategy, &estimate->shares);
    const MppBasis *basis = &spread->basis;
    g_autofree char *unfitted = mpp_plan_text_unfitted(job, strategy);
    g_autofree char *fitted = fitted_text(basis, unfitted), *such_run = g_strconcat("a run with ", unfitted, NULL);
    const char *narrower = !basis->device_fitted ? "a run on this device"
                           : *unfitted           ? such_run
                           : basis->stack_fitted ? telling_benchmark(estimate)
                                                 : "a run of this stack";
    g_autofree char *text = g_strdup_printf("8 of 10 steps lie in the interval: %" G_GINT64_FORMAT " runs of %" G_GINT64_FORMAT
                                            " sources, each predicted without its own (%s%s); to be measured first: %s",
                                            spread->runs, spread->sources, fitted, basis->host_bound ? ", bound by the host" : "", narrower);
    paragraph("  interval  ", text);
}

void mpp_plan_text_figures(const MppJob *job, const MppEstimate *estimate)
{
    const MppMemory *memory = &estimate->stages[estimate->fullest_stage].memory;
    const MppRuntime *runtime = job->runtime;
    const char *source = runtime->sources ? g_hash_table_lookup(runtime->sources, "memory") : NULL;
    g_autofree char *allocated = mpp_units_bytes(memory->allocated_bytes), *reserved = mpp_units_bytes(memory->reserved_bytes);
    g_autofree char *device = mpp_units_bytes(memory->device_bytes), *usable = mpp_units_bytes(estimate->usable_bytes);
    g_autofree char *text = g_strdup_printf("%s allocated at the peak (it fits up to %s), %s reserved, %s by nvidia-smi; %s: %s",
                                            allocated, usable, reserved, device, runtime->title, source ? source : "no source");
    paragraph("  memory    ", text);
}

void mpp_plan_text_basis(const MppInputs *inputs)
{
    GHashTable *sources = inputs->cluster.device.sources;
    const char *matmul = sources ? g_hash_table_lookup(sources, "matmul_frac") : NULL;
    puts("");
    if (inputs->assumed) {
        g_autoptr(GString) assumed = g_string_new(NULL);
        for (guint i = 0; i < inputs->assumed->len; i++)
            g_string_append_printf(assumed, "%s%s", i ? "; " : "", (char *)inputs->assumed->pdata[i]);
        paragraph("  assumed   ", assumed->str);
    }
    if (matmul) {
        g_autofree char *basis = g_strdup_printf("%s: %s", inputs->cluster.device.title, matmul);
        paragraph("  basis     ", basis);
    }
}
