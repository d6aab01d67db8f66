"""Sentences and places that several rules share."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence import Evidence, Place
from ..frontends.model import Build, BuildPhase, Missing, Simulation
from ..prose import and_list, or_list

__all__ = [
    "at_phase",
    "because_built",
    "is_elsewhere",
    "is_late",
    "isolation_entry",
    "names",
    "requested_at",
    "title",
    "wanted_by",
]


def title(build: Build) -> str:
    """Project and version: "flash-attn 2.7.4.post1"; of a build requirement, also whose it is."""
    distribution = build.subject.distribution
    whose = f", a build requirement of {build.needed_for[-1]}," if build.needed_for else ""
    return f"{distribution.project} {distribution.version}{whose}"


def names(missing: Sequence[Missing]) -> str:
    """The missing names with the line that wants each: "torch (setup.py:22) and psutil (setup.py:3)".

    Where several projects have a module of that name, all are said: only the user knows which one is meant.
    """
    return and_list(dict.fromkeys(m.name + _about(m) for m in missing))


def _about(missing: Missing) -> str:
    parts = [str(line) for line in missing.evidence[:1]]
    if len(missing.projects) > 1 and not missing.in_tree:
        parts.append(f"of {or_list(missing.projects)}")
    return f" ({'; '.join(parts)})" if parts else ""


def is_late(simulation: Simulation, missing: Missing) -> bool:
    """Whether something comes too late, rather than by accident: a backend counts only if the user asked for it."""
    asked = {s.name for s in simulation.environment.pypi}
    return bool(missing.late) and (not missing.backend or bool(asked & set(missing.projects)))


def is_elsewhere(simulation: Simulation, run: BuildPhase, missing: Missing) -> bool:
    """Whether conda gives it on the platform that is locked, and the build runs on this machine's (pixi.md P4)."""
    resolution = simulation.resolution
    if run.phase != "lock" or resolution.host in {"", simulation.environment.platform.subdir}:
        return False
    return any(project in missing.projects for p in resolution.conda for project, _ in p.projects)


def isolation_entry(simulation: Simulation, project: str) -> Place | None:
    """Where isolation is switched off for a project: its entry in the list, or the option itself."""
    options = simulation.environment.options
    value = options.no_build_isolation
    if isinstance(value, tuple):
        return next((e.place for e in value if e.name == project), None)
    return options.places.get("no-build-isolation") if value else None


def requested_at(simulation: Simulation, project: str) -> Place | None:
    """The user's dependency that brings a project in: its own entry, else the nearest one that requires it."""
    places = {s.name: s.place for s in simulation.environment.pypi}
    chain = wanted_by(simulation, project)
    return next((places[name] for name in (project, *chain) if name in places), None)


def wanted_by(simulation: Simulation, project: str) -> tuple[str, ...]:
    """The shortest chain of projects that want this one, nearest first, ending at one that the user names."""
    named = {s.name for s in simulation.environment.pypi}
    parents = {d.project: d.required_by for d in simulation.resolution.distributions}
    paths: list[tuple[str, ...]] = [()]
    seen = {project}
    while paths:
        path = paths.pop(0)
        here = path[-1] if path else project
        if here in named and path:
            return path
        for parent in parents.get(here, ()):
            if parent and parent not in seen:
                seen.add(parent)
                paths.append((*path, parent))
    return ()


def at_phase(simulation: Simulation, phase: str) -> str:
    """When a run takes place, in the words of its frontend: "while locking"."""
    installer = simulation.environment.installer
    one_command = installer is not None and installer.interface != "uv"
    return "while installing" if phase != "lock" else "while resolving" if one_command else "while locking"


def because_built(build: Build) -> tuple[str, tuple[Evidence, ...]]:
    """Why a distribution is built at all, and if that happens while locking already: a sentence and its evidence."""
    distribution = build.subject.distribution
    metadata = distribution.metadata
    early = build.phase("lock")
    if build.needed_for:
        chain = ", which is built for ".join(build.needed_for[::-1])
        return f"{distribution.project} is built for {chain}: {distribution.why_built}", ()
    if early is None:
        return f"{distribution.project} has to be built: {distribution.why_built or 'it is a source tree'}", ()
    if early.because:
        return f"{distribution.project} is built while resolving: {early.because}", ()
    if metadata is None:
        return f"{distribution.project} has to be built while locking, to know what it requires", ()
    where = f" ({metadata.dynamic_because[0]})" if metadata.dynamic_because else ""
    reason = metadata.dynamic_reason or "its dependencies are not known without a build"
    elsewhere = metadata.approximate and metadata.source != "none"
    read = f"; they were read from its {metadata.source.removeprefix('its ')} instead" if elsewhere else ""
    return f"{distribution.project} is built while locking: {reason}{where}{read}", metadata.dynamic_because
