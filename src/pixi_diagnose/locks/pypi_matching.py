"""Does a locked project meet a requirement? PEP 508 and PEP 440 as packaging has them, each string looked at once.

A lock of some hundred projects has thousands of requirements, most of them behind an extra that nobody asks for: these
are told from the marker's text. What is compared is compared by `pep508`, without packaging where that can be.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from ..pep508 import canonicalize_name, marker_holds, release_numbers

__all__ = ["MarkerReader", "Wanted", "needs_other_extra", "python_fits", "read_requirement"]


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
_ONLY_WITH_EXTRA = r"(?:^|.* and )extra == '(?P<extra>[^']+)'$"


@lru_cache(maxsize=65536)
def read_requirement(text: str) -> Wanted | None:
    """A requirement string; None for one that is none (pixi would refuse the whole lock)."""
    found = _PLAIN.fullmatch(text)
    if found is not None:
        extras = tuple(sorted(canonicalize_name(e.strip()) for e in (found["extras"] or "").split(",") if e.strip()))
        marker = (found["marker"] or "").strip()
        return Wanted(canonicalize_name(found["name"]), extras, found["specifier"].replace(" ", ""), marker, "")
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        r = Requirement(text)
    except InvalidRequirement:
        return None
    extras = tuple(sorted(canonicalize_name(e) for e in r.extras))
    return Wanted(canonicalize_name(r.name), extras, str(r.specifier), str(r.marker or ""), r.url or "")


def needs_other_extra(text: str, extras: Collection[str]) -> bool:
    """Whether a requirement surely holds only with an extra that is not among these: told without reading it."""
    if not text.endswith("'"):
        return False
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
        only = re.match(_ONLY_WITH_EXTRA, marker)
        if only is not None and " or " not in marker:
            extra = canonicalize_name(only["extra"])
            return extra in extras and self._evaluate(marker, only["extra"])
        return any(self._evaluate(marker, extra) for extra in extras or ("",))

    def _evaluate(self, marker: str, extra: str) -> bool:
        key = (marker, extra)
        if key not in self._known:
            try:
                self._known[key] = marker_holds(marker, {**self._environment, "extra": extra})
            except ValueError:
                self._known[key] = True
        return self._known[key]


_LOWER = r"(>=|>|~=|===?) *(\d+(?:\.\d+)*)"


@lru_cache(maxsize=4096)
def python_fits(requires_python: str, python: str) -> bool:
    """Whether a Python is not below a requires-python: upper bounds do not count, as in uv's RequiresPython."""
    return all(release_numbers(python) >= release_numbers(limit) for _, limit in re.findall(_LOWER, requires_python))
