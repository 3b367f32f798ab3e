"""Trains a small Llama on CPU ranks as an emitted plan says.

usage: train.py PLAN.json PYTORCH_PLAN.py [SCHEDULE.csv]     (with RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT)

PLAN.json states the model and the batch, PYTORCH_PLAN.py (mpplan emit --to pytorch) meshes, sharding and stages; with
SCHEDULE.csv (mpplan emit --to pytorch-csv) the pipeline follows that order instead of PyTorch's own. Rank 0 prints a line a
step, as torchtitan does.
"""
import importlib.util
import json
import os
import pathlib
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.distributed.pipelining import PipelineStage, schedules  # noqa: E402
from torch.distributed.tensor import DTensor, Replicate, Shard  # noqa: E402
from torch.distributed.tensor.parallel import (ColwiseParallel, PrepareModuleInput, RowwiseParallel, SequenceParallel,  # noqa: E402
                                               loss_parallel, parallelize_module)
from torch.nn.parallel import DistributedDataParallel  # noqa: E402

STEPS = 12
ZIGZAG = ("ZBVZeroBubble", "DualPipeV")  # rank r has stages r and 2 pp - 1 - r


class Attention(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.head_dim = model["head_dim"]
        hidden, queries, keys = model["hidden"], model["heads"] * self.head_dim, model["kv_heads"] * self.head_dim
        self.wq, self.wk, self.wv = nn.Linear(hidden, queries, False), nn.Linear(hidden, keys, False), nn.Linear(hidden, keys, False)
        self.wo = nn.Linear(queries, hidden, False)

    def forward(self, x, rotation):
        batch, seq = x.shape[:2]
        q, k, v = (w(x).view(batch, seq, -1, self.head_dim).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        q, k = rotate(q, rotation), rotate(k, rotation)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=q.shape[1] != k.shape[1])
        return self.wo(out.transpose(1, 2).reshape(batch, seq, -1))


def rotate(x, rotation):
    cos, sin = rotation
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


class FeedForward(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.w1, self.w3 = nn.Linear(model["hidden"], model["ffn"], False), nn.Linear(model["hidden"], model["ffn"], False)
        self.w2 = nn.Linear(model["ffn"], model["hidden"], False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Block(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.attention_norm, self.ffn_norm = nn.RMSNorm(model["hidden"]), nn.RMSNorm(model["hidden"])
        self.attention, self.ffn = Attention(model), FeedForward(model)

    def forward(self, x, rotation):
        x = x + self.attention(self.attention_norm(x), rotation)
        return x + self.ffn(self.ffn_norm(x))


class Stage(nn.Module):
    """Consecutive layers; the first stage has the embedding, the last one norm and head."""

    def __init__(self, model, seq, layers, first, last):
        super().__init__()
        self.embedding = nn.Embedding(model["vocab"], model["hidden"]) if first else None
        self.blocks = nn.ModuleList(Block(model) for _ in range(layers))
        self.norm = nn.RMSNorm(model["hidden"]) if last else None
        self.head = nn.Linear(model["hidden"], model["vocab"], False) if last else None
        angles = torch.outer(torch.arange(seq), 1e4 ** (-torch.arange(0, model["head_dim"], 2) / model["head_dim"])).repeat(1, 2)
        self.rotation = angles.cos(), angles.sin()

    def forward(self, x):
        if self.embedding:
            x = self.embedding(x)
        for block in self.blocks:
            x = block(x, self.rotation)
        return self.head(self.norm(x)) if self.head else x


def split_tensors(stage, mesh, sequence_parallel):
    """Columns and rows of the projections, rows of the embedding and of the head; with it the sequence between them."""
    between = Shard(1) if sequence_parallel else Replicate()
    to_all = {"input_layouts": between, "desired_input_layouts": Replicate()}
    block = {"attention.wo": RowwiseParallel(output_layouts=between), "ffn.w2": RowwiseParallel(output_layouts=between)}
    block |= {f"attention.{name}": ColwiseParallel() for name in ("wq", "wk", "wv")} | {f"ffn.{name}": ColwiseParallel() for name in ("w1", "w3")}
    if sequence_parallel:
        block |= {"attention_norm": SequenceParallel(), "ffn_norm": SequenceParallel()}
        block["attention"] = PrepareModuleInput(input_layouts=(between, None), desired_input_layouts=(Replicate(), None))
        block["ffn"] = PrepareModuleInput(**to_all)
    for one in stage.blocks:
        parallelize_module(one, mesh, block)
    whole = {}
    if stage.embedding:
        whole["embedding"] = RowwiseParallel(input_layouts=Replicate(), output_layouts=between)
    if stage.head:
        whole["head"] = ColwiseParallel(input_layouts=between, output_layouts=Shard(-1), use_local_output=False)
        if sequence_parallel:
            whole["norm"] = SequenceParallel()
    parallelize_module(stage, mesh, whole)


def make_stages(plan, model, rank):
    """The stages of this pipeline rank, each with its index."""
    n, pp = len(plan.STAGE_LAYERS), plan.MESH["pp"]
    mine = (rank, n - 1 - rank) if plan.SCHEDULE in ZIGZAG else range(rank, n, pp)
    return [(i, Stage(model, plan.SEQ_LEN, plan.STAGE_LAYERS[i], i == 0, i == n - 1)) for i in mine]


def loss_of(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def make_schedule(plan, stages, mesh, csv):
    group, n = mesh["pp"].get_group(), len(plan.STAGE_LAYERS)
    parts = [PipelineStage(module, i, n, torch.device("cpu"), group=group) for i, module in stages]
    kind = schedules.get_schedule_class(plan.SCHEDULE)
    if csv:
        kind = schedules._PipelineScheduleRuntime
    several = len(parts) > 1 or csv
    schedule = kind(parts if several else parts[0], plan.MICRO_BATCHES, loss_fn=loss_of)
    if csv:
        schedule._load_csv(csv)
    return schedule


def make_step(plan, stages, mesh, csv):
    """What runs both passes over a replica's batch."""
    if plan.MESH["pp"] > 1:
        schedule, pp_rank = make_schedule(plan, stages, mesh, csv), mesh["pp"].get_local_rank()
        indices = [i for i, _ in stages]

        def pipelined(tokens, targets):
            first, last = 0 in indices, len(plan.STAGE_LAYERS) - 1 in indices
            schedule.step(*([tokens] if first else []), **({"target": targets} if last else {}))
        return pipelined
    module = stages[0][1]

    def plain(tokens, targets):
        for i in range(plan.MICRO_BATCHES):
            rows, last = slice(i * plan.MICRO_BATCH, (i + 1) * plan.MICRO_BATCH), i == plan.MICRO_BATCHES - 1
            if isinstance(module, DistributedDataParallel):
                module.require_backward_grad_sync = last
            with loss_parallel() if plan.MESH["tp"] > 1 else torch.enable_grad():
                (loss_of(module(tokens[rows]), targets[rows]) / plan.MICRO_BATCHES).backward()
    return plain


def spread(plan, stages, mesh, sharding):
    """Tensor parallelism, then what the plan shards, then plain replicas."""
    for at, (i, module) in enumerate(stages):
        if plan.MESH["tp"] > 1:
            split_tensors(module, mesh["tp"], plan.SEQUENCE_PARALLEL)
        if plan.SHARDED or plan.MESH["pp"] * plan.MESH["tp"] > 1:  # DDP takes neither DTensors nor a schedule's passes
            stages[at] = i, plan.apply_plan(module, list(module.blocks), sharding)
        elif plan.MESH["dp_replicate"] > 1:
            stages[at] = i, DistributedDataParallel(module, process_group=mesh["dp_replicate"].get_group())


def run(plan_path, module_path, csv=None):
    model = json.loads(pathlib.Path(plan_path).read_text())["inputs"]["model"]
    spec = importlib.util.spec_from_file_location("pytorch_plan", module_path)
    plan = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plan)
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    torch.manual_seed(7)
    mesh, sharding = plan.make_meshes("cpu")
    stages = make_stages(plan, model, mesh["pp"].get_local_rank())
    spread(plan, stages, mesh, sharding)
    parameters = [p for _, module in stages for p in module.parameters()]
    kinds = [[p for p in parameters if isinstance(p, DTensor) == split] for split in (False, True)]  # a fused update takes one kind
    optimizers = [torch.optim.AdamW(kind, lr=1e-4, fused=True) for kind in kinds if kind]
    step = make_step(plan, stages, mesh, csv)
    shape = plan.MICRO_BATCHES * plan.MICRO_BATCH, plan.SEQ_LEN
    tokens_a_rank = shape[0] * shape[1] / (plan.MESH["pp"] * plan.MESH["tp"])
    for number in range(1, STEPS + 1):
        tokens, targets = torch.randint(model["vocab"], shape), torch.randint(model["vocab"], shape)
        dist.barrier()
        begun = time.perf_counter()
        step(tokens, targets)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        dist.barrier()
        taken = time.perf_counter() - begun
        if dist.get_rank() == 0:
            print(f"step: {number:2}  tps: {tokens_a_rank / taken:,.1f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    run(*sys.argv[1:])
