#!/usr/bin/env python3
"""What --json promises: keys, types, sums. Values that are predictions are only set against each other."""
import json
import math
import re

from tap import HERE, JOB, equal, has_keys, main, near, run, run_json, scratch

STRATEGY = {"dp": int, "tp": int, "pp": int, "vpp": int, "cp": int, "ep": int, "etp": int, "sequence_parallel": bool,
            "micro_batch": int, "zero": int, "zero_ranks": int, "schedule": str, "schedule_group": int, "recompute": str, "recompute_layers": int, "recompute_modules": list,
            "cp_kind": str, "offload": str, "stage_split": str, "order": str, "stage_layers": list}
PLAN = {"strategy", "step_time_s", "step_time_interval", "tokens_per_s_per_gpu", "mfu", "usd_per_million_tokens", "fits", "memory_bytes", "time_s",
        "busiest_stage", "fullest_stage", "stages"}
MEMORY_PARTS = {"weights", "gradients", "optimizer", "activations", "working", "loss", "buffers"}
INPUTS = {"model", "cluster", "device", "runtime", "training", "gpus"}
LAYERS, SEQ, PRICE_USD_PER_H = 12, 1536, 1.07


def check_strategy(plan, gpus):
    s = plan["strategy"]
    has_keys(s, STRATEGY)
    for key, kind in STRATEGY.items():
        assert type(s[key]) is kind, f"{key}: {s[key]!r}"
    equal(s["dp"] * s["tp"] * s["pp"] * s["cp"], gpus)
    equal(len(s["stage_layers"]), s["pp"] * s["vpp"])
    equal(sum(s["stage_layers"]), LAYERS)


def check_stages(plan):
    s, memory = plan["strategy"], plan["memory_bytes"]
    has_keys(memory, {"capacity", "usable", "peak", "host", "host_usable", "by_stage"})
    equal(len(memory["by_stage"]), s["pp"])
    for stage in memory["by_stage"]:
        has_keys(stage, MEMORY_PARTS | {"allocated", "reserved", "device"})
        near(sum(stage[part] for part in MEMORY_PARTS), stage["allocated"])
        assert stage["allocated"] <= stage["reserved"] <= stage["device"]
    near(max(stage["allocated"] for stage in memory["by_stage"]), memory["peak"])
    near(memory["by_stage"][plan["fullest_stage"]]["allocated"], memory["peak"])
    equal(plan["fits"], memory["peak"] <= memory["usable"])
    equal(len(plan["stages"]), s["pp"])
    equal(sum(stage["layers"] for stage in plan["stages"]), LAYERS)
    for stage in plan["stages"]:
        has_keys(stage, {"layers", "forward_s", "backward_s", "end_s", "exposed_exchange_s"})
    assert 0 <= plan["busiest_stage"] < s["pp"]


def check_plan(plan, gpus, global_batch):
    has_keys(plan, PLAN)
    check_strategy(plan, gpus)
    check_stages(plan)
    near(sum(plan["time_s"].values()), plan["step_time_s"])
    assert all(math.isfinite(share) for share in plan["time_s"].values())
    near(plan["tokens_per_s_per_gpu"] * plan["step_time_s"] * gpus, SEQ * global_batch)
    near(plan["usd_per_million_tokens"], PRICE_USD_PER_H / 3600 / plan["tokens_per_s_per_gpu"] * 1e6)
    assert 0 < plan["mfu"] < 1


def case_plan():
    got = run_json("plan", *JOB, "--gpus", 12, "--global-batch", 48, "--top", 7, "--json")
    has_keys(got, {"format_version", "inputs", "best", "surest", "fastest", "alternatives", "pareto", "search"})
    equal(got["format_version"], 1)
    has_keys(got["inputs"], INPUTS)
    equal(got["inputs"]["gpus"], 12)
    equal(got["inputs"]["training"]["global_batch"], 48)
    assert len(got["alternatives"]) <= 7 and got["pareto"]
    for plan in [got["best"], *got["alternatives"], *got["pareto"]]:
        check_plan(plan, 12, 48)
    times = [plan["step_time_s"] for plan in [got["best"], *got["alternatives"]]]
    equal(times, sorted(times))


def case_pareto():
    """Along the front each plan is slower than the one before and needs less memory."""
    front = run_json("plan", *JOB, "--gpus", 12, "--global-batch", 48, "--json")["pareto"]
    for faster, slower in zip(front, front[1:]):
        assert faster["step_time_s"] <= slower["step_time_s"] and faster["memory_bytes"]["peak"] > slower["memory_bytes"]["peak"]


def case_search():
    search = run_json("plan", *JOB, "--gpus", 12, "--global-batch", 48, "--json")["search"]
    has_keys(search, {"evaluated", "replayed", "pruned", "proven_optimal", "space", "simulated"})
    has_keys(search["pruned"], {"bound", "memory"})
    assert search["evaluated"] > 0 and search["proven_optimal"] is True and "12 GPUs" in search["space"]


def case_top():
    for top in (0, 1, 3):
        got = run_json("--json", "--top", top, *JOB, "--gpus", 6, "--global-batch", 24)
        equal(len(got["alternatives"]), top)


def case_estimate():
    got = run_json("estimate", *JOB, "--gpus", 12, "--global-batch", 48, "--strategy", "tp=2,pp=3,mbs=2,sp,zero=1", "--json")
    has_keys(got, {"format_version", "inputs", "best"})
    check_plan(got["best"], 12, 48)
    s = got["best"]["strategy"]
    equal([s["dp"], s["tp"], s["pp"], s["micro_batch"], s["sequence_parallel"], s["zero"]], [2, 2, 3, 2, True, 1])


def case_uneven_stages():
    got = run_json("estimate", *JOB, "--gpus", 3, "--global-batch", 6, "--strategy", "pp=3,stages=3/5/4", "--json")["best"]
    equal(got["strategy"]["stage_layers"], [3, 5, 4])
    equal([stage["layers"] for stage in got["stages"]], [3, 5, 4])


def case_why():
    """Of a plan that does not fit: the changes tried, each as estimate has it, and the best plan."""
    job = [*JOB, "--gpus", 12, "--global-batch", 48]
    got = run_json("why", "pp=12,mbs=4", *job, "--json")
    has_keys(got, {"format_version", "inputs", "plan", "changes", "best"})
    equal(got["plan"], run_json("estimate", *job, "--strategy", "pp=12,mbs=4", "--json")["best"])
    equal(got["best"], run_json("plan", *job, "--json")["best"])
    equal(bool(got["changes"]), not got["plan"]["fits"])
    for change in got["changes"]:
        has_keys(change, {"change", "strategy", "step_time_s", "peak_bytes", "fits"})
        plan = run_json("estimate", *job, "--strategy", change["strategy"], "--json")["best"]
        near(plan["memory_bytes"]["peak"], change["peak_bytes"])
        equal(plan["fits"], change["fits"])


def case_assumed():
    """What nobody said is listed, and nothing else is."""
    silent = run_json("estimate", "--model", "data/model.json", "--gpus", 1, "--strategy", "mbs=1", "--json")["inputs"]
    equal(len(silent["assumed"]), 3)
    has_keys(run_json("estimate", *JOB, "--gpus", 1, "--global-batch", 3, "--json")["inputs"], INPUTS)


def case_inspect():
    model = run_json("inspect", "model", "data/model.json", "--json")
    equal(model["kv_heads"], 6)
    embedding, attention, mlp = 2 * 32003 * 2160, 2160 * 72 * (30 + 6 + 6 + 30), 3 * 2160 * 5760
    equal(model["parameters"], embedding + 12 * (attention + mlp + 2 * 2160) + 2160)
    equal(model["active_parameters"], model["parameters"])
    experts = run_json("inspect", "model", "data/experts.json", "--json")
    equal(experts["parameters"] - experts["active_parameters"], 7 * (12 - 3) * 3 * 960 * 640)
    cluster = run_json("inspect", "cluster", "data/cluster.json", "--json")
    equal([tier["devices"] for tier in cluster["tiers"]], [6, 24, 0])
    equal(cluster["device_profile"]["name"], "chip")
    equal(run_json("inspect", "runtime", "data/runtime.json", "--json")["kernels"]["rotary_fused"], False)
    equal(run_json("inspect", "device", "h100", "--json")["name"], "h100-sxm5-80gb")
    equal(run_json("inspect", "device", "data/chip.json", "--json")["cores"], 57)


@scratch
def case_compare_assumed(folder):
    """No more than twelve sentences are shown, those of most runs first."""
    row = json.loads((HERE / "data" / "runs.jsonl").read_text().splitlines()[0])
    path = folder / "runs.jsonl"
    for stacks, cut in (11, False), (14, True):
        lines = [json.dumps(row | {"id": f"r-{k}", "training": row["training"] | {"framework": f"stack {k}"}}) for k in range(stacks)]
        path.write_text("\n".join(lines))
        shown = run("compare", path).stdout.split("  assumed   ")[1]
        equal("… (--json: run by run)" in " ".join(shown.split()), cut)
        equal(len(re.findall(r"1 run: stack", shown)), min(stacks, 12))


def case_compare():
    got = run_json("compare", "data/runs.jsonl", "--json")
    has_keys(got, {"format_version", "rows", "summary"})
    rows = {row["id"]: row for row in got["rows"]}
    equal(list(rows), ["a-1", "a-2", "b-1", "b-2", "b-3"])
    predicted = {"predicted_step_time_s", "p10_step_time_s", "p90_step_time_s", "predicted_memory_bytes", "predicted_fits", "cluster", "runtime", "plan", "shares_s",
                 "memory_parts_bytes", "assumed"}
    has_keys(rows["a-1"], {"id", "source", "measured_step_time_s", "measured_memory_bytes"} | predicted)
    has_keys(rows["a-2"], {"id", "source", "measured_step_time_s"} | predicted)
    has_keys(rows["b-1"], {"id", "source"} | predicted)
    near(rows["a-1"]["measured_memory_bytes"], 31.7 * 2**30)
    near(sum(rows["a-1"]["shares_s"].values()), rows["a-1"]["predicted_step_time_s"])
    assert all(row["p10_step_time_s"] < row["predicted_step_time_s"] < row["p90_step_time_s"] for row in rows.values() if "skipped" not in row)
    equal(rows["b-2"]["skipped"], "model family cnn is not modelled")
    equal(rows["b-3"]["skipped"], "no device profile for abacus")
    equal(list(got["summary"]), ["alpha", "beta"])
    alpha, beta = got["summary"]["alpha"], got["summary"]["beta"]
    equal([alpha["rows"], alpha["predicted"], alpha["n_times"], alpha["n_memory"]], [2, 2, 2, 1])
    equal([beta["rows"], beta["predicted"], beta["n_times"]], [3, 1, 0])
    errors = [abs(row["predicted_step_time_s"] / row["measured_step_time_s"] - 1) for row in (rows["a-1"], rows["a-2"])]
    near(alpha["mape"], sum(errors) / 2)
    near(abs(alpha["worst"]), max(errors))


main(globals())
