"""An emitted script's arguments as the namespace that Megatron-LM's own parser makes of them.

megatron-core's wheel has no parser: Megatron-LM makes the arguments from the fields of TransformerConfig and adds others
(megatron/training/arguments.py). Here the former come from the wheel's fields in the same way; the latter stand below
with their destinations and defaults. What is known to neither is an error.
"""
import argparse
import dataclasses
import shlex
import types
import typing

# arguments.py: flag, destination where it is another, default, and how it is parsed
OTHERS = [
    ("--num-virtual-stages-per-pipeline-rank", None, None, int),
    ("--microbatch-group-size-per-virtual-pipeline-stage", "microbatch_group_size_per_vp_stage", None, int),
    ("--decoder-first-pipeline-num-layers", None, None, int),
    ("--decoder-last-pipeline-num-layers", None, None, int),
    ("--use-tp-pp-dp-mapping", None, False, "store_true"),
    ("--use-distributed-optimizer", None, False, "store_true"),
    ("--num-distributed-optimizer-instances", None, 1, int),
    ("--use-megatron-fsdp", None, False, "store_true"),
    ("--data-parallel-sharding-strategy", None, "no_shard", str),
    ("--ckpt-format", None, "torch_dist", str),
    ("--overlap-grad-reduce", None, False, "store_true"),
    ("--overlap-param-gather", None, False, "store_true"),
    ("--optimizer-cpu-offload", None, False, "store_true"),
    ("--optimizer-offload-fraction", None, 1.0, float),
    ("--use-precision-aware-optimizer", None, False, "store_true"),
    ("--micro-batch-size", None, None, int),
    ("--global-batch-size", None, None, int),
    ("--seq-length", None, None, int),
    ("--max-position-embeddings", None, None, int),
    ("--position-embedding-type", None, "learned_absolute", str),
    ("--vocab-size", None, None, int),
    ("--optimizer", None, "adam", str),
    ("--group-query-attention", None, False, "store_true"),
    ("--num-experts", None, None, int),
    ("--swiglu", None, False, "store_true"),
    ("--squared-relu", None, False, "store_true"),
    ("--disable-bias-linear", "add_bias_linear", True, "store_false"),
    ("--untie-embeddings-and-output-weights", None, False, "store_true"),
    ("--multi-latent-attention", None, False, "store_true"),
    ("--no-rope-fusion", "apply_rope_fusion", True, "store_false"),
    ("--no-bias-swiglu-fusion", "bias_swiglu_fusion", True, "store_false"),
    ("--no-bias-gelu-fusion", "bias_gelu_fusion", True, "store_false"),
    ("--no-bias-dropout-fusion", "bias_dropout_fusion", True, "store_false"),
    ("--no-masked-softmax-fusion", "masked_softmax_fusion", True, "store_false"),
    ("--attention-dropout", None, 0.1, float),
    ("--hidden-dropout", None, 0.1, float),
    ("--cp-comm-type", None, ["p2p"], "many"),
    ("--hybrid-override-pattern", None, None, str),
    ("--spec", None, None, "many"),
    ("--recompute-modules", None, None, "many"),
    ("--moe-layer-freq", None, 1, "pattern"),
    ("--window-size", None, None, "pair"),
    ("--window-attn-skip-freq", None, None, "pattern"),
    ("--attention-backend", None, None, "backend"),
    ("--fp8-recipe", None, "delayed", str),
    ("--fp4-recipe", None, "nvfp4", str),
]
# what the mapping of a namespace to TransformerConfig asks for beside
PLAIN = {"no_persist_layer_norm": False, "apply_layernorm_1p": False, "norm_epsilon": 1e-5, "overlap_p2p_comm": False,
         "fp8_param_gather": False, "init_method_xavier_uniform": False, "heterogeneous_layers_config_path": None, "config_logger_dir": ""}


def parse_others(parser, backend):
    kinds = {"many": {"nargs": "+"}, "pattern": {"type": lambda text: eval(text) if "[" in text else int(text)},
             "pair": {"type": lambda text: tuple(int(part) for part in text.strip("()").split(","))},
             "backend": {"type": lambda text: backend[text]}}
    for flag, dest, default, kind in OTHERS:
        options = {"action": kind} if kind in ("store_true", "store_false") else kinds[kind] if kind in kinds else {"type": kind}
        parser.add_argument(flag, default=default, **options, **({"dest": dest} if dest else {}))
    return {dest or flag[2:].replace("-", "_") for flag, dest, _, _ in OTHERS}


def plain_type(annotation):
    """The type of one value of a field: of Optional[int] int; None where it is not a plain one."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        return plain_type(inner[0])
    if typing.get_origin(annotation) is typing.Literal:
        return type(typing.get_args(annotation)[0])
    return annotation if annotation in (int, float, str, bool) else None


def parse_fields(parser, config, taken):
    hints = typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        meta = field.metadata.get("argparse_meta", {})
        kind = plain_type(hints[field.name])
        if field.name in taken or kind is None:
            continue
        taken.add(field.name)
        flags = meta.get("arg_names", ["--" + field.name.replace("_", "-")])
        default = meta.get("default", None if field.default is dataclasses.MISSING else field.default)
        if kind is bool:
            parser.add_argument(*flags, dest=field.name, default=default, action="store_false" if default else "store_true")
        else:
            parser.add_argument(*flags, dest=field.name, default=default, type=kind)


def namespace(script, config_class, backend):
    """The arguments between pretrain_gpt.py or pretrain_mamba.py and "$@"; torchrun's own are checked apart."""
    command = script[script.index("exec torchrun"):].replace("\\\n", " ")
    words = shlex.split(command)
    begin, end = next(i for i, word in enumerate(words) if word.startswith("pretrain_")) + 1, words.index("$@")
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    taken = parse_others(parser, backend)
    parse_fields(parser, config_class, taken)
    arguments, unknown = parser.parse_known_args(words[begin:end])
    assert not unknown, f"unknown arguments {unknown}"
    for name, value in PLAIN.items():
        setattr(arguments, name, value)
    if arguments.attention_backend is None:
        arguments.attention_backend = backend.auto
    torchrun = words[2:words.index("$TORCHRUN_OPTIONS")]
    return arguments, dict(zip(torchrun[::2], torchrun[1::2]))
