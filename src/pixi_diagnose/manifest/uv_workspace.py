"""A uv workspace on disk: which pyproject.toml is its root, which are its members (as uv 0.13.8 discovers them)."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable
from dataclasses import field, replace
from fnmatch import fnmatchcase
from pathlib import PurePath

from ..document import Document
from ..errors import ManifestError
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .addresses import below
from .fields import Node, Problems
from .installer import Member
from .pyproject import ProjectDraft, ResolvedProject
from .surroundings import Surroundings
from .uv_discovery import uv_table
from .uv_sources import SourceTable
from .uv_tables import UvTables, WorkspaceTable, read_standard_tables, read_tables

__all__ = ["ProjectFile", "ProjectFiles", "Workspace"]

MOST_MEMBERS = 500

_LEFT_OVER = re.compile(r"\..*|__pycache__|build|dist|.*\.egg-info|.*\.py[co]")


@dataclass(slots=True)
class ProjectFile:
    """One pyproject.toml of a workspace; `folder` is its folder relative to the manifest's, "" for the manifest."""

    folder: str
    document: Document
    problems: Problems
    draft: ProjectDraft | None
    tables: UvTables
    builds: bool
    resolved: ResolvedProject = field(default_factory=ResolvedProject)

    @property
    def name(self) -> str:
        """The canonical name, "" for what is no project."""
        return canonicalize_name(self.draft.name) if self.draft is not None else ""

    @property
    def packaged(self) -> bool:
        """Whether uv builds and installs the project itself: as it is told, else if it has a [build-system]."""
        return self.builds if self.tables.package is None else self.tables.package

    @property
    def requires_python(self) -> str:
        """The specifier as it stands, "" without one."""
        node = self.draft.requires_python if self.draft is not None else None
        return "" if node is None else str(node.value)

    @property
    def path(self) -> str:
        """The folder as a path."""
        return self.folder or "."

    def member(self) -> Member:
        """The project as a member of its workspace."""
        place = self.problems.place(("project", "name"))
        return Member(self.name, self.path, self.packaged, self.requires_python, place)

    def sources(self) -> SourceTable:
        """Its sources and indexes."""
        indexes = tuple(replace(i, url=below(self.folder, i.url)) for i in self.tables.indexes)
        return SourceTable(self.folder, self.tables.sources, indexes)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The manifest's own file, that of the workspace's root (the same for most), and the other members' by name."""

    current: ProjectFile
    root: ProjectFile
    others: tuple[ProjectFile, ...] = ()

    @property
    def files(self) -> tuple[ProjectFile, ...]:
        """All of them, the manifest's first."""
        return tuple({id(f): f for f in (self.current, self.root, *self.others)}.values())

    @property
    def members(self) -> tuple[ProjectFile, ...]:
        """The projects that are locked together, the root's first."""
        return tuple(f for f in (self.root, *self.others) if f.name)


class ProjectFiles:
    """Reads the pyproject.toml files of a workspace, each once; `read` holds the texts beside the manifest's, by path.

    `text` is the manifest's, at `path`. With `tables` False the tables of uv are left alone.
    """

    def __init__(self, text: str, path: str, surroundings: Surroundings, *, tables: bool) -> None:
        self.path = path
        self.surroundings = surroundings
        self.tables = tables
        self.read: dict[str, str] = {}
        self._texts: dict[str, str | None] = {"pyproject.toml": text}

    def workspace(self) -> Workspace:
        """What belongs to the manifest; what uv would stop at is noted with the files. Raises ManifestError."""
        current = self._file("")
        return self._discovered(current) if self.tables else Workspace(current, current)

    def text(self, relative: str) -> str | None:
        """The text of a file by its path relative to the manifest's folder, None where there is none."""
        relative = posixpath.normpath(relative)
        if relative not in self._texts:
            self._texts[relative] = self.surroundings.text(relative)
        return self._texts[relative]

    def path_of(self, relative: str) -> str:
        """Its path for people."""
        folder = str(PurePath(self.path).parent)
        return self.path if relative == "pyproject.toml" else os.path.normpath(os.path.join(folder, relative))  # noqa: PTH118

    def _file(self, folder: str) -> ProjectFile:
        relative = posixpath.normpath(posixpath.join(folder, "pyproject.toml"))
        document = Document(self.text(relative) or "", self.path_of(relative))
        if folder:
            self.read[document.path] = document.text
        problems = Problems(document.path)
        whole = Node(document.data, ())
        draft = read_standard_tables(problems, whole)
        table = uv_table(document.data)
        tables = read_tables(problems, table) if table is not None and self.tables else UvTables()
        builds = "build-system" in document.data or not self.tables
        return ProjectFile(folder, document, problems, draft, tables, builds)

    def _discovered(self, current: ProjectFile) -> Workspace:
        managed = current.tables.managed
        if managed is not None and managed.value is False:
            current.problems.invalid(managed, "the project is marked as unmanaged: uv neither locks nor syncs it")
        if current.draft is None and uv_table(current.document.data) is None:
            current.problems.add("invalid", "no `project` table found", ())
        root = current
        if current.tables.workspace is None:
            above = (folder for folder in self.surroundings.ancestors() if self._includes(folder))
            folder = next(above, None)
            root = current if folder is None else self._file(folder)
        table = root.tables.workspace
        return Workspace(current, root, () if table is None else self._members(root, table, current))

    def _includes(self, folder: str) -> bool:
        """Whether the folder above is a workspace that counts the manifest's among its members."""
        text = self.text(posixpath.join(folder, "pyproject.toml"))
        if text is None or "workspace" not in text:
            return False
        try:
            table = uv_table(Document(text, self.path_of(posixpath.join(folder, "pyproject.toml"))).data)
        except ManifestError:
            return False
        workspace = None if table is None else read_tables(Problems(""), table).workspace
        if workspace is None:
            return False
        own = self._from(folder, "")
        return _matches(own, workspace.members) and not _matches(own, workspace.exclude)

    def _from(self, folder: str, other: str) -> str:
        """Another folder as seen from a folder, both relative to the manifest's."""
        base = os.path.abspath(PurePath(self.path).parent)  # noqa: PTH100
        one, two = (os.path.normpath(os.path.join(base, f)) for f in (folder, other))  # noqa: PTH118
        return os.path.relpath(two, one).replace(os.sep, "/")

    def _members(self, root: ProjectFile, table: WorkspaceTable, current: ProjectFile) -> tuple[ProjectFile, ...]:
        files: dict[str, ProjectFile] = {root.name: root} if root.name else {}
        others: list[ProjectFile] = []
        for pattern in table.members:
            folders = self.surroundings.folders(posixpath.join(root.folder, str(pattern.value)))
            for folder in folders[:MOST_MEMBERS]:
                relative = self._from(root.folder, folder)
                if relative == "." or not _matches(relative, (pattern,)) or _matches(relative, table.exclude):
                    continue
                file = current if posixpath.normpath(folder) == "." else self._member(root, pattern, folder)
                if file is None or file in others or (file.tables.managed and file.tables.managed.value is False):
                    continue
                if file.name in files and file.name:
                    root.problems.invalid(pattern, f"two workspace members are both named `{file.name}`")
                    continue
                files[file.name] = file
                others.append(file)
        if current is not root and current not in others:
            others.append(current)
        return tuple(sorted(others, key=lambda f: f.name))

    def _member(self, root: ProjectFile, pattern: Node, folder: str) -> ProjectFile | None:
        if self.text(posixpath.join(folder, "pyproject.toml")) is None:
            if posixpath.basename(folder).startswith(".") or all(
                map(_LEFT_OVER.fullmatch, self.surroundings.names(folder))
            ):
                return None  # uv passes over hidden folders, and over those with ignored files only
            message = f"workspace member `{folder}` is missing a `pyproject.toml` (matches: `{pattern.value}`)"
            root.problems.invalid(pattern, message)
            return None
        return self._file(folder)


def _matches(folder: str, patterns: Iterable[Node]) -> bool:
    """Whether a glob of the workspace takes a folder; a `*` does not cross slashes, `**` does."""
    return any(_glob(folder.split("/"), str(p.value).strip("/").removeprefix("./").split("/")) for p in patterns)


def _glob(parts: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        fewest = 0 if pattern[1:] else 1  # `a/**` is all below a, not a itself
        return any(_glob(parts[n:], pattern[1:]) for n in range(fewest, len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _glob(parts[1:], pattern[1:])
