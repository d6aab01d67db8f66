"""Which wheels a universal lock may choose: those of any platform, for any Python of a range (uv.md U3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ..lazy_dataclass import dataclass
from .tags import Target

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["UniversalTarget", "lowest_python"]

NEWEST_MINOR = 40
_ANY_ABI = r"(?P<kind>py|cp|pp|graalpy)(?P<major>\d)(?P<minor>\d*)"
_NATIVE = r"(?:cp|pypy|graalpy)(?P<major>\d)(?P<minor>\d+)"


@dataclass(frozen=True, slots=True)
class UniversalTarget(Target):
    """Every platform, and CPython from `python` to 3.`newest`: a release with any usable wheel is not built.

    Its markers are unknown: each may hold somewhere. As `RequiresPython::matches_wheel_tag` of uv 0.13 has it.
    """

    newest: int

    @classmethod
    def within(cls, requires_python: str, lowest: str) -> UniversalTarget:
        """The target of a range of Pythons (PEP 440, "" is any) whose lowest is known."""
        newest = max(_minors(requires_python), default=NEWEST_MINOR)
        return cls(f"universal {requires_python} {lowest}", "", lowest, {}, newest)

    def rank(self, tag: str) -> int | None:
        """0 for a tag (compressed sets allowed) that some Python of the range takes, None for any other."""
        pythons, abis, _ = tag.split("-")
        lowest = int(self.python.split(".")[1])
        taken = any(_takes(pythons, abi, lowest, self.newest) for abi in abis.split("."))
        return 0 if taken else None

    def markers(self) -> dict[str, str]:
        """None: no marker can be decided for all platforms."""
        return {}


def lowest_python(requires_python: str) -> str | None:
    """The lowest Python 3 of a range: "3.11" where it begins with a series, else "3.11.4". None where it has none."""
    from packaging.specifiers import SpecifierSet

    allowed = SpecifierSet(requires_python)
    for minor in range(NEWEST_MINOR + 1):
        found = next((v for v in _candidates(allowed, minor) if allowed.contains(v)), None)
        if found is not None:
            return found.removesuffix(".0")
    return None


def _takes(pythons: str, abi: str, lowest: int, newest: int) -> bool:
    if abi in {"abi3", "abi3t"}:
        return True
    if abi == "none":
        return any(_serves(python, lowest, newest) for python in pythons.split("."))
    native = re.match(_NATIVE, abi)
    if native is None:
        return True
    return native["major"] == "3" and lowest <= int(native["minor"]) <= newest


def _serves(python: str, lowest: int, newest: int) -> bool:
    """A tag without ABI: `py37` is a lower bound, `cp37` wants exactly that Python."""
    match = re.fullmatch(_ANY_ABI, python)
    if match is None:
        return True
    kind, major, minor = match.groups()
    if major != "3":
        return False
    if not minor:
        return True
    return int(minor) <= newest and (kind == "py" or int(minor) >= lowest)


@lru_cache(maxsize=16)
def _minors(requires_python: str) -> tuple[int, ...]:
    """The series of Python 3 with an allowed release."""
    from packaging.specifiers import SpecifierSet

    allowed = SpecifierSet(requires_python)
    return tuple(m for m in range(NEWEST_MINOR + 1) if any(allowed.contains(v) for v in _candidates(allowed, m)))


def _candidates(allowed: SpecifierSet, minor: int) -> Iterator[str]:
    """Releases of a series that stand for all of it: its first, those that a bound names, and their neighbours."""
    from packaging.version import Version

    named = {Version(s.version.removesuffix(".*")) for s in allowed}
    patches = {0, 1} | {v.micro + step for v in named if v.minor == minor for step in (0, 1)}
    return (f"3.{minor}.{patch}" for patch in sorted(patches))
