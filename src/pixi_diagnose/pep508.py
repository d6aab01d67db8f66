"""Names, versions, specifiers and markers in the forms that nearly all have, judged without packaging.

packaging reads every form, and its import costs 30 ms: half of that is one regular expression. A run that a lock
answers needs no more than what is here. Whatever is unusual is left to packaging, which is imported then; what it
refuses is a ValueError in the words of packaging (its errors are of that class).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from functools import lru_cache

__all__ = [
    "allows",
    "canonicalize_name",
    "is_at_least",
    "marker_holds",
    "normal_specifier",
    "normal_version",
    "release_numbers",
]

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_CLAUSE = re.compile(r"(~=|==|!=|<=|>=|<|>)(\d+(?:\.\d+)*)(\.\*)?")
_SHORTENED = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))*")


def canonicalize_name(name: str) -> str:
    """A name of a project or an extra in the one spelling that counts (PEP 503), as packaging has it."""
    value = name.lower().replace("_", "-").replace(".", "-")
    while "--" in value:
        value = value.replace("--", "-")
    return value


# --- versions ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def release_numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version of numbers only, with as many zeros behind them that these compare as versions do."""
    numbers = [int(n) for n in version.split(".")]
    return (*numbers, *(0,) * (12 - len(numbers)))


def is_at_least(version: str, lowest: str) -> bool:
    """Whether a version is not below another one. Raises ValueError for what is no version."""
    if _NUMBERS.fullmatch(version) and _NUMBERS.fullmatch(lowest):
        return release_numbers(version) >= release_numbers(lowest)
    from packaging.version import Version

    return Version(version) >= Version(lowest)


def normal_version(version: str) -> str:
    """A version in its normal spelling (PEP 440). Raises ValueError for what is none."""
    if _SHORTENED.fullmatch(version):
        return version
    from packaging.version import Version

    return str(Version(version))


# --- specifiers -------------------------------------------------------------------------------------------------------


def _usual_clause(clause: str) -> re.Match[str] | None:
    """An operator and numbers; None for more, and for what is not valid."""
    found = _CLAUSE.fullmatch(clause)
    if found is None or (found[3] and found[1] not in {"==", "!="}) or (found[1] == "~=" and "." not in found[2]):
        return None
    return found


def normal_specifier(specifier: str) -> str:
    """A specifier as packaging writes it. Raises ValueError for what is none."""
    if _usual_clause(specifier):
        return specifier
    from packaging.specifiers import SpecifierSet

    return str(SpecifierSet(specifier))


@lru_cache(maxsize=65536)
def allows(specifier: str, version: str) -> bool:
    """Whether a specifier contains a version; pre-releases count. False for what packaging cannot read."""
    if not specifier:
        return True
    plain = _plainly_allows(specifier, version)
    if plain is not None:
        return plain
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def _plainly_allows(specifier: str, version: str) -> bool | None:
    """The same for versions of numbers only; None where there is more to it."""
    if not _NUMBERS.fullmatch(version):
        return None
    own = release_numbers(version)
    for clause in specifier.rstrip(",").split(","):
        found = _usual_clause(clause)
        if found is None:
            return None
        comparison, text, star = found.groups()
        limit = release_numbers(text)
        count = text.count(".") + 1
        if star or comparison == "~=":
            prefix = count if star else count - 1
            same = own[:prefix] == limit[:prefix]
            met = {"==": same, "!=": not same, "~=": same and own >= limit}[comparison]
        else:
            met = _COMPARISONS[comparison](own, limit)
        if not met:
            return False
    return True


# --- markers ----------------------------------------------------------------------------------------------------------


def marker_holds(marker: str, environment: Mapping[str, str]) -> bool:
    """Whether a marker holds in an environment, as packaging evaluates it; with its errors, which are ValueErrors."""
    plain = _plainly_holds(marker, environment)
    if plain is not None:
        return plain
    from packaging.markers import Marker

    return Marker(marker).evaluate({**environment})


_COMPARISON = re.compile(
    r" *(?P<name>[a-z_]+) *(?P<operator>==|!=|<=|>=|<|>|~=) *(?P<quote>['\"])(?P<text>[\w.*-]*)(?P=quote) *"
    r"(?P<word>and |or |$)"
)
_VERSION_LIKE = re.compile(r"v?\d")
_VERSIONS = frozenset({"python_version", "python_full_version"})
_WORDS = frozenset(
    {
        "extra",
        "implementation_name",
        "os_name",
        "platform_machine",
        "platform_python_implementation",
        "platform_system",
        "sys_platform",
    }
)


def _plainly_holds(marker: str, environment: Mapping[str, str]) -> bool | None:
    """The same for comparisons of usual variables with a string, joined by `and` and `or`; None for any other."""
    alternatives, word, at = [True], "and ", 0
    while word:
        found = _COMPARISON.match(marker, at)
        value = environment.get(found["name"]) if found is not None else None
        if found is None or value is None:
            return None
        name, comparison, text = found["name"], found["operator"], found["text"]
        met: bool | None = None
        if name in _VERSIONS:
            met = _plainly_allows(comparison + text, value)
        elif name in _WORDS and comparison in {"==", "!="}:
            if name == "extra":
                value, text = canonicalize_name(value), canonicalize_name(text)
            elif _VERSION_LIKE.match(text):
                return None  # older releases of packaging compare it as a version
            met = (value == text) == (comparison == "==")
        if met is None:
            return None
        alternatives[-1] = alternatives[-1] and met
        word, at = found["word"], found.end()
        if word == "or ":
            alternatives.append(True)
    return any(alternatives) if at == len(marker) else None
