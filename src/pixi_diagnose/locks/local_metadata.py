"""Has the metadata of a folder changed since it was locked? Statically, as pixi 0.77 looks (`compare_metadata`; P9).

Where pyproject.toml does not say its dependencies statically, pixi trusts the lock, and so do we.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tomli

from ..pep508 import canonicalize_name
from .marker_probes import probes
from .model import PypiRecord
from .pypi_matching import Wanted, read_requirement

__all__ = ["metadata_mismatch"]

_EXTRA = r"extra == ['\"]([^'\"]+)['\"]"


def metadata_mismatch(record: PypiRecord, folder: Path) -> str:
    """What differs between a locked folder and its pyproject.toml now, "" for nothing that pixi would notice.

    Requirements are compared by where they hold, on any platform and extra by extra, so that two spellings of a marker
    are equal.
    """
    try:
        document = tomli.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    project = document.get("project")
    if not isinstance(project, dict) or not project.get("name"):
        return ""
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and {"dependencies", "optional-dependencies"} & set(map(str, dynamic)):
        return ""
    current, extras = _declared(project)
    redirected = _redirected(document)
    locked = [w for text in record.requires_dist if (w := read_requirement(text))]
    extras |= {canonicalize_name(e) for w in locked for e in re.findall(_EXTRA, w.marker)}
    for extra in ("", *sorted(extras)):
        now = _required(current, extra, record.name, redirected)
        then = _required(locked, extra, record.name, redirected)
        if now != then:
            changes = [
                *(f"added {name}" for name, _ in sorted(now - then)),
                *(f"removed {name}" for name, _ in sorted(then - now)),
            ]
            return ", ".join(changes[:3])
    python = project.get("requires-python")
    if _specifiers(str(python or "")) != _specifiers(record.requires_python):
        return f"requires-python changed from {record.requires_python or 'none'} to {python or 'none'}"
    return ""


def _declared(project: dict[str, Any]) -> tuple[list[Wanted], set[str]]:
    """The requirements of a `[project]` table, optional ones with their extra as a marker, and the extras."""
    optional = project.get("optional-dependencies")
    groups: list[tuple[str, Any]] = [("", project.get("dependencies"))]
    groups += list(optional.items()) if isinstance(optional, dict) else []
    found = []
    for extra, requirements in groups:
        for text in requirements if isinstance(requirements, list) else []:
            wanted = read_requirement(text) if isinstance(text, str) else None
            if wanted is None:
                continue
            condition = f"extra == '{canonicalize_name(extra)}'" if extra else ""
            own = f"({wanted.marker})" if condition and " or " in wanted.marker else wanted.marker
            found.append(wanted._replace(marker=" and ".join(filter(None, (own, condition)))))
    return found, {canonicalize_name(extra) for extra, _ in groups if extra}


def _redirected(document: dict[str, Any]) -> set[str]:
    """The projects for which `[tool.uv.sources]` names another place: their requirement is locked as a URL."""
    tool = document.get("tool")
    uv = tool.get("uv") if isinstance(tool, dict) else None
    sources = uv.get("sources") if isinstance(uv, dict) else None
    return {canonicalize_name(name) for name in sources} if isinstance(sources, dict) else set()


def _required(
    requirements: Sequence[Wanted], extra: str, own: str, redirected: Iterable[str]
) -> set[tuple[str, tuple[bool, ...]]]:
    """The requirements that hold with one extra, and where; a reference to the project's own extras is followed."""
    active = {extra} if extra else set()
    todo = [extra]
    while todo:
        here = (todo.pop(),)
        for wanted in requirements:
            if wanted.name == own and any(p.holds(wanted.marker, here if here[0] else ()) for p in probes()):
                more = set(wanted.extras) - active
                active |= more
                todo += more
    found = set()
    for wanted in requirements:
        where = tuple(p.holds(wanted.marker, active) for p in probes())
        if wanted.name != own and any(where):
            specifier = ",".join(sorted(_specifiers(wanted.specifier)))
            shown = wanted.name if wanted.name in redirected else str(wanted._replace(specifier=specifier))
            found.add((shown, where))
    return found


def _specifiers(text: str) -> set[str]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return {str(s) for s in SpecifierSet(text)}
    except InvalidSpecifier:
        return {text}
