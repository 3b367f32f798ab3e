#!/usr/bin/env python3
"""Options that say nothing without another are refused, and taken with it."""
import json
import pathlib
import tempfile

from tap import JOB, equal, main, run

SIMULATE = ["simulate", *JOB, "--gpus", 12, "--global-batch", 48, "--strategy", "tp=2,pp=3,mbs=2,sp,zero=1,recompute=selective"]
COMPARE, CALIBRATE = ["compare", "data/runs.jsonl"], ["calibrate", "data/runs.jsonl"]
ALONE = [
    (SIMULATE, ["--distribution", "gamma"], "jitter"),
    (SIMULATE, ["--format", "svg"], "trace"),
    (SIMULATE, ["--detail"], "trace"),
    (SIMULATE, ["--spans"], "json"),
    (COMPARE, ["--unseen", "unseen.csv"], "html"),
    (CALIBRATE, ["--leave-one-out", "unseen.csv"], "priors"),
    (CALIBRATE, ["--residuals", "residuals.csv"], "leave-one-out"),
    (CALIBRATE, ["--spreads", "spreads.json"], "leave-one-out"),
    (CALIBRATE, ["--blind", "blind.csv"], "spreads"),
    (CALIBRATE, ["--output", "mine.json"], "samples"),
]


def case_alone():
    for command, option, needed in ALONE:
        equal(run(*command, *option, status=2).stderr, f"mpplan: {option[0]} says nothing without --{needed}\n")


def case_with_what_they_need():
    def passes(*more):
        return json.loads(run(*SIMULATE, "--json", *more).stdout)

    jitter = ["--jitter", 0.2, "--runs", 20]
    assert len({json.dumps(passes(*jitter, *more)) for more in ([], ["--distribution", "gamma"], ["--seed", 2])}) == 3
    assert "spans" in passes("--spans") and "spans" not in passes()
    with tempfile.TemporaryDirectory() as folder:
        trace = pathlib.Path(folder) / "trace.txt"
        run(*SIMULATE, "--trace", trace, "--format", "svg")
        assert trace.read_text().startswith("<svg")


main(globals())
