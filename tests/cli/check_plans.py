#!/usr/bin/env python3
"""Plans as files: the same bytes every time, read back equal, refused when spoilt; what why and diff say of them."""
import json
import re
import shlex
import subprocess

from tap import HERE, JOB, Skip, equal, main, near, run, run_json, scratch

QUESTION = [*JOB, "--gpus", 12, "--global-batch", 48]
SPLIT = "tp=2,pp=3,mbs=2,sp,zero=1"
TOO_LARGE = ["--model", "gpt3-175b", "--cluster", "data/cluster.json", "--runtime", "data/runtime.json", "--gpus", 6]


def case_threads():
    texts = {run("plan", *QUESTION, "--json", "--threads", n).stdout for n in (1, 2, 3, 16)}
    equal(len(texts), 1)
    texts = {run("plan", *QUESTION, "--threads", n).stdout for n in (1, 2)}
    equal(len(texts), 1)


def case_locales():
    installed = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.lower().split()
    if "de_de.utf8" not in installed:
        raise Skip("there is no locale de_DE.UTF-8")
    for arguments in (["plan", *QUESTION, "--json"], ["plan", *QUESTION], ["compare", "data/runs.jsonl", "--json"],
                      ["inspect", "cluster", "data/cluster.json"]):
        equal(run(*arguments, LC_ALL="de_DE.UTF-8").stdout, run(*arguments, LC_ALL="C.UTF-8").stdout)


def case_c_locale():
    for arguments in (["plan", *QUESTION, "--json"], ["plan", *QUESTION], ["plan", "--help"]):
        equal(run(*arguments, LC_ALL="C").stdout, run(*arguments, LC_ALL="C.UTF-8").stdout)


LENGTHY = ["--model", "llama-3.1-8b", "--gpus", 4, "--seq", 65536, "--global-batch", 4]


def case_surest():
    """Where the fastest plan does what hardly any fitted run does, the surest one does not. It is the answer if they cannot be told apart, or by p90."""
    tied = 1 + float(re.search("of pairs predicted (.*) % apart", run("plan", *LENGTHY).stdout)[1]) / 100
    surer = {
        "sure": lambda surest, best: surest["step_time_s"] < tied * best["step_time_s"],
        "robust": lambda surest, best: surest["step_time_interval"]["p90_s"] < best["step_time_interval"]["p90_s"],
    }
    told_apart = set()
    for job in LENGTHY, ["--model", "llama-3.1-8b", "--gpus", 8, "--seq", 262144, "--global-batch", 8]:
        fastest = run_json("plan", *job, "--json", "--objective", "step-time")
        best, surest = fastest["best"], fastest["surest"]
        assert best["step_time_interval"]["unfitted"] and not surest["step_time_interval"]["unfitted"]
        assert best["step_time_s"] <= surest["step_time_s"]
        equal(fastest["fastest"], None)
        told_apart.add(not surer["sure"](surest, best))
        for objective, is_surer in surer.items():
            chosen = run_json("plan", *job, "--json", "--objective", objective)
            sure = is_surer(surest, best)
            equal(chosen["best"], surest if sure else best)
            equal((chosen["surest"], chosen["fastest"]), (None, best) if sure else (surest, None))
            assert not sure or not any(other["step_time_interval"]["unfitted"] for other in chosen["alternatives"])
    equal(told_apart, {False, True})
    equal(run_json("plan", *LENGTHY, "--json"), run_json("plan", *LENGTHY, "--json", "--objective", "sure"))
    equal(run_json("plan", *LENGTHY, "--json", "--robust"), run_json("plan", *LENGTHY, "--json", "--objective", "robust"))
    alone = run_json("plan", *LENGTHY, "--json", "--strategy", "cp=1,recompute=full")
    equal((alone["best"]["step_time_interval"]["unfitted"], alone["surest"]), ("", None))


@scratch
def case_surest_is_told(folder):
    """Each command names the surest plan, and the fastest as what hardly any fitted run does."""
    texts = {objective: run("plan", *LENGTHY, "--objective", objective, "-o", folder / f"{objective}.json").stdout for objective in ("step-time", "sure")}
    fastest, surest = (texts[objective].splitlines()[2].strip() for objective in ("step-time", "sure"))
    unfitted = re.search("with (.*), which hardly any fitted run has", texts["sure"])[1]
    for objective, which, rival, title, page in (
            ("step-time", "best", "surest", surest, f"The surest plan, all of which many fitted runs do, is {surest} ("),
            ("sure", "surest", "fastest", fastest, f"The fastest plan, not all of which many fitted runs do, is {fastest} (")):
        assert f"\n  {which} of " in texts[objective] and re.search(rf"\n  {rival} +{re.escape(title)}  ", texts[objective]), texts[objective]
        run("report", folder / f"{objective}.json", "-o", folder / "plan.html")
        told = (folder / "plan.html").read_text()
        assert page in told and f"{which.title()} of " in told
        equal(f"hardly any fitted run has {unfitted}" in told, which == "surest")
    faster = f" % faster, with {unfitted}, which hardly any fitted run has"
    strategy = re.search(r"--strategy (\S+)", texts["step-time"])[1]
    why = run("why", strategy, *LENGTHY).stdout
    assert f"the best plan is {surest}: " in why and faster in why, why
    run("emit", "--to", "megatron", folder / "step-time.json", "-o", folder / "launch.sh")
    launch = run("estimate", "--from-megatron", folder / "launch.sh", "--cluster", "dgx-h100").stdout
    assert faster.replace(",", " than the best plan,", 1) in launch, launch
    run("estimate", *LENGTHY, "--strategy", strategy, "-o", folder / "estimate.json")
    run("report", folder / "estimate.json", "-o", folder / "estimate.html")
    assert f"The best plan found is {surest}: " in (folder / "estimate.html").read_text()
    assert f"  {surest}  " in run("sweep", "gpus=4", *LENGTHY[:2], *LENGTHY[4:]).stdout


def case_megatron_fsdp():
    """ZeRO-3 in Megatron is Megatron-FSDP: with nothing to exchange, its hooks made 32 micro-batches of 36 layers take 1.64 s more than DDP."""
    one = ["--model", "qwen3-4b", "--cluster", "hgx-h200", "--gpus", 1, "--seq", 1024, "--global-batch", 32, "--json"]
    for runtime in ("megatron-bridge", "megatron-core"):
        sharded_s, whole_s = (run_json("estimate", *one, "--runtime", runtime, "--strategy", f"mbs=1,zero={zero}")["best"]["step_time_s"] for zero in (3, 0))
        assert 1 < sharded_s - whole_s < 2.5, (runtime, sharded_s, whole_s)


@scratch
def case_output(folder):
    """-o writes what --json prints, and the text is printed beside it."""
    for command in (["plan", *QUESTION], ["estimate", *QUESTION, "--strategy", SPLIT]):
        printed, path = run(*command, "--json").stdout, folder / "plan.json"
        text = run(*command, "-o", path).stdout
        equal(path.read_text(), printed)
        equal(text, run(*command).stdout)
        equal(run(*command, "-o", path, "--json").stdout, "")
        equal([one.name for one in folder.iterdir()], ["plan.json"])


@scratch
def case_output_refused(folder):
    done = run("plan", *QUESTION, "-o", folder / "none" / "plan.json", status=1)
    assert "No such file or directory" in done.stderr, done.stderr
    equal(done.stdout, "")
    (folder / "plan.json").write_text("before")
    run("plan", *QUESTION, "--strategy", "tp=7", "-o", folder / "plan.json", status=3)
    equal((folder / "plan.json").read_text(), "before")


@scratch
def case_read_back(folder):
    """A plan file is estimated again without its inputs' files, to the same numbers."""
    run("plan", *QUESTION, "-o", folder / "plan.json")
    saved = json.loads((folder / "plan.json").read_text())
    again = run_json("estimate", folder / "plan.json", "--json")
    equal(again["best"], saved["best"])
    equal(again["inputs"], saved["inputs"])
    equal(run_json("estimate", folder / "plan.json", "--json"), again)
    strategy = re.search(r"--strategy (\S+)", run("plan", *QUESTION).stdout)[1]
    equal(run_json("estimate", *QUESTION, "--strategy", strategy, "--json")["best"], saved["best"])


def case_again():
    """The last line is a command that says the same of the same plan."""
    for arguments in (QUESTION, [*QUESTION, "--objective", "headroom"], [*JOB, "--gpus", 12, "--objective", "cost"]):
        last = run("plan", *arguments).stdout.splitlines()[-1]
        words = shlex.split(last.split("mpplan ")[1])
        equal(run_json(*words, "--json")["best"], run_json("plan", *arguments, "--json")["best"])


@scratch
def case_any_letters(folder):
    """File names need not be of the locale's letters."""
    model, plan = folder / "modèle 1.json", folder / "größe.json"
    model.write_text((HERE / "data" / "model.json").read_text())
    for locale in ("C", "C.UTF-8"):
        run("estimate", "--model", model, *QUESTION[2:], "--strategy", SPLIT, "-o", plan, LC_ALL=locale)
        run("estimate", plan, LC_ALL=locale)
        run("inspect", "model", model, LC_ALL=locale)


def case_as_hugging_face_has_it():
    """Our own file of a model and its config.json are the same question."""
    ours, theirs = (run_json("estimate", "--model", f"data/{name}.json", *QUESTION[2:], "--strategy", SPLIT, "--json")["best"]
                    for name in ("model", "config"))
    equal(theirs, ours)


SPOILT = [
    (lambda plan: plan["best"]["strategy"].update(dp=5), 5, "/best/strategy: dp * tp * pp * cp = 30 but there are 12 GPUs [gpus-product]"),
    (lambda plan: plan["best"]["strategy"].update(tpp=2), 5, '/best/strategy/tpp: unknown strategy field "tpp"; known: '),
    (lambda plan: plan["best"]["strategy"].update(zero=4), 5, "/best/strategy/zero: expected an integer from 0 to 3, got 4"),
    (lambda plan: plan["best"]["strategy"].update(stage_layers=[4, 4]), 5,
     "stages lists 2 chunks of 8 layers; pp * vpp = 3 chunks of 12 are needed [stages-sum]"),
    (lambda plan: plan["inputs"]["cluster"]["tiers"].clear(), 5, "/inputs/cluster/tiers: expected 1 to 4 tiers, got 0"),
    (lambda plan: plan["inputs"]["cluster"]["tiers"].extend(plan["inputs"]["cluster"]["tiers"][:2]), 5,
     "/inputs/cluster/tiers: expected 1 to 4 tiers, got 5"),
    (lambda plan: plan["inputs"]["device"]["matmul_frac"].update(bf16=0), 5,
     "/inputs/device/matmul_frac: bf16 has a peak rate but no matmul_frac"),
    (lambda plan: plan["inputs"]["device"].update(memory_bytes=-1), 5, "/inputs/device/memory_bytes: expected a number from "),
    (lambda plan: plan["inputs"]["model"].update(kv_heads=7), 5, "/inputs/model/kv_heads: heads (30) must be a multiple of kv_heads (7)"),
    (lambda plan: plan["inputs"]["model"].update(layers=13), 5, "stages lists 3 chunks of 12 layers; pp * vpp = 3 chunks of 13 are needed"),
    (lambda plan: plan["inputs"]["training"].update(global_batch=49), 5, "the global batch of 49 sequences is not a multiple of "),
    (lambda plan: plan["inputs"]["training"].update(precision="fp8"), 5, "the Chip 7 has no fp8 products [precision]"),
    (lambda plan: plan["inputs"]["runtime"].update(schedules=[]), 5, "Stack 3 has no pipeline parallelism [runtime-axes]"),
    (lambda plan: plan["inputs"].update(gpus=13), 5, "dp * tp * pp * cp = 12 but there are 13 GPUs [gpus-product]"),
    (lambda plan: plan["inputs"].pop("device"), 5, '/inputs: the plan\'s inputs field "device" is missing (devices)'),
    (lambda plan: plan.update(format_version="1"), 5, "/format_version: expected format version 1"),
    (lambda plan: plan.update(bast={}), 5, '/bast: unknown plan field "bast"; known: best, '),
    (lambda plan: plan.pop("best"), 5, 'this is not a plan: expected "inputs" and "best" with a "strategy"'),
]


@scratch
def case_spoilt_files(folder):
    run("estimate", *QUESTION, "--strategy", SPLIT, "-o", folder / "plan.json")
    good, path = (folder / "plan.json").read_text(), folder / "spoilt.json"
    for spoil, status, message in SPOILT:
        plan = json.loads(good)
        spoil(plan)
        path.write_text(json.dumps(plan))
        for command in (["estimate", path], ["diff", folder / "plan.json", path]):
            done = run(*command, status=status)
            lines = done.stderr.splitlines()
            assert message in lines[0] and lines[0].startswith(f"mpplan: {path}:1:"), f"{message!r} at a place is not in {done.stderr}"
            assert lines[2].endswith("^"), done.stderr
            equal(done.stdout, "")


@scratch
def case_diff(folder):
    a, b = folder / "a.json", folder / "b.json"
    run("estimate", *QUESTION, "--strategy", SPLIT, "-o", a)
    run("estimate", *QUESTION, "--strategy", "pp=3,mbs=4,zero=1", "-o", b)
    text = run("diff", a, b).stdout
    lines = text.splitlines()
    assert lines[0].startswith("A  Odd 0.9B, 1536 tokens") and lines[1].startswith("B  Odd 0.9B, 1536 tokens"), text
    rows = {re.split(r"\s{2,}", line.strip())[0]: re.split(r"\s{2,}", line.strip())[1:] for line in lines[3:]}
    equal(rows["dp"], ["2", "4"])
    equal(rows["tp"], ["2", "1"])
    equal(rows["sequence_parallel"], ["true", "false"])
    equal(rows["micro_batch"], ["2", "4"])
    assert "pp" not in rows and "zero" not in rows and "peak memory" in rows
    first, second = (json.loads(path.read_text())["best"]["step_time_s"] for path in (a, b))
    equal(rows["step"][2], f"{100 * (second - first) / first:+.1f} %")
    assert "dp" not in run("diff", a, a).stdout.split()
    both = run_json("diff", a, b, "--json")
    equal([both["a"], both["b"]], [json.loads(path.read_text())["best"] for path in (a, b)])


@scratch
def case_diff_of_stages(folder):
    """Layers of chunks as runs of equal ones; parts of memory that neither plan has are left out."""
    a, b = folder / "a.json", folder / "b.json"
    run("estimate", *QUESTION, "--strategy", "pp=6,stages=3/2/2/2/2/1", "-o", a)
    run("estimate", *QUESTION, "--strategy", "pp=6,schedule=1f1b", "-o", b)
    text = run("diff", a, b).stdout
    rows = {re.split(r"\s{2,}", line.strip())[0]: re.split(r"\s{2,}", line.strip())[1:] for line in text.splitlines()[3:]}
    equal(rows["stage_layers"], ["3 2x4 1", "2x6"])
    assert not any(row[:2] == ["0 B", "0 B"] for row in rows.values()), text


def case_why():
    text = run("why", "tp=2,pp=3,mbs=2,sp,zero=1", *QUESTION).stdout
    step = run_json("estimate", *QUESTION, "--strategy", SPLIT, "--json")["best"]["step_time_s"]
    best = run_json("plan", *QUESTION, "--json")["best"]["step_time_s"]
    slower = re.search(r"this one is ([\d.]+) % slower; .* more: ", text)
    near(float(slower[1]), 100 * (step / best - 1), 0.1)
    winner = re.search(r"--strategy (\S+)", run("plan", *QUESTION).stdout)[1]
    assert "this one is as fast" in run("why", winner, *QUESTION).stdout


def case_why_it_does_not_fit():
    text = run("why", "tp=2,pp=3,sp", "--global-batch", 6, *TOO_LARGE).stdout
    assert "DOES NOT FIT" in text and re.search(r"out of memory on stage \d by [\d.]+ [GT]iB", text), text
    assert "full recompute" in text and "nothing fits on these devices" in text, text


@scratch
def case_infeasible(folder):
    """Exit status 3, the nearest plan, what it lacks, and what would do; nothing is written."""
    done = run("plan", *TOO_LARGE, "-o", folder / "plan.json", status=3)
    equal(done.stdout, "")
    assert re.match(r"mpplan: no plan fits: the nearest \(.+\) needs [\d.]+ GiB more on stage \d of \d\n"
                    r"hint: (a plan fits on \d+ GPUs|nor does any fit on 64 times as many GPUs)\n$", done.stderr), done.stderr
    equal(list(folder.iterdir()), [])


def case_no_plan_as_json():
    """The answer has the keys of any other, and the nearest miss."""
    for question, legal in ((TOO_LARGE, True), ([*QUESTION, "--strategy", "tp=7"], False)):
        done = run("plan", *question, "--json", status=3)
        answer = json.loads(done.stdout)
        equal([answer["best"], answer["alternatives"], answer["pareto"]], [None, [], []])
        equal(answer["inputs"]["gpus"], int(question[question.index("--gpus") + 1]))
        equal(answer["search"]["evaluated"] > 0, legal)
        equal("nearest_miss" in answer, legal)
        equal(done.stderr, run("plan", *question, status=3).stderr)
    memory = json.loads(run("plan", *TOO_LARGE, "--json", status=3).stdout)["nearest_miss"]["memory_bytes"]
    lacking = float(re.search(r"needs ([\d.]+) GiB more", run("plan", *TOO_LARGE, status=3).stderr)[1])
    near(lacking, (memory["peak"] - memory["usable"]) / 2**30, 0.01)


def case_hint_holds():
    """On as many GPUs as the hint says a plan fits; on half as many none does."""
    hint = int(re.search(r"a plan fits on (\d+) GPUs", run("plan", *TOO_LARGE, status=3).stderr)[1])
    question = [*TOO_LARGE[:-1], hint]
    assert run_json("plan", *question, "--json")["best"]["fits"]
    run("plan", *TOO_LARGE[:-1], hint // 2, status=3)


def case_optimizer_as_written():
    equal(run_json("plan", *QUESTION, "--optimizer", "AdamW", "--json"), run_json("plan", *QUESTION, "--json"))


def case_constrained():
    plans = run_json("plan", *QUESTION, "--strategy", "pp=3,zero=1,recompute=full", "--json", "--top", 9)
    for plan in [plans["best"], *plans["alternatives"]]:
        equal([plan["strategy"][key] for key in ("pp", "zero", "recompute")], [3, 1, "full"])


def case_objectives():
    by_time = run_json("plan", *QUESTION, "--json")["best"]
    equal(run_json("plan", *QUESTION, "--objective", "step-time", "--json")["best"], by_time)
    roomy = run_json("plan", *QUESTION, "--objective", "headroom", "--json")["best"]
    assert roomy["step_time_s"] <= 1.1 * by_time["step_time_s"]
    assert roomy["memory_bytes"]["peak"] <= by_time["memory_bytes"]["peak"]
    cheap = run_json("plan", *QUESTION, "--objective", "cost", "--json")
    assert cheap["best"]["usd_per_million_tokens"] <= by_time["usd_per_million_tokens"]
    assert cheap["inputs"]["gpus"] in (12, 6, 3)


def case_headroom_tells_what_speed_costs():
    """The faster plans stand beside the roomy one, with the memory they need more; the chosen one is not among them."""
    chosen = run_json("plan", *QUESTION, "--objective", "headroom", "--top", 3, "--json")
    fastest = run_json("plan", *QUESTION, "--json")["best"]
    equal(chosen["alternatives"][0], fastest)
    assert len(chosen["alternatives"]) == 3 and chosen["best"] not in chosen["alternatives"]
    text = run("plan", *QUESTION, "--objective", "headroom").stdout
    reasons = re.findall(r"(-?\+?[\d.]+) %(?: ≈)?\s+[\d.]+ GiB  (.*)", text.split("loses because\n")[1])
    assert any(step.startswith("-") for step, _ in reasons), text
    for step, reason in reasons:
        assert reason.endswith(" more memory") == step.startswith("-"), text


def case_reasons_hold():
    """What a runner-up is said to lose is its greatest loss, and it is the difference or is said to be made good."""
    plans = run_json("plan", *QUESTION, "--json", "--top", 9)
    best, text = plans["best"], run("plan", *QUESTION, "--top", 9).stdout
    rows = [row for row in text.split("loses because\n")[1].split("\n\n")[0].splitlines() if "≈ cannot" not in row]
    equal(len(rows), len(plans["alternatives"]))
    for row, plan in zip(rows, plans["alternatives"]):
        differences = {share: plan["time_s"][share] - best["time_s"][share] for share in best["time_s"]}
        net = plan["step_time_s"] - best["step_time_s"]
        said = re.findall(r"([\d.]+) (s|ms|µs) (more|less): ", row)
        seconds = {word: float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[unit] for number, unit, word in said}
        near(seconds["more"], max(differences.values()), 0.01)
        equal("less" in seconds, -min(differences.values()) > net)
        if "less" in seconds:
            near(seconds["less"], -min(differences.values()), 0.01)


@scratch
def case_kernels(folder):
    """Switches are turned on and off in the job that is planned, and what they do is felt."""
    def kernels(*words):
        run("estimate", *QUESTION, "--strategy", SPLIT, *words, "-o", folder / "plan.json")
        plan = json.loads((folder / "plan.json").read_text())
        return plan["inputs"]["training"]["kernels"], plan["best"]["step_time_s"]
    usual, usual_s = kernels()
    changed, changed_s = kernels("--kernels", "no-elementwise_fused,dispatch-once")
    equal(changed, usual | {"elementwise_fused": False, "dispatch_once": True})
    equal(kernels("--kernels", "elementwise_fused,no-dispatch_once"), (usual, usual_s))
    assert changed_s > usual_s, f"{changed_s} s without fused kernels, {usual_s} s with"


@scratch
def case_sweep(folder):
    """Each row is what plan answers; time and cost are those of the tokens; the first that fits is the measure of the others."""
    question = [*JOB, "--global-batch", 48]
    run("sweep", *question, "gpus=3,6,12", "--tokens", "3B", "-o", folder / "sweep.json")
    got = json.loads((folder / "sweep.json").read_text())
    equal([row["value"] for row in got["rows"]], ["3", "6", "12"])
    for row in got["rows"]:
        best = run_json("plan", *question, "--gpus", row["value"], "--json")["best"]
        equal(row["plan"], best)
        near(row["tokens_s"], 3e9 / (best["tokens_per_s_per_gpu"] * row["gpus"]))
    by_part = run_json("sweep", *question, "--gpus", 12, "--strategy", "pp=3", "tp=1,2", "--json")["rows"]
    equal([(row["plan"]["strategy"]["tp"], row["plan"]["strategy"]["pp"]) for row in by_part], [(1, 3), (2, 3)])
    none = run("sweep", *TOO_LARGE[:-2], "gpus=1,2", status=3)
    equal(none.stdout.count("none fits"), 2)
    equal(none.stderr, "mpplan: no plan fits for any gpus\n")


@scratch
def case_csv(folder):
    run("compare", "data/runs.jsonl", "--csv", folder / "out.csv")
    lines = (folder / "out.csv").read_text().splitlines()
    equal(lines[0], "source,id,measured_s,predicted_s,p10_s,p90_s,measured_gib,predicted_gib,predicted_fits,skipped")
    equal([line.split(",")[:2] for line in lines[1:]],
          [["alpha", "a-1"], ["alpha", "a-2"], ["beta", "b-1"], ["beta", "b-2"], ["beta", "b-3"]])
    equal({line.count(",") for line in lines}, {9})
    equal(lines[4].split(",")[9], "model family cnn is not modelled")


@scratch
def case_clean(folder):
    """--clean leaves anomalies out of all that is printed and written."""
    records = [json.loads(line) for line in (HERE / "data" / "runs.jsonl").read_text().splitlines()]
    records[1]["measured"]["anomaly"] = "the network was down"
    runs = folder / "runs.jsonl"
    runs.write_text("".join(json.dumps(record) + "\n" for record in records))
    kept = [record["id"] for record in records if "anomaly" not in record["measured"]]
    got = run_json("compare", runs, "--clean", "--json", "--csv", folder / "out.csv")
    equal([row["id"] for row in got["rows"]], kept)
    equal([got["summary"]["alpha"]["rows"], got["summary"]["alpha"]["n_times"]], [1, 1])
    equal([line.split(",")[1] for line in (folder / "out.csv").read_text().splitlines()[1:]], kept)
    equal(run("compare", runs, "--clean").stdout.split("alpha")[1].split()[0], "1")
    equal(len(run_json("compare", runs, "--json")["rows"]), len(records))


@scratch
def case_largest_records(folder):
    """Sizes at the end of their ranges neither overflow nor stop the program."""
    record = json.loads((HERE / "data" / "runs.jsonl").read_text().splitlines()[0])
    for part, fields in {"model": ["hidden", "heads", "kv_heads", "ffn", "vocab", "seq"], "hardware": ["gpus"],
                         "training": ["global_batch", "micro_batch"], "parallel": ["tp"]}.items():
        for field in fields:
            for value in (1, 2**28 - 1, 2**28, 2**20):
                spoilt = json.loads(json.dumps(record))
                spoilt[part][field] = value if part != "parallel" else min(value, 2**20)
                (folder / "runs.jsonl").write_text(json.dumps(spoilt))
                equal(len(run_json("compare", folder / "runs.jsonl", "--json")["rows"]), 1)


main(globals())
