"""What the check scripts share: running the program, and telling results as TAP."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
JOB = ["--model", "data/model.json", "--cluster", "data/cluster.json", "--runtime", "data/runtime.json"]


class Skip(Exception):
    """Raised with the reason why a check cannot run here."""


def run(*arguments, status=0, **variables):
    """Runs the program in this folder; its exit status must be @status. Returns: the completed process, with text output."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=HERE, env=os.environ | variables, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, f"{arguments}: exit status {done.returncode}, not {status}\n{done.stderr}"
    return done


def run_json(*arguments, **variables):
    done = run(*arguments, **variables)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout, parse_constant=lambda word: equal(word, "a number"))


def equal(got, expected):
    assert got == expected, f"got {got!r}, expected {expected!r}"


def near(got, expected, tolerance=1e-9):
    assert abs(got - expected) <= tolerance * max(abs(got), abs(expected)), f"got {got!r}, expected {expected!r}"


def has_keys(value, required, optional=()):
    """@value is an object with the @required keys, perhaps the @optional ones, and no others."""
    missing, strange = set(required) - set(value), set(value) - set(required) - set(optional)
    assert not missing and not strange, f"missing {sorted(missing)}, strange {sorted(strange)}"


def scratch(function):
    """Gives @function a folder of its own."""
    def inside():
        with tempfile.TemporaryDirectory() as folder:
            function(pathlib.Path(folder))
    return inside


def main(checks):
    """Runs the functions called case_* of the dictionary @checks in their order."""
    found = [(name, function) for name, function in checks.items() if name.startswith("case_")]
    print(f"1..{len(found)}")
    failed = 0
    for number, (name, function) in enumerate(found, 1):
        title = f"{number} - {name.removeprefix('check_')}"
        try:
            function()
            print(f"ok {title}", flush=True)
        except Skip as reason:
            print(f"ok {title} # SKIP {reason}", flush=True)
        except Exception:
            failed += 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {title}", flush=True)
    sys.exit(1 if failed else 0)
