"""Stand-ins for packages that need CUDA to install, so that what imports their names can be imported."""
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import types


class Names(type):
    """A class whose every attribute is such a class."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(cls, name, Names(name, (), {}))
        return getattr(cls, name)


class Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, Names(name, (), {}))
        return getattr(self, name)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, roots):
        self.roots = roots

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.roots:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = Module(spec.name)
        module.__path__, module.__version__ = [], "2.9.0"
        return module

    def exec_module(self, module):
        pass


def install(*roots):
    missing = {root for root in roots if importlib.util.find_spec(root) is None}
    sys.meta_path.insert(0, Finder(missing))
    version = importlib.metadata.version
    importlib.metadata.version = lambda name: "2.9.0" if name.replace("-", "_") in missing else version(name)


def fused_rotary():
    """megatron-core asks whether Transformer Engine's kernel is there before it takes --no-rope-fusion's opposite."""
    utils = importlib.import_module("megatron.core.models.common.embeddings.rope_utils")
    utils.fused_apply_rotary_pos_emb = utils.fused_apply_rotary_pos_emb or (lambda *_: None)


def hopper():
    """Megatron-Bridge asks which device it is on before it takes DeepEP's dispatcher."""
    torch = importlib.import_module("torch")
    torch.cuda.get_device_properties = lambda *_: types.SimpleNamespace(name="NVIDIA H100", major=9, minor=0)
