#!/usr/bin/env python3
"""Runs predicted before anything of their sources was known: the README's table is what the files in blind/ say.

Each file is what `mpplan compare NEW.jsonl --csv` wrote with the program of the commit that names it, just before the runs joined
collected.jsonl; nothing in it ever changes.
"""
import csv
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from tap import equal, main  # noqa: E402

README = HERE.parent.parent / "README.md"
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
    commits = sorted(path.stem for path in (HERE / "blind").glob("*.csv"))
    rows = [[cell.strip().replace(" %", "%") for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    told = {row[COMMIT]: row for row in rows if len(row) == INSIDE + 1 and row[COMMIT] in commits}
    equal(sorted(told), commits)
    for commit, row in told.items():
        equal([row[i] for i in (STEPS, SOURCES, MEAN, MEDIAN, INSIDE)], cells_of(steps_of(commit)))
    every = [step for commit in commits for step in steps_of(commit)]
    print(f"# {len(every)} steps, {inside(every):.0%} in their interval")
    assert f"Of the {len(every):,} steps {100 * inside(every):.0f} % lay in their interval" in text


main(globals())
