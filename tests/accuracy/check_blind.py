#!/usr/bin/env python3
"""Runs predicted before anything of their sources was known: the README's table is what the files in blind/ say.

Each file is what `mpplan compare NEW.jsonl --csv` wrote with the program of the commit that names it, just before the runs joined
collected.jsonl; nothing in it ever changes.
"""
import csv
import json
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from tap import equal, main, near, run, scratch  # noqa: E402

ROOT = HERE.parent.parent
README = ROOT / "README.md"
BLIND = sorted((HERE / "blind").glob("*.csv"))
STEPS, SOURCES, OF, COMMIT, MEAN, MEDIAN, INSIDE = range(7)


def steps_of(commit):
    rows = csv.DictReader((HERE / "blind" / f"{commit}.csv").read_text().splitlines())
    return [{key: float(value) if key.endswith("_s") else value for key, value in row.items()}
            for row in rows if row["measured_s"] and row["predicted_s"]]


def inside(steps):
    return statistics.mean(step["p10_s"] <= step["measured_s"] <= step["p90_s"] for step in steps)


def cells_of(steps):
    errors = [abs(step["predicted_s"] / step["measured_s"] - 1) for step in steps]
    return [str(len(steps)), str(len({step["source"] for step in steps})), f"{statistics.mean(errors):.1%}",
            f"{statistics.median(errors):.1%}", f"{inside(steps):.1%}"]


def case_readme():
    text = README.read_text()
    commits = [path.stem for path in BLIND]
    rows = [[cell.strip().replace(" %", "%") for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    told = {row[COMMIT]: row for row in rows if len(row) == INSIDE + 1 and row[COMMIT] in commits}
    equal(sorted(told), commits)
    for commit, row in told.items():
        equal([row[i] for i in (STEPS, SOURCES, MEAN, MEDIAN, INSIDE)], cells_of(steps_of(commit)))
    every = [step for commit in commits for step in steps_of(commit)]
    print(f"# {len(every)} steps, {inside(every):.0%} in their interval")
    assert f"Of the {len(every):,} steps {100 * inside(every):.0f} % lay in their interval" in text


@scratch
def case_spreads(folder):
    """The intervals are those of the residuals that are kept, with these in place of their own."""
    path = folder / "spreads.json"
    run("calibrate", "--residuals", HERE / "residuals.csv", *[word for one in BLIND for word in ("--blind", one)], "--spreads", path)
    made, kept = json.loads(path.read_text()), json.loads((ROOT / "hwprofiles" / "spreads.json").read_text())
    near(made["tail_frac"], kept["tail_frac"])
    equal(len(made["spreads"]), len(kept["spreads"]))
    for a, b in zip(made["spreads"], kept["spreads"]):
        equal((a["basis"], a["runs"], a["sources"]), (b["basis"], b["runs"], b["sources"]))
        for key in ("p10_frac", "p50_frac", "p90_frac"):
            near(a[key], b[key], 1e-4)


main(globals())
