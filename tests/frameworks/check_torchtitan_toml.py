"""torchtitan 0.2's ConfigManager reads the emitted TOML, and its pipeline code cuts the stages."""
import contextlib
import io
import os
import pathlib
import sys

from plans import FOLDER, Skip, cases, equal, main

TITAN = pathlib.Path(os.environ["MPPLAN_TITAN_02"])
sys.path.insert(0, str(TITAN))


def check(text, strategy, inputs):
    if not (TITAN / "torchtitan").is_dir():
        raise Skip("torchtitan 0.2 is not installed")
    try:
        from torchtitan.config.manager import ConfigManager
        from torchtitan.distributed.parallel_dims import ParallelDims
    except ImportError as error:
        raise Skip(f"torchtitan 0.2 cannot be imported: {error}") from error
    path = FOLDER / "job.toml"
    path.write_text(text)
    with contextlib.redirect_stdout(io.StringIO()):
        config = ConfigManager().parse_args([f"--job.config_file={path}"])
    p, training = config.parallelism, config.training
    mesh = ParallelDims(dp_replicate=p.data_parallel_replicate_degree, dp_shard=p.data_parallel_shard_degree, cp=p.context_parallel_degree,
                        tp=p.tensor_parallel_degree, pp=p.pipeline_parallel_degree, ep=p.expert_parallel_degree,
                        etp=p.expert_tensor_parallel_degree, world_size=inputs["gpus"])
    equal(mesh.dp_replicate * mesh.dp_shard, strategy["dp"])
    equal((mesh.tp, mesh.pp, mesh.cp, mesh.ep), (strategy["tp"], strategy["pp"], strategy["cp"], strategy["ep"]))
    if strategy["cp"] > 1:
        equal(p.context_parallel_rotate_method, {"ring": "alltoall", "all-gather": "allgather"}[strategy["cp_kind"]])
    equal((training.seq_len, training.global_batch_size), (inputs["training"]["seq"], inputs["training"]["global_batch"]))
    equal(config.activation_checkpoint.mode, strategy["recompute"])
    equal(training.enable_cpu_offload, strategy["offload"] == "parameters")
    equal(config.compile.enable, True)
    if strategy["pp"] > 1:
        parts = p.module_fqns_per_model_part
        equal([sum(name.startswith("layers.") for name in part) for part in parts], strategy["stage_layers"])
        equal((parts[0][0], parts[-1][-2:]), ("tok_embeddings", ["norm", "output"]))
        equal(training.local_batch_size * strategy["dp"], training.global_batch_size)


main(cases("torchtitan-toml", check, ["titan", "titan-looped", "titan-v", "titan-hybrid", "titan-context", "titan-offload", "titan-experts"]))
