#include "planner/cli/memory_savings.h"

#include "planner/spec/rules.h"
#include "sim/answer.h"

enum { MOST_CHANGES = 4 };

static bool to_zero(MppStrategy *s, int64_t stage)
{
    bool changes = s->zero < stage;
    s->zero = MAX(s->zero, stage);
    return changes;
}

static bool zero_1(MppStrategy *s)
{
    return to_zero(s, 1);
}

static bool zero_2(MppStrategy *s)
{
    return to_zero(s, 2);
}

static bool zero_3(MppStrategy *s)
{
    return to_zero(s, 3);
}

static bool sequence_parallel(MppStrategy *s)
{
    bool changes = !s->sequence_parallel && s->tp > 1;
    s->sequence_parallel = s->sequence_parallel || changes;
    return changes;
}

static bool half_micro_batch(MppStrategy *s)
{
    bool changes = s->micro_batch % 2 == 0;
    s->micro_batch /= changes ? 2 : 1;
    return changes;
}

static bool to_recompute(MppStrategy *s, MppRecompute recompute)
{
    bool changes = s->recompute < recompute || (recompute == MPP_RECOMPUTE_FULL && s->recompute_layers);
    s->recompute = MAX(s->recompute, recompute);
    s->recompute_layers = s->recompute_modules = 0;
    return changes;
}

static bool selective_recompute(MppStrategy *s)
{
    return to_recompute(s, MPP_RECOMPUTE_SELECTIVE);
}

static bool of_module(MppStrategy *s, MppModule module)
{
    bool changes = s->recompute <= MPP_RECOMPUTE_SELECTIVE && !(s->recompute_modules >> module & 1);
    s->recompute = MPP_RECOMPUTE_SELECTIVE;
    s->recompute_modules |= (int64_t)1 << module;
    return changes;
}

static bool recompute_latent(MppStrategy *s)
{
    return of_module(s, MPP_MODULE_LATENT_PROJECTIONS);
}

static bool recompute_activation(MppStrategy *s)
{
    return of_module(s, MPP_MODULE_EXPERT_ACTIVATION);
}

static bool recompute_mlp(MppStrategy *s)
{
    return of_module(s, MPP_MODULE_MLP);
}

static bool full_recompute(MppStrategy *s)
{
    return to_recompute(s, MPP_RECOMPUTE_FULL);
}

static bool activation_offload(MppStrategy *s)
{
    bool changes = s->recompute < MPP_RECOMPUTE_FULL;
    s->recompute = MPP_RECOMPUTE_OFFLOAD;
    s->recompute_layers = s->recompute_modules = 0;
    return changes;
}

static bool optimizer_offload(MppStrategy *s)
{
    bool changes = !s->offload;
    s->offload = MPP_OFFLOAD_OPTIMIZER;
    return changes;
}

static bool parameter_offload(MppStrategy *s)
{
    bool changes = s->offload != MPP_OFFLOAD_PARAMETERS;
    s->offload = MPP_OFFLOAD_PARAMETERS;
    return changes;
}

/** Doubles @degree for half the replicas. */
static bool twice(MppStrategy *s, int64_t *degree)
{
    bool changes = s->dp % 2 == 0;
    s->dp /= changes ? 2 : 1;
    *degree *= changes ? 2 : 1;
    return changes;
}

static bool twice_tp(MppStrategy *s)
{
    return twice(s, &s->tp);
}

static bool twice_cp(MppStrategy *s)
{
    return twice(s, &s->cp);
}

static bool twice_pp(MppStrategy *s)
{
    return twice(s, &s->pp);
}

static bool twice_ep(MppStrategy *s)
{
    s->ep *= 2;
    return true;
}

/** Each in turn after those before it in a set; false where it changes nothing. */
static const struct {
    const char *title;
    bool (*apply)(MppStrategy *strategy);
} changes[] = {
    { "ZeRO-1", zero_1 },
    { "ZeRO-2", zero_2 },
    { "ZeRO-3", zero_3 },
    { "half the micro-batch", half_micro_batch },
    { "twice the tp", twice_tp },
    { "sequence parallelism", sequence_parallel },
    { "twice the cp", twice_cp },
    { "twice the pp", twice_pp },
    { "twice the ep", twice_ep },
    { "selective recompute", selective_recompute },
    { "mla_up_proj recompute", recompute_latent },
    { "moe_act recompute", recompute_activation },
    { "mlp recompute", recompute_mlp },
    { "full recompute", full_recompute },
    { "activation offload", activation_offload },
    { "optimizer offload", optimizer_offload },
    { "parameter offload", parameter_offload },
};

/** Tries the changes whose bits @set holds. Returns: whether all of them change something and the whole is legal. */
static bool try_set(const MppJob *job, const MppStrategy *strategy, unsigned set, MppMemorySaving *saving)
{
    *saving = (MppMemorySaving){ .strategy = *strategy };
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
        if (set & 1u << i && !changes[i].apply(&saving->strategy))
            return false;
    if (mpp_rules_first_broken(MPP_RULE_ILLEGAL, job, &saving->strategy) >= 0)
        return false;
    g_autoptr(MppEstimate) estimate = mpp_answer_new(job, &saving->strategy);
    saving->step_s = estimate->step_s;
    saving->peak_bytes = estimate->peak_bytes;
    saving->fits = estimate->fits;
    return true;
}

static void add(GArray *savings, MppMemorySaving saving, unsigned set)
{
    GString *title = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
        if (set & 1u << i)
            g_string_append_printf(title, "%s%s", title->len ? " + " : "", changes[i].title);
    saving.title = g_string_free(title, FALSE);
    g_array_append_val(savings, saving);
}

/** Returns: whether one of them makes it fit. */
static bool add_single(const MppJob *job, const MppStrategy *strategy, const MppEstimate *now, GArray *savings)
{
    const double least_frac = 0.001; /* less shows in no figure */
    bool fits = false;
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        MppMemorySaving saving;
        if (try_set(job, strategy, 1u << i, &saving) && saving.peak_bytes < now->peak_bytes * (1 - least_frac)) {
            add(savings, saving, 1u << i);
            fits = fits || saving.fits;
        }
    }
    return fits;
}

/** Adds the fastest set of @size changes that fits. Returns: whether there is one. */
static bool add_set(const MppJob *job, const MppStrategy *strategy, int size, GArray *savings)
{
    MppMemorySaving best = { .fits = false };
    unsigned best_set = 0;
    for (unsigned set = 1; set < 1u << G_N_ELEMENTS(changes); set++) {
        MppMemorySaving saving;
        if (__builtin_popcount(set) == size && try_set(job, strategy, set, &saving) && saving.fits && (!best_set || saving.step_s < best.step_s)) {
            best = saving;
            best_set = set;
        }
    }
    if (best_set)
        add(savings, best, best_set);
    return best_set;
}

static int compare(const void *left, const void *right)
{
    const MppMemorySaving *a = left, *b = right;
    if (a->fits != b->fits)
        return a->fits ? -1 : 1;
    double x = a->fits ? a->step_s : a->peak_bytes, y = b->fits ? b->step_s : b->peak_bytes;
    return x < y ? -1 : x > y;
}

GArray *mpp_memory_savings_find(const MppJob *job, const MppStrategy *strategy, const MppEstimate *now)
{
    GArray *savings = g_array_new(FALSE, FALSE, sizeof(MppMemorySaving));
    bool fits = add_single(job, strategy, now, savings);
    for (int size = 2; !fits && size <= MOST_CHANGES; size++)
        fits = add_set(job, strategy, size, savings);
    g_array_sort(savings, compare);
    return savings;
}

void mpp_memory_savings_free(GArray *savings)
{
    for (guint i = 0; savings && i < savings->len; i++)
        g_free(g_array_index(savings, MppMemorySaving, i).title);
    if (savings)
        g_array_unref(savings);
}
