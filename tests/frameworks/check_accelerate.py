"""accelerate's own configuration classes read the emitted YAML, as `accelerate launch` does."""
from plans import FOLDER, cases, equal, main, need


def check(text, strategy, inputs):
    arguments = need("accelerate.commands.config.config_args")
    parallelism = need("accelerate.parallelism_config")
    path = FOLDER / "accelerate.yaml"
    path.write_text(text)
    config = arguments.ClusterConfig.from_yaml_file(str(path))
    equal(config.num_processes, inputs["gpus"])
    equal(config.distributed_type.value, "FSDP")
    sizes = {key.removeprefix("parallelism_config_"): value for key, value in config.parallelism_config.items()}
    mesh = parallelism.ParallelismConfig(**{key: value for key, value in sizes.items() if key.endswith("_size")})
    equal(mesh.total_size, inputs["gpus"])
    equal(mesh.dp_replicate_size * mesh.dp_shard_size, strategy["dp"])
    equal(mesh.tp_size, strategy["tp"])
    equal(mesh.cp_size, strategy["cp"])
    ranks = (strategy["zero_ranks"] or strategy["dp"] * strategy["cp"]) if strategy["zero"] else 1
    equal(mesh.dp_shard_size * mesh.cp_size, ranks)
    fsdp = config.fsdp_config
    equal(fsdp["fsdp_version"], 2)
    equal(fsdp["fsdp_reshard_after_forward"], strategy["zero"] == 3)
    equal(fsdp["fsdp_offload_params"], strategy["offload"] == "parameters")
    equal(fsdp["fsdp_activation_checkpointing"], strategy["recompute"] == "full")
    launch = need("accelerate.commands.launch")
    known = {action.dest for action in launch.launch_command_parser()._actions}
    unknown = [key for key in [*fsdp, *config.parallelism_config] if key not in known]
    equal(unknown, [])


main(cases("accelerate", check, ["fsdp", "fsdp-offload", "sharded", "titan-context", "ddp"]))
