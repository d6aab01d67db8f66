"""What the requirements of a path or git project mean where it has `[tool.uv.sources]` (pixi.md P1).

The tables are read and applied as those of a uv project's own manifest (`manifest/uv_sources.py`), for one target: of
several sources the first counts that holds there. Archives, by URL or path, are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..document import Document
from ..errors import ManifestError, SourceError
from ..evidence import Place
from ..lazy_dataclass import dataclass
from ..manifest.direct_references import direct_source
from ..manifest.fields import Node, Problems
from ..manifest.installer import Member, Scope
from ..manifest.model import PathSource, PypiSpec
from ..manifest.uv_discovery import uv_table
from ..manifest.uv_sources import Lowering, SourceTable
from ..manifest.uv_tables import UvTables, read_tables
from .model import Source
from .project_files import ProjectFiles

__all__ = ["Lowered", "lower"]

EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]*)['"]""")
NOWHERE = Place("", ())


@dataclass(frozen=True, slots=True)
class Lowered:
    """A requirement with where it comes from: `source` for one that is not on an index, `index` for a named one.

    `member` says that it is a member of the same workspace, named as such.
    """

    line: str
    source: Source | None = None
    index: str | None = None
    member: bool = False


def lower(
    lines: Sequence[str], project: str, files: ProjectFiles | None, holds: Callable[[str], bool]
) -> list[Lowered]:
    """What each requirement of a project means, `files` being None for archives.

    `holds` decides a marker for the target. Raises SourceError for what uv refuses.
    """
    try:
        tables = _Tables.of(files) if files is not None else None
    except SourceError as error:
        raise SourceError(f"{project}: {error.message}") from None
    return [lowered for line in lines for lowered in _lowered(line, project, tables, holds)]


def _lowered(line: str, project: str, tables: _Tables | None, holds: Callable[[str], bool]) -> Iterator[Lowered]:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        yield Lowered(line)
        return
    direct = direct_source(requirement.url) if requirement.url else None
    name = canonicalize_name(requirement.name)
    spec = PypiSpec(name, requirement.name, str(requirement.specifier), NOWHERE, source=direct)
    extras = EXTRA.findall(str(requirement.marker or "")) or [""]
    found = tables.applied(spec, project, extras, holds) if tables is not None else spec
    if found.index is not None:
        yield Lowered(line, index=found.index)
    elif tables is None or found.source is direct:
        yield Lowered(line, direct)
    else:
        requirement.specifier = type(requirement.specifier)()
        requirement.url = None
        source = found.source
        member = isinstance(source, PathSource) and name in tables.members and source.path == tables.members[name].path
        yield Lowered(str(requirement), tables.located(source), member=member)


@dataclass(frozen=True, slots=True)
class _Tables:
    """The sources of a project and of its workspace's root, and the workspace's members by name."""

    files: ProjectFiles
    own: SourceTable
    root: SourceTable
    members: Mapping[str, Member] = field(default_factory=dict)

    @classmethod
    def of(cls, files: ProjectFiles) -> _Tables:
        """The tables of a project. Raises SourceError where uv refuses them."""
        read = _read(files, files.folder)
        own = SourceTable(files.folder, read.sources, read.indexes)
        for folder in (files.folder, *files.parents()) if read.workspace is None else (files.folder,):
            above = read if folder == files.folder else _read_other(files, folder)
            if above.workspace is None:
                continue
            members = _members(files, folder, above)
            if files.folder not in {member.path for member in members.values()}:
                return cls(files, own, own)
            return cls(files, own, SourceTable(folder, above.sources, above.indexes), members)
        return cls(files, own, own)

    def applied(self, spec: PypiSpec, project: str, extras: Sequence[str], holds: Callable[[str], bool]) -> PypiSpec:
        """The requirement with the first source that holds, as it is where none does."""

        def refuse(message: str, place: Place) -> None:  # noqa: ARG001 -- the project is the place
            raise SourceError(f"{project}: {message}")

        members = self.members if len(self.members) > 1 else {}
        lowering = Lowering(project, self.own, self.root, members, (), refuse)
        for extra in extras:
            for found in lowering.lower(spec, Scope(project, extra=canonicalize_name(extra))):
                if (found.source is not spec.source or found.index) and (not found.marker or holds(found.marker)):
                    return found
        return spec

    def located(self, source: Source | None) -> Source | None:
        """A source with its path where the project really lies. Raises SourceError where it leads out of there."""
        return self.files.source(source.path, "") if isinstance(source, PathSource) else source


def _read(files: ProjectFiles, folder: str) -> UvTables:
    """The uv tables of a folder's pyproject.toml. Raises SourceError for what uv refuses in them."""
    document = Document(files.pyproject(folder) or "", "pyproject.toml")
    problems = Problems(document.path)
    try:
        table = uv_table(document.data)
    except ManifestError as error:
        raise SourceError(f"pyproject.toml:{error.line}: {error.message}") from None
    tables = UvTables() if table is None else read_tables(problems, table)
    refused = next((p for p in problems.found if p.place.key[:3] == ("tool", "uv", "sources")), None)
    if refused is not None:
        raise SourceError(f"{'.'.join(map(str, refused.place.key))}: {refused.message}")
    return tables


def _read_other(files: ProjectFiles, folder: str) -> UvTables:
    """The same of a folder above, which may be of no concern: nothing where it cannot be read."""
    text = files.pyproject(folder)
    if text is None or "workspace" not in text:
        return UvTables()
    try:
        return _read(files, folder)
    except SourceError:
        return UvTables()


def _members(files: ProjectFiles, root: str, tables: UvTables) -> dict[str, Member]:
    if tables.workspace is None:
        return {}
    folders = dict.fromkeys([root, *_matching(files, root, tables.workspace.members)])
    left_out = set(_matching(files, root, tables.workspace.exclude))
    members: dict[str, Member] = {}
    for folder in folders:
        try:
            project = Document(files.pyproject(folder) or "", folder).value_at(("project", "name"))
        except ManifestError:
            continue
        if isinstance(project, str) and folder not in left_out:
            name = canonicalize_name(project)
            members[name] = Member(name, folder, packaged=True)
    return members


def _matching(files: ProjectFiles, root: str, patterns: Sequence[Node]) -> Iterator[str]:
    for pattern in patterns:
        yield from files.matching(root, str(pattern.value))
