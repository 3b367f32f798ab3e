"""Calibrates on every second run and predicts the others."""
import json
import statistics

import launch


def parts():
    """The runs to fit and those to predict: every second one of the table, so that both have each kind of split."""
    return launch.TABLE["runs"][0::2], launch.TABLE["runs"][1::2]


def predict_other_half(program, logs, folder):
    """Prints predicted beside measured; returns the median error of the runs that were not fitted."""
    fitted, unseen = parts()
    arguments = [f"{launch.make_plan(program, run, folder)}={logs / run['name']}.log" for run in fitted]
    launch.mpplan(program, "calibrate", *arguments, "--write", folder / "fitted")
    profiles = {"cluster": folder / "fitted" / "clusters" / "two-core-host.json", "runtime": folder / "fitted" / "runtimes" / "pytorch-gloo.json"}
    arguments = [f"{launch.make_plan(program, run, folder, **profiles)}={logs / run['name']}.log" for run in unseen]
    rows = json.loads(launch.mpplan(program, "compare", *arguments, "--json"))["rows"]
    errors = []
    for run, row in zip(unseen, rows, strict=True):
        error = row["predicted_step_time_s"] / row["measured_step_time_s"] - 1
        errors.append(abs(error))
        print(f"# {run['name']:22} measured {row['measured_step_time_s']:.3f} s, predicted {row['predicted_step_time_s']:.3f} s, {100 * error:+.1f} %")
    print(f"# {len(errors)} runs that were not fitted, median error {100 * statistics.median(errors):.1f} %")
    return statistics.median(errors)
