"""Who wants which version of a project, where the wishes cannot all be met (pixi.md P7: what conda gives is final)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from .conda import CondaPackage, reached_through
from .data import read_table
from .environment import marker_environment
from .index.model import Distribution, PypiRequest, PypiResolution
from .lazy_dataclass import dataclass
from .pep508 import canonicalize_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["Dispute", "Wish", "disputes"]

ATTEMPTS = 3
"""Projects that are tried, one resolution each, where none of those in the explanation comes from conda."""

Ask = Callable[[PypiRequest], PypiResolution]


@dataclass(frozen=True, slots=True)
class Wish:
    """One requirement on the disputed project: `specifier` is its bounds, `met` whether the chosen version is in them.

    `chain` are the distributions from the one that the manifest names to the one that requires it ("axolotl 0.9.0"),
    `projects` their canonical names; both empty for a requirement of the manifest itself.
    """

    specifier: str
    met: bool
    chain: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispute:
    """A project on which requirements disagree. `wishes` are those with bounds, unmet ones first.

    `version` is what conda gives, through the chain of conda packages `given_by` (from the one that the manifest asks
    for to the one that provides the project); or, with `given_by` empty, what the index would give if nobody cared.
    `native`: other projects are compiled against it, so that the exact version matters.
    """

    project: str
    version: str
    wishes: tuple[Wish, ...]
    given_by: tuple[CondaPackage, ...] = ()
    native: bool = False


def disputes(
    request: PypiRequest, answer: PypiResolution, conda: Sequence[CondaPackage], ask: Ask
) -> tuple[Dispute, ...]:
    """Explain a conflict: resolve again as if nobody had bounds on the project in question, and see who objects.

    Empty where `answer` is no conflict, or where more than one project is to blame at a time.
    """
    failure = answer.failure
    if failure is None or failure.kind != "conflict":
        return ()
    provided = {p.project: p.version for p in request.provided}
    pinned = [name for name in failure.projects if name in provided]
    free = [[name] for name in failure.projects if name not in provided]
    for names in [pinned, *free][: ATTEMPTS + 1]:
        found = _objections(request, names, conda, ask) if names else ()
        if found:
            return found
    return ()


def _objections(
    request: PypiRequest, names: Sequence[str], conda: Sequence[CondaPackage], ask: Ask
) -> tuple[Dispute, ...]:
    kept = [line for line in request.overrides if _project(line) not in names]
    relaxed = ask(replace(request, overrides=(*kept, *names)))
    if relaxed.failure is not None:
        return ()
    chosen = {d.project: d for d in relaxed.distributions}
    found = []
    for name in names:
        version = chosen[name].version if name in chosen else ""
        wishes = sorted(_wishes(request, name, version, chosen), key=lambda w: (w.met, len(w.chain)))
        if version and any(not w.met for w in wishes):
            package = next((p for p in conda if any(project == name for project, _ in p.projects)), None)
            given_by = (reached_through(conda, package.name) or (package,)) if package else ()
            found.append(Dispute(name, version, tuple(wishes), given_by, native=name in _native()))
    return tuple(found)


def _wishes(request: PypiRequest, name: str, version: str, chosen: Mapping[str, Distribution]) -> Iterator[Wish]:
    """The requirements with bounds on a project, of the manifest itself and of the chosen distributions."""
    environment = marker_environment(request.platform, request.python_version)
    for requirement in _on(name, request.requirements, environment, ("",)):
        yield Wish(str(requirement.specifier), requirement.specifier.contains(version, prereleases=True))
    if name not in chosen:
        return
    for parent in chosen[name].required_by:
        distribution = chosen.get(parent)
        if distribution is None:
            continue
        # which extras are asked for is not known here: a requirement of one counts where no other names the project
        extras = distribution.metadata.provides_extra if distribution.metadata else ()
        own = list(_on(name, distribution.requires, environment, ("",)))
        for requirement in own or _on(name, distribution.requires, environment, extras):
            chain = _chain(parent, chosen)
            yield Wish(
                str(requirement.specifier),
                requirement.specifier.contains(version, prereleases=True),
                tuple(f"{p} {chosen[p].version}" for p in chain),
                chain,
            )


def _on(
    name: str, lines: Iterable[str], environment: Mapping[str, str], extras: Sequence[str]
) -> Iterator[Requirement]:
    """The applying requirements with bounds on a project."""
    from packaging.markers import UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement

    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) == name and requirement.specifier:
            marker = requirement.marker
            try:
                applies = marker is None or any(marker.evaluate({**environment, "extra": e}) for e in extras)
            except UndefinedEnvironmentName:
                applies = False
            if applies:
                yield requirement


def _chain(project: str, chosen: Mapping[str, Distribution]) -> tuple[str, ...]:
    """The shortest chain of projects from one that the request names to this one."""
    paths: list[tuple[str, ...]] = [(project,)]
    seen = {project}
    for path in paths:  # grows while it is read: breadth first
        parents = chosen[path[0]].required_by
        if "" in parents:
            return path
        for parent in parents:
            if parent in chosen and parent not in seen:
                seen.add(parent)
                paths.append((parent, *path))
    return (project,)


def _project(line: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:
        return ""


@cache
def _native() -> frozenset[str]:
    return frozenset(name for names in read_table("native_projects").values() for name in names)
