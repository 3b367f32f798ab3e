"""megatron-core checks the emitted arguments: as TransformerConfig (its own validation), as rank groups, as stages."""
import types
import warnings

import stand_in
from plans import cases, equal, main, need
from megatron_arguments import namespace

warnings.simplefilter("ignore")


def layers_by_stage(arguments, config, layers, prediction):
    """Decoder layers of each chunk in model order, by megatron-core's own code."""
    block = need("megatron.core.transformer.transformer_block")
    pp, layout = arguments.pipeline_model_parallel_size, config.pipeline_model_parallel_layout
    if layout is not None:
        layout.validate_layer_layout(layers, prediction or None)
        vpp = layout.virtual_pipeline_model_parallel_size
        kind = need("megatron.core.transformer.enums").LayerType
        chunks = [layout.layout[rank][chunk] for chunk in range(vpp) for rank in range(pp)]
        return [chunk.count(kind.decoder) + chunk.count(kind.mtp) for chunk in chunks]
    vpp = arguments.num_virtual_stages_per_pipeline_rank
    counts = [block.get_num_layers_to_build(config, vp_stage=chunk if vpp else None, pp_rank=rank)
              for chunk in range(vpp or 1) for rank in range(pp)]
    counts[-1] += prediction
    return counts


def transformer_config(arguments, strategy):
    """Megatron-Bridge's copy of Megatron-LM's mapping of arguments to the configuration."""
    stand_in.install("transformer_engine", "transformer_engine_torch", "mamba_ssm", "causal_conv1d", "modelopt", "nvidia_resiliency_ext")
    mapping = need("megatron.bridge.training.mlm_compat.arguments")
    torch = need("torch")
    stand_in.fused_rotary()
    arguments.params_dtype = torch.bfloat16 if arguments.bf16 else torch.half if arguments.fp16 else torch.float
    arguments.bias_gelu_fusion &= arguments.add_bias_linear  # so does arguments.py
    arguments.cpu_offloading |= arguments.cpu_offloading_num_layers > 0  # so does arguments.py
    arguments.virtual_pipeline_model_parallel_size = arguments.num_virtual_stages_per_pipeline_rank
    if arguments.pipeline_model_parallel_layout:  # arguments.py derives it
        stages = need("megatron.core.transformer.pipeline_parallel_layer_layout").PipelineParallelLayerLayout
        chunks = stages.get_num_stages_from_str(arguments.pipeline_model_parallel_layout) // arguments.pipeline_model_parallel_size
        arguments.virtual_pipeline_model_parallel_size = chunks if chunks > 1 else None
    return mapping._transformer_config_from_args(arguments)


def check(text, strategy, inputs):
    need("megatron.core")
    enums = need("megatron.core.transformer.enums")
    configs = need("megatron.core.transformer.transformer_config")
    latent = "--multi-latent-attention" in text
    config_class = configs.MLATransformerConfig if latent else configs.TransformerConfig
    arguments, torchrun = namespace(text, config_class, enums.AttnBackend)
    model, training = inputs["model"], inputs["training"]
    equal(int(torchrun["--nproc-per-node"]) * int(torchrun["--nnodes"]), inputs["gpus"])
    config = transformer_config(arguments, strategy)
    sizes = (config.tensor_model_parallel_size, config.pipeline_model_parallel_size, config.context_parallel_size,
             config.expert_model_parallel_size)
    equal(sizes, (strategy["tp"], strategy["pp"], strategy["cp"], strategy["ep"]))
    equal(config.sequence_parallel, strategy["sequence_parallel"])
    equal(config.virtual_pipeline_model_parallel_size or 1, strategy["vpp"])
    if strategy["vpp"] > 1:
        equal(config.microbatch_group_size_per_vp_stage, strategy["schedule_group"] or strategy["pp"])
    if model.get("moe", {}).get("experts"):
        equal(config.expert_tensor_parallel_size, strategy["etp"])
        once, beside = (inputs["training"].get("kernels", {}).get(name, False) for name in ("dispatch_once", "expert_async"))
        equal((config.moe_token_dispatcher_type, config.overlap_moe_expert_parallel_comm), ("flex" if once else "alltoall", beside))
        equal(config.moe_flex_dispatcher_backend, "deepep")
    equal((config.num_layers, config.hidden_size, config.num_attention_heads), (model["layers"], model["hidden"], model["heads"]))
    equal(layers_by_stage(arguments, config, model["layers"], model.get("prediction_layers", 0)), strategy["stage_layers"])
    check_pattern(arguments, config, model)
    check_recomputation(config, strategy)
    check_groups(arguments, strategy, inputs["gpus"])
    check_batch(arguments, strategy, training)
    check_optimizer(arguments, strategy)


def check_pattern(arguments, config, model):
    equal(config.is_hybrid_model, "pattern" in model)
    if "pattern" not in model:
        return
    allocation = need("megatron.core.ssm.mamba_hybrid_layer_allocation")
    equal("".join(allocation.allocate_layers(config.num_layers, 0.0, 0.0, arguments.hybrid_override_pattern)), model["pattern"])
    need(arguments.spec[0])
    sizes = (config.mamba_num_heads, config.mamba_head_dim, config.mamba_num_groups, config.mamba_state_dim)
    equal(sizes, tuple(model["ssm"][name] for name in ("heads", "head_dim", "groups", "state")))


def check_recomputation(config, strategy):
    kind, layers = strategy["recompute"], strategy["recompute_layers"]
    equal(config.recompute_granularity, kind if kind in ("selective", "full") else None)
    equal((config.cpu_offloading, config.cpu_offloading_num_layers), (True, layers) if kind == "offload" else (False, 0))
    if kind == "selective":
        equal(set(config.recompute_modules), set(strategy["recompute_modules"]) or {"core_attn"})
    if kind == "full":
        equal((config.recompute_method, config.recompute_num_layers), ("block", layers) if layers else ("uniform", 1))


def check_groups(arguments, strategy, gpus):
    """Megatron's rank generator lays dp, cp and pp out as the plan's mesh order says."""
    generator = need("megatron.core.parallel_state").RankGenerator
    order = "tp-cp-ep-pp-dp" if arguments.use_tp_pp_dp_mapping else "tp-cp-ep-dp-pp"
    ranks = generator(tp=strategy["tp"], ep=1, dp=strategy["dp"], pp=strategy["pp"], cp=strategy["cp"], order=order)
    strides = {"tp": 1}
    stride = 1
    for axis in strategy["order"].split("-"):
        strides[axis] = stride
        stride *= strategy[axis]
    equal(stride, gpus)
    for axis in ("tp", "cp", "dp", "pp"):
        if strategy[axis] > 1:
            equal(ranks.get_ranks(axis)[0], [strides[axis] * i for i in range(strategy[axis])])


def check_batch(arguments, strategy, training):
    calculator = need("megatron.core.num_microbatches_calculator")
    one = calculator.ConstantNumMicroBatchesCalculator(arguments.global_batch_size, arguments.micro_batch_size, strategy["dp"], False, 0)
    equal(one.get(), training["global_batch"] // (strategy["micro_batch"] * strategy["dp"]))
    equal(arguments.seq_length, training["seq"])
    equal(arguments.max_position_embeddings >= arguments.seq_length, True)


def check_optimizer(arguments, strategy):
    ddp = need("megatron.core.distributed").DistributedDataParallelConfig
    optimizer = need("megatron.core.optimizer").OptimizerConfig
    names = ("use_distributed_optimizer", "num_distributed_optimizer_instances", "use_megatron_fsdp", "data_parallel_sharding_strategy",
             "overlap_grad_reduce", "overlap_param_gather")
    config = ddp(**{name: getattr(arguments, name) for name in names})
    stages = {"no_shard": int(config.use_distributed_optimizer), "optim": 1, "optim_grads": 2, "optim_grads_params": 3}
    equal(stages[config.data_parallel_sharding_strategy], strategy["zero"])
    ranks = strategy["dp"] * strategy["cp"] // config.num_distributed_optimizer_instances
    equal(ranks, strategy["zero_ranks"] or strategy["dp"] * strategy["cp"])
    kept = types.SimpleNamespace(**vars(arguments))
    settings = optimizer(optimizer=kept.optimizer, lr=1e-4, bf16=kept.bf16, fp16=kept.fp16, optimizer_cpu_offload=kept.optimizer_cpu_offload,
                         optimizer_offload_fraction=kept.optimizer_offload_fraction, use_distributed_optimizer=kept.use_distributed_optimizer,
                         use_precision_aware_optimizer=kept.use_precision_aware_optimizer)
    equal(settings.optimizer_cpu_offload, strategy["offload"] == "optimizer")


main(cases("megatron", check, ["dense", "interleaved", "uneven", "sharded", "hybrid", "offload", "order", "ulysses", "gathered", "gpt", "experts", "latent", "sinks", "dispatch", "pattern"]))
