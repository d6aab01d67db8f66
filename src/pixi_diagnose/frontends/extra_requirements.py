"""uv's extra-build-dependencies: what they add to a build, and where `match-runtime` cannot be had (uv.md U1, U3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..lazy_dataclass import dataclass
from ..manifest.model import PypiSpec
from ..resolve import Resolution

if TYPE_CHECKING:
    from ..manifest.installer import ExtraBuildRequirement, Installer

__all__ = ["RefusedMatch", "extra_requirements", "refused_at_install", "refused_at_lock"]


@dataclass(frozen=True, slots=True)
class RefusedMatch:
    """An entry with `match-runtime` of a project that uv stops at.

    `kind` is "dynamic" (its metadata is built before anything is resolved), "specifier" (it says which version itself)
    or "absent" (its target is not in the resolution).
    """

    project: str
    entry: ExtraBuildRequirement
    kind: str

    @property
    def reason(self) -> str:
        """Why, as the rest of a sentence that begins with the project."""
        target = self.entry.spec.name
        return {
            "dynamic": f"is to match the {target} of a resolution, and is built to make that resolution",
            "specifier": f"is to match the {target} of the resolution, and its entry names {target}'s version itself",
            "absent": f"is to match the {target} of the resolution, which has none",
        }[self.kind]


def extra_requirements(
    installer: Installer | None, resolution: Resolution, project: str, *, locking: bool
) -> tuple[PypiSpec, ...]:
    """What an isolated build of a project gets beside what it declares; `match-runtime` as the resolved version.

    An entry that names a version itself counts as it is: while locking uv takes it so. When uv installs, it only keeps
    the entries of what it installs: a build requirement that is built in its turn gets none then (seen with 0.13.8).
    """
    if not locking and resolution.distribution(project) is None:
        return ()
    found = []
    for entry in installer.building.extra_requirements.get(project, ()) if installer is not None else ():
        chosen = resolution.distribution(entry.spec.name)
        if not entry.match_runtime or _names_version(entry):
            found.append(entry.spec)
        elif chosen is not None:
            found.append(replace(entry.spec, specifier=f"=={chosen.version}"))
    return tuple(found)


def refused_at_lock(installer: Installer | None, project: str) -> RefusedMatch | None:
    """The entry at which uv stops when it has to build a project to know its metadata, isolated or not (U3).

    One that names a version is taken as it is there; it is refused later.
    """
    entries = installer.building.extra_requirements.get(project, ()) if installer is not None else ()
    entry = next((e for e in entries if e.match_runtime and not _names_version(e)), None)
    return None if entry is None else RefusedMatch(project, entry, "dynamic")


def refused_at_install(installer: Installer | None, resolution: Resolution) -> tuple[RefusedMatch, ...]:
    """The entries at which uv stops before it installs anything: those of projects that it would install (U3)."""
    if installer is None:
        return ()
    names = sorted(name for name in installer.building.extra_requirements if resolution.distribution(name) is not None)
    return tuple(r for name in names for r in _refused(installer, resolution, name))


def _refused(installer: Installer, resolution: Resolution, project: str) -> Iterator[RefusedMatch]:
    for entry in installer.building.extra_requirements.get(project, ()):
        if entry.match_runtime and _names_version(entry):
            yield RefusedMatch(project, entry, "specifier")
        elif entry.match_runtime and resolution.distribution(entry.spec.name) is None:
            yield RefusedMatch(project, entry, "absent")


def _names_version(entry: ExtraBuildRequirement) -> bool:
    return bool(entry.spec.specifier) or entry.spec.source is not None
