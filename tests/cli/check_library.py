"""The library, called as another language would: JSON in, JSON out."""
import concurrent.futures
import ctypes
import json

from tap import HERE, PROGRAM, Skip, equal, main, near, run, run_json

JOB = {"model": str(HERE / "data/model.json"), "cluster": str(HERE / "data/cluster.json"), "runtime": str(HERE / "data/runtime.json"),
       "gpus": 12, "global_batch": 48}
OPTIONS = ["--model", "data/model.json", "--cluster", "data/cluster.json", "--runtime", "data/runtime.json", "--gpus", 12, "--global-batch", 48]
STRATEGY = "tp=2,pp=3,mbs=2,sp,zero=1,recompute=selective"


class Failed(Exception):
    """What went into *error."""

    def __init__(self, fields):
        super().__init__(fields["message"])
        self.fields = fields


def load():
    path = PROGRAM.parent / "libmpplan.so"
    if not path.exists():
        raise Skip("there is no library beside this program")
    library = ctypes.CDLL(str(path))
    library.mpplan_version.restype = ctypes.c_char_p
    library.mpplan_free.argtypes = [ctypes.c_void_p]
    for name in ("plan", "estimate", "simulate", "emit"):
        function = getattr(library, f"mpplan_{name}")
        function.restype = ctypes.c_void_p
        function.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
    return library


def take(library, pointer):
    text = ctypes.string_at(pointer).decode()
    library.mpplan_free(pointer)
    return json.loads(text)


def call_text(name, text):
    library = load()
    error = ctypes.c_void_p()
    answer = getattr(library, f"mpplan_{name}")(text, ctypes.byref(error))
    if answer:
        equal(error.value, None)
        return take(library, answer)
    raise Failed(take(library, error))


def call(name, **request):
    return call_text(name, json.dumps(request).encode())


def fails(name, code, status, message, **request):
    try:
        call(name, **request)
    except Failed as failed:
        equal((failed.fields["code"], failed.fields["exit_status"], failed.fields["message"]), (code, status, message))
        return failed.fields
    raise AssertionError("it did not fail")


def plain(answer):
    """Without the names by which a command line and a request say what was not given."""
    answer["inputs"].pop("assumed", None)
    return answer


def case_version():
    equal(f"mpplan {load().mpplan_version().decode()}\n", run("--version").stdout)


def case_plan_is_the_programs():
    equal(plain(call("plan", **JOB, top=2)), plain(run_json("plan", *OPTIONS, "--top", 2, "--json")))


def case_objectives():
    for objective in ("cost", "headroom"):
        equal(plain(call("plan", **JOB, objective=objective)), plain(run_json("plan", *OPTIONS, "--objective", objective, "--json")))
    lengthy = {"model": "llama-3.1-8b", "gpus": 4, "seq": 65536, "global_batch": 4} # where the surest plan is the answer
    equal(plain(call("plan", **lengthy)), plain(run_json("plan", *(f"--{key.replace('_', '-')}={value}" for key, value in lengthy.items()), "--json")))


def case_estimate_is_the_programs():
    equal(plain(call("estimate", **JOB, strategy=STRATEGY)), plain(run_json("estimate", *OPTIONS, "--strategy", STRATEGY, "--json")))


def case_simulate_is_the_programs():
    equal(plain(call("simulate", **JOB, strategy=STRATEGY)), plain(run_json("simulate", *OPTIONS, "--strategy", STRATEGY, "--json")))


def case_answers_are_requests():
    first = call("estimate", **JOB, strategy=STRATEGY)
    equal(call("estimate", plan=first), first)
    equal(call("estimate", inputs=first["inputs"], strategy=first["best"]["strategy"]), first)
    near(call("plan", inputs=first["inputs"], strategy="tp=2,pp=3")["best"]["strategy"]["tp"], 2)


def case_inline_model():
    model = json.loads((HERE / "data/model.json").read_text())
    equal(call("estimate", **{**JOB, "model": model}, strategy=STRATEGY), call("estimate", **JOB, strategy=STRATEGY))


def case_emit_and_launch():
    plan = call("estimate", **JOB, strategy=STRATEGY)
    try:
        emitted = call("emit", plan=plan, to="megatron-bridge")
    except Failed as failed:
        equal(failed.fields["code"], "unsupported")
        emitted = None
    if emitted:
        equal((emitted["target"], emitted["file_name"]), ("megatron-bridge", "megatron-bridge.overrides"))
        back = call("estimate", **JOB, launch={"framework": "megatron-bridge", "text": emitted["text"]})
        equal(back["best"]["strategy"], plan["best"]["strategy"])


def case_errors():
    fails("plan", "schema", 5, "request:1:10: /gpus: expected a whole number, got 0\n    1 | {\"gpus\": 0}\n      |          ^", gpus=0)
    fails("plan", "usage", 2, "model is missing; try \"llama-3.1-8b\", or a Hugging Face config.json", gpus=8)
    fails("plan", "usage", 2, "gpus is missing: how many devices?", model="gpt3-13b")
    fails("emit", "schema", 5, "request:1:1: /: field \"to\" is missing\n    1 | {}\n      | ^")
    assert error_of("plan", "schema", gpu=8).startswith("request:1:9: /gpu: unknown field \"gpu\"; known: ")
    assert error_of("estimate", "invalid", **JOB, strategy="tp=7").endswith("]")
    assert "unknown objective \"speed\"; known: " in error_of("plan", "schema", **JOB, objective="speed")
    try:
        call_text("plan", b"[")
    except Failed as failed:
        equal(failed.fields["code"], "syntax")
    else:
        raise AssertionError("it did not fail")


def error_of(name, code, **request):
    try:
        call(name, **request)
    except Failed as failed:
        equal(failed.fields["code"], code)
        return failed.fields["message"]
    raise AssertionError("it did not fail")


def case_infeasible_has_the_answer():
    fields = fails("plan", "infeasible", 3, error_of("plan", "infeasible", model="gpt3-175b", gpus=2), model="gpt3-175b", gpus=2)
    equal(fields["answer"]["best"], None)
    assert "nearest_miss" in fields["answer"]


def case_null_error_is_fine():
    library = load()
    equal(library.mpplan_plan(b"{}", None), None)
    library.mpplan_free(None)


def case_threads():
    expected = call("estimate", **JOB, strategy=STRATEGY)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: call("estimate", **JOB, strategy=STRATEGY), range(40)):
            equal(answer, expected)


main(globals())
