"""Whether uv knows the name of what it builds: its settings for one project reach no build without (uv.md U1).

A line of a requirements file may be an address alone. uv then looks for the name where it can without a build, and else
builds the metadata to learn it (crates/uv-requirements/src/unnamed.rs). The wheel is made in that same build
environment, so that what did not reach the first run does not reach the second (seen with 0.13.8, for each setting).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from ..environment import Environment
from ..evidence import Place
from ..lazy_dataclass import dataclass
from ..resolve import Resolution

__all__ = ["KnownName", "UnreachedSetting", "known_name", "unreached_settings"]

_FOR_THE_BUILD_ENVIRONMENT = {"extra-build-dependencies", "no-build-isolation-package"}


class KnownName(StrEnum):
    """When uv knows the name.

    BEFORE: before it builds anything. IN_TABLE: as it sets up a build, from the `[project]` of what it fetched: in time
    for what the build environment is made of. AFTER: the build says it.
    """

    BEFORE = "before"
    IN_TABLE = "in its table"
    AFTER = "after"

    def lets_reach(self, setting: str) -> bool:
        """Whether the entry that a setting ("extra-build-variables") has for the project reaches its build."""
        return self is KnownName.BEFORE or (self is KnownName.IN_TABLE and setting in _FOR_THE_BUILD_ENVIRONMENT)


@dataclass(frozen=True, slots=True)
class UnreachedSetting:
    """A setting that names a project and does not reach its build."""

    name: str
    place: Place | None


def known_name(environment: Environment, resolution: Resolution, project: str) -> KnownName:
    """When uv knows the name of a project that it builds; where nothing is built to know it, that is early enough."""
    installer = environment.installer
    asked = installer is not None and installer.interface == "uv pip" and _is_nameless(environment, project)
    local = next((p for p in resolution.local if p.project == project), None) if asked else None
    if local is None or local.metadata.is_static_for("uv"):
        return KnownName.BEFORE
    from ..metadata import table_name  # it loads what parses metadata, and few have such lines

    return KnownName.IN_TABLE if table_name(local.tree) else KnownName.AFTER


def _is_nameless(environment: Environment, project: str) -> bool:
    return any(spec.nameless for spec in environment.pypi if spec.name == project)


def unreached_settings(environment: Environment, resolution: Resolution, project: str) -> Iterator[UnreachedSetting]:
    """The settings of the user for a project that do not reach its build, as uv learns its name too late."""
    known, installer = known_name(environment, resolution, project), environment.installer
    if known is KnownName.BEFORE or installer is None:
        return
    building, options = installer.building, environment.options
    places: dict[str, Place | None] = {}
    if extra := building.extra_requirements.get(project):
        places["extra-build-dependencies"] = _table_of(extra[0].spec.place, "extra-build-dependencies")
    if project in building.extra_variables:
        places["extra-build-variables"] = installer.places.get("extra-build-variables")
    if project in building.project_config_settings:
        places["config-settings-package"] = installer.places.get("config-settings-package")
    for stated in building.metadata:
        if stated.name == project:
            places["dependency-metadata"] = stated.place
    for name, listed in (
        ("no-build-isolation-package", options.no_build_isolation),
        ("no-build-package", options.no_build),
    ):
        entry = next((e for e in listed if e.name == project), None) if isinstance(listed, tuple) else None
        if entry is not None:
            places[name] = entry.place
    yield from (UnreachedSetting(name, place) for name, place in places.items() if not known.lets_reach(name))


def _table_of(place: Place, setting: str) -> Place:
    """The project's own entry in the table of a setting, whatever of it `place` is."""
    return replace(place, key=place.key[: place.key.index(setting) + 2]) if setting in place.key else place
