"""`[tool.uv.sources]` of a path or git project: which of its requirements come from elsewhere (pixi.md P1).

As uv 0.13 (and so pixi 0.77) lowers them: the sources of the project, then those of the workspace that it is a member
of; a source takes the place of the requirement's version; sources limited by a marker or an extra count where it holds.
Archives, by URL or path, are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tomli
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import SourceError
from ..manifest.direct_references import direct_source
from ..manifest.model import GitSource, UrlSource
from .model import Source
from .project_files import ProjectFiles

__all__ = ["Lowered", "lower"]

EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]*)['"]""")


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
    tables = _Tables.of(files) if files is not None else None
    return [lowered for line in lines for lowered in _lowered(line, project, tables, holds)]


def _lowered(line: str, project: str, tables: _Tables | None, holds: Callable[[str], bool]) -> Iterator[Lowered]:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        yield Lowered(line)
        return
    name = canonicalize_name(requirement.name)
    if tables is None or name == project:
        given: list[tuple[dict[str, Any], str]] | None = None
    else:
        given = tables.sources(name)
        if name in tables.members and not given:
            raise SourceError(
                f"{project} requires {name}, a member of its workspace, without `{name} = {{ workspace = true }}` in "
                "tool.uv.sources"
            )
    extras = set(EXTRA.findall(str(requirement.marker or "")))
    for source, base in given or ():
        marker = source.get("marker")
        wanted = source.get("extra")
        if isinstance(source.get("group"), str) or (isinstance(wanted, str) and wanted not in extras):
            continue
        if isinstance(marker, str) and not holds(marker):
            continue
        assert tables is not None  # noqa: S101 -- it gave the source
        requirement.specifier = type(requirement.specifier)()
        requirement.url = None
        if isinstance(source.get("index"), str):
            yield Lowered(line, index=tables.index(source["index"], project))
            return
        found = tables.source(name, source, base)
        yield Lowered(str(requirement), found, member="workspace" in source)
        return
    yield Lowered(line, direct_source(requirement.url) if requirement.url else None)


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables of a project and of its workspace. `members` maps a member's canonical name to its folder."""

    files: ProjectFiles
    own: Mapping[str, Any]
    workspace: Mapping[str, Any] = field(default_factory=dict)
    root: str = ""
    members: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, files: ProjectFiles) -> _Tables:
        own = _read(files.pyproject(files.folder))
        root = _workspace_root(files, own)
        if root is None:
            return cls(files, own)
        workspace = _read(files.pyproject(root))
        return cls(files, own, workspace, root, _members(files, root, _at(workspace, "tool", "uv", "workspace")))

    def sources(self, name: str) -> list[tuple[dict[str, Any], str]]:
        """The sources of a project by its canonical name, each with the folder that its path is relative to."""
        for table, base in ((self.own, self.files.folder), (self.workspace, self.root)):
            for spelled, given in _at(table, "tool", "uv", "sources").items():
                if canonicalize_name(spelled) == name:
                    listed = given if isinstance(given, list) else [given]
                    return [(source, base) for source in listed if isinstance(source, dict)]
        return []

    def source(self, name: str, given: dict[str, Any], base: str) -> Source:
        if "workspace" in given:
            if given["workspace"] is not True:
                raise SourceError(f"the source of {name} in tool.uv.sources is no workspace that can be read")
            if name not in self.members:
                raise SourceError(f"{name} references a workspace in tool.uv.sources, but is not a workspace member")
            return self.files.source(self.members[name], "")
        if isinstance(given.get("path"), str):
            return self.files.source(given["path"], base)
        if isinstance(given.get("git"), str):
            references = [given.get(key) for key in ("branch", "tag", "rev")]
            if sum(isinstance(r, str) for r in references) > 1:
                raise SourceError(f"the git source of {name} has more than one of `rev`, `tag` and `branch`")
            branch, tag, rev = (r if isinstance(r, str) else None for r in references)
            subdirectory = given.get("subdirectory")
            folder = subdirectory if isinstance(subdirectory, str) else None
            return GitSource(given["git"], branch, tag, rev, folder, lfs=given.get("lfs") is True)
        if isinstance(given.get("url"), str):
            subdirectory = given.get("subdirectory")
            return UrlSource(given["url"], subdirectory if isinstance(subdirectory, str) else None)
        raise SourceError(f"the source of {name} in tool.uv.sources is of no kind that is known")

    def index(self, name: str, project: str) -> str:
        for table in (self.own, self.workspace):
            listed = _at(table, "tool", "uv").get("index")
            for entry in listed if isinstance(listed, list) else ():
                if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get("url"), str):
                    return str(entry["url"])
        raise SourceError(f"{project} references an undeclared index in tool.uv.sources: {name}")


def _workspace_root(files: ProjectFiles, own: Mapping[str, Any]) -> str | None:
    """The root of the workspace that the project belongs to: itself, or the nearest project above that includes it."""
    if _at(own, "tool", "uv", "workspace"):
        return files.folder
    for folder in files.parents():
        text = files.pyproject(folder)
        if text is None:
            continue
        table = _at(_read(text), "tool", "uv", "workspace")
        return folder if table and files.folder in _members(files, folder, table).values() else None
    return None


def _members(files: ProjectFiles, root: str, table: Mapping[str, Any]) -> dict[str, str]:
    found = dict.fromkeys([root])
    for pattern in _strings(table.get("members")):
        found |= dict.fromkeys(files.matching(root, pattern))
    left_out = {folder for pattern in _strings(table.get("exclude")) for folder in files.matching(root, pattern)}
    members: dict[str, str] = {}
    for folder in found:
        name = _at(_read(files.pyproject(folder)), "project").get("name")
        if isinstance(name, str) and folder not in left_out:
            members[canonicalize_name(name)] = folder
    return members


def _read(text: str | None) -> dict[str, Any]:
    try:
        return tomli.loads(text) if text is not None else {}
    except (tomli.TOMLDecodeError, RecursionError):
        return {}


def _at(document: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
