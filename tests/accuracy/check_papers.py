#!/usr/bin/env python3
"""Steps that four papers print (papers.jsonl names them) and no fit has seen: A100 and H100, 8 to 12,288 of them, 22 B to 1 T parameters."""
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from tap import main, run_json  # noqa: E402

RUNS = pathlib.Path(__file__).resolve().parent / "papers.jsonl"
MOST_MEDIAN, MOST_WORST = 0.10, 0.25
FEWEST_IN_INTERVAL = 0.75


def errors(rows):
    return {row["id"]: row["predicted_step_time_s"] / row["measured_step_time_s"] - 1 for row in rows}


def case_predicted():
    rows = run_json("compare", RUNS, "--json")["rows"]
    assert len(rows) == len(RUNS.read_text().splitlines()), "some are not predicted"
    off = errors(rows)
    median = statistics.median(map(abs, off.values()))
    within = sum(row["p10_step_time_s"] <= row["measured_step_time_s"] <= row["p90_step_time_s"] for row in rows) / len(rows)
    mean = statistics.mean(map(abs, off.values()))
    print(f"# {len(rows)} steps: mean error {mean:.1%}, median {median:.1%}, {within:.0%} in their 80 % interval")
    assert median <= MOST_MEDIAN, f"median error {median:.1%}"
    assert within >= FEWEST_IN_INTERVAL, f"{within:.0%} in the interval"
    worst = max(off, key=lambda name: abs(off[name]))
    assert abs(off[worst]) <= MOST_WORST, f"{worst}: {off[worst]:+.1%}"


def case_fits():
    """They ran, so they fit."""
    rows = run_json("compare", RUNS, "--json")["rows"]
    wrong = [row["id"] for row in rows if not row["predicted_fits"]]
    assert not wrong, wrong


main(globals())
