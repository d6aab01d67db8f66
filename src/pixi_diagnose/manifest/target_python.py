"""Which Python a uv or pip command fills an environment for, where its input names no conda package for it."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..errors import UsageError
from .installer import TargetPython

__all__ = ["KNOWN_PYTHONS", "is_version", "target_python"]

KNOWN_PYTHONS = tuple(f"3.{minor}" for minor in range(14, 7, -1))
"""CPython series that uv 0.13 offers, newest first (2026-08)."""
PATCHES = 40

_VERSION = re.compile(r"(?:c?python|cpython-|py)?\s*(?P<version>3\.\d+(?:\.\d+)?)(?![\w.])", re.IGNORECASE)


def target_python(
    asked: str,
    requires: str,
    *,
    variable: str | None = None,
    version_file: str | None = None,
    header: str | None = None,
) -> TargetPython:
    """The Python that the command line asks for, else what the input says or allows.

    `variable` is the value of UV_PYTHON, which uv obeys where it takes no option for it; `version_file` is the text of
    `.python-version`, which uv obeys; `header` the version in the first lines of a compiled requirements file. Without
    any of them uv takes the first interpreter that it finds and pip its own: no fact of the input, so the newest known
    one that requires-python allows stands for them. Raises UsageError for an `asked` that is no version of CPython 3.
    """
    if asked:
        match = _VERSION.fullmatch(asked.strip())
        if match is None:
            raise UsageError(f"'{asked}' is no Python version", hint="write it as 3.12 or 3.12.7")
        return TargetPython(match["version"], "--python")
    if variable and (match := _VERSION.fullmatch(variable.strip())):
        return TargetPython(match["version"], "UV_PYTHON")
    lines = (line.partition("#")[0].strip() for line in (version_file or "").splitlines())
    pinned = next(filter(None, lines), "")
    if match := _VERSION.fullmatch(pinned):
        return TargetPython(match["version"], ".python-version")
    if header:
        return TargetPython(header, "header")
    if requires:
        newest = _newest(requires)
        if newest:
            return TargetPython(newest, "requires-python")
    return TargetPython(KNOWN_PYTHONS[0], "assumed")


def is_version(text: str) -> bool:
    """Whether a text asks for a version of CPython 3, and not for one interpreter."""
    return _VERSION.fullmatch(text.strip()) is not None


def _newest(requires: str) -> str:
    """The newest series with an allowed patch release; the release itself where exactly one is asked for."""
    try:
        allowed = SpecifierSet(requires)
    except InvalidSpecifier:
        return ""
    exact = re.fullmatch(r"==\s*(3\.\d+\.\d+)", requires.strip())
    if exact:
        return exact[1]
    return next((m for m in KNOWN_PYTHONS if any(allowed.contains(f"{m}.{p}") for p in range(PATCHES))), "")
