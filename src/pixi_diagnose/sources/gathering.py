"""The path, git and URL dependencies of an environment, and those that these require in turn.

As uv's look-ahead does it (uv 0.13; pixi 0.77 calls the same): what is not on an index is read before anything is
resolved, and the URLs that it requires count as if the user had written them. A release of an index may require none
(`resolver` says so of those that do).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from ..build_needs.model import BuildTarget
from ..environment import Environment
from ..errors import ArchiveError, IndexAccessError, SourceError
from ..evidence import Unknown
from ..index.model import LocalProject, PypiFailure
from ..lazy_dataclass import dataclass
from ..manifest.model import PathSource, PypiSpec
from ..metadata import own_name, static_metadata, unread_metadata, wheel_metadata
from ..source_tree import SourceTree
from .lowering import Lowered, lower
from .model import UNKNOWN_VERSION, Gathered, Source, Wanted
from .reading import ReadSource, location_of, read_source, version_in_name
from .silence import note_silence, silence

if TYPE_CHECKING:
    from ..index.session import IndexSession
    from ..index.tags import Target

__all__ = ["SourceReader"]

PIXI = "0.77"
SIDE_BY_SIDE = 6
"""How many sources are read at once."""
KINDS = {"GitSource": "git", "PathSource": "directory", "UrlSource": "sdist"}


@dataclass(slots=True)
class _Gathering:
    """The state of one gathering: projects by name, where each was read, and what its requirements mean.

    `members` are projects that another one requires as a member of its workspace on disk, and that one.
    """

    reads_uv: bool = True
    projects: dict[str, LocalProject] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    requires: dict[str, list[Lowered]] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    unknowns: dict[Unknown, None] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    failure: PypiFailure | None = None

    def fail(self, message: str, project: str) -> None:
        """Note what the tool would stop at; it names the first."""
        if self.failure is None:
            self.failure = PypiFailure("conflict", message, (project,))


class SourceReader:
    """Reads the sources of a run, each once. Safe between threads."""

    def __init__(self, session: IndexSession) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._read: dict[tuple[str, Source], ReadSource | Exception] = {}

    def of(
        self, specs: Iterable[PypiSpec], environment: Environment, python: str, provided: Collection[str]
    ) -> Gathered:
        """What the dependencies of an environment that have a source lead to, for its Python and platform.

        `provided` are the projects that conda gives: a source for one of them is an error of pixi 0.77 (pixi.md P7).
        """
        from ..index.tags import Target

        target = Target.of(environment.platform, python)
        major, minor = (*python.split("."), "0")[:2]
        build = BuildTarget((int(major), int(minor)), environment.platform.subdir, environment.variables)
        markers = target.markers()
        here = {s: not s.marker or _holds(s.marker, "", markers) for s in specs if s.source is not None}
        wanted = [
            Wanted(s.name, s.source, frozenset(s.extras), nameless=s.nameless)
            for s, holds in here.items()
            if holds and s.source
        ]
        # pip knows nothing of [tool.uv.sources]
        reads_uv = environment.installer is None or environment.installer.interface != "pip"
        alone = environment.installer is not None and environment.installer.resolution.alone
        gathered = self.gather(wanted, environment.root, target, build, provided, reads_uv=reads_uv, follows=not alone)
        return _as_pixi_takes_it(gathered, here, environment.root) if environment.dialect == "pixi" else gathered

    def gather(
        self,
        wanted: Sequence[Wanted],
        root: str,
        target: Target,
        build: BuildTarget,
        provided: Collection[str] = (),
        *,
        reads_uv: bool = True,
        follows: bool = True,
    ) -> Gathered:
        """Read these projects and what they require from sources, for one target. Never raises for what a source holds.

        Relative paths start from `root`. `reads_uv` says whether `[tool.uv.sources]` count, `follows` whether what they
        require is read as well.
        """
        state = _Gathering(reads_uv)
        environment = target.markers()
        followed: set[tuple[str, str]] = set()
        wave = list(wanted)
        while wave:
            allowed = [w for w in wave if not _is_provided(w, provided, state)]
            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                found = list(pool.map(lambda w: self._source(w.source, root), allowed))
            wave = []
            for one, read in zip(allowed, found, strict=True):
                self._add(one, read, target, build, state)
                for extra in ("", *sorted(one.extras)) if follows else ():
                    if (one.project, extra) not in followed:
                        followed.add((one.project, extra))
                        wave += _required(one, extra, environment, state)
        extras = {name: frozenset(e for p, e in followed if p == name and e) for name in state.projects}
        return Gathered(
            tuple(state.projects[name] for name in sorted(state.projects)),
            tuple(sorted(state.indexes.items())),
            tuple(state.unknowns),
            state.failure,
            extras,
            state.members,
            state.called,
        )

    def _source(self, source: Source, root: str) -> ReadSource | Exception:
        key = (root, source)
        with self._lock:
            if key in self._read:
                return self._read[key]
        found: ReadSource | Exception
        try:
            known = self._session.unreachable.get(key) or silence(source, self._session)
            found = known or read_source(source, root, self._session)
        except IndexAccessError as error:
            note_silence(source, error, self._session)
            found = self._session.unreachable[key] = error
        except (SourceError, ArchiveError) as error:
            found = error
        with self._lock:
            return self._read.setdefault(key, found)

    def _add(
        self, wanted: Wanted, read: ReadSource | Exception, target: Target, build: BuildTarget, state: _Gathering
    ) -> None:
        name = wanted.project
        if not isinstance(read, ReadSource):
            if name not in state.projects:
                state.projects[name] = self._unread(wanted, read, state)
            return
        if name in state.resources:
            if state.resources[name] != read.resource:
                first = state.projects[name].tree.location
                state.fail(f"{name} is wanted from two places: {first} and {read.tree.location}", name)
            return
        state.resources[name] = read.resource
        project, called, problem = _project(name, read, target, build)
        if wanted.nameless:
            state.called[name] = called
        elif problem:
            state.fail(problem, name)
        try:
            lowered = lower(
                project.metadata.requires,
                name,
                read.files if state.reads_uv else None,
                lambda marker: _holds(marker, "", target.markers()),
            )
        except SourceError as error:
            state.fail(error.message, name)
            lowered = [Lowered(line) for line in project.metadata.requires]
        lines = tuple(one.line for one in lowered)
        state.projects[name] = replace(project, metadata=replace(project.metadata, requires=lines))
        state.requires[name] = lowered

    def _unread(self, wanted: Wanted, error: Exception, state: _Gathering) -> LocalProject:
        """A project whose source was not read: it is there all the same, and nothing is known of it."""
        message = getattr(error, "message", str(error))
        location = location_of(wanted.source)
        refused = isinstance(error, SourceError)
        if refused:
            state.fail(f"{wanted.project}: {message}", wanted.project)
        unknown = Unknown(message, (), wanted.project, fault=not (refused or self._session.offline))
        state.unknowns[unknown] = None
        metadata = unread_metadata(wanted.project, UNKNOWN_VERSION, unknown, built=True)
        kind = "wheel" if location.endswith(".whl") else KINDS[type(wanted.source).__name__]
        tree = SourceTree(kind, location, "", {}, {}, complete=False, unknowns=(unknown,))
        return LocalProject(wanted.project, UNKNOWN_VERSION, metadata, tree, kind, unread=unknown)


def _as_pixi_takes_it(gathered: Gathered, here: Mapping[PypiSpec, bool], root: str) -> Gathered:
    """With what pixi 0.77 refuses beyond uv (seen); `here` says of the manifest's own sources whether they apply."""
    if gathered.failure is not None:
        return gathered
    direct = {spec.name for spec in here}
    member = next((m for m in gathered.members if m not in direct), None)
    if member is not None:  # "expected given path for file:///… but none found"
        by = gathered.members[member]
        message = (
            f"{by} requires {member} as a member of its workspace (`workspace = true`), and pixi {PIXI} cannot lock "
            f"that unless the manifest gives {member} as a path dependency, too"
        )
        return replace(gathered, failure=PypiFailure("conflict", message, (by, member)))
    for spec, applies in here.items():  # every path is looked for, whether its marker holds or not
        source = spec.source
        if not applies and isinstance(source, PathSource) and not Path(root, source.path).exists():
            message = f"{spec.name}: there is nothing at {source.path}"
            return replace(gathered, failure=PypiFailure("conflict", message, (spec.name,)))
    return gathered


def _is_provided(wanted: Wanted, provided: Collection[str], state: _Gathering) -> bool:
    if wanted.project not in provided:
        return False
    by = f" by {wanted.required_by}" if wanted.required_by else ""
    state.fail(
        f"{wanted.project} is given{by} as path, git or url, and a conda package provides it already", wanted.project
    )
    return True


def _project(name: str, read: ReadSource, target: Target, build: BuildTarget) -> tuple[LocalProject, str, str]:
    """What a source offers as a project, what it calls itself, and why the tool would refuse it ("" if it does not)."""
    version = version_in_name(read.filename, name)
    if read.wheel_metadata is not None:
        metadata = wheel_metadata(read.wheel_metadata, name, version)
        problem = _wheel_problem(name, read.filename, target)
        return LocalProject(name, version, metadata, read.tree, "wheel"), metadata.project, problem
    metadata = static_metadata(read.tree, name)
    named = own_name(read.tree)[0] if read.kind == "sdist" or "pyproject.toml" in read.tree.files else ""
    metadata = replace(metadata, project=named or name)
    if not (metadata.is_static_for("pixi") and metadata.version):
        from .dynamic_metadata import predicted  # reads build scripts; most projects need none of it

        metadata = predicted(metadata, read.tree, build)
    if metadata.version == UNKNOWN_VERSION and version:
        metadata = replace(metadata, version=version)
    # uv 0.13, pixi 0.77: "Package metadata name `other` does not match given name"
    called = metadata.project
    problem = "" if called == name else f"what {read.tree.location} gives is {called}, not {name}"
    return LocalProject(name, metadata.version, replace(metadata, project=name), read.tree, read.kind), called, problem


def _wheel_problem(name: str, filename: str, target: Target) -> str:
    """Why a wheel that is given by its address cannot be installed: another project's, or for another platform."""
    from ..index.tags import describe_misfits

    if not version_in_name(filename, name):
        return f"{filename} is no wheel of {name}"
    if any(target.rank(str(tag)) is not None for tag in parse_wheel_filename(filename)[3]):
        return ""
    return f"{filename}: {describe_misfits([filename], target)}"


def _required(by: Wanted, extra: str, environment: Mapping[str, str], state: _Gathering) -> list[Wanted]:
    """What a project requires from sources, by itself or with an extra."""
    found: list[Wanted] = []
    for lowered in state.requires.get(by.project, ()):
        try:
            requirement = Requirement(lowered.line)
        except InvalidRequirement:
            continue
        marker = str(requirement.marker or "")
        if (extra and "extra" not in marker) or (marker and not _holds(marker, extra, environment)):
            continue
        name = canonicalize_name(requirement.name)
        extras = frozenset(map(canonicalize_name, requirement.extras))
        if lowered.index is not None:
            state.indexes.setdefault(name, lowered.index)
        elif name == by.project:  # an extra made of the project's other extras
            found.append(replace(by, extras=extras, required_by=name))
        elif lowered.source is not None:
            if lowered.member and isinstance(lowered.source, PathSource):
                state.members.setdefault(name, by.project)
            found.append(Wanted(name, lowered.source, extras, by.project))
    return found


def _holds(marker: str, extra: str, environment: Mapping[str, str]) -> bool:
    try:
        return Marker(marker).evaluate({**environment, "extra": extra})
    except (InvalidMarker, UndefinedEnvironmentName, ValueError):
        return False
