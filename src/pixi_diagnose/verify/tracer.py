"""Two files for the throwaway environment: one records what a hook misses and starts, one stands in for a project.

They are text because another interpreter runs them; both use the standard library only (and setuptools where it is).
"""

from __future__ import annotations

__all__ = ["STUB_MODULE", "TRACE_MODULE", "stub_text", "trace_text"]

TRACE_MODULE = "_pixi_diagnose_trace"
STUB_MODULE = "_pixi_diagnose_stub"

_TRACE = '''\
"""Appends a line of JSON for each module that no finder has, and for each program that is started."""
import json, os, sys

LOG = {log!r}
TREE = {tree!r} + os.sep
OURS = ("<frozen importlib", "<frozen runpy")
LIBRARY = os.path.join("importlib", "")


def places():
    """The file and line that asked, and the nearest ones in the project's own tree."""
    frame, direct, inside = sys._getframe(2), None, None
    while frame is not None and inside is None:
        name = frame.f_code.co_filename
        if name == "<string>":  # how setuptools runs setup.py: exec of a text, __file__ set
            name = str(frame.f_globals.get("__file__") or name)
        skipped = name == __file__ or name.startswith(OURS) or os.sep + LIBRARY in name
        if not skipped:
            full = os.path.join(TREE, name) if not os.path.isabs(name) and not name.startswith("<") else name
            if not name.startswith("<") and os.path.realpath(full).startswith(TREE):
                inside = [os.path.relpath(os.path.realpath(full), TREE), frame.f_lineno]
            direct = direct or [name, frame.f_lineno, inside is not None]
        frame = frame.f_back
    return bool(direct and direct[2]), inside


def record(kind, **values):
    direct, place = places()
    line = json.dumps(dict(values, kind=kind, direct=direct, place=place)) + "\\n"
    handle = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


class Last:
    """Asked only when every other finder has passed."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        record("miss", name=name)
        return None


def heard(event, arguments):
    if event == "subprocess.Popen":
        words = arguments[1]
        words = [words] if isinstance(words, (str, bytes)) else list(words)
        record("start", words=[os.fsdecode(word) for word in words][:6] or [str(arguments[0])])
    elif event == "os.system":
        record("start", words=os.fsdecode(arguments[0]).split()[:6])


sys.meta_path.append(Last)
sys.addaudithook(heard)
'''

_STUB = '''\
"""Stands in for projects that are too large to be put in: every attribute exists, nothing is true, nothing works."""
import importlib.machinery, sys, types

NAMES = {names!r}


class Nothing:
    """What any call gives."""

    def __init__(self, *arguments, **options): pass
    def __call__(self, *arguments, **options): return Nothing()
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()
    def __bool__(self): return False
    def __iter__(self): return iter(())
    def __len__(self): return 0
    def __str__(self): return ""
    __fspath__ = __str__


def extension(name, sources=(), *arguments, **options):
    from setuptools import Extension
    return Extension(name, list(sources))


def build_class():
    from setuptools.command.build_ext import build_ext
    class BuildExtension(build_ext):
        @classmethod
        def with_options(cls, **options): return cls
        def __init__(self, *arguments, **options): super().__init__(*arguments)
    return BuildExtension


class StandIn(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith("_HOME") or name in ("cuda", "hip") and self.__name__.endswith(".version"):
            return None
        if name == "BuildExtension":
            return build_class()
        if name.endswith("Extension"):
            return extension
        if name[:1].isupper():
            return type(name, (Nothing,), {{}})
        return Nothing()


class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            return importlib.machinery.ModuleSpec(name, cls, is_package=True)
    @staticmethod
    def create_module(spec):
        module = StandIn(spec.name)
        module.__version__ = "2.6.0"
        module.__file__ = module.__name__
        return module
    @staticmethod
    def exec_module(module): pass


sys.meta_path.append(Finder)
'''


def trace_text(log: str, tree: str) -> str:
    """The module that records into the file `log`; `tree` is the real path of the project's folder."""
    return _TRACE.format(log=log, tree=tree)


def stub_text(names: tuple[str, ...]) -> str:
    """The module that stands in for the import names."""
    return _STUB.format(names=names)
