"""DeepSpeed's own configuration class reads the emitted JSON."""
import os
import pathlib
import tempfile
import types

from plans import cases, equal, main, need


def check(text, strategy, inputs):
    os.environ.setdefault("DS_ACCELERATOR", "cpu")
    need("deepspeed")
    config_module = need("deepspeed.runtime.config")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "ds_config.json"
        path.write_text(text)

        # processes there are none: the number that DeepSpeed divides the batch by
        config_module.dist = types.SimpleNamespace(get_rank=lambda: 0, get_world_size=lambda: strategy["dp"])
        config = config_module.DeepSpeedConfig(str(path))
    training = inputs["training"]
    equal(config.train_batch_size, training["global_batch"])
    equal(config.train_micro_batch_size_per_gpu, strategy["micro_batch"])
    equal(config.gradient_accumulation_steps, training["global_batch"] // (strategy["micro_batch"] * strategy["dp"]))
    equal(int(config.zero_config.stage), strategy["zero"])
    for key, kinds in (("offload_optimizer", ("optimizer", "parameters")), ("offload_param", ("parameters",))):
        offload = getattr(config.zero_config, key)
        equal(offload is not None and getattr(offload.device, "value", offload.device) == "cpu", strategy["offload"] in kinds)
    equal(config.tensor_parallel_config.autotp_size or 1, strategy["tp"])
    equal(config.expert_parallel_config.autoep_size if config.expert_parallel_config.enabled else 1, strategy["ep"])
    equal(config.bfloat16_config.enabled, training.get("precision", "bf16") == "bf16")
    equal(config.float16_config.enabled, training.get("precision", "bf16") == "fp16")


main(cases("deepspeed", check, ["sharded", "zero2", "zero3-offload", "gpt", "ddp", "sinks"]))
