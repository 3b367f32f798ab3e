"""What make install and make deb put where, and that others can build with it."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from tap import HERE, PROGRAM, Skip, equal, main

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CALLER = r"""
#include <mpplan.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    char *error = NULL;
    char *answer = mpplan_estimate("{\"model\": \"gpt3-13b\", \"gpus\": 8, \"strategy\": \"tp=8\"}", &error);
    printf("%s %d %s\n", mpplan_version(), answer && strstr(answer, "step_time_s") != NULL, error ? error : "-");
    mpplan_free(answer);
    mpplan_free(error);
    return 0;
}
"""


def make(*arguments):
    if PROGRAM.parent != ROOT / "build":
        raise Skip("make builds in build/")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "MFLAGS"}
    done = subprocess.run(["make", "-s", *arguments], cwd=ROOT, capture_output=True, text=True, env=kept)
    equal((done.returncode, done.stderr), (0, ""))


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def version():
    return subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def case_install_and_uninstall():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make("install", f"DESTDIR={folder}", "PREFIX=/opt/it")
        with_mpi = {"libexec/mpplan/mpplan-backend-cpu.so", "libexec/mpplan/mpplan-run"}  # built where MPI and CBLAS are
        equal([path for path in listing(folder / "opt/it") if path not in with_mpi],
              ["bin/mpplan", "include/mpplan.h", "lib/libmpplan.so", "lib/libmpplan.so.0", f"lib/libmpplan.so.{version()}",
               "lib/pkgconfig/mpplan.pc", "lib/python3/dist-packages/mpplan/__init__.py", "libexec/mpplan/mpplan-draw", "share/bash-completion/completions/mpplan", "share/fish/vendor_completions.d/mpplan.fish",
               "share/man/man1/mpplan.1", "share/zsh/site-functions/_mpplan"])
        done = subprocess.run([folder / "opt/it/bin/mpplan", "--version"], capture_output=True, text=True, check=True)
        equal(done.stdout, f"mpplan {version()}\n")
        done = subprocess.run([folder / "opt/it/bin/mpplan", "graph", HERE / "data/plan.json", "-o", folder / "graph.svg"])
        equal(done.returncode, 0)
        assert (folder / "graph.svg").read_text().startswith("<?xml")
        (folder / "graph.svg").unlink()
        done = subprocess.run([sys.executable, "-B", "-c", "import mpplan; print(mpplan.version())"], capture_output=True, text=True, check=True,
                              env={"PYTHONPATH": str(folder / "opt/it/lib/python3/dist-packages"), "PATH": os.environ["PATH"]})
        equal(done.stdout, f"{version()}\n")
        make("uninstall", f"DESTDIR={folder}", "PREFIX=/opt/it")
        equal(listing(folder), [])


def case_programs_build_with_it():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make("install", f"PREFIX={folder}")
        (folder / "caller.c").write_text(CALLER)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "mpplan"], capture_output=True, text=True, check=True,
                               env=os.environ | {"PKG_CONFIG_PATH": str(folder / "lib/pkgconfig")}).stdout.split()
        subprocess.run(["gcc", "-std=c11", "-Wall", "-Werror", "caller.c", *flags, "-o", "caller"], cwd=folder, check=True)
        done = subprocess.run([folder / "caller"], capture_output=True, text=True, check=True,
                              env=os.environ | {"LD_LIBRARY_PATH": str(folder / "lib")})
        equal(done.stdout, f"{version()} 1 -\n")


def case_library_shows_its_interface_only():
    library = PROGRAM.parent / "libmpplan.so"
    if not library.exists():
        raise Skip("there is no library beside this program")
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout.split()[2::3]
    declared = set(re.findall(r"^MPPLAN_PUBLIC [^;(]*?(\w+)\(", (ROOT / "planner/api/mpplan.h").read_text(), re.M))
    equal(set(symbols), declared)


def case_debian_package():
    if not shutil.which("dpkg-deb") or not shutil.which("dpkg-shlibdeps"):
        raise Skip("dpkg-dev is not installed")
    make("deb")
    package = next((ROOT / "build").glob(f"mpplan_{version()}_*.deb"))
    fields = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
    assert f"Version: {version()}\n" in fields and "Depends: libc6" in fields and "libgsl" in fields and "libgvc" in fields, fields
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["dpkg-deb", "-x", package, name], check=True)
        done = subprocess.run([pathlib.Path(name) / "usr/bin/mpplan", "--version"], capture_output=True, text=True, check=True)
        equal(done.stdout, f"mpplan {version()}\n")
        assert (pathlib.Path(name) / "usr/share/doc/mpplan/copyright").exists()
        assert (pathlib.Path(name) / "usr/share/man/man1/mpplan.1.gz").exists()


main(globals())
