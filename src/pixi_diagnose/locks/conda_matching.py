"""Does a locked conda package meet a spec? As rattler judges it, without importing rattler for the usual forms.

Versions of digits, dots and letters, with an epoch or without, and specs of comparisons joined by `,` and `|`, are
judged here; every other form (local versions, parentheses, bracketed fields) is left to rattler itself, which costs
100 ms once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any

__all__ = ["build_meets", "depends_name", "meets", "selected", "version_meets"]

_VERSION = r"(?:(?P<epoch>\d+)!)?(?P<release>\d[0-9a-z]*(?:\.[0-9a-z]+)*)"
_COMPONENT = r"\d+|[a-z]+"
_CONSTRAINT = re.compile(r"(==|!=|>=|<=|~=|=|>|<)?(\d[0-9a-z.!]*?)(\.?\*)?")
_DEPENDS = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(?: (?P<version>[^ \[\]]+)(?: (?P<build>[^ \[\]]+))?)?")

_BUILD_FOLLOWS = re.compile(r"[\w.*]=")

Component = tuple[int, int, str]
"""(class, number, word): dev < words < numbers < post."""
ZERO: Component = (2, 0, "")


class _UnusualError(ValueError):
    """A form that is left to rattler."""


def depends_name(depends: str) -> str:
    """The name of the package that an entry of `depends` is about."""
    name, _, _ = depends.partition(" ")
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        name = re.split(r"[ \[=<>!~]", depends.strip(), maxsplit=1)[0]
    return name.lower()


@lru_cache(maxsize=16384)
def meets(depends: str, version: str, build: str) -> bool:
    """Whether a package of this version and build meets an entry of `depends` (the name is not compared)."""
    found = _DEPENDS.fullmatch(depends)
    if found is None:
        return _ask_rattler(depends, depends_name(depends), version, build)
    spec = found["version"]
    if spec is None:
        return True
    if (spec.startswith("==") and "*" in spec) or _BUILD_FOLLOWS.search(spec):
        # the meaning of its stars hangs on whether a build follows
        return _ask_rattler(depends, found["name"], version, build)
    return version_meets(spec, version) and build_meets(found["build"], build)


@lru_cache(maxsize=16384)
def version_meets(spec: str, version: str) -> bool:
    """Whether a version meets a version spec."""
    if spec in {"", "*"}:
        return True
    try:
        return any(
            all(_constraint_met(constraint, version) for constraint in group.split(",")) for group in spec.split("|")
        )
    except _UnusualError:
        return _ask_rattler(f"name {spec}", "name", version, "0")


def build_meets(wanted: str | None, build: str) -> bool:
    """Whether a build string is the wanted one, or matches its glob or its `^regular expression$`."""
    if wanted is None or wanted in {"*", build}:
        return True
    if wanted.startswith("^") and wanted.endswith("$"):
        return re.search(wanted, build) is not None
    return "*" in wanted and fnmatchcase(build, wanted.replace("[", "[[]").replace("?", "[?]"))


def _constraint_met(constraint: str, version: str) -> bool:
    if constraint == "*":
        return True
    found = _CONSTRAINT.fullmatch(constraint)
    if found is None:
        raise _UnusualError
    operator, limit, star = found[1], found[2], found[3]
    if star:
        if operator in {None, "="}:
            return _starts_with(version, limit)
        if operator == "!=":
            return not _starts_with(version, limit)
        operator = ">=" if operator == ">" else operator
    if operator == "=":
        return _starts_with(version, limit)
    if operator == "~=":
        if "." not in limit:
            raise _UnusualError
        return _compare(version, limit) >= 0 and _starts_with(version, limit.rpartition(".")[0])
    order = _compare(version, limit)
    return {
        None: order == 0,
        "==": order == 0,
        "!=": order != 0,
        ">=": order >= 0,
        "<=": order <= 0,
        ">": order > 0,
        "<": order < 0,
    }[operator]


@cache
def _numbers(version: str) -> tuple[int, ...] | None:
    """A version of numbers only, without the zeros that do not count; None for any other."""
    parts = version.split(".")
    if not all(part.isdecimal() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


@cache
def _segments(version: str) -> list[list[Component]]:
    """The epoch, and the components of each part between dots."""
    found = re.fullmatch(_VERSION, version)
    if found is None:
        raise _UnusualError
    segments = [[(2, int(found["epoch"] or 0), "")]]
    for part in found["release"].split("."):
        components = [_component(c) for c in re.findall(_COMPONENT, part)]
        # a segment that starts with letters has a 0 in front
        segments.append(components if part[0].isdecimal() else [ZERO, *components])
    return segments


def _component(text: str) -> Component:
    if text.isdecimal():
        return 2, int(text), ""
    return {"dev": (0, 0, ""), "post": (3, 0, "")}.get(text, (1, 0, text))


@lru_cache(maxsize=16384)
def _compare(left: str, right: str) -> int:
    a, b = _numbers(left), _numbers(right)
    if a is not None and b is not None:
        return (a > b) - (a < b)
    none: list[Component] = []
    for one, other in zip_longest(_segments(left), _segments(right), fillvalue=none):
        for x, y in zip_longest(one, other, fillvalue=ZERO):
            if x != y:
                return 1 if x > y else -1
    return 0


def _starts_with(version: str, prefix: str) -> bool:
    """As rattler has it: the last segment of the prefix may go on in the version, and zeros at its end do not count."""
    more = False
    for one, other in zip_longest(_segments(version), _segments(prefix)):
        if other is None:
            return True
        if one is None:
            if any(component != ZERO for component in other):
                return False
            continue
        # what the prefix has more than the version counts as zero
        padded = [*one, *[ZERO] * (len(other) - len(one))]
        if more or padded[: len(other)] != other:
            return False
        more = len(one) > len(other)
    return True


def _ask_rattler(spec: str, name: str, version: str, build: str) -> bool:
    import rattler

    build_string: Any = getattr(rattler, "BuildString", str)(build)  # a plain string in older releases of py-rattler
    record = rattler.PackageRecord(name, version, build_string, 0, "noarch")
    return bool(rattler.MatchSpec(spec, strict=False).matches(record))


def selected(wanted: Mapping[str, str], has: Mapping[str, str]) -> bool:
    """Whether a record has what a spec asks for beyond version and build."""
    return all(has.get(key) == value for key, value in wanted.items())
