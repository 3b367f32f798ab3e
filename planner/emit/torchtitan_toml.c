/**
 * torchtitan's job configuration of releases up to 0.2: TOML (torchtitan/config/job_config.py).
 */

#include "planner/emit/torchtitan_toml_read.h"

#define N G_GINT64_FORMAT

static void add_parallelism(MppEmission *e, const MppTitanPlan *plan)
{
    const MppStrategy *s = e->strategy;
    if (s->tp > 1 && !s->sequence_parallel)
        mpp_emission_refuse(e, "tensor parallelism without sequence parallelism");
    if (!s->zero && s->dp > 1 && s->tp * s->pp > 1)
        mpp_emission_refuse(e, "replicas without sharding beside other parallelism");
    mpp_emission_add(e, "\n[parallelism]\n");
    mpp_emission_add(e, "data_parallel_replicate_degree = %" N "\ndata_parallel_shard_degree = %" N "\n", plan->replicas,
                     plan->shard);
    mpp_emission_add(e, "fsdp_reshard_after_forward = \"%s\"\n", plan->reshard);
    mpp_emission_add(e, "tensor_parallel_degree = %" N "\ncontext_parallel_degree = %" N "\n", s->tp, s->cp);
    if (plan->rotate)
        mpp_emission_add(e, "context_parallel_rotate_method = \"%s\"\n", plan->rotate);
    if (e->job->training.kernels.tensor_async)
        mpp_emission_add(e, "enable_async_tensor_parallel = true\n");
    mpp_emission_add(e, "pipeline_parallel_degree = %" N "\n", s->pp);
    if (s->pp > 1) {
        mpp_emission_add(e, "pipeline_parallel_schedule = \"%s\"\n", plan->schedule);
        mpp_emission_add(e, "pipeline_parallel_microbatch_size = %" N "\n", s->micro_batch);
        mpp_emission_add(e, "module_fqns_per_model_part = [\n");
        mpp_titan_add_stages(e, "    ", "output");
        mpp_emission_add(e, "]\n");
    }
    if (!e->job->model->moe.experts)
        return;
    if (s->ep > 1 ? s->etp != 1 && s->etp != s->tp : s->etp != s->tp)
        mpp_emission_refuse(e, "experts split over %" N " of %" N " tensor-parallel ranks", s->etp, s->tp);
    mpp_emission_add(e, "expert_parallel_degree = %" N "\n", s->ep);
    if (s->ep > 1)
        mpp_emission_add(e, "expert_tensor_parallel_degree = %" N "\n", s->etp);
}

static const char *converters(MppEmission *e)
{
    MppPrecision precision = e->job->training.precision;
    switch (precision) {
    case MPP_PRECISION_FP8:
    case MPP_PRECISION_FP8_ROWWISE: return "\"quantize.linear.float8\"";
    case MPP_PRECISION_MXFP8: return "\"quantize.linear.mx\"";
    case MPP_PRECISION_FP32:
    case MPP_PRECISION_BF16: return NULL;
    default: mpp_emission_refuse(e, "%s products", mpp_names_get(&mpp_precision_names, precision)); return NULL;
    }
}

static void add_model(MppEmission *e)
{
    const MppTitanModel *row = mpp_titan_find_model(e->job->model);
    if (!row || !row->toml)
        mpp_emission_refuse(e, "the model %s", e->job->model->name);
    mpp_emission_add(e, "\n[model]\nname = \"%s\"\nflavor = \"%s\"\n", row ? row->module : "", row ? row->flavor : "");
    const char *names = converters(e);
    if (names)
        mpp_emission_add(e, "converters = [%s]\n", names);
}

static void add_rest(MppEmission *e)
{
    static const char *const modes[MPP_N_RECOMPUTES] = { "none", "selective", "full", "none" };
    MppTitanCompile compile = mpp_titan_compile(e);
    mpp_emission_add(e, "\n[activation_checkpoint]\nmode = \"%s\"\n", modes[e->strategy->recompute]);
    if (e->strategy->recompute == MPP_RECOMPUTE_SELECTIVE)
        mpp_emission_add(e, "selective_ac_option = \"op\"\n");
    mpp_emission_add(e, "\n[compile]\nenable = %s\n", compile.model || compile.loss ? "true" : "false");
    if (compile.model || compile.loss)
        mpp_emission_add(e, "components = [%s%s%s]\n", compile.model ? "\"model\"" : "",
                         compile.model && compile.loss ? ", " : "", compile.loss ? "\"loss\"" : "");
    MppPrecision precision = e->job->training.precision;
    if (precision == MPP_PRECISION_FP8 || precision == MPP_PRECISION_FP8_ROWWISE)
        mpp_emission_add(e, "\n[quantize.linear.float8]\nrecipe_name = \"%s\"\n",
                         precision == MPP_PRECISION_FP8 ? "tensorwise" : "rowwise");
}

static void emit(MppEmission *e)
{
    const MppTraining *training = &e->job->training;
    MppTitanPlan plan = mpp_titan_plan(e);
    mpp_emission_add_header(e, "#");
    mpp_emission_add(e, "# For torchtitan 0.2 on %" N " devices. Data, learning rate and checkpoints are not set.\n",
                     e->job->gpus);
    add_model(e);
    mpp_emission_add(e, "\n[training]\nlocal_batch_size = %" N "\nglobal_batch_size = %" N "\nseq_len = %" N "\n",
                     plan.local_batch, training->global_batch, training->seq);
    mpp_emission_add(e, "mixed_precision_param = \"%s\"\n", training->precision == MPP_PRECISION_FP32 ? "float32" : "bfloat16");
    if (e->strategy->offload == MPP_OFFLOAD_PARAMETERS)
        mpp_emission_add(e, "enable_cpu_offload = true\n");
    add_parallelism(e, &plan);
    add_rest(e);
}

const MppEmitTarget mpp_emit_torchtitan_toml = {
    .name = "torchtitan-toml",
    .file_name = "torchtitan.toml",
    .summary = "torchtitan up to 0.2: a job configuration in TOML",
    .emit = emit,
    .read = mpp_titan_read_toml,
};
