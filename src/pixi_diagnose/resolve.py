"""Environment → Resolution: the conda packages first, then the PyPI projects over the overlay index."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from .conda import (
    CondaPackage,
    CondaQuestion,
    CondaResolution,
    FactCache,
    closure,
    pypi_specifier,
    python_version,
    solve,
)
from .environment import Environment
from .evidence import Unknown
from .index import IndexSession, resolve_projects
from .index.model import (
    Distribution,
    IndexSettings,
    LocalProject,
    ProvidedProject,
    PypiFailure,
    PypiRequest,
    PypiResolution,
)
from .manifest.model import CondaSpec, IsolationEntry, NameMap, PathSource, PypiOptions, PypiSpec
from .metadata import static_metadata
from .names import load_name_maps
from .source_tree import SourceTree, read_directory

__all__ = ["Resolution", "Resolver"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an environment consists of.

    `source` is "lock", "solved", or "partial" (conda channels not reached: declared specs used as they are). `python`
    is the version as far as it is known ("3.12.7" or "3.12"). `lock_conda` are the conda packages that a metadata build
    sees while locking (the whole solve group's, and this machine's platform's; pixi.md P4), `conda` this environment's
    own. `conda_failure` and `failure` explain a resolution without a solution. `local` are path dependencies.
    """

    source: str
    python: str
    conda: tuple[CondaPackage, ...]
    lock_conda: tuple[CondaPackage, ...]
    distributions: tuple[Distribution, ...]
    conda_failure: str = ""
    failure: PypiFailure | None = None
    local: tuple[LocalProject, ...] = ()
    unknowns: tuple[Unknown, ...] = ()

    def distribution(self, project: str) -> Distribution | None:
        """The chosen distribution of a canonical project name."""
        return next((d for d in self.distributions if d.project == project), None)


class Resolver:
    """Resolves the environments of one manifest; equal questions are asked once.

    `host` is the conda platform of the machine that would build. Raises IndexAccessError only where the default index
    itself is not known; an index that fails is a failure of the resolution.
    """

    def __init__(self, environments: Sequence[Environment], session: IndexSession, host: str) -> None:
        self._environments = environments
        self._session = session
        self._host = host
        self._solved: dict[tuple[str, str, str], CondaResolution] = {}
        self._lock = threading.Lock()
        self._projects: dict[object, Future[PypiResolution]] = {}
        self._local: dict[str, LocalProject | Unknown] = {}
        self._unknowns: dict[Unknown, None] = {}

    @property
    def offline(self) -> bool:
        """Whether nothing may be asked: what is then missing is nobody's fault."""
        return self._session.offline

    @property
    def cache(self) -> FactCache:
        """Where facts are kept between runs."""
        return self._session.cache

    def resolve(self, environment: Environment) -> Resolution:
        """Resolve one environment together with its solve group, and keep the part that is its own."""
        group = self._group(environment)
        conda_of_group = self._conda(group)
        conda = conda_of_group.packages
        if len(group) > 1 and conda_of_group.solved:
            conda = closure(conda, (s.name for s in environment.conda))
        elif len(group) > 1:
            conda = tuple(p for p in conda if p.name in {s.name for s in environment.conda})
        lock_conda = self._lock_conda(environment, conda_of_group)
        python, assumed = python_version(conda_of_group.packages)
        unknowns = list(conda_of_group.unknowns)
        if assumed:
            unknowns.append(Unknown(f"assumed: {assumed}", subject="python"))
        answer = PypiResolution(())
        local: tuple[LocalProject, ...] = ()
        wanted = _deduplicated(s for e in group for s in e.pypi)
        if wanted and not conda_of_group.failure:
            if python:
                answer, local, reasons = self._pypi(environment, wanted, conda_of_group, python)
                unknowns += reasons
            else:
                answer = PypiResolution((), PypiFailure("no-python", NO_PYTHON))
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
            local=local,
            unknowns=(*self._unknowns, *unknowns, *answer.unknowns),
        )

    def build_environment(
        self, environment: Environment, resolution: Resolution, requirements: Sequence[str]
    ) -> PypiResolution:
        """What an isolated build installs for its requirements: resolved on its own, with the same index settings.

        Conda's packages, dependency overrides, the pre-release mode and a dependency's own index do not apply
        (pixi.md P5).
        """
        settings = _index_settings(environment, ())
        request = PypiRequest(
            requirements=tuple(sorted(set(requirements))),
            python_version=resolution.python,
            platform=environment.platform,
            indexes=IndexSettings(
                index_url=settings.index_url,
                extra_index_urls=settings.extra_index_urls,
                find_links=settings.find_links,
                index_strategy=settings.index_strategy,
                exclude_newer=settings.exclude_newer,
                no_build=settings.no_build,
                no_binary=settings.no_binary,
                root=settings.root,
            ),
        )
        return self._ask(request)

    def source_tree(self, distribution: Distribution, resolution: Resolution) -> SourceTree:
        """The files of a distribution that must be built. Raises IndexAccessError or ArchiveError."""
        for local in resolution.local:
            if local.project == distribution.project:
                return local.tree
        return self._session.source_tree(distribution)

    def _group(self, environment: Environment) -> tuple[Environment, ...]:
        if environment.solve_group is None:
            return (environment,)
        return tuple(
            e
            for e in self._environments
            if e.solve_group == environment.solve_group and e.platform.name == environment.platform.name
        )

    def _conda(self, group: Sequence[Environment]) -> CondaResolution:
        first = group[0]
        key = (first.solve_group or "", "" if first.solve_group else first.name, first.platform.name)
        if key not in self._solved:
            question = CondaQuestion(
                specs=_conda_specs(group),
                channels=first.channels,
                platform=first.platform,
                channel_priority=first.channel_priority,
                strategy=first.solve_strategy,
                exclude_newer=first.exclude_newer,
                constraints=tuple(dict.fromkeys(c for e in group for c in e.constraints)),
                pypi_map=self._maps(first),
            )
            self._solved[key] = solve(question, self._session.cache, max_age=self._session.max_age)
        return self._solved[key]

    def _maps(self, environment: Environment) -> Mapping[str, NameMap] | None:
        """The manifest's conda-pypi-map with its documents read from disk; a remote one is an unknown."""

        def read(location: str) -> str:
            if "://" in location and not location.startswith("file://"):
                raise OSError("it is not on this machine")
            return Path(environment.root, unquote(location.removeprefix("file://"))).read_text(encoding="utf-8")

        maps, unknowns = load_name_maps(environment.conda_pypi_map, read)
        self._unknowns.update(dict.fromkeys(unknowns))
        return maps

    def _lock_conda(self, environment: Environment, own: CondaResolution) -> tuple[CondaPackage, ...]:
        """The packages of this machine's platform: another platform's lock builds on this host too (pixi.md P4)."""
        if environment.platform.subdir == self._host:
            return own.packages
        twin = next(
            (e for e in self._environments if e.name == environment.name and e.platform.subdir == self._host), None
        )
        return self._conda(self._group(twin)).packages if twin else ()

    def _pypi(
        self, environment: Environment, wanted: Sequence[PypiSpec], conda: CondaResolution, python: str
    ) -> tuple[PypiResolution, tuple[LocalProject, ...], list[Unknown]]:
        provided = _provided(conda.packages)
        by_conda = {p.project for p in provided}
        unknowns: list[Unknown] = []
        requirements: list[str] = []
        local: dict[str, LocalProject] = {}
        for spec in wanted:
            if spec.source is None:
                requirements.append(_requirement(spec))
            elif spec.name in by_conda:
                # pixi 0.77, P7: a git, path or url spec for a conda-provided name is an error
                message = f"{spec.spelled} is given as path, git or url, and a conda package provides it already"
                return PypiResolution((), PypiFailure("conflict", message, (spec.name,))), (), unknowns
            else:
                found = self._local_project(spec, environment.root)
                if isinstance(found, Unknown):
                    unknowns.append(found)
                else:
                    local[found.project] = found
                    requirements.append(_requirement(spec, version=found.version))
        request = PypiRequest(
            requirements=tuple(requirements),
            python_version=python,
            platform=environment.platform,
            indexes=_index_settings(environment, wanted),
            overrides=tuple(_requirement(s) for s in environment.options.dependency_overrides or ()),
            provided=provided,
            local=tuple(local.values()),
        )
        return self._ask(request), tuple(local.values()), unknowns

    def _ask(self, request: PypiRequest) -> PypiResolution:
        key = _key(request)
        with self._lock:
            answer = self._projects.get(key)
            mine = answer is None
            answer = self._projects.setdefault(key, Future())
        if mine:
            try:
                answer.set_result(resolve_projects(request, self._session))
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()

    def _local_project(self, spec: PypiSpec, root: str) -> LocalProject | Unknown:
        source = spec.source
        if not isinstance(source, PathSource):
            where = getattr(source, "url", "")
            return Unknown(f"{spec.spelled} comes from {where}, which was not read", subject=spec.name)
        path = (Path(root) / source.path).resolve()
        key = str(path)
        if key not in self._local:
            self._local[key] = _read_local(spec, path, source.path)
        return self._local[key]


def _key(request: PypiRequest) -> object:
    """What makes two requests equal: local projects count by what they say, not by their files."""
    local = tuple((p.project, p.version, p.metadata.requires) for p in request.local)
    return replace(request, local=()), local


NO_PYTHON = "the environment has PyPI dependencies and no conda python to install them into"


def _read_local(spec: PypiSpec, path: Path, written: str) -> LocalProject | Unknown:
    if not path.is_dir():
        return Unknown(f"{spec.spelled}: {written} is not a folder that can be read", subject=spec.name)
    tree = read_directory(path, location=written)
    metadata = static_metadata(tree, spec.name)
    if not metadata.version:  # setup.py alone says it; nothing depends on which one it is
        metadata = replace(metadata, version="0")
    return LocalProject(spec.name, metadata.version, metadata, tree, "directory")


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


def _requirement(spec: PypiSpec, version: str | None = None) -> str:
    extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
    specifier = f"=={version}" if version is not None else spec.specifier
    return f"{spec.name}{extras}{specifier}" + (f" ; {spec.marker}" if spec.marker else "")


def _index_settings(environment: Environment, specs: Iterable[PypiSpec]) -> IndexSettings:
    options: PypiOptions = environment.options
    default = IndexSettings()
    return IndexSettings(
        index_url=options.index_url,
        extra_index_urls=options.extra_index_urls or (),
        find_links=options.find_links or (),
        index_strategy=options.index_strategy or default.index_strategy,
        prerelease_mode=options.prerelease_mode or default.prerelease_mode,
        exclude_newer=environment.pypi_exclude_newer or environment.exclude_newer,
        no_build=_names(options.no_build),
        no_binary=_names(options.no_binary),
        project_indexes=tuple((s.name, s.index) for s in specs if s.index),
        root=environment.root,
    )


def _names(value: bool | tuple[IsolationEntry, ...] | None) -> bool | tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(e.name for e in value)
    return bool(value)


def _reachable(distributions: Sequence[Distribution], roots: set[str]) -> tuple[Distribution, ...]:
    """The distributions that one environment of a solve group wants: what its own requirements lead to."""
    by_name = {d.project: d for d in distributions}
    reached: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name in reached or name not in by_name:
            continue
        reached.add(name)
        todo += [d.project for d in distributions if name in d.required_by]
    return tuple(d for d in distributions if d.project in reached)
