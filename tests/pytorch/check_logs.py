#!/usr/bin/env python3
"""Half of the committed logs predicts the other half."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
import half  # noqa: E402
import launch  # noqa: E402
from tap import PROGRAM, main  # noqa: E402

MOST_MEDIAN = 0.15


def case_other_half():
    with tempfile.TemporaryDirectory() as folder:
        median = half.predict_other_half(PROGRAM, launch.HERE / "logs", pathlib.Path(folder))
    assert median <= MOST_MEDIAN, f"median error {median:.3f}, at most {MOST_MEDIAN}"


main(globals())
