#!/usr/bin/env python3
"""Profiles fitted to runs of one's own: what wrote the logs is found again, and the next run is predicted."""
import json
import pathlib
import tempfile

from tap import HERE, equal, main, near, run, run_json

RUNS = [("dp=6,mbs=2,zero=1", 96), ("dp=2,tp=3,mbs=2", 24), ("dp=1,tp=6,mbs=2", 18), ("dp=3,pp=2,mbs=2,zero=1", 60), ("dp=6,mbs=2,zero=1,recompute=full", 48)]
TRUE_RATE, TRUE_LINK = 0.52, 0.41  # of 0.73 and 0.77


class Stack:
    """A folder with a cluster whose true numbers differ from its profile's, and logs of steps of the true one."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.cluster = self.write("profile", {})
        self.true = self.write("true", {"rate": TRUE_RATE, "link": TRUE_LINK})
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def write(self, name, numbers):
        cluster, device = (json.loads((HERE / "data" / file).read_text()) for file in ("cluster.json", "chip.json"))
        place = self.folder / name
        place.mkdir()
        if numbers:
            device["matmul_frac"]["bf16"], cluster["tiers"][0]["efficiency_frac"] = numbers["rate"], numbers["link"]
        (place / "chip.json").write_text(json.dumps(device))
        (place / "racks.json").write_text(json.dumps(cluster))
        return place / "racks.json"

    def plan(self, number, cluster, strategy, batch):
        path = self.folder / f"{number}-{cluster.parent.name}.json"
        run("estimate", "--model", "data/model.json", "--runtime", "data/runtime.json", "--gpus", 6, "--cluster", cluster, "--global-batch", batch, "--strategy", strategy, "-o", path)
        return path, json.loads(path.read_text())["best"]["step_time_s"]

    def pair(self, number, strategy, batch):
        """The plan by the profile, and a log of its steps on the true cluster."""
        log = self.folder / f"{number}.log"
        _, step_s = self.plan(number, self.true, strategy, batch)
        lines = [f"completed step: {i}, seconds: {seconds:.6f}\n" for i, seconds in enumerate([9 * step_s, 3 * step_s] + [step_s] * 9)]
        log.write_text("".join(lines))
        return f"{self.plan(number, self.cluster, strategy, batch)[0]}={log}"


def case_true_numbers_are_found():
    with Stack() as stack:
        pairs = [stack.pair(i, strategy, batch) for i, (strategy, batch) in enumerate(RUNS)]
        out = run("calibrate", *pairs, "--write", stack.folder / "ours").stdout
        assert "these runs do not tell" in out, out
        device = json.loads((stack.folder / "ours" / "devices" / "chip.json").read_text())
        near(device["matmul_frac"]["bf16"], TRUE_RATE, 0.08)  # what moves bytes explains a little, too
        assert "fitted to 5 own runs" in device["sources"]["matmul_frac"], device["sources"]
        before = [row["predicted_step_time_s"] / row["measured_step_time_s"] for row in run_json("compare", *pairs, "--json")["rows"]]
        assert max(abs(ratio - 1) for ratio in before) > 0.1, before
        fresh = stack.pair("next", "dp=1,tp=3,pp=2,mbs=2", 36)
        row = run_json("compare", fresh, "--cluster", stack.folder / "ours" / "clusters" / "racks.json", "--runtime",
                       stack.folder / "ours" / "runtimes" / "stack.json", "--json")["rows"][0]
        near(row["predicted_step_time_s"], row["measured_step_time_s"], 0.04)


def case_launch_in_the_stack_s_words():
    with Stack() as stack:
        log = stack.folder / "train.log"
        log.write_text("".join(f" iteration {i:8d}/ 9 | consumed samples: 1 | elapsed time per iteration (ms): {ms} | global batch size: 6 |\n"
                               for i, ms in ((1, 9000.5), (2, 801.0), (3, 799.0), (4, 800.0))))
        launch = stack.folder / "launch.sh"
        launch.write_text("torchrun --nproc_per_node 2 pretrain_gpt.py --num-layers 4 --hidden-size 256 --num-attention-heads 4 --seq-length 512 "
                          "--max-position-embeddings 512 --micro-batch-size 1 --global-batch-size 6 --tensor-model-parallel-size 2 --bf16 "
                          "--vocab-size 8000 --nnodes 1\n")
        row = run_json("compare", f"{launch}={log}", "--gpus", 2, "--json")["rows"][0]
        equal((row["id"], row["source"], row["measured_step_time_s"]), (str(log), "own runs", 0.8))
        assert any("--cluster" in sentence for sentence in row["assumed"]), row["assumed"]


def case_errors():
    with Stack() as stack:
        log, plan = stack.folder / "x.log", stack.plan("a", stack.cluster, "dp=6,mbs=1", 48)[0]
        log.write_text("hello\n")
        done = run("calibrate", f"{plan}={log}", status=5)
        equal(done.stderr, f"mpplan: {log}: expected a line with a step time as Megatron-LM, DeepSpeed, torchtitan or MaxText print it, found none\n")
        log.write_text("completed step: 0, seconds: 1.5\ncompleted step: 1, seconds: 1.4\n")
        done = run("calibrate", f"{HERE / 'data' / 'launch.sh'}={log}", status=5)
        equal(done.stderr, f"mpplan: {HERE / 'data' / 'launch.sh'}: launches of maxtext are not read; expected a plan file\n")
        done = run("calibrate", status=2)
        assert "calibrate needs measured runs" in done.stderr, done.stderr


main(globals())
