"""How to split the training of a neural net over many devices, and what it will cost.

    import mpplan
    answer = mpplan.plan("llama-3.1-70b", 64)
    answer["best"]["step_time_s"], answer["best"]["strategy"]
    mpplan.estimate("llama-3.1-70b", 64, strategy="tp=8,pp=2,sp,mbs=1")
    mpplan.simulate(plan=answer)["bubble_frac"]

Answers are plain dictionaries, those of the program's --json: times in seconds, sizes in bytes. The work is done by
libmpplan.so, which is looked for in the file that the variable MPPLAN_LIBRARY names, in the build folder of a source tree,
beside the installed package, and where the system keeps its libraries.
"""
import ctypes
import json
import os
import pathlib

__all__ = ["Error", "emit", "estimate", "plan", "simulate", "version"]

_INTERFACE = "libmpplan.so.0"


class Error(Exception):
    """What the library refused or could not do.

    code: "syntax", "schema", "invalid", "infeasible", "unsupported", "usage", "numeric", "backend", "tolerance" or "file".
    exit_status: what the program would end with. answer: of a search that found no plan, else None.
    """

    def __init__(self, code, message, exit_status=1, answer=None):
        super().__init__(message)
        self.code, self.exit_status, self.answer = code, exit_status, answer


def _candidates():
    named = os.environ.get("MPPLAN_LIBRARY")
    if named:
        return [named]
    package = pathlib.Path(__file__).resolve().parent
    source_tree = package.parents[2] / "build" / "libmpplan.so"
    installed = [package.parents[depth] / _INTERFACE for depth in (1, 2) if len(package.parents) > depth]
    return [str(path) for path in (source_tree, *installed) if path.exists()] + [_INTERFACE, "libmpplan.so"]


def _load():
    refused = []
    for name in _candidates():
        try:
            library = ctypes.CDLL(name)
        except OSError as error:
            refused.append(str(error))
            continue
        for function in ("plan", "estimate", "simulate", "emit"):
            call = getattr(library, f"mpplan_{function}")
            call.argtypes, call.restype = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)], ctypes.c_void_p
        library.mpplan_free.argtypes, library.mpplan_free.restype = [ctypes.c_void_p], None
        library.mpplan_version.argtypes, library.mpplan_version.restype = [], ctypes.c_char_p
        return library
    raise ImportError("libmpplan.so was not found; set MPPLAN_LIBRARY to its path (" + "; ".join(refused) + ")")


_library = _load()


def version():
    """The library's version, like "0.1.0"."""
    return _library.mpplan_version().decode()


def _take(pointer):
    """The text that the library returned, which is given back to it."""
    if not pointer:
        return None
    try:
        return ctypes.string_at(pointer).decode()
    finally:
        _library.mpplan_free(pointer)


def _call(function, request):
    stated = {key: os.fspath(value) if isinstance(value, os.PathLike) else value for key, value in request.items() if value is not None}
    error = ctypes.c_void_p()
    text = json.dumps(stated, allow_nan=False).encode()
    answer = _take(getattr(_library, f"mpplan_{function}")(text, ctypes.byref(error)))
    if answer is not None:
        return json.loads(answer)
    told = json.loads(_take(error.value) or "{}")
    raise Error(told.get("code", "backend"), told.get("message", "the library gave no reason"), told.get("exit_status", 1), told.get("answer"))


def plan(model=None, gpus=None, *, cluster=None, runtime=None, global_batch=None, seq=None,
         document_tokens=None, mean_seq=None, target_seq=None, loss_tokens=None, precision=None, optimizer=None,
         kernels=None, inputs=None, strategy=None, objective=None, top=None, threads=None):
    """The best plan for @model on @gpus devices.

    model: a built-in name, a file, or a dictionary (our format or a Hugging Face config). inputs: those of an earlier
    answer, instead of a job. kernels: those unlike the stack's, like "dispatch_once,no-norm_fused,flash2". strategy:
    values to search within, like "tp=8,pp=4". objective: "sure" (the default), "step-time", "robust", "cost" or
    "headroom". Returns a plan: "inputs", "best", "surest", "fastest", "alternatives", "pareto", "search". Raises Error,
    of code "infeasible" when nothing fits.
    """
    return _call("plan", locals())


def estimate(model=None, gpus=None, *, cluster=None, runtime=None, global_batch=None, seq=None,
             document_tokens=None, mean_seq=None, target_seq=None, loss_tokens=None, precision=None, optimizer=None,
             kernels=None, inputs=None, strategy=None, plan=None, launch=None):
    """Time and memory of one strategy.

    strategy: text like "tp=8,pp=4,mbs=1", or a dictionary of its fields. plan: an earlier answer, instead of a job and a
    strategy. launch: a present launch, {"framework": "megatron", "text": "--tensor-model-parallel-size 8 …"}.
    Returns a plan with "inputs" and "best".
    """
    return _call("estimate", locals())


def simulate(model=None, gpus=None, *, cluster=None, runtime=None, global_batch=None, seq=None,
             document_tokens=None, mean_seq=None, target_seq=None, loss_tokens=None, precision=None, optimizer=None,
             kernels=None, inputs=None, strategy=None, plan=None, launch=None):
    """The same strategy's step as a timeline: stages, links, critical path. Arguments as of estimate()."""
    return _call("simulate", locals())


def emit(to, model=None, gpus=None, *, cluster=None, runtime=None, global_batch=None, seq=None,
         document_tokens=None, mean_seq=None, target_seq=None, loss_tokens=None, precision=None, optimizer=None,
         kernels=None, inputs=None, strategy=None, plan=None, launch=None):
    """A plan in a framework's words: {"target", "file_name", "text"}. to: "megatron", "torchtitan", …; the rest as of estimate()."""
    return _call("emit", locals())
