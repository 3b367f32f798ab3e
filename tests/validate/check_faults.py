#!/usr/bin/env python3
"""What `mpplan validate` says when a run works, differs, or breaks; nothing is left behind in any case."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from tap import PROGRAM, Skip, equal, has_keys, main  # noqa: E402

BUILD = PROGRAM.parent
MODEL = {"name": "tiny", "layers": 2, "hidden": 48, "heads": 4, "ffn": 96, "gated_mlp": True, "vocab": 101, "max_seq": 32}
MANY = 100000
LONGEST_S = 300


class Folder:
    """A folder for a case, also for temporary files of the program, which must be gone in the end."""

    def __enter__(self):
        if not shutil.which("mpirun") or not (BUILD / "mpplan-backend-cpu.so").exists():
            raise Skip("mpirun or the cpu backend is not there")
        self.path = pathlib.Path(tempfile.mkdtemp())
        (self.path / "tmp").mkdir()
        (self.path / "model.json").write_text(json.dumps(MODEL))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)  # MPI clears its own part of it at the same time

    def command(self, *arguments):
        return [PROGRAM, *map(str, arguments)]

    def start(self, *arguments, new_group=False):
        return subprocess.Popen(self.command(*arguments), cwd=self.path, env=os.environ | {"TMPDIR": str(self.path / "tmp")},
                                start_new_session=new_group, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

    def run(self, *arguments, status=0):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=LONGEST_S)
        equal((process.returncode, err) if process.returncode != status else status, status)
        return out, err

    def plan(self, strategy="pp=2,mbs=1", precision="fp32", gpus=2, batch=4):
        self.run("estimate", "--model", "model.json", "--gpus", gpus, "--cluster", "cpu-hosts", "--runtime", "mpplan-run", "--precision",
                 precision, "--seq", 32, "--global-batch", batch, "--strategy", strategy, "-o", "plan.json")

    def nothing_left(self):
        names = {path.name for path in self.path.iterdir()}
        assert names <= {"model.json", "plan.json", "tmp"}, names
        left = [path.name for path in (self.path / "tmp").iterdir() if path.name.startswith("mpplan-")]
        equal(left, [])
        deadline = time.time() + 20
        while (ranks := ranks_of(self.path)) and time.time() < deadline:
            time.sleep(0.05)
        equal(ranks, [])


def ranks_of(folder):
    """Process numbers of the ranks whose plan lies in @folder."""
    found = []
    for path in pathlib.Path("/proc").iterdir():
        try:
            words = (path / "cmdline").read_bytes().split(b"\0") if path.name.isdigit() else []
            stopped_for_good = words and (path / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            continue
        if words and words[0].endswith(b"mpplan-run") and any(str(folder).encode() in word for word in words) and not stopped_for_good:
            found.append(int(path.name))
    return sorted(found)


def wait_for_ranks(folder, n, rest_s=1):
    """@rest_s: waited for from then on; without it they are still finding each other."""
    deadline = time.time() + LONGEST_S
    while time.time() < deadline:
        if len(ranks := ranks_of(folder.path)) == n:
            time.sleep(rest_s)
            return ranks
        time.sleep(0.05)
    raise AssertionError("the ranks did not start")


def fail(folder, message, *arguments):
    """The run fails with exit status 1, says @message, and leaves nothing."""
    out, err = folder.run("validate", "plan.json", "-o", "out.json", *arguments, status=1)
    equal(out, "")
    assert message in err and err.startswith("mpplan: ") and err.count("\n") == 1, err
    folder.nothing_left()


def case_times_are_compared():
    with Folder() as folder:
        folder.plan()
        out, _ = folder.run("validate", "plan.json", "--json", "--steps", 2, "--tolerance", 1e9)
        result = json.loads(out)
        has_keys(result, ["format_version", "comparison", "run"])
        equal(len(result["run"]["steps_s"]), 2)
        equal([rank["stage"] for rank in result["run"]["ranks"]], [0, 1])
        equal(len(result["run"]["losses"]), 4)
        step_s = result["comparison"]["step_s"]
        assert 0 < step_s["least"] <= step_s["measured"] <= step_s["most"], step_s
        for rank in result["run"]["ranks"]:
            ends = [action["start_s"] + action["duration_s"] for action in rank["actions"]]
            assert max(ends) <= 2 * step_s["most"], (ends, step_s)
            assert rank["peak_bytes"] > 0
        names = {op["name"] for op in result["comparison"]["operations"] if op["measured_s"] > 0 and op["predicted_s"] > 0}
        assert {"qkv projection", "attention core", "mlp up projection", "vocabulary projection", "cross entropy"} <= names, names
        folder.nothing_left()


def case_timelines():
    with Folder() as folder:
        folder.plan()
        folder.run("validate", "plan.json", "--steps", 1, "--tolerance", 1e9, "--trace", "trace.json", "--html", "step.html")
        events = json.loads((folder.path / "trace.json").read_text())["traceEvents"]
        rows = [event["args"]["name"] for event in events if event["name"] == "thread_name"]
        equal(rows, ["stage 0, predicted", "stage 0, rank 0 measured", "stage 1, predicted", "stage 1, rank 1 measured"])
        for row in range(len(rows)):  # four micro-batches forward and backward
            spans = [event for event in events if event["ph"] == "X" and event["tid"] == row]
            equal(sum(event["name"].startswith("F of micro-batch") for event in spans), 4)
            assert all(event["dur"] > 0 for event in spans if event["name"].startswith("F")), spans
        page = (folder.path / "step.html").read_text()
        assert all(f">{row}</text>" in page for row in rows), page
        folder.run("validate", "plan.json", "--check-numerics", "--html", "step.html", status=2)


def case_measure_and_calibrate():
    with Folder() as folder:
        folder.run("measure", "--ranks", 2, "--rounds", 1, "-o", "samples.json")
        samples = json.loads((folder.path / "samples.json").read_text())["samples"]
        equal({sample["kind"] for sample in samples}, {"matmul", "attention", "memory", "launch", "host-copy", "collective"})
        equal({sample.get("layout", "nn") for sample in samples if sample["kind"] == "matmul"}, {"nn", "nt", "tn"})
        equal({sample.get("busy_ranks", 1) for sample in samples}, {1, 2})
        out, _ = folder.run("calibrate", "--samples", "samples.json", "-o", "host.json")
        assert "median error" in out and "host_capacity" in out, out
        device = json.loads((folder.path / "host-device.json").read_text())
        assert "samples of mpplan measure" in device["sources"]["matmul_frac"], device["sources"]
        out, _ = folder.run("estimate", "--model", "model.json", "--gpus", 2, "--cluster", "host.json", "--runtime", "mpplan-run",
                            "--precision", "fp32", "--seq", 32, "--global-batch", 4, "--strategy", "dp=2,mbs=1")
        assert "dp 2" in out, out


def case_out_of_tolerance():
    with Folder() as folder:
        folder.plan()
        out, err = folder.run("validate", "plan.json", "--steps", 1, "--tolerance", 1e-9, status=4)
        assert "predicted" in out and "tolerance is" in err and "most of it: " in err, err


def case_numerics():
    with Folder() as folder:
        folder.plan("tp=2,sp,mbs=2")
        out, err = folder.run("validate", "plan.json", "--check-numerics", "--steps", 3, "-o", "result.json")
        equal(err, "")
        steps = json.loads((folder.path / "result.json").read_text())["run"]["numerics"]
        equal([step["step"] for step in steps], [1, 3])
        assert all(0 < step["worst_gradient"] < 1e-5 for step in steps), steps


def peaks(folder, *arguments):
    folder.run("validate", "plan.json", "--tolerance", MANY, "--steps", 2, "-o", "result.json", *arguments)
    result = json.loads((folder.path / "result.json").read_text())
    return {rank["rank"]: rank["peak_bytes"] for rank in result["run"]["ranks"]}, result


def case_slice():
    for strategy, gpus in (("pp=2,mbs=1", 2), ("tp=2,sp,mbs=2", 2), ("dp=2,mbs=1,zero=3", 2)):
        with Folder() as folder:
            folder.plan(strategy, gpus=gpus)
            whole, _ = peaks(folder)
            alone, result = peaks(folder, "--slice")
            assert result["run"]["slice"] and alone, result["run"]
            # a slice holds what the rank holds among others, but for messages: one under way there, one made up here
            assert all(abs(alone[rank] - whole[rank]) <= 32 * 48 * 4 for rank in alone), (alone, whole)
            times = {time["name"]: time for time in result["comparison"]["actions"]}
            assert times["forward passes"]["measured_s"] > 0 < times["backward passes"]["measured_s"], times
    with Folder() as folder:  # more ranks than this machine could run
        folder.plan("dp=16,tp=4,sp,pp=2,mbs=1,zero=1", gpus=128, batch=64)
        alone, _ = peaks(folder, "--slice")
        equal(sorted(alone), [0, 64])


def case_slice_of_numerics():
    with Folder() as folder:
        folder.plan()
        _, err = folder.run("validate", "plan.json", "--slice", "--check-numerics", status=2)
        assert "a slice is not the whole model" in err, err


def case_unsupported():
    with Folder() as folder:
        folder.plan(precision="bf16")
        fail(folder, "backend cpu does not compute bf16 (plan with --precision fp32)")


def case_missing_backend():
    with Folder() as folder:
        folder.plan()
        fail(folder, 'no backend "abacus" in', "--backend", "abacus")


def case_other_interface():
    with Folder() as folder:
        folder.plan()
        old = folder.path / "tmp" / "mpplan-backend-old.so"
        source = "const struct { int abi; const char *name; } mpp_backend = { 99, \"old\" };"
        subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", old], input=source, text=True, check=True)
        _, err = folder.run("validate", "plan.json", "--backend", "old", "--folder", old.parent, status=1)
        assert "has interface version 99, this program" in err, err


def case_launchers():
    with Folder() as folder:
        folder.plan()
        for arguments, message in ((["rsh"], 'cannot start ranks with "rsh"; known: mpirun, srun'),
                                   (["srun", "--hostfile", "hosts"], "srun takes the hosts of its allocation, not a list")):
            _, err = folder.run("validate", "plan.json", "--launcher", *arguments, status=2)
            assert message in err, err


def case_slurm():
    """A stand-in for srun, which has mpirun start the ranks: what it is told is what srun understands."""
    with Folder() as folder:
        folder.plan()
        programs = folder.path / "tmp" / "bin"
        programs.mkdir()
        (programs / "srun").write_text('#!/bin/sh\n[ "$1 $2 $3" = "--mpi=pmix --kill-on-bad-exit=1 -n" ] || exit 9\nshift 2\n'
                                       'exec mpirun --oversubscribe "$@"\n')
        (programs / "srun").chmod(0o755)
        done = subprocess.run(folder.command("validate", "plan.json", "--launcher", "srun", "--check-numerics", "--steps", 1),
                              cwd=folder.path, env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}, capture_output=True,
                              text=True, timeout=LONGEST_S)
        equal((done.returncode, done.stderr), (0, ""))


def case_out_of_memory():
    with Folder() as folder:
        folder.plan()
        out, _ = folder.run("validate", "plan.json", "--json", "--steps", 1, "--tolerance", 1e9)
        peak = min(rank["peak_bytes"] for rank in json.loads(out)["run"]["ranks"])
        fail(folder, "out of memory: ", "--memory", 1000)
        fail(folder, "pass ", "--memory", 0.95 * peak)


def case_killed_rank():
    with Folder() as folder:
        folder.plan()
        process = folder.start("validate", "plan.json", "-o", "out.json", "--steps", MANY)
        os.kill(wait_for_ranks(folder, 2)[1], signal.SIGKILL)
        _, err = process.communicate(timeout=LONGEST_S)
        equal(process.returncode, 1)
        assert "exited on signal 9" in err, err
        folder.nothing_left()


def case_stuck_rank():
    for rest_s in (0, 1):
        with Folder() as folder:
            folder.plan()
            process = folder.start("validate", "plan.json", "-o", "out.json", "--steps", MANY, "--timeout", 5)
            os.kill(wait_for_ranks(folder, 2, rest_s)[1], signal.SIGSTOP)
            _, err = process.communicate(timeout=LONGEST_S)
            equal(process.returncode, 1)
            assert "nothing moved in time during" in err, err
            folder.nothing_left()


def case_killed_program():
    with Folder() as folder:
        folder.plan()
        process = folder.start("validate", "plan.json", "--steps", MANY)
        wait_for_ranks(folder, 2)
        process.kill()
        process.communicate(timeout=LONGEST_S)
        deadline = time.time() + LONGEST_S
        while ranks_of(folder.path) and time.time() < deadline:
            time.sleep(0.05)
        equal(ranks_of(folder.path), [])


def case_interrupted():
    """As from a keyboard, to the whole group of processes, and to the program alone."""
    for to_group, sent, status, message in ((True, signal.SIGINT, 130, "interrupted"), (False, signal.SIGINT, 130, "interrupted"),
                                            (False, signal.SIGTERM, 143, "terminated")):
        with Folder() as folder:
            folder.plan()
            process = folder.start("validate", "plan.json", "-o", "out.json", "--steps", MANY, new_group=True)
            wait_for_ranks(folder, 2)
            os.kill(-process.pid if to_group else process.pid, sent)
            _, err = process.communicate(timeout=LONGEST_S)
            equal((process.returncode, err), (status, f"mpplan: {message}: the ranks were ended\n"))
            folder.nothing_left()


def case_unequal_programs():
    with Folder() as folder:
        folder.plan()
        other = folder.path / "tmp" / "mpplan-run"
        shutil.copy(BUILD / "mpplan-run", other)
        with open(other, "ab") as file:
            file.write(b"\0")
        words = ["--plan", "plan.json", "--backend", "cpu", "--folder", BUILD, "--report", "out.json"]
        done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "1", BUILD / "mpplan-run", *words, ":", "-n", "1",
                               other, *words], cwd=folder.path, capture_output=True, text=True, timeout=LONGEST_S)
        assert done.returncode != 0
        for rank in 0, 1:
            assert f"rank {rank}: rank 1 has another program than rank 0" in done.stderr, done.stderr
        assert not (folder.path / "out.json").exists()


def case_wrong_number_of_ranks():
    with Folder() as folder:
        folder.plan()
        done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "1", BUILD / "mpplan-run", "--plan", "plan.json",
                               "--backend", "cpu", "--report", "out.json"], cwd=folder.path, capture_output=True, text=True,
                              timeout=LONGEST_S)
        assert done.returncode != 0 and "the plan is for 2 ranks, started are 1" in done.stderr, done.stderr


def case_plan_larger_than_the_machine():
    with Folder() as folder:
        folder.run("estimate", "--model", "llama-3.1-405b", "--gpus", 4096, "--cluster", "cpu-hosts", "--runtime", "mpplan-run", "--precision", "fp32",
                   "--strategy", "tp=8,pp=2", "-o", "plan.json")
        for arguments, said in (([], "the plan's ranks allocate "), (["--slice"], "the fullest rank allocates ")):
            out, err = folder.run("validate", "plan.json", *arguments, status=3)
            equal(out, "")
            assert err.startswith(f"mpplan: {said}") and "more than this machine has" in err, err
        folder.nothing_left()


main(globals())
