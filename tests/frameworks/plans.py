"""Plans that the checks emit, and what they share. Each plan exercises other words of the targets."""
import atexit
import importlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from tap import PROGRAM, Skip, equal, main  # noqa: E402,F401

FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="mpplan-frameworks-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

# name: model, devices, stack, further options, strategy
PLANS = {
    "dense": ("llama-3.1-8b", 16, "megatron-core", [], "tp=2,cp=2,sp,mbs=2,zero=1,recompute=selective"),
    "interleaved": ("llama-3.1-70b", 64, "megatron-core", [], "tp=4,pp=4,vpp=5,sp,mbs=1,zero=1,group=8,recompute=full:2"),
    "uneven": ("llama-3.1-405b", 256, "megatron-core", [], "tp=8,pp=8,sp,mbs=1,zero=1,split=balanced,recompute=full"),
    "sharded": ("llama-3.1-8b", 16, "megatron-core", [], "mbs=1,zero=3"),
    "hybrid": ("llama-3.1-8b", 32, "megatron-core", [], "mbs=1,zero=1,zero_ranks=8,offload"),
    "offload": ("llama-3.1-8b", 8, "megatron-core", [], "mbs=2,zero=1,recompute=offload:11"),
    "order": ("llama-3.1-8b", 32, "megatron-core", [], "tp=2,pp=4,mbs=1,zero=1,order=tp-cp-pp-dp"),
    "ulysses": ("llama-3.1-8b", 16, "megatron-core", ["--precision", "fp8"], "cp=4,cp_kind=all-to-all,mbs=1,zero=1"),
    "gathered": ("llama-3.1-8b", 16, "megatron-core", [], "cp=4,cp_kind=all-gather,mbs=1,zero=1"),
    "gpt": ("gpt.json", 8, "megatron-core", ["--precision", "fp16"], "tp=2,mbs=2,zero=1"),
    "experts": ("mixtral-8x7b", 64, "megatron-core", [], "tp=2,pp=2,ep=8,etp=1,sp,mbs=1,zero=1"),
    "latent": ("deepseek-v3", 512, "megatron-core", ["--precision", "fp8"], "tp=1,pp=16,ep=32,mbs=1,zero=1,recompute=selective:layernorm+moe_act+mla_up_proj,split=balanced"),
    "sinks": ("gpt-oss-20b", 16, "megatron-core", [], "ep=4,mbs=1,zero=1"),
    "dispatch": ("qwen3-30b-a3b", 32, "megatron-core", ["--kernels", "dispatch_once,expert_async"], "pp=2,vpp=2,ep=8,mbs=1,zero=1"),
    "pattern": ("nemotron-h-8b", 32, "megatron-core", [], "tp=4,pp=2,sp,mbs=1,zero=1,split=even"),
    "titan": ("llama-3.1-70b", 128, "torchtitan", [], "tp=8,pp=4,mbs=1,zero=2"),
    "titan-looped": ("llama-3.1-70b", 64, "torchtitan", [], "tp=4,pp=4,vpp=2,mbs=1,zero=3,recompute=full"),
    "titan-v": ("llama-3.1-8b", 16, "torchtitan", [], "pp=4,vpp=2,schedule=zb-v,mbs=1,zero=2"),
    "titan-hybrid": ("llama-3.1-8b", 32, "torchtitan", [], "mbs=2,zero=3,zero_ranks=8,recompute=selective"),
    "titan-context": ("llama-3.1-8b", 16, "torchtitan", [], "cp=4,cp_kind=all-gather,mbs=1,zero=3"),
    "titan-offload": ("llama-3.1-8b", 8, "torchtitan", [], "mbs=1,zero=3,recompute=full,offload=parameters"),
    "titan-experts": ("qwen3-30b-a3b", 32, "torchtitan", [], "ep=8,mbs=1,zero=3"),
    "fsdp": ("llama-3.1-8b", 16, "pytorch-fsdp", [], "mbs=2,zero=3,recompute=full"),
    "fsdp-offload": ("llama-3.1-8b", 8, "pytorch-fsdp", [], "mbs=2,zero=3,recompute=full,offload=parameters"),
    "zero3-offload": ("llama-3.1-8b", 8, "deepspeed", [], "mbs=2,zero=3,offload=parameters"),
    "zero2": ("llama-3.1-8b", 8, "megatron-deepspeed", [], "tp=2,mbs=1,zero=2,offload"),
    "ddp": ("llama-3.2-1b", 8, "pytorch-fsdp", [], "mbs=4,zero=0"),
}


def plan(name):
    """The plan's file and its contents."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        model, gpus, stack, more, strategy = PLANS[name]
        run("estimate", "--model", model, "--cluster", "dgx-h100", "--gpus", gpus, "--runtime", stack, *more, "--strategy", strategy, "-o", path)
    return path, json.loads(path.read_text())


def run(*arguments, status=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == status, f"{arguments}: exit status {done.returncode}\n{done.stderr}"
    return done


def emit(target, name):
    """The emitted text, the plan's strategy and its inputs."""
    path, contents = plan(name)
    return run("emit", "--to", target, path).stdout, contents["best"]["strategy"], contents["inputs"]


def need(module):
    """The module; the case is skipped where it cannot be imported."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Skip(f"{module} cannot be imported: {error}") from error


def cases(target, check, names):
    """One case for each plan: check(text, strategy, inputs)."""
    return {f"case_{name}": (lambda name=name: check(*emit(target, name))) for name in names}
