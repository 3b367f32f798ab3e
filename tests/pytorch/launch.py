"""Plans of runs.json, and the training runs that follow them."""
import json
import os
import pathlib
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
TABLE = json.loads((HERE / "runs.json").read_text())
LONGEST_S = 300


def mpplan(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"mpplan {' '.join(map(str, arguments))}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def make_plan(program, run, folder, cluster=HERE / "host.json", runtime="pytorch-gloo"):
    """The run as a plan file in @folder."""
    model, plan = folder / f"{run['model']}.json", folder / f"{run['name']}.plan.json"
    model.write_text(json.dumps(TABLE["models"][run["model"]]))
    mpplan(program, "estimate", "--model", model, "--gpus", run["gpus"], "--cluster", cluster, "--runtime", runtime, "--precision",
           "fp32", "--seq", TABLE["models"][run["model"]]["max_seq"], "--global-batch", run["batch"], "--strategy", run["strategy"], "-o", plan)
    return plan


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def run_ranks(command, ranks, folder):
    """One process a rank, on one thread each; returns what rank 0 printed."""
    variables = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1",
                              "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}
    outputs = [folder / f"rank{rank}.out" for rank in range(ranks)]
    processes = []
    try:
        for rank, output in enumerate(outputs):
            with output.open("w") as file:
                processes.append(subprocess.Popen(command, env=variables | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, stdout=file,
                                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL))
        deadline = time.monotonic() + LONGEST_S
        while any(process.poll() is None for process in processes) and time.monotonic() < deadline and not any(p.returncode for p in processes):
            time.sleep(0.1)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for process, output in zip(processes, outputs):
        if process.returncode:
            raise RuntimeError(f"exit status {process.returncode}\n{output.read_text()[-3000:]}")
    return outputs[0].read_text()


def train(program, python, run, folder):
    """Runs the plan with PyTorch; returns the log."""
    plan, module, csv = make_plan(program, run, folder), folder / f"{run['name']}.py", folder / f"{run['name']}.csv"
    mpplan(program, "emit", "--to", "pytorch", plan, "-o", module)
    command = [str(python), str(HERE / "train.py"), str(plan), str(module)]
    if run.get("csv"):
        mpplan(program, "emit", "--to", "pytorch-csv", plan, "-o", csv)
        command.append(str(csv))
    return "".join(line for line in run_ranks(command, run["gpus"], folder).splitlines(keepends=True) if line.startswith("step: "))
