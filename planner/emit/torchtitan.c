/**
 * torchtitan 0.3: a module with a function that returns the Trainer.Config of the plan, given to run_train.sh as MODULE
 * and CONFIG (torchtitan/config/configs.py, torchtitan/trainer.py).
 */
#include "planner/emit/torchtitan_forms.h"

#define N G_GINT64_FORMAT

#define FLOAT8(recipe) \
    "Float8LinearConverter.Config(recipe_name=\"" recipe "\", filter_fqns=[\"lm_head\"], model_compile_enabled=COMPILE)"

static const char *converter(MppEmission *e)
{
    static const struct {
        bool known;
        const char *call;
    } rows[MPP_N_PRECISIONS] = {
        [MPP_PRECISION_FP32] = { true, NULL },
        [MPP_PRECISION_BF16] = { true, NULL },
        [MPP_PRECISION_FP8] = { true, FLOAT8("tensorwise") },
        [MPP_PRECISION_FP8_ROWWISE] = { true, FLOAT8("rowwise") },
        [MPP_PRECISION_MXFP8] = { true, "MXFP8LinearConverter.Config(fqns=[\"layers\"], model_compile_enabled=COMPILE)" },
        [MPP_PRECISION_NVFP4] = { true, "NVFP4LinearConverter.Config(fqns=[\"layers\"], model_compile_enabled=COMPILE)" },
    };
    MppPrecision precision = e->job->training.precision;
    if (!rows[precision].known)
        mpp_emission_refuse(e, "%s products", mpp_names_get(&mpp_precision_names, precision));
    return rows[precision].call;
}

static void add_imports(MppEmission *e, const MppTitanModel *row, const char *convert)
{
    static const char *const checkpointing[MPP_N_RECOMPUTES] = { NULL, "SelectiveAC", "FullAC" };
    const char *ac = checkpointing[e->strategy->recompute];
    mpp_emission_add(e, "import dataclasses\n\n");
    if (convert) {
        g_auto(GStrv) parts = g_strsplit(convert, ".", 2);
        mpp_emission_add(e, "from torchtitan.components.quantization import %s\n", parts[0]);
    }
    mpp_emission_add(e, "from torchtitan.config import CompileConfig, ParallelismConfig\n");
    if (ac)
        mpp_emission_add(e, "from torchtitan.distributed.activation_checkpoint import %s\n", ac);
    mpp_emission_add(e, "from torchtitan.models.%s import model_registry\n", row->module);
    mpp_emission_add(e, "from torchtitan.models.%s.config_registry import %s\nfrom torchtitan.trainer import Trainer\n",
                     row->module, row->recipe);
}

static void add_parallelism(MppEmission *e, const MppTitanPlan *plan)
{
    const MppStrategy *s = e->strategy;
    mpp_emission_add(e, "        parallelism=ParallelismConfig(\n");
    mpp_emission_add(e, "            data_parallel_replicate_degree=%" N ",\n            data_parallel_shard_degree=%" N ",\n",
                     plan->replicas, plan->shard);
    mpp_emission_add(e, "            fsdp_reshard_after_forward=\"%s\",\n", plan->reshard);
    mpp_emission_add(e, "            tensor_parallel_degree=%" N ",\n            enable_sequence_parallel=%s,\n", s->tp,
                     s->sequence_parallel || s->tp == 1 ? "True" : "False");
    mpp_emission_add(e, "            context_parallel_degree=%" N ",\n            pipeline_parallel_degree=%" N ",\n", s->cp,
                     s->pp);
    if (s->pp > 1) {
        mpp_emission_add(e, "            pipeline_parallel_schedule=\"%s\",\n", plan->schedule);
        mpp_emission_add(e, "            pipeline_parallel_microbatch_size=%" N ",\n            module_fqns_per_model_part=[\n",
                         s->micro_batch);
        mpp_titan_add_stages(e, "                ", "lm_head");
        mpp_emission_add(e, "            ],\n");
    }
    if (e->job->model->moe.experts) {
        if (s->etp != (s->ep > 1 ? 1 : s->tp))
            mpp_emission_refuse(e, "experts split over %" N " tensor-parallel ranks", s->etp);
        mpp_emission_add(e, "            expert_parallel_degree=%" N ",\n", s->ep);
    }
    mpp_emission_add(e, "        ),\n");
}

static void add_training(MppEmission *e, const MppTitanPlan *plan)
{
    const MppTraining *training = &e->job->training;
    bool no_graphs = e->strategy->pp > 1 || e->strategy->ep > 1; /* trainer.py refuses CUDA graphs with either */
    mpp_emission_add(e, "        training=dataclasses.replace(\n            base.training,\n");
    mpp_emission_add(e,
                     "            local_batch_size=%" N ",\n            global_batch_size=%" N ",\n            seq_len=%" N ",\n",
                     plan->local_batch, training->global_batch, training->seq);
    mpp_emission_add(e, "            mixed_precision_param=\"%s\",\n",
                     training->precision == MPP_PRECISION_FP32 ? "float32" : "bfloat16");
    if (e->strategy->offload == MPP_OFFLOAD_PARAMETERS)
        mpp_emission_add(e, "            enable_cpu_offload=True,\n");
    if (no_graphs)
        mpp_emission_add(e, "            disable_cuda_graphs=True,\n");
    mpp_emission_add(e, "        ),\n");
}

static void add_rest(MppEmission *e, const MppTitanCompile *compile)
{
    static const char *const checkpointing[MPP_N_RECOMPUTES] = { "None", "SelectiveAC.Config()", "FullAC.Config()", "None" };
    mpp_emission_add(e, "        activation_checkpoint=%s,\n", checkpointing[e->strategy->recompute]);
    if (compile->model || compile->loss)
        mpp_emission_add(e, "        compile=CompileConfig(enable=True, components=[%s%s%s]%s),\n",
                         compile->model ? "\"model\"" : "", compile->model && compile->loss ? ", " : "",
                         compile->loss ? "\"loss\"" : "",
                         compile->async_tensor_parallel ? ", enable_async_tensor_parallel=True" : "");
    else
        mpp_emission_add(e, "        compile=CompileConfig(enable=False),\n");
}

static void emit(MppEmission *e)
{
    MppTitanPlan plan = mpp_titan_plan(e);
    if (e->strategy->cp > 1 && e->strategy->cp_kind == MPP_CP_RING)
        mpp_emission_refuse(e, "context parallelism by ring"); /* PyTorch's usual way alone: PyTorch gathers */
    MppTitanCompile compile = mpp_titan_compile(e);
    const char *call = converter(e);
    const MppTitanModel *row = mpp_titan_find_model(e->job->model);
    if (!row || !row->recipe) {
        mpp_emission_refuse(e, "the model %s", e->job->model->name);
        return;
    }
    mpp_emission_add_header(e, "#");
    mpp_emission_add(e, "# For torchtitan 0.3: NGPU=%" N " MODULE=<this module> CONFIG=plan ./run_train.sh\n", e->job->gpus);
    add_imports(e, row, call);
    g_auto(GStrv) parts = g_strsplit(call ? call : "", "COMPILE", 2);
    g_autofree char *convert =
        call ? g_strconcat(", converters=[", parts[0], compile.model ? "True" : "False", parts[1], "]", NULL) : g_strdup("");
    mpp_emission_add(e, "\n\ndef plan() -> Trainer.Config:\n    base = %s()\n    return dataclasses.replace(\n        base,\n",
                     row->recipe);
    mpp_emission_add(e, "        model_spec=model_registry(\"%s\"%s),\n", row->flavor, convert);
    add_training(e, &plan);
    add_parallelism(e, &plan);
    add_rest(e, &compile);
    mpp_emission_add(e, "    )\n");
}

const MppEmitTarget mpp_emit_torchtitan = {
    .name = "torchtitan",
    .file_name = "torchtitan_plan.py",
    .summary = "torchtitan 0.3: a Python function that returns the Trainer.Config",
    .emit = emit,
    .read = NULL,
};
