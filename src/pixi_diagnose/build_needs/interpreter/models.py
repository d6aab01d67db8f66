"""The registry of what is known about things outside the tree: constants by path, functions by path, methods by name.

A model is called as `model(call)`; what it returns is the call's value. Paths are dotted as they are imported; the
spellings that lead to one thing are joined by `canonical_path`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache

from ...evidence import Evidence
from ...lazy_dataclass import dataclass
from .machine import Frame, Machine
from .values import Value

__all__ = ["CONSTANTS", "FUNCTIONS", "METHODS", "Call", "canonical_path", "constant", "function", "method"]


@dataclass(slots=True)
class Call:
    """One call of something outside: what is called with what, and from where."""

    m: Machine
    frame: Frame
    path: str
    args: list[Value]
    keywords: dict[str, Value]
    node: ast.AST
    receiver: Value = None

    @property
    def evidence(self) -> Evidence:
        """The line of the call."""
        return self.m.evidence(self.frame, self.node)

    def argument(self, position: int, name: str = "", default: Value = None) -> Value:
        """An argument by position or keyword."""
        if position < len(self.args):
            return self.args[position]
        return self.keywords.get(name, default)


Model = Callable[[Call], Value]
CONSTANTS: dict[str, Callable[[Machine], Value]] = {}
FUNCTIONS: dict[str, Model] = {}
METHODS: dict[str, Model] = {}
"""Methods that objects inherit from outside, by their bare name (`run_command`, `build_extensions`)."""

_SAME = (
    ("posixpath.", "os.path."),
    ("ntpath.", "os.path."),
    ("importlib_metadata.", "importlib.metadata."),
    ("distutils.extension.Extension", "setuptools.Extension"),
    ("distutils.core.Extension", "setuptools.Extension"),
    ("setuptools.extension.Extension", "setuptools.Extension"),
    ("numpy.distutils.core.Extension", "setuptools.Extension"),
    ("numpy.distutils.extension.Extension", "setuptools.Extension"),
    ("distutils.core.setup", "setuptools.setup"),
    ("builtins.builtins.", "builtins."),
)


@lru_cache(maxsize=4096)
def canonical_path(path: str) -> str:
    """One spelling for each thing outside."""
    for spelled, same in _SAME:
        if path.startswith(spelled):
            return same + path[len(spelled) :]
    return path


def constant(*paths: str) -> Callable[[Callable[[Machine], Value]], Callable[[Machine], Value]]:
    """Register the value of attributes outside the tree."""

    def register(model: Callable[[Machine], Value]) -> Callable[[Machine], Value]:
        CONSTANTS.update(dict.fromkeys(paths, model))
        return model

    return register


def function(*paths: str) -> Callable[[Model], Model]:
    """Register what calling these does."""

    def register(model: Model) -> Model:
        FUNCTIONS.update(dict.fromkeys(paths, model))
        return model

    return register


def method(*names: str) -> Callable[[Model], Model]:
    """Register what methods of these names do on an object that inherits them from outside."""

    def register(model: Model) -> Model:
        METHODS.update(dict.fromkeys(names, model))
        return model

    return register
