"""Environment → Resolution: the conda packages first, then the PyPI projects over the overlay index."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .conda import (
    CondaFailure,
    CondaPackage,
    CondaQuestion,
    CondaResolution,
    CondaSession,
    Expected,
    FactCache,
    channel_url,
    closure,
    pypi_specifier,
    python_version,
)
from .connections import Connections
from .environment import Environment
from .errors import IndexAccessError
from .evidence import Unknown
from .index.model import (
    Distribution,
    IndexSettings,
    LocalProject,
    ProvidedProject,
    PypiFailure,
    PypiRequest,
    PypiResolution,
)
from .index.session import IndexSession
from .lazy_dataclass import dataclass
from .locks import JudgedLock, LockAnswer, Staleness
from .manifest.model import CondaSpec, IsolationEntry, NameMap, PypiOptions, PypiSpec
from .manifest.pixi_configuration import pixi_configuration
from .names import load_name_maps
from .sources.model import Gathered

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from .manifest.installer import NamedIndex
    from .pins import Dispute
    from .source_tree import SourceTree
    from .sources.gathering import SourceReader
    from .universal_lock import UniversalLock

__all__ = ["LookedAt", "Resolution", "Resolver"]

LookedAt = Callable[[str, Distribution], None]
"""Told the Python ("3.12") and an sdist that a resolution looks at."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an environment consists of.

    `source` is "lock", "solved", or "partial" (conda channels not reached: declared specs used as they are). `python`
    is the version as far as it is known ("3.12.7" or "3.12"). `lock_conda` are the conda packages that a metadata build
    sees while locking (the whole solve group's, and this machine's platform's; pixi.md P4), `conda` this environment's
    own. `conda_failure` and `failure` explain a resolution without a solution, `disputes` who wants what in the latter.
    `local` are path dependencies. `expected` is what conda would probably add to a partial answer.

    `host` is the platform on which this machine builds for the environment, "" where the environment has no platform of
    `machine`; `foreign` where no environment of the workspace has one: nothing of it can be installed here.

    `stale_lock` says why the workspace's lock is to be written anew; it may still have answered for this environment.

    `universal` is what `uv lock` covers (uv.md U3), None for everything that is not a uv project. Where it has no
    failure, `failure` is about what is installed of it.

    `tried` are source releases that the resolver takes up and gives up again.
    """

    source: str
    python: str
    conda: tuple[CondaPackage, ...]
    lock_conda: tuple[CondaPackage, ...]
    distributions: tuple[Distribution, ...]
    conda_failure: CondaFailure | None = None
    failure: PypiFailure | None = None
    local: tuple[LocalProject, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    expected: tuple[Expected, ...] = ()
    machine: str = ""
    host: str = ""
    foreign: bool = False
    stale_lock: Staleness | None = None
    universal: UniversalLock | None = None
    tried: tuple[Distribution, ...] = ()

    @property
    def only_locked(self) -> tuple[Distribution, ...]:
        """What locking has to know of, and this environment does not install: of a universal lock, or on the way."""
        universal = self.universal.distributions if self.universal is not None else ()
        installed = {(d.project, d.version) for d in self.distributions}
        return tuple(d for d in (*universal, *self.tried) if (d.project, d.version) not in installed)

    def distribution(self, project: str) -> Distribution | None:
        """The chosen distribution of a canonical project name."""
        return next((d for d in self.distributions if d.project == project), None)

    def unread(self, project: str) -> Unknown | None:
        """Why the source of a path, git or URL dependency could not be read, None for any other project."""
        return next((p.unread for p in self.local if p.project == project), None)


@dataclass(frozen=True, slots=True)
class _PypiPart:
    """What the index side of a resolution comes to."""

    answer: PypiResolution
    local: tuple[LocalProject, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    universal: UniversalLock | None = None


class Resolver:
    """Resolves the environments of one manifest; equal questions are asked once.

    `hosts` are the conda platforms of the machine that would build, its own first. Raises IndexAccessError only where
    the default index itself is not known; an index that fails is a failure of the resolution.
    """

    def __init__(
        self,
        environments: Sequence[Environment],
        session: IndexSession,
        channels: CondaSession,
        hosts: Sequence[str],
        locked: JudgedLock | None = None,
    ) -> None:
        self._session = session
        self._locked = locked
        self._channels = channels
        self._hosts = hosts
        self._subdirs = {e.platform.subdir for e in environments}
        self._by_name: dict[str, list[Environment]] = {}
        self._groups: dict[tuple[str, str], list[Environment]] = {}
        for environment in environments:
            self._by_name.setdefault(environment.name, []).append(environment)
            if environment.solve_group is not None:
                key = (environment.solve_group, environment.platform.name)
                self._groups.setdefault(key, []).append(environment)
        self._solved: dict[tuple[str, str, str], CondaResolution] = {}
        self._loaded_maps: Mapping[str, NameMap] | None = None
        self._lock = threading.Lock()
        self._projects: dict[object, Future[PypiResolution]] = {}
        self._sources: SourceReader | None = None
        self._unknowns: dict[Unknown, None] = {}

    @property
    def offline(self) -> bool:
        """Whether nothing may be asked: what is then missing is nobody's fault."""
        return self._session.offline

    @property
    def cache(self) -> FactCache:
        """Where facts are kept between runs."""
        return self._session.cache

    @property
    def workers(self) -> ThreadPoolExecutor:
        """Threads for what is asked side by side."""
        return self._session.workers()

    def is_one_question(self, one: Environment, other: Environment) -> bool:
        """Whether environments of one workspace get the same answer: they differ in name only, and no lock by that."""
        if replace(one, name=other.name) != other:
            return False
        lock = self._locked
        if lock is None:
            return True
        return lock.answer(one) is lock.answer(other) is None and lock.staleness(one) == lock.staleness(other)

    def named(self, environment: Environment) -> Environment:
        """The environment with what sources call themselves, where its lines give an address and no name."""
        nameless = [s for s in environment.pypi if s.nameless]
        python = environment.installer.python.version if environment.installer is not None else ""
        if not nameless or not python:
            return environment
        called = self.gathered(nameless, environment, python, set()).called
        renamed = {
            s: replace(s, name=own, spelled=own) for s in nameless if (own := called.get(s.name, s.name)) != s.name
        }
        return replace(environment, pypi=tuple(renamed.get(s, s) for s in environment.pypi))

    def resolve(self, environment: Environment, looked_at: LookedAt | None = None) -> Resolution:
        """What the lock says where it is good for the environment, else what pixi would write into a new one.

        While the index side is resolved, `looked_at` is told, from other threads, of the sdists that are looked at, and
        for which Python.
        """
        if self._locked is None:
            return self._solve(environment, looked_at)
        answer = self._locked.answer(environment)
        resolution = self._solve(environment, looked_at) if answer is None else self._from_lock(environment, answer)
        return replace(
            resolution,
            stale_lock=self._locked.staleness(environment),
            unknowns=(*self._locked.unknowns, *resolution.unknowns),
        )

    def _from_lock(self, environment: Environment, answer: LockAnswer) -> Resolution:
        """The lock's answer, with the folders and repositories in it read: nothing is asked of indexes or channels."""
        provided = {project for package in answer.conda for project, _ in package.projects}
        gathered = self.gathered(answer.sources, environment, answer.python, provided)
        versions = gathered.versions
        return Resolution(
            source="lock",
            python=answer.python,
            conda=answer.conda,
            lock_conda=answer.conda,
            distributions=tuple(
                d if d.version or d.project not in versions else replace(d, version=versions[d.project])
                for d in answer.distributions
            ),
            failure=answer.failure or gathered.failure,
            local=gathered.projects,
            unknowns=(*answer.unknowns, *gathered.unknowns),
            machine=self._hosts[0],
            host=self._host(environment),
            foreign=self._subdirs.isdisjoint(self._hosts),
        )

    def _solve(self, environment: Environment, looked_at: LookedAt | None) -> Resolution:
        """Resolve one environment together with its solve group, and keep the part that is its own."""
        group = self._group(environment)
        conda_of_group = self._conda(group)
        conda = conda_of_group.packages
        if len(group) > 1:
            conda = closure(conda, (s.name for s in environment.conda))
        host = self._host(environment)
        lock_conda = self._lock_conda(environment, conda_of_group, host)
        python, assumed = python_version(conda_of_group.packages)
        if environment.installer is not None and environment.installer.python.version:
            python, assumed = environment.installer.python.version, environment.installer.python.assumption
        unknowns = list(conda_of_group.unknowns)
        if assumed:
            unknowns.append(Unknown(f"assumed: {assumed}", subject="python"))
        part = _PypiPart(PypiResolution(()))
        wanted = _deduplicated(s for e in group for s in e.pypi)
        if wanted and not conda_of_group.failure:
            if python:
                part = self._pypi(environment, wanted, conda_of_group, python, looked_at)
                unknowns += part.unknowns
            else:
                part = _PypiPart(PypiResolution((), PypiFailure("no-python", NO_PYTHON)))
        answer = part.answer
        distributions = answer.distributions
        if len(group) > 1:
            distributions = _reachable(distributions, {s.name for s in environment.pypi})
        if answer.failure is not None and answer.failure.kind == "index":
            unknowns.append(Unknown(answer.failure.message, subject="package index", fault=not self.offline))
        return Resolution(
            source="solved" if conda_of_group.solved else "partial",
            python=python,
            conda=conda,
            lock_conda=lock_conda,
            distributions=distributions,
            conda_failure=conda_of_group.failure,
            failure=answer.failure,
            local=part.local,
            unknowns=(*self._unknowns, *unknowns, *answer.unknowns),
            disputes=part.disputes,
            universal=part.universal,
            tried=answer.tried if part.universal is None else part.universal.tried,
            expected=conda_of_group.expected,
            machine=self._hosts[0],
            host=host,
            foreign=self._subdirs.isdisjoint(self._hosts),
        )

    def build_environment(
        self,
        environment: Environment,
        python: str,
        requirements: Sequence[str],
        extra: Sequence[PypiSpec] = (),
        versions: Mapping[str, str] = MappingProxyType({}),
    ) -> PypiResolution:
        """What an isolated build installs for its requirements: resolved on their own, with the same index settings.

        Conda's packages, dependency overrides, the pre-release mode and a dependency's own index do not apply
        (pixi.md P5). What uv's configuration gives in addition (`extra`) is resolved together with the declared ones,
        from the index that the project names for it, within build-constraint-dependencies (uv.md U1, U3); `versions`
        are those of the resolution by project.
        """
        indexes = {s.name: s.index for s in environment.pypi if s.index}
        own = tuple(replace(s, index=indexes.get(s.name)) for s in extra)
        settings = _index_settings(environment, own)
        constraints = environment.installer.building.constraints if environment.installer is not None else ()
        lines = (line for s in own if (line := _requirement(s, versions)) is not None)
        request = PypiRequest(
            requirements=tuple(sorted({*requirements, *lines})),
            python_version=python,
            platform=environment.platform,
            indexes=replace(settings, prerelease_mode=IndexSettings().prerelease_mode),
            constraints=tuple(line for s in constraints if (line := _requirement(s, {})) is not None),
        )
        return self.ask(request)

    def source_tree(self, distribution: Distribution, projects: Iterable[LocalProject] = ()) -> SourceTree:
        """The files of a distribution that must be built, one of these local projects or an archive of an index.

        Raises IndexAccessError or ArchiveError.
        """
        for local in projects:
            if local.project == distribution.project:
                return local.tree
        return self._session.source_tree(distribution)

    def _group(self, environment: Environment) -> tuple[Environment, ...]:
        if environment.solve_group is None:
            return (environment,)
        return tuple(self._groups[environment.solve_group, environment.platform.name])

    def _conda(self, group: Sequence[Environment]) -> CondaResolution:
        first = group[0]
        key = (first.solve_group or "", "" if first.solve_group else first.name, first.platform.name)
        if key not in self._solved:
            question = CondaQuestion(
                specs=_conda_specs(group),
                channels=tuple(channel_url(c, first.root) for c in first.channels),
                platform=first.platform,
                channel_priority=first.channel_priority,
                strategy=first.solve_strategy,
                exclude_newer=first.exclude_newer,
                constraints=tuple(dict.fromkeys(c for e in group for c in e.constraints)),
                pypi_map=self._maps(first),
                exclude_newer_packages=first.exclude_newer_packages,
                exclude_newer_channels={channel_url(c, first.root): t for c, t in first.exclude_newer_channels.items()},
            )
            self._solved[key] = self._channels.solve(question)
        return self._solved[key]

    def _maps(self, environment: Environment) -> Mapping[str, NameMap] | None:
        """The manifest's conda-pypi-map (one for all environments) with its documents read, by channels as solved."""

        def read(location: str) -> str:
            if "://" in location and not location.startswith("file://"):
                try:
                    return self._session.document(location)
                except IndexAccessError as error:
                    raise OSError(error.message) from error
            return Path(environment.root, unquote(location.removeprefix("file://"))).read_text(encoding="utf-8")

        if self._loaded_maps is None and environment.conda_pypi_map is not None:
            maps, unknowns = load_name_maps(environment.conda_pypi_map, read)
            self._unknowns.update(dict.fromkeys(unknowns))
            self._loaded_maps = {channel_url(c, environment.root): m for c, m in (maps or {}).items()}
        return self._loaded_maps

    def _host(self, environment: Environment) -> str:
        """The platform on which this machine builds for an environment: its own, else one that it emulates."""
        subdirs = {e.platform.subdir for e in self._by_name[environment.name]}
        return next((host for host in self._hosts if host in subdirs), "")

    def _lock_conda(self, environment: Environment, own: CondaResolution, host: str) -> tuple[CondaPackage, ...]:
        """The packages of this machine's platform: another platform's lock builds on this host too (pixi.md P4)."""
        if environment.platform.subdir == host:
            return own.packages
        twin = next((e for e in self._by_name[environment.name] if e.platform.subdir == host), None)
        return self._conda(self._group(twin)).packages if twin else ()

    def _pypi(
        self,
        environment: Environment,
        wanted: Sequence[PypiSpec],
        conda: CondaResolution,
        python: str,
        looked_at: LookedAt | None,
    ) -> _PypiPart:
        universal: UniversalLock | None = None
        if environment.installer is not None and environment.installer.interface == "uv":
            from .uv_resolution import lock_universally

            universal, more, unknowns = lock_universally(environment, environment.installer, python, self)
            failure = universal.failure or universal.refused
            if failure is not None:
                return _PypiPart(PypiResolution((), failure), more, unknowns, (), universal)
        provided = _provided(conda.packages)
        overrides = environment.options.dependency_overrides or ()
        gathered = self.gathered((*wanted, *overrides), environment, python, {p.project for p in provided})
        request = self.request(environment, wanted, gathered, python)
        request = replace(
            request,
            provided=provided,
            constraints=(*request.constraints, *(universal.constraints if universal is not None else ())),
        )
        answer = self.ask(request, partial(looked_at, python) if looked_at is not None else None)
        disputed: tuple[Dispute, ...] = ()
        if gathered.failure is not None:
            answer = replace(answer, failure=gathered.failure)
        elif universal is None:
            from .pins import disputes

            disputed = disputes(request, answer, conda.packages, self.ask)
        local = gathered.projects
        if universal is not None:
            local = (*local, *(p for p in more if p.project not in gathered.versions))
        return _PypiPart(answer, local, gathered.unknowns, disputed, universal)

    def request(
        self, environment: Environment, wanted: Iterable[PypiSpec], gathered: Gathered, python: str
    ) -> PypiRequest:
        """The question for these dependencies with all that the manifest says of how they are resolved."""
        overrides = environment.options.dependency_overrides or ()
        versions = gathered.versions
        specs = tuple(wanted)
        request = PypiRequest(
            requirements=tuple(line for s in specs if (line := _requirement(s, versions)) is not None),
            python_version=python,
            platform=environment.platform,
            indexes=_with_hashes(_index_settings(environment, specs, gathered.indexes), environment, specs),
            overrides=(
                *(line for s in overrides if (line := _requirement(s, versions)) is not None),
                *gathered.any_version({s.name for s in overrides}),
            ),
            local=gathered.projects,
        )
        if environment.installer is None:
            return request
        settings = environment.installer.resolution
        return replace(
            request,
            constraints=tuple(line for s in settings.constraints if (line := _requirement(s, versions)) is not None),
            strategy=settings.strategy,
            excludes=settings.excludes,
            stated=environment.installer.building.metadata,
            scoped_overrides=settings.scoped_overrides,
            scoped_excludes=settings.scoped_excludes,
            alone=settings.alone,
        )

    def gathered(
        self, specs: Iterable[PypiSpec], environment: Environment, python: str, provided: set[str]
    ) -> Gathered:
        """What the dependencies by path, git or URL lead to; `provided` are the projects that conda gives."""
        sourced = [s for s in specs if s.source is not None]
        if not sourced:
            return Gathered()
        from .sources.gathering import SourceReader  # most manifests have none of these

        self._session.connect(_connections(environment))
        with self._lock:
            self._sources = self._sources or SourceReader(self._session)
        return self._sources.of(sourced, environment, python, provided)

    def ask(self, request: PypiRequest, looked_at: Callable[[Distribution], None] | None = None) -> PypiResolution:
        """The answer to a question of the index side; an equal one is asked once. For `looked_at` see `resolve`."""
        from concurrent.futures import Future

        key = _key(request)
        with self._lock:
            answer = self._projects.get(key)
            mine = answer is None
            answer = self._projects.setdefault(key, Future())
        if mine:
            from .index.resolutions import resolve_projects  # not needed where a lock answers

            try:
                answer.set_result(resolve_projects(request, self._session, looked_at))
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()


def _key(request: PypiRequest) -> object:
    """What makes two requests equal: local projects count by what they say, not by their files."""
    local = tuple((p.project, p.version, p.metadata.requires) for p in request.local)
    return replace(request, local=()), local


NO_PYTHON = "the environment has PyPI dependencies and no conda python to install them into"


def _conda_specs(group: Iterable[Environment]) -> tuple[CondaSpec, ...]:
    return tuple(dict.fromkeys(s for e in group for s in e.conda))


def _deduplicated(specs: Iterable[PypiSpec]) -> tuple[PypiSpec, ...]:
    return tuple(dict.fromkeys(specs))


def _provided(packages: Iterable[CondaPackage]) -> tuple[ProvidedProject, ...]:
    """What conda gives to the PyPI resolver; where nothing was solved, any version that the declared spec allows."""
    provided = {}
    for package in packages:
        for project, version in package.projects:
            specifier = "" if package.solved else pypi_specifier(package.version)
            provided[project] = ProvidedProject(project, version, specifier)
    return tuple(provided[name] for name in sorted(provided))


def _requirement(spec: PypiSpec, versions: Mapping[str, str]) -> str | None:
    """A dependency for the resolver: one from a source by the version found there, None where it was not wanted."""
    if spec.source is not None and spec.name not in versions:
        return None
    extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
    specifier = f"=={versions[spec.name]}" if spec.source is not None else spec.specifier
    return f"{spec.name}{extras}{specifier}" + (f" ; {spec.marker}" if spec.marker else "")


def _index_settings(
    environment: Environment, specs: Iterable[PypiSpec], more: Iterable[tuple[str, str]] = ()
) -> IndexSettings:
    options: PypiOptions = environment.options
    default = IndexSettings()
    told = environment.installer.resolution if environment.installer is not None else None
    entries = told.indexes if told is not None else ()
    flat = {e.url for e in entries if e.format == "flat"}
    return IndexSettings(
        index_url=options.index_url,
        extra_index_urls=_in_order(options.extra_index_urls or (), entries),
        find_links=tuple(f for f in options.find_links or () if (f.url or f.path) not in flat),
        index_strategy=options.index_strategy or (PIP_STRATEGY if _is_pip(environment) else default.index_strategy),
        prerelease_mode=options.prerelease_mode or default.prerelease_mode,
        exclude_newer=environment.pypi_exclude_newer or environment.exclude_newer,
        no_build=_names(options.no_build),
        no_binary=_names(options.no_binary),
        project_indexes=(*more, *((s.name, s.index) for s in specs if s.index)),
        root=environment.root,
        no_index=told is not None and told.no_index,
        wheels_first=told is not None and told.wheels_first,
        exclude_newer_projects=tuple(sorted(environment.pypi_exclude_newer_packages.items())),
        entries=tuple(replace(e, place=None) for e in entries),
        connections=_connections(environment),
    )


def _connections(environment: Environment) -> Connections:
    told = environment.installer
    return told.resolution.connections if told is not None else pixi_configuration(environment.root)


def _in_order(urls: Sequence[str], entries: Sequence[NamedIndex]) -> tuple[str, ...]:
    """All indexes but the default one: flat entries have their place among the others."""
    listed = tuple(e.url for e in entries if not e.default and not e.explicit)
    return tuple(dict.fromkeys((*(u for u in urls if u not in listed), *listed)))


def _with_hashes(settings: IndexSettings, environment: Environment, specs: Iterable[PypiSpec]) -> IndexSettings:
    """The settings for what the user asks for: what a build requires needs no hashes.

    Only an exact version can have some: pip 26 refuses others, uv 0.13.8 ignores their hashes (seen).
    """
    installer = environment.installer
    if installer is None:
        return settings
    given: dict[str, tuple[str, ...]] = {}
    for spec in (*specs, *installer.resolution.constraints):
        if spec.hashes and EXACT.fullmatch(spec.specifier):
            given[spec.name] = (*given.get(spec.name, ()), *spec.hashes)
    required = installer.resolution.hashes_required
    return replace(settings, hashes=tuple(sorted(given.items())), hashes_required=required)


EXACT = re.compile(r"===?[^,*]+")


PIP_STRATEGY = "unsafe-best-match"
"""pip knows no order among its indexes: the highest version wins wherever it is."""


def _is_pip(environment: Environment) -> bool:
    return environment.installer is not None and environment.installer.interface == "pip"


def _names(value: bool | tuple[IsolationEntry, ...] | None) -> bool | tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(e.name for e in value)
    return bool(value)


def _reachable(distributions: Sequence[Distribution], roots: set[str]) -> tuple[Distribution, ...]:
    """The distributions that one environment of a solve group wants: what its own requirements lead to."""
    required: dict[str, list[str]] = {d.project: [] for d in distributions}
    for distribution in distributions:
        for parent in distribution.required_by:
            required.setdefault(parent, []).append(distribution.project)
    reached: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += required.get(name, ())
    return tuple(d for d in distributions if d.project in reached)
