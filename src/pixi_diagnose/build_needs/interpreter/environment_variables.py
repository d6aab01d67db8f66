"""Environment variables: at the values of the build, else at the script's defaults; every one read is a knob.

Some variables describe the machine (PATH, CUDA_HOME, CC, …): they stay unknown unless they are given.
"""

from __future__ import annotations

import ast

from .machine import Frame, Machine
from .models import Call, function
from .values import Opaque, Outside, Value, is_known

__all__ = ["contains", "read_item", "write_item"]

_OF_THE_MACHINE = frozenset({
    "AR", "ARCHFLAGS", "CC", "CFLAGS", "CPATH", "CPPFLAGS", "CUDACXX", "CUDAHOSTCXX", "CUDA_HOME", "CUDA_PATH",
    "CXX", "CXXFLAGS", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "DISPLAY", "FC", "F77", "F90", "HOME", "HOSTNAME",
    "INCLUDE", "JAVA_HOME", "JDK_HOME", "LANG", "LD", "LDFLAGS", "LDSHARED", "LD_LIBRARY_PATH", "LIBRARY_PATH",
    "LOGNAME", "PATH", "PKG_CONFIG_PATH", "PREFIX", "PWD", "PYTHONPATH", "ROCM_HOME", "ROCM_PATH", "SHELL", "TEMP",
    "TMP", "TMPDIR", "USER", "USERNAME", "VIRTUAL_ENV",
})  # fmt: skip
_TOOL_BEHIND = {"CUDA_HOME": "nvcc", "CUDA_PATH": "nvcc", "CUDACXX": "nvcc", "JAVA_HOME": "java", "JDK_HOME": "java"}


def _read(m: Machine, name: Value, frame: Frame, node: ast.AST, default: Value) -> tuple[bool, Value]:
    """Whether the variable is set, and its value or the default."""
    if not isinstance(name, str):
        return True, Opaque("an environment variable")
    if name in m.environ:
        return True, m.environ[name]
    if name in m.around.target.variables:
        m.see_knob(name, default if isinstance(default, str) else None, m.evidence(frame, node))
        return True, m.around.target.variables[name]
    if name in _OF_THE_MACHINE and _TOOL_BEHIND.get(name) not in m.around.absent_tools:
        return True, Opaque(f"the environment variable {name}", _TOOL_BEHIND.get(name, ""))
    if name in _OF_THE_MACHINE:
        return False, default
    shown = str(default) if is_known(default) and default is not None else None
    m.see_knob(name, shown, m.evidence(frame, node))
    return False, default


def read_item(m: Machine, frame: Frame, name: Value, node: ast.AST) -> Value:
    """`os.environ[name]`."""
    found, value = _read(m, name, frame, node, None)
    if not found:
        m.fail(KeyError, str(name), frame, node)
        return Opaque(f"the environment variable {name}")
    return value


def write_item(m: Machine, name: Value, value: Value) -> None:
    """`os.environ[name] = value`: later reads see it."""
    if isinstance(name, str):
        m.environ[name] = value


def contains(m: Machine, frame: Frame, name: Value, node: ast.AST) -> bool | None:
    """`name in os.environ`."""
    found, value = _read(m, name, frame, node, None)
    return None if isinstance(value, Opaque) else found


@function("os.environ.get", "os.getenv", "os.environb.get")
def _get(call: Call) -> Value:
    name, default = call.argument(0, "key"), call.argument(1, "default")
    return _read(call.m, name, call.frame, call.node, default)[1]


@function("os.environ.setdefault")
def _setdefault(call: Call) -> Value:
    name, default = call.argument(0), call.argument(1)
    found, value = _read(call.m, name, call.frame, call.node, default)
    if not found:
        write_item(call.m, name, value)
    return value


@function("os.environ.pop")
def _pop(call: Call) -> Value:
    name = call.argument(0)
    _found, value = _read(call.m, name, call.frame, call.node, call.argument(1))
    if isinstance(name, str):
        call.m.environ.pop(name, None)
    return value


@function("os.environ.update", "os.putenv")
def _update(call: Call) -> Value:
    first = call.argument(0)
    for name, value in (first if isinstance(first, dict) else {}).items():
        write_item(call.m, name, value)
    for name, value in call.keywords.items():
        write_item(call.m, name, value)
    if isinstance(first, str):
        write_item(call.m, first, call.argument(1))
    return None


@function("os.environ.copy", "os.environ.keys")
def _copy(_call: Call) -> Value:
    return Outside("os.environ")
