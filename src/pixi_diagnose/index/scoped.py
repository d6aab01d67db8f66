"""Overrides and exclusions that hold only for what one package requires (`[tool.uv]`, as uv 0.13.8 applies them)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from ..manifest.installer import ScopedChange
from ..manifest.markers import all_of
from ..manifest.model import PypiSpec
from ..metadata import StaticMetadata
from ..pep508 import canonicalize_name

__all__ = ["scoped_requirements"]

EXTRA = re.compile(r"""\bextra\s*==\s*(?:"[^"]*"|'[^']*')""")


def scoped_requirements(
    metadata: StaticMetadata, version: str, overrides: Sequence[ScopedChange], excludes: Sequence[ScopedChange]
) -> tuple[str, ...]:
    """What a release requires after the changes for it; its own requirements where there are none.

    An override takes the place of all that the release requires of that project, and keeps an extra's condition; what
    the release does not require at all, it adds.
    """
    replaced: dict[str, list[PypiSpec]] = {}
    for spec in _chosen(overrides, metadata.project, version):
        replaced.setdefault(spec.name, []).append(spec)
    left_out = {spec.name for spec in _chosen(excludes, metadata.project, version)}
    if not replaced and not left_out:
        return metadata.requires
    found: dict[str, None] = {}
    seen: set[str] = set()
    for line in metadata.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            found[line] = None
            continue
        name = canonicalize_name(requirement.name)
        seen.add(name)
        if name not in left_out:
            condition = _extra_of(requirement)
            lines = [_line(spec, condition) for spec in replaced.get(name, ())] or [line]
            found |= dict.fromkeys(lines)
    for added in sorted(replaced.keys() - seen - left_out):
        found |= dict.fromkeys(_line(spec, "") for spec in replaced[added])
    return tuple(found)


def _chosen(changes: Sequence[ScopedChange], project: str, version: str) -> Iterator[PypiSpec]:
    """The changes for a release: those that name its version, else those that name none."""
    for_project = [c for c in changes if canonicalize_name(c.package) == canonicalize_name(project)]
    exact = [c for c in for_project if c.version is not None and _same(c.version, version)]
    for change in exact or [c for c in for_project if c.version is None]:
        yield from change.dependencies


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _extra_of(requirement: Requirement) -> str:
    """The extra that the requirement belongs to, as a marker: an override does not lift that."""
    return all_of(EXTRA.findall(str(requirement.marker or "")))


def _line(spec: PypiSpec, condition: str) -> str:
    extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
    marker = all_of((spec.marker, condition))
    return f"{spec.name}{extras}{spec.specifier}" + (f" ; {marker}" if marker else "")
