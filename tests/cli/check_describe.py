"""The manual page and the completions list every command and every option that --help does, and shells can read them."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from tap import PROGRAM, Skip, equal, main, run

SHELLS = {"bash": "mpplan.bash", "zsh": "_mpplan", "fish": "mpplan.fish"}


def commands():
    """Names, from the list that the program prints."""
    listed = run("--help").stdout.split("\n\n")[2]
    return [line.split()[0] for line in listed.splitlines()]


def options(command):
    """Long and short names of the options in the command's help."""
    return re.findall(r"^  (?:-(\w), )?--([a-z-]+)", run(command, "--help").stdout, re.M)


def completion(shell):
    return run("help", "--completion", shell).stdout


def case_there_are_commands():
    assert {"plan", "estimate", "emit", "help"} <= set(commands()), commands()
    assert all(len(options(command)) >= 1 for command in commands())


def case_manual_lists_all():
    page = run("help", "--man").stdout
    for command in commands():
        begin = page.index(f".SS mpplan {command} ")
        section = page[begin:page.index(".nf", begin)]
        for short, long in options(command):
            tag = (f"\\-{short}, " if short else "") + "\\-\\-" + long.replace("-", "\\-")
            assert re.search(r"^\.B " + re.escape(tag) + r"( |$)", section, re.M), f"{command}: --{long} is not in the manual page"


def case_manual_is_roff():
    if not shutil.which("groff"):
        raise Skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-k", "-ww", "-z"], input=run("help", "--man").stdout, capture_output=True, text=True)
    equal((done.returncode, done.stderr), (0, ""))


def case_bash_lists_all():
    script = completion("bash")
    for command in commands():
        body = re.search(rf"^    {command}\)\n        options='([^']*)'", script, re.M)
        equal(set(body[1].split()), {f"--{long}" for _, long in options(command)})


def case_zsh_lists_all():
    script = completion("zsh")
    for command in commands():
        begin = script.index(f"\n    {command})\n")
        section = script[begin:script.index("        ;;", begin)]
        for _, long in options(command):
            assert re.search(rf"--{long}(\}}|')", section), f"{command}: --{long}"


def case_fish_lists_all():
    lines = completion("fish").splitlines()
    for command in commands():
        equal({match[1] for line in lines if f"seen_subcommand_from {command}'" in line and (match := re.search(r" -l ([a-z-]+)", line))},
              {long for _, long in options(command)})


def complete_in_bash(*words):
    """What bash offers for the last of @words."""
    program = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mpplan; printf "%s\\n" "${COMPREPLY[@]}"'
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mpplan.bash"
        path.write_text(completion("bash"))
        done = subprocess.run(["bash", "-c", program, "bash", path, *words], cwd=folder, capture_output=True, text=True)
    equal((done.returncode, done.stderr), (0, ""))
    return done.stdout.split()


def case_bash_completes():
    assert "estimate" in complete_in_bash("mpplan", "")
    equal(complete_in_bash("mpplan", "est"), ["estimate"])
    equal(complete_in_bash("mpplan", "plan", "--obj"), ["--objective"])
    equal(complete_in_bash("mpplan", "--glob"), ["--global-batch"])
    equal(complete_in_bash("mpplan", "--model", "llama-3.1-8"), ["llama-3.1-8b"])
    equal(complete_in_bash("mpplan", "emit", "--to", "deep"), ["deepspeed"])
    equal(complete_in_bash("mpplan", "estimate", "-p", "mx"), ["mxfp8"])
    equal(complete_in_bash("mpplan", "estimate", "--output", "mp"), ["mpplan.bash"])
    equal(complete_in_bash("mpplan", "plan", "--top", ""), [])


def case_shells_parse_theirs():
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        for shell, name in SHELLS.items():
            path = pathlib.Path(folder) / name
            path.write_text(completion(shell))
            if not shutil.which(shell):
                missing.append(shell)
                continue
            done = subprocess.run([shell, "-n", path], capture_output=True, text=True)
            equal((shell, done.returncode, done.stderr), (shell, 0, ""))
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


def case_hidden_argument_is_alone():
    """The argument by which the forms ask is no option."""
    done = subprocess.run([PROGRAM, "plan", "--describe=man", "--json"], capture_output=True, text=True)
    equal(done.returncode, 2)


main(globals())
