"""What must be built → what its build needs: archives read, scripts analysed, isolated build environments resolved."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, as_completed
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from .build_needs.model import BuildNeeds, BuildTarget
from .environment import Environment
from .errors import ArchiveError, IndexAccessError
from .evidence import Unknown
from .frontends.extra_requirements import extra_requirements
from .frontends.model import BuildSubject
from .index.model import Distribution
from .kept_values import from_bytes, to_bytes
from .resolve import Resolution, Resolver
from .source_tree import SourceTree

__all__ = ["build_subjects"]


def build_subjects(
    environment: Environment, resolution: Resolution, resolver: Resolver, progress: Callable[[str], None]
) -> list[BuildSubject]:
    """What must be built in a resolution, in its order, with needs and build environment; then what only a lock needs.

    Archives and build environments are asked for side by side, each as soon as it can be; scripts are read one after
    the other. A source that cannot be had is a subject without needs and with its unknown.
    """
    built = [d for d in resolution.distributions if d.built]
    built += [d for d in resolution.only_locked if d.built and _may_be_dynamic(d)]
    if not built:
        return []
    targets = {d.project: _target(d.project, environment, resolution) for d in built}
    subjects: dict[Distribution, Future[BuildSubject]] = {}
    pool = resolver.workers

    def complete(subject: BuildSubject) -> None:
        subjects[subject.distribution] = pool.submit(with_build_environment, subject, environment, resolution, resolver)

    unread = []
    for distribution in built:
        source = resolution.unread(distribution.project)
        needs = known_needs(distribution, targets[distribution.project], resolver)
        if source is not None:
            complete(BuildSubject(distribution, None, source))
        elif needs is None:
            unread.append(distribution)
        else:
            complete(BuildSubject(distribution, needs))
    trees = {pool.submit(resolver.source_tree, d, resolution): d for d in unread}
    for tree in as_completed(trees):
        distribution = trees[tree]
        progress(f"reading {distribution.project} {distribution.version}")
        try:
            needs = read_needs(distribution, tree.result(), targets[distribution.project], resolver)
            complete(BuildSubject(distribution, needs))
        except (IndexAccessError, ArchiveError) as error:
            reason = Unknown(error.message, subject=distribution.project, fault=not resolver.offline)
            complete(BuildSubject(distribution, None, reason))
    progress("resolving build requirements")
    return [subjects[d].result() for d in built]


def with_build_environment(
    subject: BuildSubject, environment: Environment, resolution: Resolution, resolver: Resolver
) -> BuildSubject:
    """The subject with what an isolated build of it would install."""
    if subject.needs is None:
        return subject
    wanted = (*subject.needs.build_system.requires, *subject.needs.hook_requirements)
    extra = extra_requirements(environment.installer, resolution, subject.distribution.project)
    resolved = resolver.build_environment(environment, resolution, wanted, extra)
    return replace(subject, build_environment=resolved, extra_requirements=tuple(s.name for s in extra))


def known_needs(distribution: Distribution, target: BuildTarget, resolver: Resolver) -> BuildNeeds | None:
    """What an earlier run found in the same archive, None if none did."""
    from .build_needs import facts

    kept = resolver.cache.get("needs", facts.key(distribution.sha256, target)) if distribution.sha256 else None
    with suppress(ValueError, TypeError):
        return _decoded(kept) if kept else None
    return None


@lru_cache(maxsize=64)  # many environments build the same archive
def _decoded(kept: bytes) -> BuildNeeds:
    return from_bytes(BuildNeeds, kept)


def read_needs(distribution: Distribution, tree: SourceTree, target: BuildTarget, resolver: Resolver) -> BuildNeeds:
    """Analyse a source tree, and keep the answer for the next run of the same archive."""
    from .build_needs import facts
    from .build_needs.analysis import analyse_build

    needs = analyse_build(tree, target, project=distribution.project, version=distribution.version)
    if distribution.sha256:
        resolver.cache.put("needs", facts.key(distribution.sha256, target), to_bytes(needs))
    return needs


def _may_be_dynamic(distribution: Distribution) -> bool:
    """Whether some version of uv builds it to know its metadata (uv.md U2)."""
    metadata = distribution.metadata
    return metadata is None or not metadata.is_static_for("uv") or bool(metadata.loosely_dynamic)


def _target(project: str, environment: Environment, resolution: Resolution) -> BuildTarget:
    """Where a project is built, with the variables that the manifest gives to all builds and to its own."""
    building = environment.installer.building if environment.installer is not None else None
    own = building.extra_variables.get(project, {}) if building is not None else {}
    return BuildTarget(_minor(resolution.python), environment.platform.subdir, {**environment.variables, **own})


def _minor(python: str) -> tuple[int, int]:
    major, minor, *_ = (*python.split("."), "0", "0")
    return int(major), int(minor)
