"""Does a locked project meet a requirement? PEP 508 and PEP 440 as packaging has them, each string looked at once.

A lock of some hundred projects has thousands of requirements, most of them behind an extra that nobody asks for: these
are told from the marker's text, and plain versions are compared as numbers. Everything else is left to packaging.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

__all__ = ["MarkerReader", "Wanted", "allows", "needs_other_extra", "python_fits", "read_requirement"]


class Wanted(NamedTuple):
    """A requirement: canonical `name`, PEP 440 `specifier`, `url` of a direct reference, PEP 508 `marker`."""

    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: str
    url: str

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.specifier}" + (f" @ {self.url}" if self.url else "")


_PLAIN = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?) *(?:\[(?P<extras>[A-Za-z0-9._, -]*)\])? *"
    r"(?P<specifier>(?:[<>=!~]=?=? *[A-Za-z0-9.*+!_-]+ *,? *)*)(?:;(?P<marker>.*))?"
)
_ONLY_WITH_EXTRA = re.compile(r"(?:^|.* and )extra == '(?P<extra>[^']+)'$")


@lru_cache(maxsize=65536)
def read_requirement(text: str) -> Wanted | None:
    """A requirement string; None for one that is none (pixi would refuse the whole lock)."""
    found = _PLAIN.fullmatch(text)
    if found is not None:
        extras = tuple(sorted(canonicalize_name(e.strip()) for e in (found["extras"] or "").split(",") if e.strip()))
        marker = (found["marker"] or "").strip()
        return Wanted(canonicalize_name(found["name"]), extras, found["specifier"].replace(" ", ""), marker, "")
    try:
        r = Requirement(text)
    except InvalidRequirement:
        return None
    extras = tuple(sorted(canonicalize_name(e) for e in r.extras))
    return Wanted(canonicalize_name(r.name), extras, str(r.specifier), str(r.marker or ""), r.url or "")


def needs_other_extra(text: str, extras: Collection[str]) -> bool:
    """Whether a requirement surely holds only with an extra that is not among these: told without reading it."""
    before, condition, extra = text.rpartition("extra == '")
    only = condition and extra.find("'") == len(extra) - 1 and before.endswith(("; ", " and ")) and " or " not in before
    return bool(only) and (not extras or canonicalize_name(extra[:-1]) not in extras)


class MarkerReader:
    """Markers in one environment; each is evaluated once per extra."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._known: dict[tuple[str, str], bool] = {}

    def holds(self, marker: str, extras: Collection[str] = ()) -> bool:
        """Whether a marker holds with one of the extras, or without any; one that cannot be read holds."""
        if not marker:
            return True
        if "extra" not in marker:
            return self._evaluate(marker, "")
        only = _ONLY_WITH_EXTRA.match(marker)
        if only is not None and " or " not in marker:
            extra = canonicalize_name(only["extra"])
            return extra in extras and self._evaluate(marker, only["extra"])
        return any(self._evaluate(marker, extra) for extra in extras or ("",))

    def _evaluate(self, marker: str, extra: str) -> bool:
        key = (marker, extra)
        if key not in self._known:
            try:
                self._known[key] = Marker(marker).evaluate({**self._environment, "extra": extra})
            except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
                self._known[key] = True
        return self._known[key]


_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)(\d+(?:\.\d+)*)(\.\*)?")


@lru_cache(maxsize=65536)
def allows(specifier: str, version: str) -> bool:
    """Whether a PEP 440 specifier contains a version; pre-releases count, as where uv checks what is locked."""
    if not specifier:
        return True
    plain = _plainly_allows(specifier, version)
    if plain is not None:
        return plain
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def _plainly_allows(specifier: str, version: str) -> bool | None:
    """The same for versions of numbers only; None where there is more to it."""
    if not _NUMBERS.fullmatch(version):
        return None
    own = _padded(version)
    for clause in specifier.rstrip(",").split(","):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            return None
        operator, text, star = found.groups()
        limit = _padded(text)
        count = text.count(".") + 1
        if star or operator == "~=":
            prefix = count if star else count - 1
            same = own[:prefix] == limit[:prefix]
            met = {"==": same, "!=": not same, "~=": same and own >= limit}.get(operator)
        else:
            met = {
                "==": own == limit,
                "!=": own != limit,
                "<=": own <= limit,
                ">=": own >= limit,
                "<": own < limit,
                ">": own > limit,
            }.get(operator)
        if met is None:
            return None
        if not met:
            return False
    return True


@lru_cache(maxsize=16384)
def _padded(version: str) -> tuple[int, ...]:
    numbers = [int(n) for n in version.split(".")]
    return (*numbers, *(0,) * (12 - len(numbers)))


_LOWER = re.compile(r"(>=|>|~=|===?) *(\d+(?:\.\d+)*)")


@lru_cache(maxsize=4096)
def python_fits(requires_python: str, python: str) -> bool:
    """Whether a Python is not below a requires-python: upper bounds do not count, as in uv's RequiresPython."""
    return all(_padded(python) >= _padded(limit) for _, limit in _LOWER.findall(requires_python))
