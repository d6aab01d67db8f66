"""What must be built → what its build needs: archives read, scripts analysed, isolated build environments resolved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from .environment import Environment
from .errors import ArchiveError, IndexAccessError
from .evidence import Unknown
from .frontends.extra_requirements import extra_requirements
from .frontends.known_names import known_name
from .frontends.model import BuildSubject
from .index.model import Distribution
from .lazy_dataclass import dataclass
from .resolve import LookedAt, Resolution, Resolver

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .build_needs.model import BuildNeeds, BuildTarget
    from .manifest.model import PypiSpec
    from .source_tree import SourceTree

__all__ = ["build_subjects", "reading_ahead"]

ANALYSING = threading.Lock()
"""Scripts are read one after the other: Python does one thing at a time, and no two threads read the same."""


def reading_ahead(environment: Environment, resolver: Resolver) -> LookedAt:
    """Reads the sdists that a resolution looks at while it goes on, up to their build environments.

    What is found is kept, and is there when `build_subjects` asks for it. An sdist that is not chosen in the end cost a
    download; what goes wrong here goes wrong there again, where it is told.
    """

    def read(python: str, distribution: Distribution) -> None:
        target = _target(distribution.project, environment, python)
        needs = known_needs(distribution, target, resolver)
        if needs is None:
            needs = read_needs(distribution, resolver.source_tree(distribution), target, resolver)
        installer = environment.installer
        if installer is None or distribution.project not in installer.building.extra_requirements:
            # behind the archives that wait to be read
            resolver.workers.submit(resolver.build_environment, environment, python, _build_requirements(needs))

    def looked_at(python: str, distribution: Distribution) -> None:
        resolver.workers.submit(read, python, distribution)

    return looked_at


def build_subjects(
    environment: Environment, resolution: Resolution, resolver: Resolver, progress: Callable[[str], None]
) -> list[BuildSubject]:
    """What must be built in a resolution, in its order, with needs and build environment; then what only a lock needs.

    Archives and build environments are asked for side by side, each as soon as it can be. A source that cannot be had
    is a subject without needs and with its unknown.
    """
    built = [d for d in resolution.distributions if d.built]
    by_pip = environment.installer is not None and environment.installer.interface == "pip"
    built += [d for d in resolution.only_locked if d.built and (by_pip or _may_be_dynamic(d))]
    if not built:
        return []
    from concurrent.futures import as_completed

    targets = {d: _target_in(resolution, d.project, environment) for d in built}
    subjects: dict[Distribution, Future[BuildSubject]] = {}
    pool = resolver.workers

    def complete(subject: BuildSubject) -> None:
        subjects[subject.distribution] = pool.submit(with_build_environment, subject, environment, resolution, resolver)

    unread = []
    for distribution in built:
        source = resolution.unread(distribution.project)
        needs = known_needs(distribution, targets[distribution], resolver)
        if source is not None:
            complete(BuildSubject(distribution, None, source))
        elif needs is None:
            unread.append(distribution)
        else:
            complete(BuildSubject(distribution, needs))
    trees = {pool.submit(resolver.source_tree, d, resolution.local): d for d in unread}
    for tree in as_completed(trees):
        distribution = trees[tree]
        progress(f"reading {distribution.project} {distribution.version}")
        try:
            needs = read_needs(distribution, tree.result(), targets[distribution], resolver)
            complete(BuildSubject(distribution, needs))
        except (IndexAccessError, ArchiveError) as error:
            reason = Unknown(error.message, subject=distribution.project, fault=not resolver.offline)
            complete(BuildSubject(distribution, None, reason))
    progress("resolving build requirements")
    return [subjects[d].result() for d in built]


def with_build_environment(
    subject: BuildSubject, environment: Environment, resolution: Resolution, resolver: Resolver
) -> BuildSubject:
    """The subject with what an isolated build of it would install, and what has to be built for that in its turn."""
    locking = _Completion(environment, resolution, resolver, locking=True).of(subject)
    installing = locking
    if environment.installer is not None and environment.installer.building.extra_requirements:
        installing = _Completion(environment, resolution, resolver, locking=False).of(subject)
    return replace(locking, requirements=installing.requirements, requirements_at_lock=locking.requirements)


@dataclass(frozen=True, slots=True)
class _Completion:
    """What builds get to build with: while `locking`, or when what was resolved is installed."""

    environment: Environment
    resolution: Resolution
    resolver: Resolver
    locking: bool

    def of(self, subject: BuildSubject, built_for: tuple[Distribution, ...] = ()) -> BuildSubject:
        """The subject with its build environment; what is to be built of that is read here and now."""
        if subject.needs is None:
            return subject
        wanted = _build_requirements(subject.needs)
        project = subject.distribution.project
        extra: tuple[PypiSpec, ...] = ()
        if known_name(self.environment, self.resolution, project).lets_reach("extra-build-dependencies"):
            extra = extra_requirements(self.environment.installer, self.resolution, project, locking=self.locking)
        python, versions = self.resolution.python, {d.project: d.version for d in self.resolution.distributions}
        resolved = self.resolver.build_environment(self.environment, python, wanted, extra, versions)
        chain = (*built_for, subject.distribution)
        return replace(
            subject,
            build_environment=resolved,
            extra_requirements=tuple(s.name for s in extra),
            requirements=tuple(self._requirement(d, chain) for d in resolved.distributions if d.built),
        )

    def _requirement(self, distribution: Distribution, built_for: tuple[Distribution, ...]) -> BuildSubject:
        if any((d.project, d.version) == (distribution.project, distribution.version) for d in built_for):
            return BuildSubject(distribution, None, circular=True)
        target = _target_in(self.resolution, distribution.project, self.environment)
        try:
            needs = known_needs(distribution, target, self.resolver)
            if needs is None:
                tree = self.resolver.source_tree(distribution, self.resolution.local)
                needs = read_needs(distribution, tree, target, self.resolver)
        except (IndexAccessError, ArchiveError) as error:
            return BuildSubject(distribution, None, Unknown(error.message, subject=distribution.project))
        return self.of(BuildSubject(distribution, needs), built_for)


def _build_requirements(needs: BuildNeeds) -> tuple[str, ...]:
    return (*needs.build_system.requires, *needs.hook_requirements)


def known_needs(distribution: Distribution, target: BuildTarget, resolver: Resolver) -> BuildNeeds | None:
    """What an earlier run found in the same archive, None if none did."""
    from .build_needs import facts

    kept = resolver.cache.get("needs", facts.key(distribution.sha256, target)) if distribution.sha256 else None
    with suppress(ValueError, TypeError):
        return _decoded(kept) if kept else None
    return None


@lru_cache(maxsize=64)  # many environments build the same archive
def _decoded(kept: bytes) -> BuildNeeds:
    from .build_needs.model import BuildNeeds
    from .kept_values import from_bytes

    return from_bytes(BuildNeeds, kept)


def read_needs(distribution: Distribution, tree: SourceTree, target: BuildTarget, resolver: Resolver) -> BuildNeeds:
    """Analyse a source tree, and keep the answer for whoever asks for the same archive next."""
    from .build_needs import facts
    from .build_needs.analysis import analyse_build
    from .kept_values import to_bytes

    with ANALYSING:
        needs = known_needs(distribution, target, resolver)
        if needs is None:
            needs = analyse_build(tree, target, project=distribution.project, version=distribution.version)
            if distribution.sha256:
                resolver.cache.put("needs", facts.key(distribution.sha256, target), to_bytes(needs))
    return needs


def _may_be_dynamic(distribution: Distribution) -> bool:
    """Whether some version of uv builds it to know its metadata (uv.md U2)."""
    metadata = distribution.metadata
    return metadata is None or not metadata.is_static_for("uv") or bool(metadata.loosely_dynamic)


def _target_in(resolution: Resolution, project: str, environment: Environment) -> BuildTarget:
    """Where a project of a resolution is built, with its own variables as far as they reach its build."""
    by_name = known_name(environment, resolution, project).lets_reach("extra-build-variables")
    return _target(project, environment, resolution.python, by_name=by_name)


def _target(project: str, environment: Environment, python: str, *, by_name: bool = True) -> BuildTarget:
    """Where a project is built, with the variables that the manifest gives to all builds and (`by_name`) to its own."""
    from .build_needs.model import BuildTarget

    building = environment.installer.building if environment.installer is not None else None
    own = building.extra_variables.get(project, {}) if building is not None and by_name else {}
    return BuildTarget(_minor(python), environment.platform.subdir, {**environment.variables, **own})


def _minor(python: str) -> tuple[int, int]:
    major, minor, *_ = (*python.split("."), "0", "0")
    return int(major), int(minor)
