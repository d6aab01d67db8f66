"""The tables of a pixi manifest on their own: `[workspace]`, `[dependencies]`, `[feature.x]`, `[environments]`.

Each `_read_*` goes through one table in pixi's order (fields.py) and keeps a draft of it. Drafts are checked against
each other and turned into the model in pixi.py.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import field

from ..lazy_dataclass import dataclass
from .addresses import check_conda_name, check_project_name, check_url
from .conda_specs import CondaEntry, read_conda_table, read_location
from .development import Developed
from .fields import Node, Problems, Table
from .model import NameMap, Platform, PypiOptions, PypiSpec
from .platforms import check_selector, read_platform, read_system_requirements
from .pypi_options import read_pypi_options
from .pypi_specs import read_pypi_table
from .tasks import check_environment_name, check_tasks
from .version_spec import read_version_spec

__all__ = [
    "ContentDraft",
    "EnvironmentDraft",
    "FeatureDraft",
    "RootDraft",
    "WorkspaceDraft",
    "read_root",
]

_CHANNEL_PRIORITIES = ("strict", "flexible", "disabled")
_SOLVE_STRATEGIES = ("highest", "lowest", "lowest-direct")
_CONDA_TABLES = ("dependencies", "host-dependencies", "build-dependencies")
_DURATION = r"(?:\s*\d+\s*[A-Za-z]+)+\s*"
_UNIT = (
    r"(?:n|u|m)s(?:ec)?|nanos|micros|millis|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?"
    r"|d|days?|w|wks?|weeks?|M|months?|y|yrs?|years?"
)


@dataclass(slots=True)
class ContentDraft:
    """What a target can hold: dependencies by table, constraints, PyPI dependencies, activation variables."""

    selector: str | None
    node: Node
    conda: dict[str, tuple[CondaEntry, ...]] = field(default_factory=dict)
    constraints: tuple[CondaEntry, ...] = ()
    pypi: tuple[PypiSpec, ...] = ()
    developed: tuple[Developed, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class FeatureDraft:
    """A feature as it stands; `given` names the keys that it holds."""

    name: str
    node: Node
    content: ContentDraft
    targets: list[ContentDraft] = field(default_factory=list)
    platforms: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    channel_ranks: dict[str, int] = field(default_factory=dict)
    channel_cutoffs: dict[str, str] = field(default_factory=dict)
    channel_priority: str | None = None
    solve_strategy: str | None = None
    options: PypiOptions | None = None
    requirements: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class EnvironmentDraft:
    """An entry of `[environments]`; `features` are nodes because unknown ones are pointed at."""

    name: str
    node: Node
    features: tuple[Node, ...] = ()
    features_node: Node | None = None
    solve_group: str | None = None
    no_default_feature: bool = False
    inline: FeatureDraft | None = None


@dataclass(slots=True)
class WorkspaceDraft:
    """`[workspace]` as it stands."""

    node: Node
    name: str = ""
    channels: tuple[str, ...] = ()
    channel_ranks: dict[str, int] = field(default_factory=dict)
    channel_cutoffs: dict[str, str] = field(default_factory=dict)
    platforms: tuple[Platform, ...] = ()
    channel_priority: str | None = None
    solve_strategy: str | None = None
    options: PypiOptions = field(default_factory=PypiOptions)
    conda_pypi_map: Mapping[str, NameMap] | None = None
    preview: tuple[Node, ...] | bool = ()
    license: Node | None = None
    requires_pixi: str | None = None
    exclude_newer: str | None = None
    dependencies: tuple[CondaEntry, ...] = ()

    @property
    def preview_names(self) -> tuple[str, ...]:
        """The preview flags as spelled; `true` stands for all of them."""
        return ("pixi-build",) if isinstance(self.preview, bool) else tuple(str(flag.value) for flag in self.preview)


@dataclass(slots=True)
class RootDraft:
    """All tables of a manifest. `feature` is the default feature, made of the tables at the root."""

    workspace: WorkspaceDraft | None
    package: Node | None
    feature: FeatureDraft
    features: dict[str, FeatureDraft]
    environments: dict[str, EnvironmentDraft]
    exclude_newer: Mapping[str, str]
    pypi_exclude_newer: Mapping[str, str]


def read_root(problems: Problems, node: Node) -> RootDraft:
    """The whole manifest below `node` (the document, or `[tool.pixi]`), with pixi's problems of form noted."""
    table = Table(problems, node)
    workspace = _read_workspace_of(problems, table)
    package = table.take("package")
    if package is not None:
        problems.table(package)
    targets = _read_targets(problems, table)
    content = ContentDraft(None, node)
    _read_conda(problems, table, content, deprecate=True)
    exclude_newer = _read_cutoffs(problems, table, "exclude-newer", check_conda_name)
    content.pypi = table.read("pypi-dependencies", lambda n: read_pypi_table(problems, n)) or ()
    pypi_exclude_newer = _read_cutoffs(problems, table, "pypi-exclude-newer", check_project_name)
    _read_rest_of_content(problems, table, content)
    features = table.read("feature", lambda n: problems.mapping(n, str, lambda f: _read_feature(problems, f))) or {}
    environments = table.read("environments", lambda n: _read_environments(problems, n)) or {}
    options = table.read("pypi-options", lambda n: read_pypi_options(problems, n))
    requirements = table.read("system-requirements", lambda n: read_system_requirements(problems, n)) or {}
    for name, expected in (("tool", dict), ("$schema", str)):
        ignored = table.take(name)
        if ignored is not None and not isinstance(ignored.value, expected):
            problems.wanted(ignored, "a table" if expected is dict else "a string")
            table.lead()
    table.finish()
    default = FeatureDraft("default", node, content, targets, options=options, requirements=requirements)
    return RootDraft(workspace, package, default, features, environments, exclude_newer, pypi_exclude_newer)


def _read_workspace_of(problems: Problems, table: Table) -> WorkspaceDraft | None:
    if "workspace" in table:
        return table.required("workspace", lambda node: _read_workspace(problems, node))
    if "project" not in table:
        return None
    workspace = table.read("project", lambda node: _read_workspace(problems, node))
    _deprecate_table(problems, Node(None, (*table.node.key, "project")), "workspace")
    return workspace


def _deprecate_table(problems: Problems, node: Node, new: str) -> None:
    message = f"the '{node.key[-1]}' field is deprecated, use '{new}' instead"
    problems.add("deprecated", message, node.key, hint=f"replace this with '{new}'")


def _read_workspace(problems: Problems, node: Node) -> WorkspaceDraft:
    table = Table(problems, node)
    draft = WorkspaceDraft(node)
    draft.name = table.string("name") or ""
    table.parsed("version", _check_conda_version)
    table.string("description")
    table.strings("authors")
    channels = table.required("channels", lambda n: _read_channels(problems, n))
    draft.channels, draft.channel_ranks, draft.channel_cutoffs = channels or ((), {}, {})
    draft.channel_priority = table.choice("channel-priority", _CHANNEL_PRIORITIES)
    draft.solve_strategy = table.choice("solve-strategy", _SOLVE_STRATEGIES)
    draft.platforms = table.read("platforms", lambda n: _read_platforms(problems, table, n)) or ()
    draft.license = table.read("license", lambda n: None if problems.string(n) is None else n)
    table.string("license-file")
    table.string("readme")
    for name in ("homepage", "repository", "documentation"):
        table.parsed(name, check_url)
    draft.conda_pypi_map = table.read("conda-pypi-map", lambda n: _read_name_maps(problems, n))
    draft.options = table.read("pypi-options", lambda n: read_pypi_options(problems, n)) or PypiOptions()
    table.read("s3-options", lambda n: problems.mapping(n, str, lambda s: _check_s3(problems, s), by_name=True))
    draft.preview = table.read("preview", lambda n: _read_preview(problems, n)) or ()
    table.read("target", lambda n: problems.mapping(n, check_selector, lambda t: _check_workspace_target(problems, t)))
    table.strings("build-variants-files")
    table.read("build-variants", lambda n: _check_variants(problems, n))
    draft.requires_pixi = table.parsed("requires-pixi", lambda text: read_version_spec(text)[0] and text)
    draft.exclude_newer = table.parsed("exclude-newer", _check_cutoff)
    draft.dependencies = table.read("dependencies", lambda n: read_conda_table(problems, n)) or ()
    table.finish()
    return draft


def _read_platforms(problems: Problems, table: Table, node: Node) -> tuple[Platform, ...] | None:
    if not isinstance(node.value, list):
        problems.wanted(node, "an array")
        return None
    platforms: dict[str, Platform] = {}
    mark = problems.mark
    duplicate: tuple[Node, str] | None = None
    for element in node.elements():
        platform = read_platform(problems, element)
        if platform is not None and platform.name in platforms:
            duplicate = duplicate or (element, platform.name)
        elif platform is not None:
            platforms[platform.name] = platform
    if duplicate is not None and not problems.errors_since(mark):
        problems.invalid(duplicate[0], f"duplicate key: '{duplicate[1]}' already exists among the platforms")
        table.lead()
    return tuple(platforms.values())


def _read_channels(problems: Problems, node: Node) -> tuple[tuple[str, ...], dict[str, int], dict[str, str]] | None:
    """The channels in order, each once, and the priorities and cut-offs that some have."""
    ranks: dict[str, int] = {}
    cutoffs: dict[str, str] = {}

    def read(entry: Node) -> str | None:
        if isinstance(entry.value, str):
            return entry.value
        if not isinstance(entry.value, dict):
            problems.wanted(entry, "a string or a table")
            return None
        table = Table(problems, entry)
        channel = table.required("channel", problems.string)
        priority = table.take("priority")
        if priority is not None and (isinstance(priority.value, bool) or not isinstance(priority.value, int)):
            problems.wanted(priority, "an integer")
        elif priority is not None and isinstance(priority.value, int) and channel is not None:
            ranks.setdefault(channel, priority.value)
        cutoff = table.parsed("exclude-newer", _check_cutoff)
        if cutoff is not None and channel is not None:
            cutoffs.setdefault(channel, cutoff)
        table.finish()
        return channel

    channels = problems.array(node, read)
    return None if channels is None else (tuple(dict.fromkeys(channels)), ranks, cutoffs)


def _read_name_maps(problems: Problems, node: Node) -> dict[str, NameMap] | None:
    if isinstance(node.value, bool):
        if node.value:
            problems.invalid(
                node, "'conda-pypi-map = true' is not supported", hint="use false, or a table to configure it"
            )
            return None
        return {"*": NameMap(disabled=True, place=problems.place(node.key))}
    if not isinstance(node.value, dict):
        problems.wanted(node, "a table or 'false'")
        return None
    if not node.value:
        # Soft-deprecated, and it keeps its old meaning: only conda-forge's same-name rule (pixi 0.77, P7).
        return {"conda-forge": NameMap(replace=True, same_name=True, place=problems.place(node.key))}
    return problems.mapping(node, str, lambda entry: _read_name_map(problems, entry), by_name=True)


def _read_name_map(problems: Problems, node: Node) -> NameMap | None:
    place = problems.place(node.key)
    if isinstance(node.value, str):
        return NameMap(location=node.value, place=place)
    if node.value is False:
        return NameMap(disabled=True, place=place)
    if node.value is True:
        problems.invalid(node, "'true' is not supported; use false, a string or a table")
        return None
    if not isinstance(node.value, dict):
        problems.wanted(node, "a string, a table or 'false'")
        return None
    table = Table(problems, node)
    location = table.string("location")
    mapping = table.read(
        "mapping", lambda n: problems.mapping(n, str, lambda v: _read_names(problems, v), by_name=True)
    )
    mode = table.choice("mapping-mode", ("overlay", "replace"))
    same_name = table.boolean("same-name-heuristic")
    table.finish()
    if problems.errors_since(table.mark):
        return None
    if not node.value:
        problems.invalid(
            node, "expected at least one of 'location', 'mapping', 'mapping-mode' or 'same-name-heuristic'"
        )
        return None
    names = {name.lower(): projects for name, projects in (mapping or {}).items()}
    return NameMap(names, location, replace=mode == "replace", same_name=same_name, place=place)


def _read_names(problems: Problems, node: Node) -> tuple[str, ...] | None:
    if isinstance(node.value, str):
        return (node.value,)
    if node.value is False:
        return ()
    if isinstance(node.value, list):
        return problems.array(node, problems.string)
    problems.wanted(node, "a string, a list of strings or 'false'")
    return None


def _read_preview(problems: Problems, node: Node) -> tuple[Node, ...] | bool | None:
    if isinstance(node.value, bool):
        return True  # pixi 0.77 enables all flags for either value
    if not isinstance(node.value, list):
        problems.wanted(node, 'a boolean or a list of flags, such as ["pixi-build"]')
        return None
    return tuple(flag for flag in node.elements() if problems.string(flag) is not None)


def _check_s3(problems: Problems, node: Node) -> None:
    table = Table(problems, node)
    table.required("endpoint-url", lambda n: problems.parsed(n, check_url))
    table.required("region", problems.string)
    table.required("force-path-style", problems.boolean)
    table.finish()


def _check_workspace_target(problems: Problems, node: Node) -> None:
    table = Table(problems, node)
    table.read("build-variants", lambda n: _check_variants(problems, n))
    table.finish()


def _check_variants(problems: Problems, node: Node) -> None:
    problems.mapping(node, str, lambda n: problems.array(n, problems.string), by_name=True)


def _read_targets(problems: Problems, table: Table) -> list[ContentDraft]:
    targets = table.read("target", lambda n: problems.mapping(n, check_selector, lambda t: _read_target(problems, t)))
    return list((targets or {}).values())


def _read_target(problems: Problems, node: Node) -> ContentDraft:
    table = Table(problems, node)
    content = ContentDraft(str(node.key[-1]), node)
    _read_conda(problems, table, content)
    content.pypi = table.read("pypi-dependencies", lambda n: read_pypi_table(problems, n)) or ()
    _read_rest_of_content(problems, table, content)
    table.finish(_explain_target_key)
    return content


def _explain_target_key(name: str) -> str:
    return "pypi-options hold for all platforms; move them out of the target" if name == "pypi-options" else ""


def _read_conda(
    problems: Problems,
    table: Table,
    content: ContentDraft,
    *,
    names: tuple[str, ...] = _CONDA_TABLES,
    deprecate: bool = False,
) -> None:
    for name in names:
        node = table.take(name)
        if node is None:
            continue
        mark = problems.mark
        content.conda[name] = read_conda_table(problems, node)
        if deprecate and name != "dependencies" and not problems.errors_since(mark):
            _deprecate_table(problems, node, "dependencies")
    content.constraints = table.read("constraints", lambda n: read_conda_table(problems, n)) or ()


def _read_rest_of_content(problems: Problems, table: Table, content: ContentDraft) -> None:
    content.developed = table.read("dev", lambda n: _read_developed(problems, n)) or ()
    content.variables = table.read("activation", lambda n: _read_activation(problems, n)) or {}
    table.read("tasks", lambda n: check_tasks(problems, n))


def _read_developed(problems: Problems, node: Node) -> tuple[Developed, ...]:
    def read(entry: Node) -> Developed | None:
        path = read_location(problems, entry)
        return None if path is None else Developed(str(entry.key[-1]).lower(), path, entry)

    return tuple(problems.mapping(node, check_conda_name, read).values())


def _read_activation(problems: Problems, node: Node) -> dict[str, str]:
    table = Table(problems, node)
    table.strings("scripts")
    variables = table.read("env", lambda n: problems.mapping(n, str, problems.string))
    table.finish()
    return variables or {}


def _read_feature(problems: Problems, node: Node) -> FeatureDraft:
    table = Table(problems, node)
    feature = FeatureDraft(str(node.key[-1]), node, ContentDraft(None, node))
    _read_scope(problems, table, feature)
    _read_conda(problems, table, feature.content, deprecate=True)
    feature.content.pypi = table.read("pypi-dependencies", lambda n: read_pypi_table(problems, n)) or ()
    _read_rest_of_content(problems, table, feature.content)
    feature.options = table.read("pypi-options", lambda n: read_pypi_options(problems, n))
    feature.requirements = table.read("system-requirements", lambda n: read_system_requirements(problems, n)) or {}
    table.finish()
    return feature


def _read_scope(problems: Problems, table: Table, feature: FeatureDraft) -> None:
    feature.platforms = table.strings("platforms")
    channels = table.read("channels", lambda n: _read_channels(problems, n))
    if channels is not None:
        feature.channels, feature.channel_ranks, feature.channel_cutoffs = channels
    feature.channel_priority = table.choice("channel-priority", _CHANNEL_PRIORITIES)
    feature.solve_strategy = table.choice("solve-strategy", _SOLVE_STRATEGIES)
    feature.targets = _read_targets(problems, table)


def _read_environments(problems: Problems, node: Node) -> dict[str, EnvironmentDraft]:
    return problems.mapping(node, check_environment_name, lambda n: _read_environment(problems, n))


def _read_environment(problems: Problems, node: Node) -> EnvironmentDraft | None:
    draft = EnvironmentDraft(str(node.key[-1]), node)
    if isinstance(node.value, list):
        draft.features = _read_feature_names(problems, node) or ()
        draft.features_node = node
        return draft
    if not isinstance(node.value, dict):
        problems.wanted(node, "either a map or a sequence")
        return None
    table = Table(problems, node)
    draft.features_node = table.take("features")
    if draft.features_node is not None:
        draft.features = _read_feature_names(problems, draft.features_node) or ()
    draft.solve_group = table.string("solve-group")
    draft.no_default_feature = bool(table.boolean("no-default-feature"))
    inline = FeatureDraft(draft.name, node, ContentDraft(None, node))
    _read_scope(problems, table, inline)
    _read_conda(problems, table, inline.content, names=("dependencies",))
    inline.content.pypi = table.read("pypi-dependencies", lambda n: read_pypi_table(problems, n)) or ()
    _read_rest_of_content(problems, table, inline.content)
    inline.options = table.read("pypi-options", lambda n: read_pypi_options(problems, n))
    table.finish()
    if node.value.keys() - {"features", "solve-group", "no-default-feature"}:
        draft.inline = inline
    elif not node.value.keys() & {"features", "solve-group"} and not problems.errors_since(table.mark):
        problems.invalid(node, "missing field 'features' in table")
    return draft


def _read_feature_names(problems: Problems, node: Node) -> tuple[Node, ...] | None:
    return problems.array(node, lambda element: None if problems.string(element) is None else element)


def _read_cutoffs(problems: Problems, table: Table, name: str, check_name: Callable[[str], str]) -> Mapping[str, str]:
    node = table.take(name)
    if node is None:
        return {}
    return problems.mapping(node, check_name, lambda value: problems.parsed(value, _check_cutoff))


def _check_cutoff(text: str) -> str:
    """A date, a timestamp with a zone, or a duration such as `7d`; ValueError otherwise."""
    if re.fullmatch(_DURATION, text) and all(re.fullmatch(_UNIT, word) for word in re.findall("[A-Za-z]+", text)):
        return text
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is neither a valid duration, date, nor timestamp") from None
    if moment.tzinfo is None and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(f"'{text}' is neither a valid duration, date, nor timestamp: a time needs a zone")
    return text


def _check_conda_version(text: str) -> str:
    if not re.fullmatch(r"(?:\d+!)?[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*(?:\+[A-Za-z0-9._-]+)?", text):
        raise ValueError(f"'{text}' is not a valid version")
    return text
