"""Megatron-Bridge applies the emitted overrides to a configuration and validates it."""
import os
import warnings

import stand_in
from plans import cases, equal, main, need

warnings.simplefilter("ignore")


def base_config(model):
    config = need("megatron.bridge.training.config")
    provider = need("megatron.bridge.models.gpt_provider").GPTModelProvider
    functional = need("torch.nn.functional")
    moe = model.get("moe", {})
    experts = {"num_moe_experts": moe["experts"], "moe_router_topk": moe["topk"], "moe_ffn_hidden_size": moe["ffn"]} if moe.get("experts") else {}
    return config.ConfigContainer(
        model=provider(num_layers=model["layers"], hidden_size=model["hidden"], num_attention_heads=model["heads"],
                       num_query_groups=model.get("kv_heads"), ffn_hidden_size=model["ffn"] or moe["ffn"], vocab_size=model["vocab"],
                       add_bias_linear=bool(model.get("mlp_bias")), seq_length=1024,
                       gated_linear_unit=bool(model.get("gated_mlp")),
                       activation_func=functional.silu if model.get("gated_mlp") else functional.gelu,
                       mtp_num_layers=model.get("prediction_layers") or None, **experts),
        train=config.TrainingConfig(train_iters=10, micro_batch_size=1, global_batch_size=1),
        optimizer=config.OptimizerConfig(lr=1e-4),
        scheduler=config.SchedulerConfig(),
        dataset=config.MockGPTDatasetConfig(seq_length=1024, random_seed=1, reset_position_ids=False, reset_attention_mask=False,
                                            eod_mask_loss=False),
        logger=config.LoggerConfig(),
        tokenizer=config.TokenizerConfig(tokenizer_type="NullTokenizer", vocab_size=model["vocab"]),
        checkpoint=config.CheckpointConfig())


def check(text, strategy, inputs):
    stand_in.install("transformer_engine", "transformer_engine_torch", "mamba_ssm", "causal_conv1d", "modelopt", "nvidia_resiliency_ext")
    overrides = need("megatron.bridge.training.utils.omegaconf_utils")
    module = need("megatron.bridge.training.config")
    stand_in.fused_rotary()
    stand_in.hopper()
    os.environ |= {"WORLD_SIZE": str(inputs["gpus"]), "RANK": "0", "LOCAL_RANK": "0"}
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    config = overrides.process_config_with_overrides(base_config(inputs["model"]), cli_overrides=lines)
    module.runtime_config_update(config)
    equal(config.data_parallel_size, strategy["dp"])
    m = config.model
    equal((m.tensor_model_parallel_size, m.pipeline_model_parallel_size, m.context_parallel_size, m.expert_model_parallel_size),
          (strategy["tp"], strategy["pp"], strategy["cp"], strategy["ep"]))
    equal(m.sequence_parallel, strategy["sequence_parallel"])
    equal(m.virtual_pipeline_model_parallel_size or 1, strategy["vpp"])
    equal(m.recompute_granularity, strategy["recompute"] if strategy["recompute"] in ("selective", "full") else None)
    if strategy["recompute"] == "selective":
        equal(set(m.recompute_modules), set(strategy["recompute_modules"]) or {"core_attn"})
    equal((m.cpu_offloading, m.cpu_offloading_num_layers), (True, strategy["recompute_layers"]) if strategy["recompute"] == "offload" else (False, 0))
    equal((config.train.micro_batch_size, config.train.global_batch_size), (strategy["micro_batch"], inputs["training"]["global_batch"]))
    equal((m.seq_length, config.dataset.seq_length), (inputs["training"]["seq"],) * 2)
    equal(config.ddp.use_distributed_optimizer, strategy["zero"] > 0)
    equal(config.optimizer.optimizer_cpu_offload, strategy["offload"] == "optimizer")
    if strategy["pp"] > 1 and m.pipeline_model_parallel_layout:
        kinds = need("megatron.core.transformer.enums").LayerType
        layout = m.pipeline_model_parallel_layout
        chunks = [layout.layout[rank][chunk] for chunk in range(strategy["vpp"]) for rank in range(strategy["pp"])]
        equal([chunk.count(kinds.decoder) + chunk.count(kinds.mtp) for chunk in chunks], strategy["stage_layers"])


main(cases("megatron-bridge", check, ["dense", "interleaved", "uneven", "sharded", "hybrid", "offload", "order", "ulysses", "gathered", "gpt", "experts", "sinks", "dispatch"]))
