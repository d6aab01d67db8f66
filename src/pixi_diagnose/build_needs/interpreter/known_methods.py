"""Attributes and methods of plain Python values. Only harmless ones run, with known arguments and within the caps."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import Any

from .machine import Frame, Machine
from .models import FUNCTIONS, Call
from .operators import formatting_is_small
from .values import Choice, Modelled, Opaque, Value, is_known, mentions

__all__ = ["known_attribute"]

_TEXT = frozenset({
    "capitalize", "casefold", "count", "decode", "encode", "endswith", "find", "index", "isalnum", "isalpha",
    "isascii", "isdigit", "isidentifier", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "lower",
    "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "format", "format_map",
})  # fmt: skip
_CONTAINER: dict[Any, frozenset[str]] = {
    list: frozenset({"append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
                     "sort"}),
    tuple: frozenset({"count", "index"}),
    dict: frozenset({"clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"}),
    set: frozenset({
        "add", "clear", "copy", "discard", "difference", "intersection", "issubset", "issuperset", "remove", "union",
        "update",
    }),
    frozenset: frozenset({"copy", "difference", "intersection", "issubset", "issuperset", "union"}),
}  # fmt: skip
_TEXTS = (str, bytes)
_HOLDERS = (list, dict, set)
_NUMBER = frozenset(["real", "imag", "numerator", "denominator", "major", "minor", "micro", "releaselevel", "serial"])
_PATH_PROPERTIES = frozenset(
    ["anchor", "drive", "name", "parent", "parents", "parts", "root", "stem", "suffix", "suffixes"]
)
_PATH_METHODS = frozenset({
    "as_posix", "is_absolute", "is_relative_to", "joinpath", "match", "relative_to", "with_name", "with_stem",
    "with_suffix",
})  # fmt: skip
_MATCH = frozenset({"group", "groups", "groupdict", "start", "end", "span"})
_PATTERN = frozenset({"search", "match", "fullmatch", "findall", "sub", "split", "finditer"})


def known_attribute(m: Machine, frame: Frame, value: Any, name: str, node: ast.AST) -> Value | None:
    """`value.name` of plain data; None where Python itself has no such attribute."""
    if isinstance(value, _TEXTS):
        return _caller(m, frame, value, name, node) if name in _TEXT else _other(value, name)
    if isinstance(value, PurePosixPath):
        return _path_attribute(m, frame, value, name, node)
    if name in _NUMBER and hasattr(value, name):
        return getattr(value, name)
    names = _CONTAINER.get(type(value))
    if names is not None:
        return _caller(m, frame, value, name, node) if name in names else _other(value, name)
    if isinstance(value, re.Match) and name in _MATCH:
        return _caller(m, frame, value, name, node)
    if isinstance(value, re.Pattern) and name in _PATTERN:
        path = f"re.{name}"
        return Modelled(
            path, lambda args, keywords: FUNCTIONS[path](Call(m, frame, path, [value, *args], keywords, node))
        )
    return _other(value, name)


def _other(value: Any, name: str) -> Value | None:
    return Opaque(name) if hasattr(value, name) else None


def _path_attribute(m: Machine, frame: Frame, path: PurePosixPath, name: str, node: ast.AST) -> Value | None:
    if name in _PATH_PROPERTIES:
        found = getattr(path, name)
        return list(found)[:64] if name == "parents" else found
    if name in _PATH_METHODS:
        return _caller(m, frame, path, name, node)
    model = FUNCTIONS.get(f"pathlib.Path.{name}")
    if model is None:
        return Opaque(name) if not name.startswith("_") else None
    full = f"pathlib.Path.{name}"
    return Modelled(full, lambda args, keywords: model(Call(m, frame, full, [path, *args], keywords, node)))


def _caller(m: Machine, frame: Frame, value: Any, name: str, node: ast.AST) -> Modelled:
    def run(args: list[Value], keywords: dict[str, Value]) -> Value:
        holder = isinstance(value, _HOLDERS)
        if not holder and not (is_known(args) and is_known(keywords)):
            return _unknown_result(value, name, args)
        if isinstance(value, list) and name == "sort":
            return _sort(value)
        if isinstance(value, list) and name == "extend" and args:
            value.extend(_all_items(args[0]))
            return None
        if not _is_small(m, value, name, args):
            return Opaque(f"{name}()")
        try:
            result = getattr(value, name)(*args, **keywords)
        except Exception as error:  # noqa: BLE001 - whatever the real method raises, the script's does
            m.fail(type(error), str(error), frame, node)
            return Opaque(f"{name}()")
        if isinstance(value, dict) and name in {"items", "keys", "values"}:
            return list(result)
        return result

    return Modelled(name, run)


def _unknown_result(value: Any, name: str, args: list[Value]) -> Value:
    tool = next((t for a in args if (t := mentions(a))), "")
    if name == "format" and isinstance(value, str):
        return Opaque(value[:300], tool)
    if name == "join" and isinstance(value, str) and args and isinstance(args[0], list):
        tool = next((t for a in args[0] if (t := mentions(a))), "")
    return Opaque(f"{name}()", tool)


def _all_items(value: Value) -> list[Value]:
    if isinstance(value, Choice):
        return [item for option in value.options for item in _all_items(option)]
    if isinstance(value, list | tuple | dict | str):
        return list(value)
    return sorted(value, key=repr) if isinstance(value, set) else [Opaque("an item")]


def _sort(value: list[Value]) -> Value:
    if is_known(value):
        try:
            value.sort()
        except TypeError:
            return None
    return None


def _is_small(m: Machine, value: Any, name: str, args: list[Value]) -> bool:
    if isinstance(value, _TEXTS):
        if name in {"format", "format_map"}:
            return isinstance(value, str) and formatting_is_small(value) and m.allocate(len(value) + len(str(args)))
        if name == "replace" and len(args) >= 2 and isinstance(args[1], str | bytes):
            return m.allocate((len(value) + 1) * (len(args[1]) + 1))
        if name == "join" and args and isinstance(args[0], list | tuple | dict | set):
            items = list(args[0])
            return m.allocate(sum(len(i) if isinstance(i, str | bytes) else 1 for i in items) + len(value) * len(items))
        return m.allocate(len(value))
    if isinstance(value, _HOLDERS):
        return m.allocate(len(value) + 1)
    return True
