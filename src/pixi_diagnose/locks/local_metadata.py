"""Has the metadata of a folder changed since it was locked? Statically, as pixi 0.77 looks (`compare_metadata`; P9).

Where pyproject.toml does not say its dependencies statically, pixi trusts the lock, and so do we.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tomli
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from .model import PypiRecord
from .pypi_matching import MarkerReader, Wanted, read_requirement

__all__ = ["metadata_mismatch"]

_EXTRA = re.compile(r"extra == ['\"]([^'\"]+)['\"]")


def metadata_mismatch(record: PypiRecord, folder: Path, markers: MarkerReader) -> str:
    """What differs between a locked folder and its pyproject.toml now, "" for nothing that pixi would notice.

    Requirements are compared by where they hold, extra by extra, so that two spellings of a marker are equal.
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
    extras |= {canonicalize_name(e) for w in locked for e in _EXTRA.findall(w.marker)}
    for extra in ("", *sorted(extras)):
        now = _required(current, extra, record.name, markers, redirected)
        then = _required(locked, extra, record.name, markers, redirected)
        if now != then:
            changes = [*(f"added {r}" for r in sorted(now - then)), *(f"removed {r}" for r in sorted(then - now))]
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
    requirements: Sequence[Wanted], extra: str, own: str, markers: MarkerReader, redirected: Iterable[str]
) -> set[str]:
    """The requirements that hold with one extra; a reference to the project's own extras is followed."""
    found: set[str] = set()
    done: set[str] = set()
    todo = [extra]
    while todo:
        active = todo.pop()
        if active in done:
            continue
        done.add(active)
        for wanted in requirements:
            if not markers.holds(wanted.marker, (active,) if active else ()):
                continue
            if wanted.name == own:
                todo += wanted.extras
            elif wanted.name in redirected:
                found.add(wanted.name)
            else:
                found.add(str(wanted._replace(specifier=",".join(sorted(_specifiers(wanted.specifier))))))
    return found


def _specifiers(text: str) -> set[str]:
    try:
        return {str(s) for s in SpecifierSet(text)}
    except InvalidSpecifier:
        return {text}
