"""What pixi takes from the standard tables of `pyproject.toml`: `[project]`, `[dependency-groups]` (pixi.md P2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace

from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .fields import Node, Problems, Table
from .markers import all_of
from .model import PypiSpec
from .pypi_specs import pypi_requirement

__all__ = ["ProjectDraft", "ResolvedProject", "read_project", "resolve_project"]


@dataclass(slots=True)
class ProjectDraft:
    """The standard tables as they stand: requirement strings are nodes, parsed only once all tables were read."""

    name: str = ""
    requires_python: Node | None = None
    dependencies: tuple[Node, ...] = ()
    optional_dependencies: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    dependency_groups: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResolvedProject:
    """The requirements of a project and of each extra and group, with includes and self-references resolved."""

    dependencies: tuple[PypiSpec, ...] = ()
    extras: Mapping[str, tuple[PypiSpec, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[PypiSpec, ...]] = field(default_factory=dict)

    @property
    def features(self) -> dict[str, tuple[PypiSpec, ...]]:
        """Extras and groups as pixi's features: a group replaces an extra of its name (pixi.md P2)."""
        return {**self.extras, **self.groups}


def read_project(problems: Problems, document: Node) -> ProjectDraft:
    """Read the standard tables in pixi's order, noting problems of form."""
    table = Table(problems, document)
    table.read("build-system", lambda node: _check_build_system(problems, node))
    draft = table.read("project", lambda node: _read_project(problems, node)) or ProjectDraft()
    draft.dependency_groups = table.read("dependency-groups", lambda node: _read_groups(problems, node)) or {}
    if not draft.name:
        draft.name = _poetry_name(document)
    return draft


def resolve_project(
    problems: Problems, draft: ProjectDraft, *, for_uv: bool = False, limits: Mapping[str, str] | None = None
) -> ResolvedProject:
    """Parse all requirement strings.

    For uv names keep the user's spelling, the project may require its own extras too, and the marker of such a
    reference holds for what it stands for. pixi does none of that (0.77). `limits` are markers of groups, by name.
    """

    def parse(node: Node) -> PypiSpec | None:
        return pypi_requirement(problems, node, keep_spelling=for_uv)

    dependencies = tuple(spec for node in draft.dependencies if (spec := parse(node)) is not None)
    groups = _Groups(problems, draft, parse, for_uv=for_uv, limits=limits or {})
    if for_uv:
        dependencies = groups.expanded(dependencies)
    return ResolvedProject(dependencies, groups.resolved_extras(), groups.resolved_groups())


class _Groups:
    """Extras and dependency groups with `include-group` and `project[extra]` replaced by what they stand for."""

    def __init__(
        self,
        problems: Problems,
        draft: ProjectDraft,
        parse: Callable[[Node], PypiSpec | None],
        *,
        for_uv: bool,
        limits: Mapping[str, str],
    ) -> None:
        self.problems = problems
        self.for_uv = for_uv
        self.limits = limits
        self.parse = parse
        self.project = canonicalize_name(draft.name) if draft.name else ""
        self.extras = {name: self._parsed(nodes) for name, nodes in draft.optional_dependencies.items()}
        self.groups = {name: self._parsed(nodes) for name, nodes in draft.dependency_groups.items()}

    def resolved_extras(self) -> dict[str, tuple[PypiSpec, ...]]:
        return {name: self._unique(entries, name) for name, entries in self.extras.items()}

    def resolved_groups(self) -> dict[str, tuple[PypiSpec, ...]]:
        found = {name: self._unique(entries, f"group {name}") for name, entries in self.groups.items()}
        return {name: tuple(self._under(self.limits.get(name, ""), list(specs))) for name, specs in found.items()}

    def expanded(self, specs: tuple[PypiSpec, ...]) -> tuple[PypiSpec, ...]:
        """Requirements with the extras of the project itself replaced by what they hold."""
        return self._unique(list(specs), "")

    def _unique(self, entries: list[PypiSpec | Node], start: str) -> tuple[PypiSpec, ...]:
        return tuple(dict.fromkeys(self._expand(entries, (start,))))

    def _parsed(self, nodes: tuple[Node, ...]) -> list[PypiSpec | Node]:
        """Requirements parsed; includes stay nodes."""
        entries = (node if isinstance(node.value, dict) else self.parse(node) for node in nodes)
        return [entry for entry in entries if entry is not None]

    def _expand(self, entries: list[PypiSpec | Node], path: tuple[str, ...]) -> list[PypiSpec]:
        found: list[PypiSpec] = []
        for entry in entries:
            if isinstance(entry, Node):
                found += self._included(entry, path)
            elif self.project and entry.name == self.project and entry.extras:
                for extra in entry.extras:
                    found += self._under(entry.marker, self._extra(extra, entry, path))
            else:
                found.append(entry)
        return found

    def _under(self, marker: str, specs: list[PypiSpec]) -> list[PypiSpec]:
        if not (marker and self.for_uv):
            return specs
        return [replace(spec, marker=all_of((marker, spec.marker))) for spec in specs]

    def _included(self, node: Node, path: tuple[str, ...]) -> list[PypiSpec]:
        included = str(node.value["include-group"]) if isinstance(node.value, dict) else ""
        name = next((group for group in self.groups if canonicalize_name(group) == canonicalize_name(included)), None)
        if name is None:
            self.problems.invalid(node, f"the dependency group '{included}' does not exist")
            return []
        if f"group {name}" in path:
            self.problems.invalid(node, f"the dependency group '{name}' includes itself")
            return []
        return self._under(self.limits.get(name, ""), self._expand(self.groups[name], (*path, f"group {name}")))

    def _extra(self, extra: str, spec: PypiSpec, path: tuple[str, ...]) -> list[PypiSpec]:
        name = next((known for known in self.extras if canonicalize_name(known) == canonicalize_name(extra)), None)
        if name is None or name in path:
            reason = "does not exist" if name is None else "refers to itself"
            self.problems.add("invalid", f"the optional dependency '{extra}' {reason}", spec.place.key)
            return []
        return self._expand(self.extras[name], (*path, name))


def _read_project(problems: Problems, node: Node) -> ProjectDraft:
    table = Table(problems, node)
    draft = ProjectDraft()
    draft.name = table.required("name", problems.string) or ""
    table.parsed("version", _check_version)
    table.string("description")
    table.read("readme", lambda n: _check_readme(problems, n))
    requires_python = table.take("requires-python")
    if requires_python is not None and problems.parsed(requires_python, _check_specifier) is not None:
        draft.requires_python = requires_python
    table.read("license", lambda n: _check_license(problems, n))
    table.strings("license-files")
    for name in ("authors", "maintainers"):
        table.read(name, lambda n: problems.array(n, lambda contact: _check_contact(problems, contact)))
    table.strings("keywords")
    table.strings("classifiers")
    table.read("urls", lambda n: problems.mapping(n, str, problems.string))
    table.read("entry-points", lambda n: problems.mapping(n, str, lambda e: problems.mapping(e, str, problems.string)))
    table.read("scripts", lambda n: problems.mapping(n, str, problems.string))
    table.read("gui-scripts", lambda n: problems.mapping(n, str, problems.string))
    draft.dependencies = table.read("dependencies", lambda n: _strings(problems, n)) or ()
    extras = table.read("optional-dependencies", lambda n: problems.mapping(n, str, lambda e: _strings(problems, e)))
    draft.optional_dependencies = extras or {}
    for name in ("dynamic", "import-names", "import-namespaces"):
        table.strings(name)
    table.finish()
    return draft


def _strings(problems: Problems, node: Node) -> tuple[Node, ...] | None:
    return problems.array(node, lambda element: None if problems.string(element) is None else element)


def _read_groups(problems: Problems, node: Node) -> dict[str, tuple[Node, ...]]:
    return problems.mapping(node, str, lambda n: problems.array(n, lambda e: _group_entry(problems, e)))


def _group_entry(problems: Problems, node: Node) -> Node | None:
    if isinstance(node.value, str):
        return node
    if not isinstance(node.value, dict):
        problems.wanted(node, "a string or a table")
        return None
    table = Table(problems, node)
    table.required("include-group", problems.string)
    table.finish()
    return None if problems.errors_since(table.mark) else node


def _check_build_system(problems: Problems, node: Node) -> None:
    table = Table(problems, node)
    table.required("requires", lambda n: problems.array(n, lambda e: problems.parsed(e, _check_requirement)))
    table.string("build-backend")
    table.strings("backend-path")


def _check_readme(problems: Problems, node: Node) -> None:
    if isinstance(node.value, dict):
        table = Table(problems, node)
        for name in ("file", "text", "content-type"):
            table.string(name)
        table.finish()
    elif not isinstance(node.value, str):
        problems.wanted(node, "a string or a table")


def _check_license(problems: Problems, node: Node) -> None:
    if isinstance(node.value, dict):
        table = Table(problems, node)
        table.string("text" if "text" in table else "file")
        table.finish()
    elif not isinstance(node.value, str):
        problems.wanted(node, "a string or a table")


def _check_contact(problems: Problems, node: Node) -> None:
    table = Table(problems, node)
    given = [table.string("name"), table.string("email")]
    table.finish()
    if given == [None, None] and not problems.errors_since(table.mark):
        problems.invalid(node, "missing field 'name' in table")


def _poetry_name(document: Node) -> str:
    found = document.value
    for key in ("tool", "poetry", "name"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _check_version(text: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        Version(text)
    except InvalidVersion:
        raise ValueError(f"'{text}' is not a valid version") from None
    return text


def _check_specifier(text: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"'{text}' is not a valid version specifier") from None
    return text


def _check_requirement(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"'{text}' is not a valid requirement: {str(error).splitlines()[0]}") from None
    return text
