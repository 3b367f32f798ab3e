#!/usr/bin/env python3
"""Rewrites the accuracy table of README.md: readme_table.py COMPARE.json UNSEEN.csv README.md

What others reach on the same rows is theirs, or measured with their program:
SimuMax, vTrain (arXiv:2312.12391) and Sailor (arXiv:2504.17096) by their authors, each with a profile of the model on the device;
Calculon (SC '23) by running it with the system files it ships; Aceso as others measured it on 37 of its plans.
"""
import csv
import json
import pathlib
import sys

COLLECTED = pathlib.Path(__file__).resolve().parent / "collected.jsonl"

OTHERS = {
    "bigscience": "Calculon 31.1 %",
    "megatron-sc21": "Calculon 10.3 %",
    "planners": "Aceso 17.6 %, memory 4–9 %",
    "sailor": "Sailor 6.3 %, memory 5.6 %",
    "simumax": "SimuMax 5.6 %, memory 0.5 %",
    "vtrain": "vTrain 8.4 / 14.7 %, Calculon 38.9 / 15.3 % (one / several nodes), regret 10 / 53.5 %",
}
HEAD = ["source", "runs", "predicted", "step time: fitted", "median", "run held out", "source held out", "memory", "fits or not: right", "regret mean / worst", "others on these rows"]


def percent(value):
    return f"{100 * value:.1f} %"


def fitted(source, one, unseen):
    """The error on all runs; in brackets that without known anomalies, where there are some."""
    clean = float(unseen[source]["seen_mape"]) if source in unseen else 100 * one["mape"]
    anomalies = 100 * one["mape"] - clean > 5
    return percent(one["mape"]) + (f" ({clean:.1f} %)" if anomalies else "")


def row(source, one, unseen):
    right = one["fits_and_ran"] + one["too_large_and_out_of_memory"]
    known = right + one["fits_but_out_of_memory"] + one["too_large_but_ran"]
    timed = one["n_times"] > 0
    return [source, str(one["rows"]), str(one["predicted"]),
            fitted(source, one, unseen) if timed else "", percent(one["median"]) if timed else "",
            f"{unseen[source]['held_mape']} %" if source in unseen else "",
            f"{unseen[source]['unseen_mape']} %" if source in unseen else "",
            percent(one["memory_mape"]) if one["n_memory"] else "", f"{right}/{known}" if known else "",
            f"{100 * one['regret_mean']:.1f} / {100 * one['regret_worst']:.1f} %" if one["n_groups"] else "", OTHERS.get(source, "")]


SUMS = ["rows", "predicted", "n_times", "n_memory", "n_groups", "fits_and_ran", "fits_but_out_of_memory", "too_large_but_ran",
        "too_large_and_out_of_memory"]
MEANS = {"mape": "n_times", "median": "n_times", "memory_mape": "n_memory", "regret_mean": "n_groups"}


def joined(ones):
    """One source of several; its median is the mean of theirs."""
    total = {key: sum(one[key] for one in ones) for key in SUMS}
    for key, count in MEANS.items():
        total[key] = sum(one[key] * one[count] for one in ones) / max(total[count], 1)
    return total | {"regret_worst": max(one["regret_worst"] for one in ones)}


def join_collected(summary, unseen):
    """The sources of our own collection become one row."""
    sources = sorted({json.loads(line)["source"] for line in COLLECTED.read_text().splitlines()} & set(summary))
    timed = {source: summary[source]["n_times"] for source in sources if source in unseen}
    name = f"collected: {len(sources)} sources"
    if timed:
        unseen[name] = {key: f"{sum(float(unseen[one][key]) * n for one, n in timed.items()) / sum(timed.values()):.1f}"
                        for key in ("held_mape", "unseen_mape", "seen_mape")}
    if sources:
        summary[name] = joined([summary.pop(source) for source in sources])


def main(compared, unseen_path, readme_path):
    with open(unseen_path) as file:
        unseen = {one["source"]: one for one in csv.DictReader(file)}
    with open(compared) as file:
        summary = json.load(file)["summary"]
    join_collected(summary, unseen)
    table = [HEAD, ["---"] * len(HEAD)] + [row(source, one, unseen) for source, one in sorted(summary.items())]
    lines = [f"| {' | '.join(cells)} |" for cells in table]
    with open(readme_path) as file:
        text = file.read().split("\n")
    first = next(i for i, line in enumerate(text) if line.startswith("| source |"))
    last = next(i for i in range(first, len(text)) if not text[i].startswith("|"))
    with open(readme_path, "w") as file:
        file.write("\n".join(text[:first] + lines + text[last:]))


main(*sys.argv[1:])
