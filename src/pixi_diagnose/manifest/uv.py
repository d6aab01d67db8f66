"""The uv dialect: a uv project or workspace, and any other pyproject.toml that is no manifest of pixi (uv.md U1, U3).

Read for uv (`uv lock`, `uv sync`) or for pip (`pip install .`), which takes the standard tables alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

from packaging.specifiers import SpecifierSet

from ..connections import Connections
from ..errors import UsageError
from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .addresses import below
from .fields import Problems, nearest
from .installer import (
    Conflict,
    DeclaredRequirement,
    Installer,
    ProjectLayout,
    ResolutionSettings,
    Scope,
)
from .invocation import Invocation
from .markers import all_of
from .model import (
    EnvironmentDeclaration,
    Feature,
    Manifest,
    ManifestProblem,
    PathSource,
    PypiOptions,
    PypiSpec,
    TargetTable,
    UnreadTable,
)
from .platforms import bare_platform
from .problem_places import placed_problems
from .pyproject import ResolvedProject, resolve_project
from .requirements import RequirementFiles, read_pip_defaults
from .surroundings import Surroundings
from .target_python import target_python
from .unnamed import named_by
from .unread import tables_that_pip_ignores
from .uv_discovery import FoundOptions, find_options
from .uv_installer import build_settings, connections_of, indexes_of, isolation_from, pypi_options
from .uv_sources import Lowering
from .uv_tables import UvTables
from .uv_workspace import ProjectFile, ProjectFiles, Workspace

__all__ = ["ENVIRONMENT", "read_uv"]

ENVIRONMENT = "default"
"""The name of the one environment that uv and pip fill."""


def read_uv(text: str, path: str, invocation: Invocation, surroundings: Surroundings) -> Manifest:
    """Read a pyproject.toml as uv does, or as pip where the invocation's frontend is "pip".

    Its one environment is filled for each of the invocation's platforms. What uv would stop at are the manifest's
    problems; settings that it warns about and drops are `unread`. Raises ManifestError where a file is no TOML, and
    UsageError for a group or extra that does not exist.
    """
    return _Reader(text, path, invocation, surroundings).manifest()


class _Reader:
    def __init__(self, text: str, path: str, invocation: Invocation, surroundings: Surroundings) -> None:
        self.path = path
        self.invocation = invocation
        self.surroundings = surroundings
        self.unknowns: list[Unknown] = []
        self.uses_uv = invocation.frontend != "pip"
        self.files = ProjectFiles(text, path, surroundings, tables=self.uses_uv)
        self.pip = RequirementFiles() if self.uses_uv else read_pip_defaults(path, surroundings)

    def manifest(self) -> Manifest:
        workspace = self.files.workspace()
        current, root = workspace.current, workspace.root
        for file in workspace.files:
            self._resolve_names(file)
        found = self._options(root)
        layout = self._layout(workspace, tuple(self._declared(workspace, found)))
        python = target_python(
            self.invocation.python,
            ",".join(filter(None, dict.fromkeys(f.requires_python for f in (root, *workspace.members)))),
            variable=self.surroundings.variable("UV_PYTHON") if self.uses_uv else None,
            version_file=self.files.text(".python-version") if self.uses_uv else None,
        )
        # uv takes these from the workspace's root, whatever the settings are (seen with uv 0.13.8)
        tables = root.tables if self.uses_uv else UvTables()
        return Manifest(
            dialect="uv",
            path=self.path,
            root=str(PurePath(self.path).parent),
            name=current.draft.name if current.draft is not None else "",
            channels=(),
            platforms=tuple(bare_platform(subdir) for subdir in self.invocation.platforms),
            features={"default": Feature("default", (TargetTable(None, pypi=self._chosen(current, layout)),))},
            environments=(EnvironmentDeclaration(ENVIRONMENT),),
            options=self._pypi_options(found, tables),
            pypi_exclude_newer=found.options.exclude_newer or None,
            pypi_exclude_newer_packages=found.options.exclude_newer_package or {},
            requires=current.requires_python or None,
            unread=(*found.unread, *self.pip.unread, *self._unread_by_pip(current)),
            problems=(*self._problems(workspace), *found.problems, *self.pip.problems),
            unknowns=(*self.unknowns, *found.unknowns, *self.pip.unknowns),
            installer=Installer(
                interface="uv" if self.uses_uv else "pip",
                python=python,
                project=layout,
                resolution=self._resolution(found, tables, root),
                building=build_settings(found.options, (*tables.build_constraints, *self.pip.build_constraints)),
                places=found.options.places,
            ),
            files=dict(found.files) | self.pip.files | self.files.read,
        )

    @staticmethod
    def _problems(workspace: Workspace) -> Iterator[ManifestProblem]:
        """All problems, the manifest's first, in the order of the text as uv meets them."""
        for file in workspace.files:
            placed = placed_problems(file.document, file.problems.found)
            yield from sorted(placed, key=lambda p: p.position or (0, 0))

    # Requirements

    def _resolve_names(self, file: ProjectFile) -> None:
        """Parse the requirements of a file; the groups get their own limits on Python, and `dev` what uv's key adds."""
        if file.draft is None:
            if file.tables.dev_dependencies:
                file.resolved = ResolvedProject(groups={"dev": file.tables.dev_dependencies})
            return
        limits = {name: _python_marker(str(node.value)) for name, node in file.tables.group_pythons.items()}
        resolved = resolve_project(file.problems, file.draft, for_uv=True, limits=limits)
        groups = dict(resolved.groups)
        for name, node in file.tables.group_pythons.items():
            if name not in groups:
                message = f"Failed to find group `{name}` specified in `[tool.uv.dependency-groups]`"
                file.problems.add("invalid", message, node.key[:-1], at="key")
        if file.tables.dev_dependencies:
            groups["dev"] = (*groups.get("dev", ()), *file.tables.dev_dependencies)
        file.resolved = replace(resolved, groups=groups)

    def _declared(self, workspace: Workspace, found: FoundOptions) -> Iterator[DeclaredRequirement]:
        """The requirements of all members, and of a root that is no project, with their sources."""
        options = found.options
        without_sources = {entry.name for entry in options.no_sources_package or ()}
        root = workspace.root
        projects = workspace.members if root.name else (root, *workspace.members)
        members = {f.name: f.member() for f in workspace.members}
        for file in projects:
            own: dict[tuple[Scope, PypiSpec], None] = {}
            for scope, spec in self._scoped(file):
                own[scope, spec] = None
            lowering = Lowering(
                project=file.name,
                own=file.sources(),
                root=root.sources(),
                members=members if len(members) > 1 else {},
                given=found.given,
                refuse=self._refuser(file),
            )
            if self.uses_uv:
                self._check_scopes_of_sources(file)
            for scope, spec in own:
                placed = self._relative(spec, file.folder)
                plain = not self.uses_uv or options.no_sources or spec.name in without_sources
                lowered = (placed,) if plain else lowering.lower(placed, scope)
                yield from (DeclaredRequirement(each, scope) for each in lowered)

    @staticmethod
    def _check_scopes_of_sources(file: ProjectFile) -> None:
        """A source of one extra or group needs it to exist, and to require the project (uv 0.13.8)."""
        for name, entry in ((n, e) for n, entries in file.tables.sources.items() for e in entries):
            kind, scope = ("extra", entry.extra) if entry.extra else ("dependency group", entry.group)
            if not scope or file.draft is None:
                continue
            existing = file.resolved.extras if entry.extra else file.resolved.groups
            specs = next((specs for key, specs in existing.items() if canonicalize_name(key) == scope), None)
            if specs is None:
                message = f"the source of `{name}` only applies to {kind} `{scope}`, which does not exist"
                file.problems.add("invalid", message, entry.place.key)
            elif all(spec.name != name for spec in specs):
                message = f"the source of `{name}` only applies to {kind} `{scope}`, which does not require it"
                file.problems.add("invalid", message, entry.place.key)

    @staticmethod
    def _scoped(file: ProjectFile) -> Iterator[tuple[Scope, PypiSpec]]:
        yield from ((Scope(file.name), spec) for spec in file.resolved.dependencies)
        for extra, specs in file.resolved.extras.items():
            yield from ((Scope(file.name, extra=extra), spec) for spec in specs)
        for group, specs in file.resolved.groups.items():
            yield from ((Scope(file.name, group=canonicalize_name(group)), spec) for spec in specs)

    @staticmethod
    def _relative(spec: PypiSpec, folder: str) -> PypiSpec:
        if isinstance(spec.source, PathSource) and folder:
            return replace(spec, source=replace(spec.source, path=below(folder, spec.source.path)))
        return spec

    @staticmethod
    def _refuser(file: ProjectFile) -> _Refuser:
        return _Refuser(file.problems)

    def _layout(self, workspace: Workspace, declared: tuple[DeclaredRequirement, ...]) -> ProjectLayout:
        current, root, members = workspace.current, workspace.root, workspace.members
        installed = (current,) if current.name or not members else members
        all_extras = _unique(name for f in installed for name in f.resolved.extras)
        grouped = installed if current.name else (root, *installed)
        all_groups = _unique(canonicalize_name(name) for f in grouped for name in f.resolved.groups)
        extras = self._chosen_names("extra", self.invocation.extras, all_extras)
        groups = self._chosen_names("group", self.invocation.groups, all_groups)
        return ProjectLayout(
            name=current.name,
            members=tuple(f.member() for f in members),
            declared=declared,
            extras=extras,
            groups=_unique((*(self._default_groups(current, all_groups) if self.uses_uv else ()), *groups)),
            all_extras=all_extras,
            all_groups=all_groups,
            conflicts=tuple(self._conflicts(members or (root,))) if self.uses_uv else (),
        )

    @staticmethod
    def _chosen_names(kind: str, asked: Iterable[str], existing: tuple[str, ...]) -> tuple[str, ...]:
        chosen = _unique(canonicalize_name(name) for name in asked)
        unknown = next((name for name in chosen if name not in existing), None)
        if unknown is not None:
            known = ", ".join(existing) or "none"
            raise UsageError(f"no {kind} '{unknown}' in the project", hint=f"{kind}s that exist: {known}")
        return chosen

    @staticmethod
    def _default_groups(current: ProjectFile, existing: tuple[str, ...]) -> tuple[str, ...]:
        """What `uv sync` installs without being asked: `dev` where there is one, unless default-groups says more."""
        if current.tables.all_groups:
            return existing
        if current.tables.default_groups is None:
            return ("dev",) if "dev" in existing else ()
        for node in current.tables.default_groups:
            if canonicalize_name(str(node.value)) not in existing:
                message = f"Default group `{node.value}` is not defined in the project's `dependency-groups` table"
                current.problems.invalid(node, message, hint=nearest(str(node.value), existing))
        return tuple(canonicalize_name(str(n.value)) for n in current.tables.default_groups)

    @staticmethod
    def _conflicts(files: Iterable[ProjectFile]) -> Iterator[Conflict]:
        for file in files:
            for node, items in file.tables.conflicts:
                scopes = tuple(Scope(i.package or file.name, i.extra, i.group) for i in items)
                yield Conflict(scopes, file.problems.place(node.key))

    def _chosen(self, current: ProjectFile, layout: ProjectLayout) -> tuple[PypiSpec, ...]:
        """What is installed: the projects themselves as far as they are built, and the requirements of their scopes."""
        names = {layout.name} if layout.name else {m.name for m in layout.members} | {""}
        chosen = list(self._itself(current, layout))
        for requirement in layout.declared:
            scope = requirement.scope
            wanted = scope.extra in layout.extras if scope.extra else not scope.group or scope.group in layout.groups
            if scope.project in names and wanted:
                chosen.append(requirement.spec)
        return tuple(dict.fromkeys(chosen))

    def _itself(self, current: ProjectFile, layout: ProjectLayout) -> Iterator[PypiSpec]:
        if not self.uses_uv:
            place = current.problems.place(("project", "name"))
            name = layout.name or named_by(PathSource("."), "", self.surroundings).name
            if name:
                yield PypiSpec(canonicalize_name(name), name, "", place, layout.extras, source=PathSource("."))
            else:
                self.unknowns.append(Unknown("the name of the project is said only by its build", subject=self.path))
            return
        for member in layout.members:
            if member.packaged and member.place is not None and (member.name == layout.name or not layout.name):
                source = PathSource(member.path, editable=True)
                yield PypiSpec(member.name, member.name, "", member.place, layout.extras, source=source)

    # Settings

    def _options(self, root: ProjectFile) -> FoundOptions:
        if not self.uses_uv:
            return FoundOptions()
        return find_options(self.surroundings, root.folder, self.files.text, self.files.path_of)

    def _pypi_options(self, found: FoundOptions, tables: UvTables) -> PypiOptions:
        if not self.uses_uv:
            own = self.pip.options
            return replace(own, no_build_isolation=isolation_from(self.invocation, self.pip.no_build_isolation or None))
        return pypi_options(found.options, self.invocation, tables.overrides)

    def _resolution(self, found: FoundOptions, tables: UvTables, root: ProjectFile) -> ResolutionSettings:
        return ResolutionSettings(
            requires_python=root.requires_python,
            constraints=(*tables.constraints, *self.pip.constraints),
            excludes=tables.excludes,
            scoped_overrides=tables.scoped_overrides,
            scoped_excludes=tables.scoped_excludes,
            lock_environments=tables.environments,
            required_environments=tables.required_environments,
            strategy=found.options.resolution or "highest",
            indexes=indexes_of(found.options),
            no_index=bool(found.options.no_index) or self.pip.no_index,
            connections=self._connections(found),
            hashes_required=self.pip.hashes_required,
            wheels_first=self.pip.wheels_first,
            alone=self.pip.alone,
        )

    def _connections(self, found: FoundOptions) -> Connections:
        return connections_of(found.options, self.surroundings.variable) if self.uses_uv else self.pip.connections

    def _unread_by_pip(self, current: ProjectFile) -> tuple[UnreadTable, ...]:
        return () if self.uses_uv else tables_that_pip_ignores(current.document.data, self.path)


@dataclass(frozen=True, slots=True)
class _Refuser:
    """Notes what uv would stop at as a problem of the file whose requirement it is about, each once."""

    problems: Problems

    def __call__(self, message: str, place: Place) -> None:
        problem = ManifestProblem("invalid", message, place)
        if problem not in self.problems.found:
            self.problems.found.append(problem)


def _python_marker(requires: str) -> str:
    limits = sorted(SpecifierSet(requires), key=str)
    return all_of(f'python_full_version {limit.operator} "{limit.version}"' for limit in limits)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
