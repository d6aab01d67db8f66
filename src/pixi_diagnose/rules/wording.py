"""Sentences and places that several rules share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..evidence import Evidence, Place
from ..finding import Confidence
from ..frontends.model import Build, Missing, Simulation

__all__ = [
    "and_list",
    "and_more",
    "because_built",
    "confidence",
    "is_late",
    "isolation_entry",
    "names",
    "requested_at",
    "title",
    "wanted_by",
]


def title(build: Build) -> str:
    """Project and version: "flash-attn 2.7.4.post1"."""
    distribution = build.subject.distribution
    return f"{distribution.project} {distribution.version}"


def and_list(words: Iterable[str]) -> str:
    """Words as people list them: "a", "a and b", "a, b and c"."""
    items = list(words)
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def and_more(words: Iterable[str]) -> str:
    """The first of many: "a", "a and 3 more"."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{items[0]} and {len(items) - 1} more"


def names(missing: Sequence[Missing]) -> str:
    """The missing names with the line that wants each: "torch (setup.py:22) and psutil (setup.py:3)"."""
    return and_list(dict.fromkeys(f"{m.name} ({m.evidence[0]})" if m.evidence else m.name for m in missing))


def confidence(simulation: Simulation) -> Confidence:
    """High on a solved or locked environment; medium where conda's part is only what the manifest declares."""
    return Confidence.MEDIUM if simulation.resolution.source == "partial" else Confidence.HIGH


def is_late(simulation: Simulation, missing: Missing) -> bool:
    """Whether something comes too late, rather than by accident: a backend counts only if the user asked for it."""
    asked = {s.name for s in simulation.environment.pypi}
    return bool(missing.late) and (not missing.backend or bool(asked & set(missing.projects)))


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


def because_built(build: Build) -> tuple[str, tuple[Evidence, ...]]:
    """Why a distribution is built at all, and if that happens while locking already: a sentence and its evidence."""
    distribution = build.subject.distribution
    metadata = distribution.metadata
    if build.phase("lock") is None:
        return f"{distribution.project} has to be built: {distribution.why_built or 'it is a source tree'}", ()
    if metadata is None:
        return f"{distribution.project} has to be built while locking, to know what it requires", ()
    where = f" ({metadata.dynamic_because[0]})" if metadata.dynamic_because else ""
    reason = metadata.dynamic_reason or "its dependencies are not known without a build"
    read = f"; they were read from its {metadata.source} instead" if metadata.approximate else ""
    return f"{distribution.project} is built while locking: {reason}{where}{read}", metadata.dynamic_because
