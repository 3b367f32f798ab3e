#!/usr/bin/env python3
"""Nets that list their layers, built in PyTorch from the same files: parameters, and what autograd keeps of a forward pass."""
import json
import math
import pathlib
import subprocess
import sys

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
NAMES, BATCH = ["resnet-18", "resnet-50", "vgg-16"], 2
WITHIN = 2e-3  # means and deviations of batch norms, a number a channel, are not predicted

try:
    import torch
    from torch import nn
except ImportError as reason:
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)

ACTIVATIONS = {"none": nn.Identity, "relu": lambda: nn.ReLU(inplace=True), "gelu": nn.GELU, "silu": nn.SiLU}


def modules_of(op, shape):
    """The modules of one listed operation for what has @shape."""
    channels, normed = shape[1], op.get("norm", "none") == "batchnorm"
    out = op.get("conv") or op.get("linear") or channels
    if "conv" in op:
        padding = op.get("padding", (op["kernel"] - 1) // 2)
        yield nn.Conv2d(channels, out, op["kernel"], op.get("stride", 1), padding, groups=op.get("groups", 1), bias=not normed)
    elif "linear" in op:
        yield nn.Flatten()
        yield nn.Linear(math.prod(shape[1:]), out)
    else:
        pool = nn.MaxPool2d if "max_pool" in op else nn.AvgPool2d
        yield pool(op.get("max_pool") or op["average_pool"], op.get("stride"), op.get("padding", 0))
    if normed:
        yield nn.BatchNorm2d(out)
    yield ACTIVATIONS[op.get("activation", "none")]()


class Layer(nn.Module):
    def __init__(self, listed, shape):
        super().__init__()
        x, modules = torch.zeros(shape, device="meta"), []
        for op in listed["ops"]:
            for module in modules_of(op, x.shape):
                modules.append(module.to("meta"))
                x = modules[-1](x)
        self.main, self.out = nn.Sequential(*modules), x.shape
        self.shortcut = nn.Identity() if listed.get("residual") else None
        if listed.get("residual") and x.shape != shape:
            stride = math.ceil(shape[2] / x.shape[2])
            self.shortcut = nn.Sequential(nn.Conv2d(shape[1], x.shape[1], 1, stride, bias=False), nn.BatchNorm2d(x.shape[1]))
        self.last = ACTIVATIONS[listed.get("activation", "none")]()

    def forward(self, x):
        return self.last(self.main(x) + self.shortcut(x)) if self.shortcut else self.main(x)


def build(model, shape):
    layers = []
    for listed in model["sequential"]:
        for _ in range(listed.get("repeat", 1)):
            layers.append(Layer(listed, layers[-1].out if layers else shape))
    return nn.Sequential(*layers).to_empty(device="cpu")


def kept_bytes(net, x):
    """Bytes of all memory that the backward pass will read, the net's own left out."""
    own, kept = {p.untyped_storage().data_ptr() for p in (*net.parameters(), *net.buffers())}, {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(x)
    return sum(n for n, _ in kept.values())


def predicted(program, name):
    command = [program, "estimate", "--model", name, "--gpus", "1", "--runtime", "pytorch-ddp", "--precision", "fp32",
               "--global-batch", str(BATCH), "--strategy", f"mbs={BATCH}", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["best"]["memory_bytes"]["by_stage"][0]


print(f"1..{len(NAMES)}")
for number, name in enumerate(NAMES, 1):
    model = json.loads((MODELS / f"{name}.json").read_text())
    shape = (BATCH, *(model["input"].get(size, 1) for size in ("channels", "height", "width")))
    net, stage = build(model, shape), predicted(sys.argv[1], name)
    parameters, kept = sum(p.numel() for p in net.parameters()), kept_bytes(net, torch.zeros(shape))
    good = stage["weights"] == 4 * parameters and abs(stage["activations"] / kept - 1) < WITHIN
    print(f"# {name}: {parameters} parameters, {kept} bytes kept; predicted {stage['weights'] / 4:.0f} and {stage['activations']:.0f}")
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
