"""The tables that reading build scripts rests on: data files beside this module, each entry with its source."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import tomli

from ..data import read_table
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name

__all__ = [
    "BackendEntry",
    "RemovedApiEntry",
    "backend_entry",
    "brought_with",
    "cython_fails",
    "is_foreign_program",
    "is_python2_module",
    "newest_cython",
    "newest_setuptools",
    "program_tool",
    "removed_api",
    "removed_api_named",
    "removed_attributes",
    "removed_from_c",
    "setuptools_makes_wheels",
    "standard_library",
    "suffix_tool",
    "vendored_by_setuptools",
]

_DATA = Path(__file__).with_name("data")


@cache
def _table(name: str) -> dict[str, Any]:
    return tomli.loads((_DATA / f"{name}.toml").read_text(encoding="utf-8"))


# -- Python -----------------------------------------------------------------------------------------------------------


@cache
def standard_library(root: str, python: tuple[int, int]) -> bool:
    """Whether a module's first name is, or once was, of Python 3's standard library (no project is looked for then).

    Modules that only a newer Python has are not: `tomllib` on 3.10.
    """
    table = _table("standard_library")
    if root in table["added"]:
        return python >= _version_pair(table["added"][root])
    return root in sys.stdlib_module_names or root in table["removed"] or root == "__main__"


def is_python2_module(root: str) -> bool:
    """Whether a module exists in Python 2 only."""
    return root in _table("standard_library")["python2"]["names"]


def _version_pair(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


# -- removed things ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemovedApiEntry:
    """Something that newer versions lack: `gone` maps "python" or a project to the first version without it."""

    name: str
    path: str
    gone: tuple[tuple[str, str], ...]
    pin: str
    reason: str


@cache
def _removed() -> dict[str, RemovedApiEntry]:
    entries = [
        RemovedApiEntry(e["name"], e["path"], tuple(e["gone"].items()), e["pin"], e["reason"])
        for e in _table("removed_apis")["api"]
    ]
    removed = _table("standard_library")["removed"].items()
    entries += [
        RemovedApiEntry(name, name, (("python", version),), "", f"{name} left the standard library in Python {version}")
        for name, version in removed
        if name not in {e.name for e in entries}
    ]
    entries += [
        RemovedApiEntry(name, name, (("python", "3.0"),), "", f"{name} is a module of Python 2")
        for name in _table("standard_library")["python2"]["names"]
    ]
    return {e.path or f"={e.name}": e for e in entries}


@cache
def removed_api(path: str) -> RemovedApiEntry | None:
    """The entry for a dotted path or the longest prefix of it that has one."""
    table = _removed()
    prefix = path
    while prefix:
        if prefix in table:
            return table[prefix]
        prefix = prefix.rpartition(".")[0]
    return None


@cache
def removed_attributes() -> frozenset[str]:
    """The last names of what is gone from modules of the standard library that are still there."""
    return frozenset(path.rpartition(".")[2] for path in _removed() if "." in path)


@cache
def removed_api_named(name: str) -> RemovedApiEntry | None:
    """The entry of a name, for what is no import (`use_2to3`)."""
    return next((e for e in _removed().values() if e.name == name), None)


@cache
def _removed_c() -> dict[str, Any]:
    return read_table("removed_c_api")


def removed_from_c(name: str) -> str:
    """The first Python whose headers lack what a C source uses, by the name that its table gives it."""
    table = _removed_c()
    return next(str(entry["python"]) for entry in (*table["header"], *table["use"]) if entry["name"] == name)


@cache
def cython_fails(version: str) -> tuple[str, str]:
    """The first Python with which nothing compiles that this Cython generated, and the first Cython that mends it.

    Both are empty where none is known.
    """
    from packaging.version import InvalidVersion, Version

    try:
        given = Version(version)
    except InvalidVersion:
        return "", ""
    entries = [e for e in _removed_c()["cython"] if Version(e["since"]) <= given < Version(e["below"])]
    first = min(entries, key=lambda e: _version_pair(e["python"]), default=None)
    return (str(first["python"]), str(first["below"])) if first else ("", "")


def newest_cython(requirements: Iterable[str]) -> str:
    """The newest known Cython that a requirement with a bound leaves, "" where there is no such requirement."""
    return _newest_cython(tuple(text for text in requirements if "cython" in text.lower()))


@lru_cache(maxsize=256)
def _newest_cython(requirements: tuple[str, ...]) -> str:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import Version

    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) == "cython" and requirement.marker is None:
            exact = [s.version for s in requirement.specifier if s.operator == "==" and "*" not in s.version]
            known = [*_removed_c()["cython_releases"]["known"], *exact]
            return str(max(map(Version, requirement.specifier.filter(known)), default=""))
    return ""


# -- setuptools -------------------------------------------------------------------------------------------------------


def newest_setuptools(requirements: Iterable[str], python: tuple[int, int] = (3, 11)) -> str:
    """The newest setuptools that these requirements allow, as far as it matters; for an exact pin that version."""
    return _newest_setuptools(tuple(text for text in requirements if "setuptools" in text), python)


@lru_cache(maxsize=256)
def _newest_setuptools(requirements: tuple[str, ...], python: tuple[int, int]) -> str:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    specifier = SpecifierSet()
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) != "setuptools":
            continue
        version = ".".join(map(str, python))
        environment = {"python_version": version, "python_full_version": f"{version}.0", "extra": ""}
        if requirement.marker is None or requirement.marker.evaluate(environment):
            specifier &= requirement.specifier
    known = _table("setuptools_versions")["known"]
    newest = next((v for v in reversed(known) if specifier.contains(v, prereleases=True)), None)
    if newest is not None:
        return str(newest)
    bounds = sorted(
        Version(s.version) for s in specifier if s.operator in {"==", "~=", ">=", "<="} and "*" not in s.version
    )
    return str(bounds[-1]) if bounds else str(known[-1])


@cache
def vendored_by_setuptools(version: str) -> frozenset[str]:
    """The modules that importing this setuptools makes importable."""
    from packaging.version import Version

    names: frozenset[str] = frozenset()
    for entry in _table("setuptools_versions")["vendored"]:
        if Version(version) >= Version(entry["since"]):
            names = frozenset(entry["names"])
    return names


@cache
def setuptools_makes_wheels(version: str) -> bool:
    """Whether this setuptools needs no project `wheel` to make one."""
    from packaging.version import Version

    return Version(version) >= Version(_table("setuptools_versions")["own_bdist_wheel"])


@cache
def setuptools_runs_on(version: str, python: tuple[int, int]) -> bool:
    """Whether this setuptools can be imported on that Python."""
    from packaging.version import Version

    return python < (3, 12) or Version(version) >= Version(_table("setuptools_versions")["python_3_12"])


# -- projects, programs, backends -------------------------------------------------------------------------------------


def brought_with(project: str) -> tuple[str, ...]:
    """The projects that are known to come with a build requirement."""
    return tuple(_table("brought")["projects"].get(canonicalize_name(project), ()))


def program_tool(program: str) -> str | None:
    """The tool that a program's name stands for, None for one that is not known."""
    name = program.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")
    found = _table("programs")["programs"].get(name)
    return str(found) if found else None


def is_foreign_program(program: str) -> bool:
    """Whether a program's name (without a folder) says something that not every machine has."""
    everywhere = _table("programs")["everywhere"]["names"]
    return bool(re.fullmatch(r"[A-Za-z][\w+-]*", program)) and program not in everywhere


def suffix_tool(path: str) -> str | None:
    """The compiler that a source needs by its suffix."""
    suffix = "." + path.rpartition(".")[2]
    table = _table("programs")["suffixes"]
    found = table.get(suffix) or table.get(suffix.lower())
    return str(found) if found else None


@dataclass(frozen=True, slots=True)
class BackendEntry:
    """A known build backend: its project, its hook's own answer, and the tools that its wheels need."""

    module: str
    project: str
    tools: tuple[str, ...] = ()
    asks_if_missing: tuple[tuple[str, str], ...] = ()


@cache
def backend_entry(backend: str) -> BackendEntry | None:
    """The entry of a `build-backend` (its object part aside), None for one that is not known."""
    module = backend.partition(":")[0]
    for entry in _table("backends")["backend"]:
        if entry["module"] == module:
            asks = tuple(entry.get("asks_if_missing", {}).items())
            return BackendEntry(module, entry["project"], tuple(entry.get("tools", ())), asks)
    return None
