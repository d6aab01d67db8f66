"""`[tool.uv.sources]`: reading the table, and what it makes of a requirement ("lowering", as uv 0.12 does it)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ..evidence import Place
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .addresses import check_project_name, check_url
from .fields import Node, Problems, Table
from .installer import Member, NamedIndex, Scope
from .markers import all_of, any_of, check_marker, negated
from .model import GitSource, PathSource, PypiSpec, UrlSource

__all__ = ["Lowering", "SourceEntry", "SourceTable", "read_sources"]

Source = GitSource | PathSource | UrlSource

# What does not go with what, in the order in which uv looks (crates/uv-workspace, 0.12).
_EXCLUDED = {
    "git": ("index", "workspace", "url", "editable", "package"),
    "url": ("index", "workspace", "path", "git", "rev", "tag", "branch", "editable", "package"),
    "path": ("index", "workspace", "git", "url", "rev", "tag", "branch"),
    "index": ("workspace", "git", "url", "path", "rev", "tag", "branch", "editable", "package"),
    "workspace": ("git", "url", "path", "index", "rev", "tag", "branch", "package"),
}


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One source of a project: exactly one of `source`, `index` (a name) and `workspace` is set.

    It holds where `marker` does, and where given only in one `extra` or `group`.
    """

    place: Place
    source: Source | None = None
    index: str | None = None
    workspace: bool = False
    editable: bool | None = None
    marker: str = ""
    extra: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The sources and named indexes of one pyproject.toml; `folder` is its folder, relative to the manifest's."""

    folder: str
    sources: Mapping[str, tuple[SourceEntry, ...]]
    indexes: Sequence[NamedIndex]


def read_sources(problems: Problems, node: Node) -> dict[str, tuple[SourceEntry, ...]]:
    """The table by canonical project name."""
    found: dict[str, tuple[SourceEntry, ...]] = {}
    for spelled, entries in problems.mapping(node, check_project_name, lambda n: _entries(problems, n)).items():
        name = canonicalize_name(spelled)
        if name in found:
            problems.add("invalid", f"duplicate sources for package `{name}`", (*node.key, spelled), at="key")
        found[name] = entries
    return found


def _entries(problems: Problems, node: Node) -> tuple[SourceEntry, ...] | None:
    if isinstance(node.value, dict):
        entry = _entry(problems, node)
        return None if entry is None else (entry,)
    if not isinstance(node.value, list):
        problems.wanted(node, "a single source (a table) or a list of sources")
        return None
    mark = problems.mark
    entries = problems.array(node, lambda n: _entry(problems, n)) or ()
    if problems.errors_since(mark):
        return None
    if not entries:
        problems.invalid(node, "Must provide at least one source")
        return None
    for one, other in pairwise(entries):
        if (one.extra, one.group) == (other.extra, other.group) and not (one.marker and other.marker):
            problems.invalid(node, "with several sources, each must include a platform marker")
            return None
    return entries


def _entry(problems: Problems, node: Node) -> SourceEntry | None:
    table = Table(problems, node)
    git = table.parsed("git", lambda text: check_url(text.removeprefix("git+")))
    subdirectory, path, url = table.string("subdirectory"), table.string("path"), table.parsed("url", check_url)
    rev, tag, branch = table.string("rev"), table.string("tag"), table.string("branch")
    lfs, editable, package = table.boolean("lfs"), table.boolean("editable"), table.boolean("package")
    index = table.string("index")
    workspace = table.take("workspace")
    marker = table.parsed("marker", check_marker) or ""
    extra, group = table.string("extra"), table.string("group")
    table.finish()
    if problems.errors_since(table.mark):
        return None
    given: set[str] = {name for name, _ in node.items()}
    kind = next((k for k in _EXCLUDED if k in given), None)
    clash = next((other for other in _EXCLUDED.get(kind or "", ()) if other in given), None)
    message = ""
    if kind is None:
        message = "expected one of `git`, `url`, `path`, `index`, or `workspace`"
    elif clash is not None:
        message = f"cannot specify both `{kind}` and `{clash}`"
    elif extra and group:
        message = "cannot specify both `extra` and `group`"
    elif len([r for r in (rev, tag, branch) if r is not None]) > 1:
        message = "expected at most one of `rev`, `tag`, or `branch`"
    elif editable and package is False:
        message = "cannot specify both `editable = true` and `package = false`"
    elif workspace is not None and not isinstance(workspace.value, bool | str):
        message = "expected a boolean or a path for `workspace`"
    if message:
        problems.invalid(node, message)
        return None
    source: Source | None = None
    if git is not None:
        source = GitSource(git, branch, tag, rev, subdirectory or path, lfs=bool(lfs))
    elif url is not None:
        source = UrlSource(url, subdirectory)
    elif path is not None:
        source = PathSource(path, editable=bool(editable), packaged=package is not False)
    return SourceEntry(
        place=problems.place(node.key),
        source=source,
        index=index,
        workspace=workspace is not None,
        editable=editable,
        marker=marker,
        extra=canonicalize_name(extra or ""),
        group=canonicalize_name(group or ""),
    )


@dataclass(frozen=True, slots=True)
class Lowering:
    """Applies sources to the requirements of one project of a workspace.

    `own` are the project's, `root` those of its workspace's root, which hold where the project says nothing of its own.
    `given` are indexes that UV_INDEX or UV_DEFAULT_INDEX name, which go before those of the same name. `members` are
    the workspace's by name. `refuse` is told what uv would stop at, and where.
    """

    project: str
    own: SourceTable
    root: SourceTable
    members: Mapping[str, Member]
    given: Sequence[NamedIndex]
    refuse: Callable[[str, Place], None]

    def lower(self, spec: PypiSpec, scope: Scope) -> Iterator[PypiSpec]:
        """What a requirement means: one for each source that may hold, and one for where none does."""
        table = self.own if spec.name in self.own.sources else self.root
        entries = table.sources.get(spec.name)
        if spec.name in self.members and spec.name != self.project and not entries:
            self.refuse(
                f"`{spec.name}` is a workspace member, but has no entry in `tool.uv.sources` "
                f"(e.g., `{spec.name} = {{ workspace = true }}`)",
                spec.place,
            )
        holding = [e for e in entries or () if e.extra in {"", scope.extra} and e.group in {"", scope.group}]
        if not holding or spec.name == self.project:
            yield spec
            return
        for entry in holding:
            yield from self._applied(spec, entry, table)
        covered = any_of(e.marker for e in holding)
        if covered:
            yield replace(spec, marker=all_of((spec.marker, negated(covered))))

    def _applied(self, spec: PypiSpec, entry: SourceEntry, table: SourceTable) -> Iterator[PypiSpec]:
        marker = all_of((entry.marker, spec.marker))
        if spec.name in self.members and not entry.workspace:
            self.refuse(f"`{spec.name}` is a workspace member, but its source is not `workspace = true`", entry.place)
            return
        if entry.index is not None:
            named = (*self.given, *self.own.indexes, *self.root.indexes)
            index = next((i for i in named if i.name == entry.index), None)
            if index is None:
                self.refuse(f"`{spec.name}` references an undeclared index: `{entry.index}`", entry.place)
                return
            yield replace(spec, marker=marker, index=index.url)
            return
        if spec.source is not None and entry.source is not None:
            self.refuse(f"`{spec.name}` has a URL of its own and a source in `tool.uv.sources`", entry.place)
            return
        source = entry.source
        if entry.workspace:
            member = self.members.get(spec.name)
            if member is None:
                message = f"`{spec.name}` references a workspace in `tool.uv.sources`, but is not a workspace member"
                self.refuse(message, entry.place)
                return
            source = PathSource(member.path, editable=entry.editable is not False)
        elif isinstance(source, PathSource):
            source = replace(source, path=posixpath.normpath(posixpath.join(table.folder, source.path)))
        yield replace(spec, specifier="", marker=marker, source=source)
