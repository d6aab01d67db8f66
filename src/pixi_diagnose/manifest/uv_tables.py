"""What uv reads of a pyproject.toml as a project: `[project]`, `[dependency-groups]`, project keys of `[tool.uv]`.

A project key that is broken stops uv, whatever its settings (uv_options.py) are; keys that it does not know are the
settings' affair. As uv 0.13.8 and its source (0.12) have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .addresses import check_project_name
from .fields import Node, Problems, Table
from .installer import NamedIndex, ScopedChange
from .markers import check_marker
from .model import PypiSpec
from .pypi_specs import pypi_requirement
from .pyproject import ProjectDraft
from .uv_options import read_indexes, read_requirements
from .uv_sources import SourceEntry, read_sources

__all__ = ["ConflictItem", "UvTables", "WorkspaceTable", "read_standard_tables", "read_tables"]


@dataclass(frozen=True, slots=True)
class WorkspaceTable:
    """`[tool.uv.workspace]`: globs of folders, each with where it stands."""

    members: tuple[Node, ...] = ()
    exclude: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class ConflictItem:
    """One side of a conflict as it stands; "" where a name is not given."""

    package: str
    extra: str
    group: str


@dataclass(slots=True)
class UvTables:
    """The project keys of one `[tool.uv]`."""

    sources: Mapping[str, tuple[SourceEntry, ...]] = field(default_factory=dict)
    indexes: tuple[NamedIndex, ...] = ()
    workspace: WorkspaceTable | None = None
    managed: Node | None = None
    package: bool | None = None
    default_groups: tuple[Node, ...] | None = None
    all_groups: bool = False
    group_pythons: Mapping[str, Node] = field(default_factory=dict)
    dev_dependencies: tuple[PypiSpec, ...] = ()
    overrides: tuple[PypiSpec, ...] = ()
    scoped_overrides: tuple[ScopedChange, ...] = ()
    excludes: tuple[str, ...] = ()
    scoped_excludes: tuple[ScopedChange, ...] = ()
    constraints: tuple[PypiSpec, ...] = ()
    build_constraints: tuple[PypiSpec, ...] = ()
    environments: tuple[str, ...] = ()
    required_environments: tuple[str, ...] = ()
    conflicts: tuple[tuple[Node, tuple[ConflictItem, ...]], ...] = ()


def read_tables(problems: Problems, node: Node) -> UvTables:
    """The project keys below `[tool.uv]` at `node`; others are left alone."""
    if not problems.table(node):
        return UvTables()
    table, tables = Table(problems, node), UvTables()
    tables.sources = table.read("sources", lambda n: read_sources(problems, n)) or {}
    tables.indexes = table.read("index", lambda n: read_indexes(problems, n)) or ()
    tables.workspace = table.read("workspace", lambda n: _workspace(problems, n))
    tables.managed = table.read("managed", lambda n: None if problems.boolean(n) is None else n)
    tables.package = table.boolean("package")
    groups = table.take("default-groups")
    if groups is not None and groups.value == "all":
        tables.all_groups = True
    elif groups is not None:
        tables.default_groups = problems.array(groups, lambda n: None if problems.string(n) is None else n)
    tables.group_pythons = table.read("dependency-groups", lambda n: _group_settings(problems, n)) or {}
    tables.dev_dependencies = table.read("dev-dependencies", lambda n: read_requirements(problems, n)) or ()
    overrides = table.read("override-dependencies", lambda n: _changes(problems, n, _requirement)) or ()
    tables.overrides = tuple(o for o in overrides if isinstance(o, PypiSpec))
    tables.scoped_overrides = tuple(o for o in overrides if isinstance(o, ScopedChange))
    excludes = table.read("exclude-dependencies", lambda n: _changes(problems, n, _name)) or ()
    tables.excludes = tuple(e.name for e in excludes if isinstance(e, PypiSpec))
    tables.scoped_excludes = tuple(e for e in excludes if isinstance(e, ScopedChange))
    tables.constraints = table.read("constraint-dependencies", lambda n: read_requirements(problems, n)) or ()
    tables.build_constraints = (
        table.read("build-constraint-dependencies", lambda n: read_requirements(problems, n)) or ()
    )
    tables.environments = table.read("environments", lambda n: _markers(problems, n)) or ()
    tables.required_environments = table.read("required-environments", lambda n: _markers(problems, n)) or ()
    tables.conflicts = table.read("conflicts", lambda n: _conflicts(problems, n)) or ()
    return tables


def read_standard_tables(problems: Problems, document: Node) -> ProjectDraft | None:
    """`[project]` and `[dependency-groups]` as uv checks them; None without a `[project]`."""
    whole = Table(problems, document)
    project = whole.take("project")
    draft = None if project is None else _project(problems, project)
    groups = whole.read("dependency-groups", lambda n: _groups(problems, n))
    if draft is None and groups:
        draft = ProjectDraft(dependency_groups=groups)
    elif draft is not None:
        draft.dependency_groups = groups or {}
    return draft


def _project(problems: Problems, node: Node) -> ProjectDraft | None:
    if not problems.table(node):
        return None
    table, draft = Table(problems, node), ProjectDraft()
    name = table.take("name")
    if name is None:
        problems.add("invalid", "`pyproject.toml` uses the [project] table, but `project.name` is not set", node.key)
    else:
        draft.name = problems.parsed(name, check_project_name) or ""
    version, dynamic = table.string("version"), table.strings("dynamic") or ()
    if version is None and "version" not in table and "version" not in dynamic:
        message = "`project.version` is neither set nor in the `project.dynamic` list"
        problems.add("invalid", message, node.key, hint='add version = "0.1.0"')
    requires_python = table.take("requires-python")
    if requires_python is not None and problems.parsed(requires_python, check_specifier) is not None:
        draft.requires_python = requires_python
    draft.dependencies = table.read("dependencies", lambda n: _strings(problems, n)) or ()
    extras = table.read("optional-dependencies", lambda n: problems.mapping(n, str, lambda e: _strings(problems, e)))
    draft.optional_dependencies = _unique(problems, node, "optional-dependencies", extras or {}, "extra")
    return draft


def check_specifier(text: str) -> str:
    """The text itself if it is a version specifier; ValueError otherwise."""
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"'{text}' is not a valid version specifier") from None
    return text


def _strings(problems: Problems, node: Node) -> tuple[Node, ...] | None:
    return problems.array(node, lambda element: None if problems.string(element) is None else element)


def _unique(
    problems: Problems, node: Node, key: str, found: Mapping[str, tuple[Node, ...]], kind: str
) -> dict[str, tuple[Node, ...]]:
    """The entries under normalised names, of which there may be only one each."""
    named: dict[str, tuple[Node, ...]] = {}
    for spelled, entries in found.items():
        name = canonicalize_name(spelled)
        if name in named:
            problems.add("invalid", f"duplicate {kind}: `{name}`", (*node.key, key, spelled), at="key")
        named[name] = entries
    return named


def _groups(problems: Problems, node: Node) -> dict[str, tuple[Node, ...]]:
    found = problems.mapping(node, str, lambda n: problems.array(n, lambda e: _group_entry(problems, e)))
    return _unique(problems, Node(None, ()), "dependency-groups", found, "dependency group")


def _group_entry(problems: Problems, node: Node) -> Node | None:
    if isinstance(node.value, str):
        return node
    if isinstance(node.value, dict) and isinstance(node.value.get("include-group"), str) and len(node.value) == 1:
        return node
    problems.wanted(node, "a requirement or a table with the key `include-group`")
    return None


def _workspace(problems: Problems, node: Node) -> WorkspaceTable | None:
    table = Table(problems, node)
    members = table.read("members", lambda n: _strings(problems, n))
    exclude = table.read("exclude", lambda n: _strings(problems, n))
    table.finish()
    return None if problems.errors_since(table.mark) else WorkspaceTable(members or (), exclude or ())


def _group_settings(problems: Problems, node: Node) -> dict[str, Node]:
    def read(entry: Node) -> Node | None:
        found = Table(problems, entry).take("requires-python")
        valid = found is not None and problems.parsed(found, check_specifier) is not None
        return found if valid else None

    return {canonicalize_name(name): found for name, found in problems.mapping(node, str, read).items()}


def _changes(
    problems: Problems, node: Node, read: Callable[[Problems, Node], PypiSpec | None]
) -> tuple[PypiSpec | ScopedChange, ...] | None:
    """Overrides or exclusions: for everything, or (a table) for what one package requires."""

    def entry(element: Node) -> PypiSpec | ScopedChange | None:
        if not isinstance(element.value, dict):
            return read(problems, element)
        table = Table(problems, element)
        package = table.required("package", lambda n: _package(problems, n))
        dependencies = table.required("dependencies", lambda n: problems.array(n, lambda e: read(problems, e)))
        table.finish()
        if problems.errors_since(table.mark) or package is None:
            return None
        return ScopedChange(*package, dependencies or (), problems.place(element.key))

    return problems.array(node, entry)


def _package(problems: Problems, node: Node) -> tuple[str, str | None] | None:
    table = Table(problems, node)
    name = table.required("name", lambda n: problems.parsed(n, check_project_name))
    version = table.string("version")
    return None if name is None else (canonicalize_name(name), version)


def _requirement(problems: Problems, node: Node) -> PypiSpec | None:
    return pypi_requirement(problems, node, keep_spelling=True)


def _name(problems: Problems, node: Node) -> PypiSpec | None:
    spelled = problems.parsed(node, check_project_name)
    return None if spelled is None else PypiSpec(canonicalize_name(spelled), spelled, "", problems.place(node.key))


def _markers(problems: Problems, node: Node) -> tuple[str, ...] | None:
    """One marker or several, which may not overlap (uv checks that when it locks)."""
    if isinstance(node.value, str):
        marker = problems.parsed(node, check_marker)
        return None if marker is None else (marker,)
    return problems.array(node, lambda n: problems.parsed(n, check_marker))


def _conflicts(problems: Problems, node: Node) -> tuple[tuple[Node, tuple[ConflictItem, ...]], ...] | None:
    def read(entry: Node) -> tuple[Node, tuple[ConflictItem, ...]] | None:
        items = problems.array(entry, lambda n: _conflict_item(problems, n))
        if items is None:
            return None
        if len(set(items)) < 2 and not problems.errors_since(mark):
            problems.invalid(entry, "each set of conflicts must have at least two entries")
            return None
        return entry, items

    mark = problems.mark
    return problems.array(node, read)


def _conflict_item(problems: Problems, node: Node) -> ConflictItem | None:
    table = Table(problems, node)
    names = {key: table.parsed(key, check_project_name) for key in ("package", "extra", "group")}
    table.finish()
    if problems.errors_since(table.mark):
        return None
    if names["extra"] and names["group"]:
        problems.invalid(node, "expected one of `extra` or `group` in a conflicting entry, but found both")
        return None
    return ConflictItem(*(canonicalize_name(names[key] or "") for key in ("package", "extra", "group")))
