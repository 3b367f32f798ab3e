#!/usr/bin/env python3
"""The Python module: the program's own answers as dictionaries, its errors as exceptions."""
import concurrent.futures
import importlib
import json
import os
import pathlib
import subprocess
import sys

from tap import HERE, JOB, PROGRAM, Skip, equal, main, run_json

FOLDER = HERE.parent.parent / "planner" / "python"
LIBRARY = PROGRAM.parent / "libmpplan.so"
WORDS = {"model": HERE / "data" / "model.json", "cluster": str(HERE / "data" / "cluster.json"),
         "runtime": HERE / "data" / "runtime.json", "gpus": 12, "global_batch": 48}
QUESTION = [*JOB, "--gpus", 12, "--global-batch", 48]
SPLIT = "tp=2,pp=3,mbs=2,sp,zero=1"


def module():
    if not LIBRARY.exists():
        raise Skip(f"{LIBRARY.name} is not built for {PROGRAM.parent.name}")
    os.environ["MPPLAN_LIBRARY"] = str(LIBRARY)
    sys.path.insert(0, str(FOLDER))
    return importlib.import_module("mpplan")


def refused(function, code, status, part, **request):
    try:
        function(**request)
    except module().Error as error:
        equal((error.code, error.exit_status), (code, status))
        assert part in str(error), error
        return error
    raise AssertionError(f"{request} was not refused")


def case_plan():
    equal(module().plan(**WORDS), run_json("plan", *QUESTION, "--json"))
    equal(module().plan(**WORDS, strategy="pp=3", top=2), run_json("plan", *QUESTION, "--strategy", "pp=3", "--top", 2, "--json"))


def case_estimate():
    expected = run_json("estimate", *QUESTION, "--strategy", SPLIT, "--json")
    answer = module().estimate(**WORDS, strategy=SPLIT)
    equal(answer, expected)
    equal(module().estimate(plan=answer), expected)
    equal(module().estimate(inputs=answer["inputs"], strategy=answer["best"]["strategy"]), expected)


def case_job_words():
    words = {"seq": 96, "document_tokens": 83, "mean_seq": 61, "loss_tokens": 37, "precision": "bf16", "optimizer": "lamb",
             "kernels": "unfused,no-norm_fused"}
    flags = [word for key, value in words.items() for word in (f"--{key.replace('_', '-')}", value)]
    equal(module().estimate(**WORDS, **words, strategy=SPLIT), run_json("estimate", *QUESTION, *flags, "--strategy", SPLIT, "--json"))


def case_simulate():
    equal(module().simulate(**WORDS, strategy=SPLIT), run_json("simulate", *QUESTION, "--strategy", SPLIT, "--json"))


def case_model_as_a_dictionary():
    model = json.loads((HERE / "data" / "config.json").read_text())
    equal(module().estimate(**WORDS | {"model": model}, strategy=SPLIT)["best"], module().estimate(**WORDS, strategy=SPLIT)["best"])


def case_emit():
    answer = module().emit("megatron", **WORDS, strategy="tp=2,pp=3,mbs=2,sp,zero=1,dp=2")
    equal(sorted(answer), ["file_name", "target", "text"])
    assert "--tensor-model-parallel-size 2" in answer["text"], answer["text"]


def case_errors():
    mpplan = module()
    refused(mpplan.plan, "usage", 2, "gpus", model="gpt2")
    refused(mpplan.plan, "schema", 5, "/gpus", model="gpt2", gpus="many")
    refused(mpplan.estimate, "invalid", 5, "[gpus-product]", **WORDS, strategy="dp=5,tp=2,pp=3")
    refused(mpplan.plan, "usage", 2, 'there is no file "no-such/cluster.json"', **WORDS | {"cluster": "no-such/cluster.json"})
    error = refused(mpplan.plan, "infeasible", 3, "no plan fits", **WORDS | {"model": "gpt3-175b", "gpus": 6, "global_batch": 6})
    assert error.answer["nearest_miss"], error.answer
    try:
        mpplan.plan(**WORDS | {"gpus": float("nan")})
        raise AssertionError("NaN was taken")
    except ValueError:
        pass


def case_threads():
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda mbs: module().estimate(**WORDS, strategy=f"tp=2,pp=3,mbs={mbs}")["best"]["strategy"]["micro_batch"],
                                [1, 2, 4] * 4))
    equal(answers, [1, 2, 4] * 4)


def case_no_library():
    done = subprocess.run([sys.executable, "-B", "-c", "import mpplan"], capture_output=True, text=True,
                          env={"PYTHONPATH": str(FOLDER), "MPPLAN_LIBRARY": "/no/such/libmpplan.so", "PATH": os.environ["PATH"]})
    assert done.returncode and "libmpplan.so was not found; set MPPLAN_LIBRARY" in done.stderr, done.stderr


def case_version():
    equal(module().version(), subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout.split()[1])
    assert pathlib.Path(module().__file__).is_relative_to(FOLDER)


main(globals())
