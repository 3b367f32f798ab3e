"""The emitted module runs: it makes the mesh on a process group without processes and shards a small model."""
import functools
import types

from plans import cases, equal, main, need


def check(text, strategy, inputs):
    torch = need("torch")
    distributed = need("torch.distributed")
    need("torch.testing._internal.distributed.fake_pg")
    store = torch.testing._internal.distributed.fake_pg.FakeStore()
    distributed.init_process_group("fake", store=store, rank=0, world_size=inputs["gpus"])
    try:
        module = types.ModuleType("plan")
        exec(compile(text, "pytorch_plan.py", "exec"), module.__dict__)
        mesh, sharding = module.make_meshes("cpu")
        module.CPUOffloadPolicy = functools.partial(module.CPUOffloadPolicy, pin_memory=False)  # which needs a GPU
        equal(mesh.mesh_dim_names, ("pp", "dp_replicate", "dp_shard", "cp", "tp"))
        equal(mesh["tp"].size(), strategy["tp"])
        equal(mesh["cp"].size(), strategy["cp"])
        equal(mesh["pp"].size(), strategy["pp"])
        equal(mesh["dp_replicate"].size() * mesh["dp_shard"].size(), strategy["dp"])
        equal(mesh["tp"].mesh.tolist(), list(range(strategy["tp"])))
        ranks = (strategy["zero_ranks"] or strategy["dp"] * strategy["cp"]) if strategy["zero"] else 1
        equal(sharding["fsdp"].size(), ranks)
        blocks = [torch.nn.Linear(64, 64) for _ in range(3)]
        stage = module.apply_plan(torch.nn.Sequential(*blocks), blocks, sharding)
        sharded = strategy["zero"] > 0 or strategy["dp"] > 1
        equal(isinstance(blocks[0], torch.distributed.fsdp.FSDPModule), sharded)
        if sharded:
            local = blocks[0].weight.to_local().numel()
            equal(local, -(-64 // ranks) * 64)
            policy = blocks[0]._get_fsdp_state()._fsdp_param_group.offload_policy
            equal(type(policy).__name__ == "CPUOffloadPolicy", strategy["offload"] == "parameters")
        equal(sum(module.STAGE_LAYERS), inputs["model"]["layers"])
        equal(module.STAGE_LAYERS, strategy["stage_layers"])
        equal(module.MICRO_BATCHES * module.MICRO_BATCH * strategy["dp"], inputs["training"]["global_batch"])
        if strategy["pp"] > 1:
            schedules = need("torch.distributed.pipelining.schedules")
            schedules.get_schedule_class(module.SCHEDULE)
        equal(stage is not None, True)
    finally:
        distributed.destroy_process_group()


main(cases("pytorch", check, ["fsdp", "fsdp-offload", "titan-context", "titan", "titan-looped", "titan-v", "ddp", "sharded"]))
