"""`[build-system]` as a build frontend reads it (PEP 517, PEP 518)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import tomli

from ..evidence import Evidence, Unknown
from ..source_tree import SourceTree
from .model import BuildSystem

__all__ = ["LEGACY_BACKEND", "pyproject", "pyproject_evidence", "read_build_system"]

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
_DEFAULT_REQUIRES = ("setuptools>=40.8.0",)


def read_build_system(tree: SourceTree) -> BuildSystem:
    """The build system of a tree; PEP 517's default where there is no table or no readable pyproject.toml.

    Never raises: a malformed file or table becomes an entry of `unknowns`, and the default stands in for it.
    A table without `build-backend` has the legacy backend with the requirements that it lists (PEP 517).
    """
    document, problem = pyproject(tree)
    default = BuildSystem(False, _DEFAULT_REQUIRES, LEGACY_BACKEND)
    if problem is not None:
        return BuildSystem(False, _DEFAULT_REQUIRES, LEGACY_BACKEND, unknowns=(problem,))
    table = document.get("build-system")
    if table is None:
        return default
    line = line_of(tree, "[build-system]")
    if not isinstance(table, dict):
        return BuildSystem(False, _DEFAULT_REQUIRES, LEGACY_BACKEND, unknowns=(_not_valid("build-system", line),))
    unknowns: list[Unknown] = []
    requires = _strings(table.get("requires"))
    if requires is None:
        unknowns.append(_not_valid("build-system.requires", line))
        requires = _DEFAULT_REQUIRES
    backend = table.get("build-backend", LEGACY_BACKEND)
    if not isinstance(backend, str) or not backend:
        unknowns.append(_not_valid("build-system.build-backend", line))
        backend = LEGACY_BACKEND
    backend_path = _strings(table.get("backend-path", []))
    if backend_path is None:
        unknowns.append(_not_valid("build-system.backend-path", line))
        backend_path = ()
    return BuildSystem(True, requires, backend, backend_path, line, tuple(unknowns))


def _strings(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _not_valid(key: str, line: int | None) -> Unknown:
    return Unknown(f"{key} of pyproject.toml is not valid", (Evidence("pyproject.toml", line or 1),))


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[dict[str, Any], str, int]:
    try:
        return tomli.loads(text), "", 0
    except tomli.TOMLDecodeError as error:
        message = str(error)
        digits = message.rpartition("(at line ")[2].partition(",")[0]
        return {}, message, int(digits) if digits.isdigit() else 1
    except RecursionError:
        return {}, "it nests too deep", 1


def pyproject(tree: SourceTree) -> tuple[dict[str, Any], Unknown | None]:
    """The tree's pyproject.toml (empty where it has none), and why it cannot be read."""
    text = tree.text("pyproject.toml")
    if text is None:
        return {}, None
    document, message, line = _parsed(text)
    if not message:
        return document, None
    return {}, Unknown(f"pyproject.toml cannot be read: {message}", (Evidence("pyproject.toml", line),))


def line_of(tree: SourceTree, start: str, file: str = "pyproject.toml") -> int | None:
    """The first line of a file that starts with these characters (blanks aside), None for none."""
    text = tree.text(file) or ""
    found = _beginning(start).search(text)
    return text.count("\n", 0, found.end()) + 1 if found else None


@lru_cache(maxsize=256)
def _beginning(start: str) -> re.Pattern[str]:
    return re.compile("^ *" + " *".join(map(re.escape, start.replace(" ", ""))), re.MULTILINE)


def pyproject_evidence(tree: SourceTree, *starts: str) -> tuple[Evidence, ...]:
    """The first of these line beginnings that pyproject.toml has, as evidence; empty for none."""
    for start in starts:
        line = line_of(tree, start)
        if line is not None:
            text = (tree.text("pyproject.toml") or "").splitlines()[line - 1].strip()
            return (Evidence("pyproject.toml", line, text[:200]),)
    return ()
