/* ranks: 1 2 4; slow: 8 */
/**
 * Every way to split a model trains the same model: losses and gradients after 1 and 10 steps.
 */
#include <stdio.h>

#include "tests/support/tiny_job.h"
#include "validate/backend_load.h"
#include "validate/worker/numerics.h"

/** Relative, of a parameter's largest gradient: rounding of fp32 sums, ten steps later. */
static const double tolerance = 1e-5;

typedef struct {
    int64_t ranks;
    const char *model, *strategy;
} Case;

static const Case cases[] = {
    { 1, "llama", "mbs=2" },
    { 1, "gpt", "mbs=4" },
    { 1, "parallel", "mbs=1,recompute=full" },
    { 1, "window", "mbs=2,recompute=selective" },
    { 1, "gpt", "mbs=2,recompute=selective:core_attn+mlp" },
    { 1, "experts", "mbs=2" },
    { 1, "mlp", "mbs=4" },
    { 1, "conv", "mbs=2,recompute=full" },
    { 2, "mlp", "dp=2,mbs=2" },
    { 2, "conv", "dp=2,mbs=4" },
    { 2, "mlp", "tp=2,mbs=2" },
    { 2, "conv", "tp=2,mbs=2" },
    { 2, "mlp", "pp=2,mbs=2" },
    { 2, "conv", "pp=2,mbs=1" },
    { 2, "conv", "pp=2,mbs=2,schedule=gpipe,stages=1/5" },
    { 2, "conv", "pp=2,vpp=2,schedule=interleaved,mbs=2" },
    { 2, "mlp", "pp=2,vpp=2,schedule=breadth-first,mbs=1" },
    { 2, "conv", "pp=2,schedule=zb-h1,mbs=1" },
    { 2, "mlp", "pp=2,schedule=zb-h2,mbs=2,recompute=full" },
    { 2, "conv", "pp=2,vpp=2,schedule=zb-interleaved,mbs=1" },
    { 2, "conv", "pp=2,vpp=2,schedule=zb-v,mbs=2" },
    { 2, "mlp", "pp=2,vpp=2,schedule=v-half,mbs=1" },
    { 2, "conv", "pp=2,vpp=2,schedule=v-min,mbs=1" },
    { 2, "conv", "pp=2,vpp=2,schedule=dualpipe-v,mbs=1" },
    { 2, "conv", "pp=2,vpp=2,schedule=hanayo,mbs=1" },
    { 2, "conv", "dp=2,mbs=2,zero=1" },
    { 2, "mlp", "dp=2,mbs=1,zero=2" },
    { 2, "conv", "dp=2,mbs=2,zero=3,recompute=full" },
    { 2, "conv", "tp=2,mbs=4,recompute=full" },
    { 2, "conv", "pp=2,mbs=2,recompute=full:1" },
    { 2, "llama", "dp=2,mbs=2" },
    { 2, "gpt", "dp=2,mbs=1" },
    { 2, "llama", "tp=2,mbs=2" },
    { 2, "gpt", "tp=2,mbs=2" },
    { 2, "parallel", "tp=2,mbs=2" },
    { 2, "window", "tp=2,mbs=1" },
    { 2, "llama", "tp=2,sp,mbs=2" },
    { 2, "gpt", "tp=2,sp,mbs=1" },
    { 2, "parallel", "tp=2,sp,mbs=2" },
    { 2, "window", "tp=2,sp,mbs=2" },
    { 2, "llama", "pp=2,mbs=2" },
    { 2, "gpt", "pp=2,mbs=1" },
    { 2, "gpt", "pp=2,mbs=2,schedule=gpipe,stages=1/3" },
    { 2, "llama", "pp=2,vpp=2,schedule=interleaved,mbs=1" },
    { 2, "gpt", "pp=2,vpp=2,schedule=interleaved,mbs=2" },
    { 2, "gpt", "pp=2,vpp=2,schedule=breadth-first,mbs=1" },
    { 2, "gpt", "pp=2,schedule=zb-h1,mbs=1" },
    { 2, "experts", "pp=2,schedule=zb-h2,mbs=2,recompute=full" },
    { 2, "llama", "pp=2,vpp=2,schedule=zb-interleaved,mbs=1" },
    { 2, "gpt", "pp=2,vpp=2,schedule=zb-v,mbs=1" },
    { 2, "window", "pp=2,vpp=2,schedule=v-half,mbs=1,recompute=selective" },
    { 2, "llama", "pp=2,vpp=2,schedule=v-min,mbs=1" },
    { 2, "gpt", "pp=2,vpp=2,schedule=dualpipe-v,mbs=1" },
    { 2, "gpt", "pp=2,vpp=2,schedule=hanayo,mbs=1" },
    { 2, "llama", "pp=2,schedule=chimera,mbs=1" },
    { 2, "gpt", "pp=2,schedule=chimera,mbs=2,stages=1/3" },
    { 2, "llama", "dp=2,mbs=2,zero=1" },
    { 2, "gpt", "dp=2,mbs=1,zero=1" },
    { 2, "gpt", "dp=2,mbs=2,zero=2" },
    { 2, "llama", "dp=2,mbs=2,zero=3" },
    { 2, "gpt", "dp=2,mbs=1,zero=3" },
    { 2, "llama", "cp=2,mbs=2" },
    { 2, "gpt", "cp=2,mbs=1" },
    { 2, "gpt", "cp=2,mbs=2,cp_kind=all-gather" },
    { 2, "parallel", "cp=2,mbs=2" },
    { 2, "experts", "dp=2,mbs=2" },
    { 2, "experts", "dp=2,ep=2,mbs=2" },
    { 2, "routed", "dp=2,ep=2,mbs=1,zero=1" },
    { 2, "experts", "tp=2,sp,etp=2,mbs=2" },
    { 2, "experts", "tp=2,sp,ep=2,mbs=2" },
    { 2, "routed", "tp=2,sp,mbs=2" },
    { 2, "llama", "tp=2,sp,mbs=2,recompute=full" },
    { 2, "gpt", "pp=2,mbs=2,recompute=full:1" },
    { 2, "llama", "dp=2,mbs=2,zero=3,recompute=full" },
    { 2, "llama", "cp=2,mbs=1,recompute=selective" },
    { 2, "experts", "dp=2,ep=2,mbs=2,recompute=full" },
    { 2, "experts", "dp=2,ep=2,mbs=2,recompute=selective:moe" },
    { 2, "experts", "tp=2,sp,mbs=2,recompute=selective:shared_experts+mlp" },
    { 2, "llama", "tp=2,sp,mbs=2,zero=1,recompute=selective:mlp" },
    { 4, "conv", "dp=4,mbs=2,zero=3" },
    { 4, "mlp", "dp=4,mbs=1,zero=1,zero_ranks=2" },
    { 4, "mlp", "tp=4,mbs=2" },
    { 4, "conv", "tp=4,mbs=1" },
    { 4, "conv", "pp=4,mbs=2" },
    { 4, "mlp", "pp=4,schedule=zb-h2,mbs=1" },
    { 4, "conv", "dp=2,tp=2,mbs=2,zero=3,recompute=full" },
    { 4, "mlp", "dp=2,tp=2,mbs=1,zero=2" },
    { 4, "conv", "dp=2,pp=2,mbs=2,zero=1" },
    { 4, "mlp", "dp=2,pp=2,mbs=2,zero=3,schedule=gpipe" },
    { 4, "conv", "tp=2,pp=2,vpp=2,schedule=interleaved,mbs=2" },
    { 4, "conv", "tp=2,pp=2,vpp=2,schedule=zb-v,mbs=1,recompute=full" },
    { 4, "mlp", "tp=2,pp=2,mbs=2,order=tp-pp-cp-dp" },
    { 4, "llama", "dp=4,mbs=2,zero=3" },
    { 4, "gpt", "dp=4,mbs=1,zero=2" },
    { 4, "llama", "dp=4,mbs=1,zero=3,zero_ranks=2" },
    { 4, "gpt", "dp=4,mbs=2,zero=1,zero_ranks=2" },
    { 4, "llama", "tp=4,mbs=2" },
    { 4, "parallel", "tp=4,sp,mbs=2" },
    { 4, "gpt", "tp=4,sp,mbs=1" },
    { 4, "llama", "pp=4,mbs=1" },
    { 4, "gpt", "pp=4,mbs=2,schedule=gpipe" },
    { 4, "llama", "cp=4,mbs=2" },
    { 4, "llama", "cp=4,mbs=2,cp_kind=all-gather" },
    { 4, "window", "cp=2,tp=2,sp,mbs=2,cp_kind=all-gather,recompute=selective" },
    { 4, "llama", "dp=2,tp=2,sp,mbs=2,zero=1" },
    { 4, "gpt", "dp=2,tp=2,sp,mbs=1,zero=3" },
    { 4, "parallel", "dp=2,tp=2,mbs=2,zero=2" },
    { 4, "gpt", "dp=2,pp=2,mbs=1,zero=1" },
    { 4, "gpt", "dp=2,pp=2,mbs=2,zero=3,schedule=gpipe" },
    { 4, "gpt", "tp=2,sp,pp=2,mbs=1" },
    { 4, "llama", "tp=2,pp=2,vpp=2,schedule=interleaved,mbs=2" },
    { 4, "gpt", "cp=2,pp=2,mbs=2" },
    { 4, "gpt", "dp=2,pp=2,vpp=2,schedule=zb-v,mbs=1,zero=1" },
    { 4, "parallel", "tp=2,sp,pp=2,schedule=zb-h1,mbs=2" },
    { 4, "experts", "dp=2,pp=2,vpp=2,schedule=dualpipe-v,ep=2,mbs=1" },
    { 4, "llama", "pp=4,schedule=zb-h2,mbs=1" },
    { 4, "parallel", "pp=4,schedule=chimera,mbs=1" },
    { 4, "gpt", "dp=2,pp=2,schedule=chimera,mbs=1,zero=1" },
    { 4, "llama", "dp=2,pp=2,schedule=chimera,mbs=2,zero=3" },
    { 4, "window", "tp=2,sp,pp=2,schedule=chimera,mbs=2,recompute=full" },
    { 4, "experts", "dp=2,pp=2,schedule=chimera,ep=2,mbs=1" },
    { 4, "llama", "cp=2,dp=2,mbs=2,zero=3" },
    { 4, "gpt", "cp=2,dp=2,mbs=2,zero=1,order=tp-dp-cp-pp" },
    { 4, "gpt", "cp=2,tp=2,sp,mbs=1" },
    { 4, "parallel", "cp=2,tp=2,mbs=2,order=tp-pp-cp-dp" },
    { 4, "llama", "dp=2,pp=2,mbs=2,order=tp-pp-dp-cp" },
    { 4, "experts", "dp=4,ep=4,mbs=2" },
    { 4, "experts", "dp=4,ep=2,mbs=1,zero=3" },
    { 4, "routed", "dp=2,tp=2,sp,ep=2,etp=2,mbs=2" },
    { 4, "experts", "dp=2,tp=2,sp,ep=4,mbs=2,zero=1" },
    { 4, "routed", "dp=2,tp=2,sp,ep=2,mbs=1,zero=2" },
    { 4, "experts", "dp=2,pp=2,ep=2,mbs=1,zero=1" },
    { 4, "routed", "cp=2,dp=2,ep=2,mbs=2" },
    { 4, "gpt", "dp=2,tp=2,sp,mbs=1,zero=3,recompute=full" },
    { 8, "gpt", "dp=2,tp=2,sp,pp=2,mbs=1,zero=1" },
    { 8, "conv", "dp=2,tp=2,pp=2,mbs=1,zero=1" },
    { 8, "mlp", "tp=4,pp=2,vpp=2,schedule=zb-v,mbs=1" },
    { 8, "llama", "dp=2,cp=2,tp=2,sp,mbs=2,zero=3,recompute=full" },
    { 8, "experts", "dp=4,tp=2,sp,ep=8,mbs=1" },
    { 8, "routed", "dp=2,tp=2,sp,pp=2,ep=2,etp=2,mbs=1,zero=1" },
    { 8, "parallel", "tp=4,pp=2,vpp=2,schedule=zb-v,mbs=1" },
    { 8, "gpt", "dp=8,mbs=1,zero=2,zero_ranks=4" },
    { 8, "gpt", "dp=2,pp=4,schedule=chimera,mbs=1,zero=2" },
    { 8, "llama", "cp=4,pp=2,mbs=2,schedule=zb-h1" },
};

static bool run_case(const MppRank *rank, const Case *one, int64_t n_steps, GString *said)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MppInputs) inputs = tiny_job_new(one->model, one->ranks);
    MppStrategy strategy = tiny_job_strategy(inputs, one->strategy);
    g_autoptr(MppRunReport) report = mpp_run_report_new(rank->backend->name);
    bool done = mpp_numerics_run(rank, &inputs->job, &strategy, n_steps, NULL, report, &error);
    mpp_strategy_clear(&strategy);
    if (!done) {
        g_string_append_printf(said, "# %s\n", error->message);
        return false;
    }
    for (guint i = 0; i < report->numerics->len; i++) {
        const MppComparedStep *step = &g_array_index(report->numerics, MppComparedStep, i);
        g_string_append_printf(said, "# step %d: loss %.7f, whole %.7f; norm %.7f, whole %.7f; %.1e in %s\n", (int)step->step,
                               step->loss, step->whole_loss, step->norm, step->whole_norm, step->worst_gradient, step->parameter);
    }
    return report->numerics->len == (n_steps > 1 ? 2 : 1) && mpp_run_report_worst(report) <= tolerance;
}

/** The folder of the backend; where it is not "cpu", its name; and where they are not ten, the number of steps. */
int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    const MppBackend *backend = mpp_backend_load(argc > 1 ? argv[1] : "build", argc > 2 ? argv[2] : "cpu", &error);
    MppRank *rank = backend ? mpp_rank_open(backend, &(MppBackendStart){ 0 }, &error) : NULL;
    g_assert_no_error(error);
    int64_t n_steps = argc > 3 ? g_ascii_strtoll(argv[3], NULL, 10) : 10;
    int n = 0, failed = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (cases[i].ranks != rank->size)
            continue;
        g_autoptr(GString) said = g_string_new(NULL);
        bool good = run_case(rank, &cases[i], n_steps, said);
        mpp_run(rank, peak_bytes, true);
        good = good && mpp_run(rank, peak_bytes, false) == 0; /* nothing is left on the device */
        failed += !good;
        n++;
        if (rank->index == 0)
            printf("%s%sok %d - %s %s\n", said->str, good ? "" : "not ", n, cases[i].model, cases[i].strategy);
    }
    if (rank->index == 0)
        printf("1..%d\n", n);
    mpp_rank_close(rank, false);
    return failed > 0;
}
