#!/usr/bin/env python3
"""A search that is interrupted tells the best so far, and that it is not proven."""
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from tap import HERE, PROGRAM, equal, main

QUESTION = ["plan", "--model", "deepseek-v3", "--cluster", "dgx-h100", "--gpus", "2048", "--threads", "1"]
ATTEMPTS = 20


def catches(process, number):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (number - 1) & 1


def interrupted(*arguments):
    """What it prints when it is interrupted once it has found a plan, and before it has searched all."""
    for attempt in range(1, ATTEMPTS + 1):
        process = subprocess.Popen([PROGRAM, *QUESTION, *arguments], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not catches(process, signal.SIGINT):
            pass
        time.sleep(attempt * 0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        if process.returncode == 130 and "before a plan was found" not in err:
            return out, err
    raise AssertionError(f"exit status {process.returncode}: {err}")


def case_nothing_found():
    process = subprocess.Popen([PROGRAM, *QUESTION], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not catches(process, signal.SIGINT):
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    equal(process.returncode, 130)
    assert bool(out) != ("before a plan was found" in err), (out, err)


def case_text():
    out, err = interrupted()
    unjudged = re.fullmatch(r"mpplan: interrupted: ([\d,]+) plans were not judged\n", err)[1]
    assert re.search(rf"best so far of [\d,]+ plans, not proven: interrupted before {unjudged} that could be better", out), out


def case_file():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "plan.json"
        interrupted("-o", path)
        plan = json.loads(path.read_text())
        search = plan["search"]
        equal((search["proven_optimal"], search["unjudged"] > 0), (False, True))
        again = subprocess.run([PROGRAM, "estimate", path, "--json"], cwd=HERE, capture_output=True, text=True, check=True)
        equal(json.loads(again.stdout)["best"], plan["best"])


main(globals())
