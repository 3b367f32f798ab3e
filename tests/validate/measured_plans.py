#!/usr/bin/env python3
"""Plans on the CPU ranks of this machine: predicted from a profile that is measured here, beside their measured steps.

    measured_plans.py PROGRAM FOLDER [--rounds N] [--csv FILE] [--samples FILE]

Measures (unless there are --samples), calibrates, runs every plan in each of some rounds and prints the table, the median error and
Spearman's rank correlation. A plan's time is the least of its rounds' medians: other work on the machine only adds to it. Nothing of
the plans goes into the profile. The limits are those that a healthy program meets beside other work.
"""
import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys

MOST_MEDIAN_ERROR, LEAST_SPEARMAN = 0.5, 0.7
STEPS, WARM_UP = 3, 1
LLAMA = {"norm": "rmsnorm", "gated_mlp": True, "positions": "rotary"}
GPT = {"norm": "layernorm", "gated_mlp": False, "positions": "learned"}
MODELS = {
    "llama-xs": {"layers": 2, "hidden": 128, "heads": 4, "kv_heads": 2, "ffn": 352, "vocab": 500, "max_seq": 512, **LLAMA},
    "llama-s": {"layers": 4, "hidden": 256, "heads": 8, "kv_heads": 4, "ffn": 704, "vocab": 2000, "max_seq": 512, **LLAMA},
    "llama-m": {"layers": 2, "hidden": 512, "heads": 8, "kv_heads": 4, "ffn": 1408, "vocab": 2000, "max_seq": 512, **LLAMA},
    "gpt-s": {"layers": 3, "hidden": 384, "heads": 6, "ffn": 1536, "vocab": 1000, "max_seq": 512, **GPT},
}
# model, ranks, tokens, sequences a step, split
PLANS = [
    ("llama-xs", 1, 128, 2, "mbs=1"),
    ("llama-xs", 2, 128, 4, "dp=2,mbs=2"),
    ("llama-xs", 2, 64, 8, "pp=2,mbs=2"),
    ("llama-xs", 4, 128, 8, "dp=2,tp=2,mbs=2"),
    ("llama-s", 1, 128, 2, "mbs=1"),
    ("llama-s", 1, 256, 4, "mbs=2"),
    ("llama-m", 1, 128, 1, "mbs=1"),
    ("gpt-s", 1, 64, 4, "mbs=4"),
    ("gpt-s", 1, 128, 2, "mbs=1,recompute=full"),
    ("llama-s", 2, 128, 4, "dp=2,mbs=1"),
    ("llama-m", 2, 128, 8, "dp=2,mbs=2,zero=1"),
    ("gpt-s", 2, 64, 4, "dp=2,mbs=1,zero=3"),
    ("llama-s", 2, 256, 2, "tp=2,mbs=1"),
    ("llama-m", 2, 64, 2, "tp=2,sp,mbs=2"),
    ("gpt-s", 2, 256, 1, "cp=2,mbs=1"),
    ("llama-s", 2, 64, 8, "pp=2,mbs=1"),
    ("gpt-s", 2, 128, 4, "pp=2,mbs=1,schedule=gpipe,stages=1/2"),
    ("llama-m", 2, 64, 4, "pp=2,mbs=1,schedule=zb-h1"),
    ("gpt-s", 3, 64, 6, "dp=3,mbs=1"),
    ("gpt-s", 3, 64, 6, "pp=3,mbs=1"),
    ("llama-s", 4, 64, 8, "dp=4,mbs=1"),
    ("gpt-s", 4, 128, 4, "dp=4,mbs=1,zero=2"),
    ("llama-m", 4, 64, 2, "tp=4,mbs=1"),
    ("llama-s", 4, 128, 4, "dp=2,tp=2,mbs=1"),
    ("llama-s", 4, 128, 8, "dp=2,pp=2,mbs=1"),
    ("llama-m", 4, 128, 8, "tp=2,pp=2,mbs=1"),
    ("llama-s", 4, 64, 8, "pp=4,mbs=1"),
    ("llama-s", 4, 128, 2, "cp=2,dp=2,mbs=1"),
]


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stderr}")
    return done.stdout


def ranks(values):
    """Places of @values in rising order; equal ones share the mean place."""
    order = sorted(values)
    return [order.index(v) + (order.count(v) - 1) / 2 for v in values]


def spearman(a, b):
    return statistics.correlation(ranks(a), ranks(b))


def measure(program, plan, profile, folder):
    """Seconds of a step: predicted, measured."""
    model, gpus, seq, batch, strategy = plan
    file = folder / f"{model}.json"
    file.write_text(json.dumps({"name": model, **MODELS[model]}))
    run(program, "estimate", "--model", file, "--gpus", gpus, "--cluster", profile, "--runtime", "mpplan-run", "--precision", "fp32",
        "--seq", seq, "--global-batch", batch, "--strategy", strategy, "-o", folder / "plan.json")
    out = run(program, "validate", folder / "plan.json", "--steps", STEPS, "--warm-up", WARM_UP, "--tolerance", 1e9, "--json")
    (folder / f"run-{PLANS.index(plan)}.json").write_text(out)
    step = json.loads(out)["comparison"]["step_s"]
    return step["predicted"], step["measured"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path, help="for samples, profile and runs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--csv", type=pathlib.Path)
    parser.add_argument("--samples", type=pathlib.Path)
    arguments = parser.parse_args()
    folder, program = arguments.folder, arguments.program.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    samples, profile = arguments.samples or folder / "samples.json", folder / "host.json"
    if not arguments.samples:
        run(program, "measure", "--ranks", 4, "--rounds", 3, "-o", samples)
    print(run(program, "calibrate", "--samples", samples, "-o", profile))

    times = [[measure(program, plan, profile, folder) for plan in PLANS] for _ in range(arguments.rounds)]
    rows = []
    for i, plan in enumerate(PLANS):
        predicted, measured = times[0][i][0], min(of_round[i][1] for of_round in times)
        rows.append((*plan, f"{1e3 * predicted:.1f}", f"{1e3 * measured:.1f}", f"{100 * (predicted / measured - 1):+.1f}"))
        print("{:8} {:>2} ranks {:>4} tokens × {:<2} {:26} predicted {:>8} ms   measured {:>8} ms   {:>6} %".format(*rows[-1]), flush=True)
    predicted, measured = [float(row[5]) for row in rows], [float(row[6]) for row in rows]
    error = statistics.median(abs(p / m - 1) for p, m in zip(predicted, measured))
    order = spearman(predicted, measured)
    print(f"{len(rows)} plans: median error {100 * error:.1f} %, Spearman {order:.3f}")
    if arguments.csv:
        with arguments.csv.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["model", "ranks", "tokens", "sequences", "strategy", "predicted_ms", "measured_ms", "error_percent"])
            writer.writerows(rows)
    sys.exit(0 if error <= MOST_MEDIAN_ERROR and order >= LEAST_SPEARMAN else 1)


if __name__ == "__main__":
    main()
