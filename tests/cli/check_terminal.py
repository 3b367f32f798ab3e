#!/usr/bin/env python3
"""What only a terminal sees: colour and progress; and what becomes of output that cannot be written."""
import os
import pty
import subprocess

from tap import HERE, JOB, PROGRAM, Skip, equal, main, run, run_json

QUESTION = ["plan", *JOB, "--gpus", "6", "--global-batch", "24"]
BOLD = "\033[1m"


def on_terminal(*arguments, **variables):
    """What the program prints when its standard output is a terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")} | variables
    with subprocess.Popen([PROGRAM, *arguments], cwd=HERE, env=environment, stdout=theirs, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as process:
        os.close(theirs)
        text = b""
        try:
            while block := os.read(ours, 65536):
                text += block
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        equal(process.wait(), 0)
    return text.decode().replace("\r\n", "\n")


def case_colour():
    assert BOLD in on_terminal(*QUESTION, TERM="xterm-256color")


def case_no_colour():
    plain = run(*QUESTION).stdout
    assert "\033" not in plain
    for variables in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}):
        equal(on_terminal(*QUESTION, **variables), plain)
    equal(on_terminal(*QUESTION, TERM="xterm", NO_COLOR="").count(BOLD), on_terminal(*QUESTION, TERM="xterm").count(BOLD))


def case_colour_is_all():
    """Without its escapes the coloured text is the plain one."""
    coloured = on_terminal(*QUESTION, TERM="xterm")
    for code in ("\033[1m", "\033[2m", "\033[31m", "\033[0m"):
        coloured = coloured.replace(code, "")
    equal(coloured, run(*QUESTION).stdout)


def case_json_is_plain():
    assert "\033" not in on_terminal("estimate", *QUESTION[1:], "--json", TERM="xterm")


def case_full_disk():
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    for arguments in (["--help"], QUESTION, [*QUESTION, "--json"], ["inspect", "model"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, *arguments], cwd=HERE, stdout=full, stderr=subprocess.PIPE, text=True)
        equal(done.returncode, 1)
        assert done.stderr.startswith("mpplan: standard output"), done.stderr


def case_names_are_listed():
    for kind in ("model", "cluster", "device", "runtime"):
        names = run("inspect", kind).stdout.split()
        assert len(names) > 5 and names == sorted(names), names
        assert run("inspect", kind, names[0]).stdout
        equal(run_json("inspect", kind, "--json"), names)


def case_help_goes_to_stdout():
    for command in ("plan", "estimate", "why", "diff", "inspect", "compare", "calibrate"):
        done = run(command, "--help")
        assert done.stdout.startswith(f"Usage:\n  mpplan {command} [OPTION…]") and "Examples:\n" in done.stdout
        equal(done.stderr, "")
        equal(run("help", command).stdout, done.stdout)


main(globals())
