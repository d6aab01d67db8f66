"""setuptools' own hooks, where a backend of the tree calls them: they run the tree's setup.py."""

from __future__ import annotations

from ...model import Phase
from .. import commands
from ..files import ROOT
from ..models import Call, function, method
from ..objects import call_function
from ..values import Function, Instance, Opaque, Value

__all__: list[str] = []

_HOOKS = ("get_requires_for_build_wheel", "prepare_metadata_for_build_wheel", "build_wheel")


@function(*(f"setuptools.build_meta.{owner}{hook}" for owner in ("", "__legacy__.") for hook in _HOOKS))
def _hook(call: Call) -> Value:
    if "__legacy__" in call.path and ROOT not in call.m.sys_path:
        call.m.sys_path.insert(0, ROOT)
    return _run_hook(call)


@method(*_HOOKS)
def _inherited_hook(call: Call) -> Value:
    """A hook of a class that extends setuptools' own; its `run_setup` may be the tree's."""
    if not _is_of_setuptools(call.receiver):
        return Opaque(f"{call.path}()")
    return _run_hook(call)


@method("run_setup")
def _run_setup(call: Call) -> Value:
    if _is_of_setuptools(call.receiver):
        call.m.run_setup()
    return None


def _is_of_setuptools(receiver: Value) -> bool:
    bases = receiver.cls.outside_bases() if isinstance(receiver, Instance) else []
    return any(base.startswith("setuptools.build_meta") for base in bases)


def _run_hook(call: Call) -> Value:
    """Its answer beyond what setup() is given, which is seen there."""
    m, hook = call.m, call.path.rpartition(".")[2]
    if not m.seen.setup_calls:
        own = call.receiver.cls.find("run_setup") if isinstance(call.receiver, Instance) else None
        if isinstance(own, Function):
            call_function(m, call.frame, own, [call.receiver], {}, call.node)
        else:
            m.run_setup()
    if hook == "build_wheel" and m.phase is Phase.WHEEL:
        commands.run_wheel(m)
    return [] if hook.startswith("get_requires") else Opaque(f"{hook}()")
