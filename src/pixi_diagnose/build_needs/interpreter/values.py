"""What an expression of a build script can be worth: data, an object of the tree, something outside, or unknown.

Known data are plain Python objects (str, int, list, dict, PurePosixPath, …), possibly with the classes below inside.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ...evidence import Evidence

__all__ = [
    "BoundMethod",
    "Choice",
    "ClassValue",
    "Function",
    "Instance",
    "Made",
    "Modelled",
    "Opaque",
    "Outside",
    "OutsideMethod",
    "Scope",
    "SuperOf",
    "TreeModule",
    "Value",
    "is_abstract",
    "is_known",
    "mentions",
    "merge",
    "surely_among",
    "truth",
]

Value = Any
"""A plain Python object or one of the classes below."""


class Opaque:
    """A value that cannot be known: `origin` is where it comes from, in the script's words, `tool` what it hangs on.

    `about` is what is known nevertheless (version_tests.VersionOf, VersionTest).
    """

    __slots__ = ("about", "origin", "tool")

    def __init__(self, origin: str = "", tool: str = "", about: object = None) -> None:
        self.origin = origin
        self.tool = tool
        self.about = about


class Choice:
    """One of a few values, after a branch that could not be decided; `origin` names the condition."""

    __slots__ = ("options", "origin")

    def __init__(self, options: tuple[Value, ...], origin: str = "") -> None:
        self.options = options
        self.origin = origin


class Outside:
    """A module outside the tree, or something reached from one: `torch.utils.cpp_extension.CUDA_HOME`.

    `imported` tells a module, class or function that an import statement bound from an attribute that may be any value.
    """

    __slots__ = ("imported", "path")

    def __init__(self, path: str, *, imported: bool = True) -> None:
        self.path = path
        self.imported = imported

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outside) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)


class Made:
    """What calling a modelled outside class made: its path, arguments, where, and attributes set since."""

    __slots__ = ("args", "attributes", "evidence", "keywords", "path")

    def __init__(self, path: str, args: list[Value], keywords: dict[str, Value], evidence: Evidence) -> None:
        self.path = path
        self.args = args
        self.keywords = keywords
        self.evidence = evidence
        self.attributes: dict[str, Value] = {}


_NONE: frozenset[str] = frozenset()


class Scope:
    """Names of one module, class body, function call or comprehension; `parent` is where a function was defined."""

    __slots__ = ("globals_declared", "names", "nonlocals_declared", "parent")

    def __init__(self, parent: Scope | None = None) -> None:
        self.names: dict[str, Value] = {}
        self.parent = parent
        self.globals_declared: frozenset[str] = _NONE
        self.nonlocals_declared: frozenset[str] = _NONE


class TreeModule:
    """A module of the tree; `file` is its path in the tree, empty for a folder without `__init__.py`.

    `partial` says that not all of it was read: what it seems to lack may be there.
    """

    __slots__ = ("file", "folder", "name", "partial", "scope")

    def __init__(self, name: str, file: str, folder: str | None) -> None:
        self.name = name
        self.file = file
        self.folder = folder
        self.partial = False
        self.scope = Scope()


_NO_DEFAULTS: Mapping[str, Value] = {}


class Function:
    """A function or lambda of the tree."""

    __slots__ = ("defaults", "keyword_defaults", "kind", "module", "name", "node", "owner", "scope")

    def __init__(
        self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope, module: TreeModule
    ) -> None:
        self.name = name
        self.node = node
        self.scope = scope
        self.module = module
        self.defaults: Sequence[Value] = ()
        self.keyword_defaults: Mapping[str, Value] = _NO_DEFAULTS
        self.owner: ClassValue | None = None
        self.kind = "function"


class ClassValue:
    """A class of the tree; its bases may lie outside."""

    __slots__ = ("bases", "module", "name", "names", "node")

    def __init__(
        self, name: str, bases: list[Value], names: dict[str, Value], module: TreeModule, node: ast.ClassDef | None
    ) -> None:
        self.name = name
        self.bases = bases
        self.names = names
        self.module = module
        self.node = node

    def lineage(self) -> list[Value]:
        """The class and its bases, depth first, each once (an approximation of the method resolution order)."""
        found: list[Value] = []
        pending: list[Value] = [self]
        while pending and len(found) < 64:
            entry = pending.pop(0)
            if any(entry is seen for seen in found):
                continue
            found.append(entry)
            if isinstance(entry, ClassValue):
                pending[:0] = entry.bases
        return found

    def find(self, name: str) -> Value | None:
        """The attribute as a class of the tree defines it, None where none does."""
        for entry in self.lineage():
            if isinstance(entry, ClassValue) and name in entry.names:
                return entry.names[name]
        return None

    def outside_bases(self) -> list[str]:
        """The paths of the bases outside the tree."""
        return [entry.path for entry in self.lineage() if isinstance(entry, Outside)]


class Instance:
    """An object of a class of the tree."""

    __slots__ = ("attributes", "cls")

    def __init__(self, cls: ClassValue) -> None:
        self.cls = cls
        self.attributes: dict[str, Value] = {}


class BoundMethod:
    """A function of the tree with its first argument."""

    __slots__ = ("function", "receiver")

    def __init__(self, receiver: Value, function: Function) -> None:
        self.receiver = receiver
        self.function = function


class OutsideMethod:
    """A method that an object inherits from outside: `path` is `<base>.<name>`."""

    __slots__ = ("name", "path", "receiver")

    def __init__(self, receiver: Value, path: str, name: str) -> None:
        self.receiver = receiver
        self.path = path
        self.name = name


class SuperOf:
    """`super()`: attributes are looked up behind `cls` in the receiver's lineage."""

    __slots__ = ("cls", "receiver")

    def __init__(self, receiver: Value, cls: ClassValue) -> None:
        self.receiver = receiver
        self.cls = cls


class Modelled:
    """A method of a known value whose model is ours: `call(args, keywords)`."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[[list[Value], dict[str, Value]], Value]) -> None:
        self.name = name
        self.call = call


_PLAIN = frozenset({str, int, float, bool, bytes, complex, PurePosixPath, type(None)})
_COLLECTIONS = (list, tuple, set, frozenset)
_ABSTRACT = frozenset({
    Opaque, Choice, Outside, Made, TreeModule, Function, ClassValue, Instance, BoundMethod, OutsideMethod, SuperOf,
    Modelled,
})  # fmt: skip
_DECIDED_TRUE = frozenset({Made, TreeModule, Function, ClassValue, BoundMethod, Modelled})
_UNDECIDED = frozenset({Opaque, SuperOf, OutsideMethod})


def is_abstract(value: Value) -> bool:
    """Whether a value is one of the classes above, and no plain Python object."""
    return type(value) in _ABSTRACT


def is_known(value: Value, depth: int = 6) -> bool:
    """Whether a value is plain Python data all through."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind in _ABSTRACT or depth == 0:
        return False
    items: Iterable[Value] = ()
    if isinstance(value, _COLLECTIONS):
        items = value
    elif isinstance(value, dict):
        items = (*value, *value.values())
    return all(type(item) in _PLAIN or is_known(item, depth - 1) for item in items)


def truth(value: Value) -> bool | None:
    """Whether a value is true: None where that cannot be decided."""
    kind = type(value)
    if kind in _UNDECIDED:
        return None
    if kind in _DECIDED_TRUE:
        return True
    if kind is Choice:
        answers = {truth(option) for option in value.options}
        return answers.pop() if len(answers) == 1 else None
    if kind is Outside:
        return None if not value.imported or value.path.rpartition(".")[2].isupper() else True
    if kind is Instance:
        return True if value.cls.find("__bool__") is None and value.cls.find("__len__") is None else None
    try:
        return bool(value)
    except Exception:  # noqa: BLE001 - a foreign object's own __bool__
        return None


def mentions(value: Value) -> str:
    """The tool that an unknown value depends on, empty for none."""
    if isinstance(value, Opaque):
        return value.tool
    if isinstance(value, Choice):
        return next((tool for option in value.options if (tool := mentions(option))), "")
    return ""


def merge(values: list[Value], origin: str) -> Value:
    """One value for several that are possible: itself where they agree, else a choice (unknown beyond six)."""
    different: list[Value] = []
    for value in values:
        options = value.options if isinstance(value, Choice) else (value,)
        for option in options:
            if not any(_same(option, other) for other in different):
                different.append(option)
    if len(different) == 1:
        return different[0]
    if len(different) > 6:
        return Opaque(origin)
    return Choice(tuple(different), origin)


def surely_among(item: Value, items: Value) -> bool:
    """Whether an item that was iterated over is among the items in any case: a choice of lists may not have it."""
    if not isinstance(items, Choice):
        return True
    listed = [option if isinstance(option, list | tuple) else () for option in items.options]
    return all(any(_same(item, other) for other in option) for option in listed)


def _same(one: Value, other: Value) -> bool:
    if one is other:
        return True
    return type(one) is type(other) and isinstance(one, str | int | bool | float | tuple) and one == other
