"""torchtitan 0.3 loads the emitted module as run_train.sh does: MODULE and CONFIG, through its ConfigManager."""
import contextlib
import io
import os
import sys

from plans import FOLDER, cases, equal, main, need


def layers_of(parts):
    return [sum(name.startswith("layers.") for name in part) for part in parts]


def check(text, strategy, inputs):
    need("torchtitan")
    manager = need("torchtitan.config.manager")
    dims = need("torchtitan.distributed.parallel_dims")
    (FOLDER / "emitted_plan.py").write_text(text)
    sys.path.insert(0, str(FOLDER))
    sys.modules.pop("emitted_plan", None)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            config = manager.ConfigManager().parse_args(["--module", "emitted_plan", "--config", "plan"])
    finally:
        sys.path.remove(str(FOLDER))
    p, training = config.parallelism, config.training
    mesh = dims.ParallelDims.from_config(p, inputs["gpus"])
    equal(mesh.dp_replicate * mesh.dp_shard, strategy["dp"])
    equal((mesh.tp, mesh.pp, mesh.cp, mesh.ep), (strategy["tp"], strategy["pp"], strategy["cp"], strategy["ep"]))
    ranks = (strategy["zero_ranks"] or strategy["dp"] * strategy["cp"]) if strategy["zero"] else 1
    equal(mesh.dp_shard * mesh.cp, ranks)
    equal(p.fsdp_reshard_after_forward, "never" if strategy["zero"] == 2 else "always")
    equal(training.seq_len, inputs["training"]["seq"])
    equal(training.enable_cpu_offload, strategy["offload"] == "parameters")
    equal(training.global_batch_size, inputs["training"]["global_batch"])
    steps = training.global_batch_size // (training.local_batch_size * strategy["dp"])
    if strategy["pp"] > 1:
        equal(steps, 1)
        equal(p.pipeline_parallel_microbatch_size, strategy["micro_batch"])
        equal(layers_of(p.module_fqns_per_model_part), strategy["stage_layers"])
        schedules = need("torch.distributed.pipelining.schedules")
        schedule = schedules.get_schedule_class(p.pipeline_parallel_schedule)
        equal(issubclass(schedule, schedules.PipelineScheduleMulti), strategy["vpp"] > 1)
    else:
        equal(training.local_batch_size, strategy["micro_batch"])
    checkpointing = type(config.activation_checkpoint).__qualname__.split(".")[0]
    equal(checkpointing, {"none": "NoneType", "selective": "SelectiveAC", "full": "FullAC"}[strategy["recompute"]])
    equal(len(config.model_spec.model.layers), inputs["model"]["layers"])


os.environ.setdefault("WORLD_SIZE", "1")
main(cases("torchtitan", check, ["titan", "titan-looped", "titan-v", "titan-hybrid", "titan-context", "titan-offload", "titan-experts", "sharded"]))
