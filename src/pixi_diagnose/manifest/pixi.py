"""The pixi dialect: `pixi.toml`, `mojoproject.toml`, and `pyproject.toml` with `[tool.pixi]` (pixi.md P1 to P3).

The manifest is read tolerantly: everything that pixi would reject, deprecate or warn about becomes a ManifestProblem,
and the rest is kept. The first problem of kind "invalid" or "unknown-key" is the one that pixi itself would name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import PurePath

from ..document import Document
from ..lazy_dataclass import dataclass
from .conda_specs import resolve_conda_table
from .development import Development
from .fields import Node, Problems, nearest, refuse_dates
from .model import (
    CondaSpec,
    EnvironmentDeclaration,
    Feature,
    Manifest,
    Platform,
    PypiOptions,
    TargetTable,
)
from .pixi_tables import ContentDraft, EnvironmentDraft, FeatureDraft, RootDraft, WorkspaceDraft, read_root
from .platforms import (
    SUBDIRS,
    bare_platform,
    check_platform_name,
    derived_name,
    platform_with,
    selector_matches,
    virtual_packages_of,
)
from .problem_places import placed_problems
from .pypi_options import OptionsConflictError, union
from .pyproject import ProjectDraft, ResolvedProject, read_project, resolve_project
from .surroundings import NOTHING, Surroundings
from .unread import unread_tables
from .version_spec import read_version_spec

__all__ = ["read_pixi"]

_SECTIONS = ("workspace", "project", "package")
_PREVIEW = "pixi-build"


def read_pixi(text: str, path: str, surroundings: Surroundings = NOTHING) -> Manifest:
    """Read a pixi manifest; the file name of `path` decides whether its tables are below `[tool.pixi]`.

    Raises ManifestError only where the text is no TOML at all. Of the files beside the manifest (`surroundings`) only
    those of packages in `[dev]` are looked at.
    """
    document = Document(text, path)
    data: Mapping[str, object] = document.data
    problems = Problems(path)
    whole = Node(data, ())
    pyproject = PurePath(path).name == "pyproject.toml"
    tables = _below(whole, ("tool", "pixi") if pyproject else ())
    refuse_dates(problems, whole, "a date is no value that pixi knows")
    _check_sections(problems, text, pyproject=pyproject)
    _check_requires_pixi(problems, tables)
    project = read_project(problems, whole) if pyproject else None
    root = read_root(problems, tables)
    resolved = ResolvedProject() if project is None else resolve_project(problems, project)
    development = Development(document, surroundings, str(PurePath(path).parent))
    assembly = _Assembly(problems, root, project, resolved, development)
    manifest = assembly.manifest()
    placed = placed_problems(document, manifest.problems)
    return replace(
        manifest,
        unread=unread_tables(data, path, pyproject=pyproject),
        problems=placed,
        unknowns=tuple(dict.fromkeys(development.unknowns)),
        files=development.files,
    )


def _below(node: Node, keys: tuple[str, ...]) -> Node:
    for key in keys:
        value = node.value.get(key) if isinstance(node.value, dict) else None
        node = Node({} if value is None else value, (*node.key, key))
    return node


def _check_sections(problems: Problems, text: str, *, pyproject: bool) -> None:
    """Before it parses, pixi looks for the header of a table that makes the file its manifest."""
    if pyproject:
        found = any(f"[tool.pixi.{section}]" in text or f"{section}." in text for section in _SECTIONS)
    else:
        headers = tuple(f"[{section}" for section in _SECTIONS)
        found = any(line.lstrip().startswith(headers) for line in text.splitlines())
    if not found:
        wanted = ", ".join(f"[{'tool.pixi.' if pyproject else ''}{section}]" for section in _SECTIONS)
        problems.add("invalid", f"one of the tables {wanted} is required", ())


def _check_requires_pixi(problems: Problems, tables: Node) -> None:
    """`requires-pixi` is read before all else, and strictly: a bare version is refused (pixi 0.77)."""
    node = _below(tables, ("workspace", "requires-pixi"))
    if isinstance(node.value, str):
        try:
            _, guessed = read_version_spec(node.value)
        except ValueError as error:
            problems.invalid(node, f"invalid version specifier in 'requires-pixi': {error}")
        else:
            if guessed:
                problems.invalid(node, f"invalid version specifier in 'requires-pixi': write '=={node.value}'")


def _check_license(problems: Problems, node: Node) -> None:
    # A large table that most manifests do not need.
    from packaging.licenses import (
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    try:
        canonicalize_license_expression(str(node.value))
    except InvalidLicenseExpression as error:
        problems.invalid(node, f"'license' is not a valid SPDX expression: {error}")


@dataclass(slots=True)
class _Assembly:
    """Turns drafts into the model, checking them against each other in pixi's order."""

    problems: Problems
    root: RootDraft
    project: ProjectDraft | None
    resolved: ResolvedProject
    development: Development
    workspace: WorkspaceDraft = field(init=False)
    builds: bool = field(init=False)
    """Whether the preview flag pixi-build allows source dependencies."""

    def __post_init__(self) -> None:
        self.workspace = self.root.workspace or WorkspaceDraft(self.root.feature.node)
        self.builds = self.workspace.preview is True or _PREVIEW in self.workspace.preview_names

    def manifest(self) -> Manifest:
        root, workspace, problems = self.root, self.workspace, self.problems
        if root.workspace is None and not problems.errors_since(0):
            problems.add("invalid", "missing field 'workspace'", root.feature.node.key)
        features = {"default": self._feature(root.feature)}
        for name, draft in root.features.items():
            if name == "default":
                problems.add(
                    "invalid",
                    "the feature 'default' is reserved and cannot be redefined",
                    draft.node.key,
                    hint="the tables at the root of the document are the default feature: use those",
                    at="key",
                )
            else:
                features[name] = self._feature(draft)
        for name in self.resolved.features:
            features.setdefault(name, Feature(name, (TargetTable(None),)))
        environments = self._environments(features)
        self._warn_of_unused(environments)
        self._check_workspace()
        features, environments, platforms, combines = self._platforms(features, environments)
        if root.package is not None and not self.builds:
            message = f"[package] is only allowed when the '{_PREVIEW}' preview flag is enabled"
            problems.invalid(root.package, message, hint=f'add preview = ["{_PREVIEW}"] to [workspace]')
        features["default"] = replace(
            features["default"],
            channel_priority=workspace.channel_priority,
            solve_strategy=workspace.solve_strategy,
        )
        return Manifest(
            dialect="pixi",
            path=problems.path,
            root=str(PurePath(problems.path).parent),
            name=self._name(),
            channels=workspace.channels,
            platforms=platforms,
            features=self._with_project(features),
            environments=environments,
            options=workspace.options,
            channel_priority=workspace.channel_priority,
            solve_strategy=workspace.solve_strategy,
            exclude_newer=workspace.exclude_newer,
            pypi_exclude_newer=workspace.exclude_newer,
            conda_pypi_map=workspace.conda_pypi_map,
            preview=workspace.preview_names,
            requires=workspace.requires_pixi,
            problems=tuple(problems.found),
            channel_ranks=workspace.channel_ranks,
            channel_cutoffs=workspace.channel_cutoffs,
            combines_platforms=combines,
            exclude_newer_packages=root.exclude_newer,
            pypi_exclude_newer_packages=root.pypi_exclude_newer,
        )

    def _name(self) -> str:
        package = self.root.package
        packaged = package.value.get("name") if package is not None and isinstance(package.value, dict) else None
        named = self.workspace.name or (packaged if isinstance(packaged, str) else "")
        return named or (self.project.name if self.project is not None else "")

    # Features

    def _feature(self, draft: FeatureDraft) -> Feature:
        everywhere = self._target(draft.content)
        if draft.platforms is not None:
            self._check_platform_names(draft)
        targets = [everywhere]
        for target in draft.targets:
            self._check_selector(draft, target)
            targets.append(self._target(target))
        for content in (draft.content, *draft.targets):
            self._develop(content, targets)
        if draft.requirements:
            self.problems.add(
                "deprecated",
                "the [system-requirements] table is deprecated in favour of virtual packages on 'platforms'",
                (*draft.node.key, "system-requirements"),
                hint=f"declare these on the platforms instead: {self._as_platforms(draft.requirements)}",
            )
        return Feature(
            name=draft.name,
            targets=tuple(targets),
            channels=draft.channels,
            platforms=draft.platforms,
            options=draft.options or PypiOptions(),
            system_requirements=draft.requirements,
            place=self.problems.place(draft.node.key),
            channel_ranks=draft.channel_ranks,
            channel_cutoffs=draft.channel_cutoffs,
            channel_priority=draft.channel_priority,
            solve_strategy=draft.solve_strategy,
        )

    def _target(self, content: ContentDraft) -> TargetTable:
        pool = {entry.spec.name: entry for entry in self.workspace.dependencies}
        if self.builds:
            for name in ("host-dependencies", "build-dependencies"):
                if name in content.conda:
                    message = f"when '{_PREVIEW}' is enabled, {name} can only be specified for a package"
                    hint = f"did you mean [package.{name}]?"
                    self.problems.add("invalid", message, (*content.node.key, name), hint=hint)
        conda: dict[str, CondaSpec] = {}
        for entries in content.conda.values():
            # Build dependencies overwrite host dependencies, which overwrite those to run.
            specs = resolve_conda_table(self.problems, entries, pool, sources_allowed=self.builds)
            conda |= {spec.name: spec for spec in specs}
        for entry in content.constraints:
            if entry.is_source:
                self.problems.invalid(entry.node, "source specifications are not supported in [constraints]")
                break
        return TargetTable(
            selector=content.selector,
            conda=tuple(conda.values()),
            pypi=content.pypi,
            activation_variables=content.variables,
            place=self.problems.place(content.node.key),
            constraints=resolve_conda_table(self.problems, content.constraints, pool, sources_allowed=True),
        )

    def _develop(self, content: ContentDraft, targets: list[TargetTable]) -> None:
        """Add what the packages of `[dev]` bring to the tables of a feature, beside what these ask for themselves."""
        if not content.developed:
            return
        pool = {entry.spec.name: entry for entry in self.workspace.dependencies}
        brought, *more = self.development.tables(content.developed, content.selector, pool)
        at = next(i for i, table in enumerate(targets) if table.selector == content.selector)
        targets[at] = replace(targets[at], conda=(*targets[at].conda, *brought.conda))
        targets += more

    def _check_platform_names(self, draft: FeatureDraft) -> None:
        for index, name in enumerate(draft.platforms or ()):
            try:
                check_platform_name(name)
            except ValueError as error:
                self.problems.add("invalid", str(error), (*draft.node.key, "platforms", index))
                return

    def _check_selector(self, draft: FeatureDraft, target: ContentDraft) -> None:
        selector = target.selector or ""
        matching = [platform for platform in self.workspace.platforms if selector_matches(selector, platform)]
        where = "the workspace"
        if matching and draft.platforms is not None:
            where = f"the feature '{draft.name}'"
            matching = [platform for platform in matching if platform.name in draft.platforms]
        if not matching:
            message = f"the target selector '{selector}' does not match any of the platforms supported by {where}"
            hint = nearest(selector, [platform.name for platform in self.workspace.platforms])
            self.problems.add("warning", message, target.node.key, hint=hint, at="key")

    def _as_platforms(self, requirements: Mapping[str, str]) -> str:
        subdirs = list(dict.fromkeys(platform.subdir for platform in self.workspace.platforms)) or ["linux-64"]
        keys = {"__cuda": "cuda", "__glibc": "glibc", "__linux": "linux", "__osx": "macos"}
        entries = []
        for subdir in subdirs:
            packages = virtual_packages_of(requirements, subdir)
            pairs = "".join(f', {keys.get(package.name, package.name)} = "{package.version}"' for package in packages)
            entry = f'{{ name = "my-{subdir}", platform = "{subdir}"{pairs} }}' if pairs else f'"{subdir}"'
            entries.append(entry)
        return f"platforms = [{', '.join(entries)}]"

    def _with_project(self, features: Mapping[str, Feature]) -> dict[str, Feature]:
        """Add what pyproject.toml gives: python from requires-python, dependencies, extras and groups (P2)."""
        if self.project is None:
            return dict(features)
        groups = self.resolved.features
        groups["default"] = (*groups.get("default", ()), *self.resolved.dependencies)
        result = dict(features)
        for name, specs in groups.items():
            feature = result[name]
            everywhere = feature.targets[0]
            everywhere = replace(everywhere, pypi=(*everywhere.pypi, *specs))
            if name == "default" and not self._declares_python():
                everywhere = replace(everywhere, conda=(*everywhere.conda, self._python()))
            result[name] = replace(feature, targets=(everywhere, *feature.targets[1:]))
        return result

    def _declares_python(self) -> bool:
        entries = self.root.feature.content.conda.get("dependencies", ())
        return any(entry.spec.name == "python" for entry in entries)

    def _python(self) -> CondaSpec:
        node = self.project.requires_python if self.project is not None else None
        if node is None:
            return CondaSpec("python", "python", "*", self.problems.place(("project",)))
        version = "".join(str(node.value).split()).removeprefix("==")
        return CondaSpec("python", "python", version or "*", self.problems.place(node.key))

    # Environments

    def _environments(self, features: Mapping[str, Feature]) -> tuple[EnvironmentDeclaration, ...]:
        declared = [] if "default" in self.root.environments else [EnvironmentDeclaration("default")]
        declared += [self._environment(draft, features) for draft in self.root.environments.values()]
        return tuple(declared)

    def _environment(self, draft: EnvironmentDraft, features: Mapping[str, Feature]) -> EnvironmentDeclaration:
        inline = None if draft.inline is None else self._feature(draft.inline)
        names: list[str] = []
        for node in draft.features:
            name = str(node.value)
            if name not in features:
                hint = nearest(name, features) or "add the feature to the manifest"
                self.problems.invalid(node, f"the feature '{name}' is not defined in the manifest", hint=hint)
            elif name in names:
                self.problems.invalid(node, f"the feature '{name}' is included more than once")
            else:
                names.append(name)
        used = [*([inline] if inline is not None else []), *(features[name] for name in names)]
        used += [] if draft.no_default_feature else [features["default"]]
        self._check_together(draft, used)
        return EnvironmentDeclaration(
            name=draft.name,
            features=tuple(names),
            no_default_feature=draft.no_default_feature,
            solve_group=draft.solve_group,
            inline=inline,
            place=self.problems.place(draft.node.key),
        )

    def _check_together(self, draft: EnvironmentDraft, features: list[Feature]) -> None:
        """Features of one environment may not contradict each other (P3)."""
        where = draft.features_node or draft.node
        families = {name for feature in features for name in feature.system_requirements if name.startswith("__")}
        libcs = sorted(families - {"__osx", "__linux", "__cuda"})
        archspecs = sorted({feature.system_requirements.get("archspec", "") for feature in features} - {""})
        if len(libcs) > 1:
            self.problems.invalid(where, f"two different libc families were specified: {' and '.join(libcs)}")
        elif len(archspecs) > 1:
            self.problems.invalid(where, f"cannot combine archspecs: {' and '.join(archspecs)}")
        merged = PypiOptions()
        try:
            for feature in features:
                merged = union(merged, feature.options)
        except OptionsConflictError as error:
            self.problems.invalid(where, f"{error} (environment '{draft.name}')")
        priorities = list(dict.fromkeys(feature.channel_priority for feature in features if feature.channel_priority))
        if len(priorities) > 1:
            message = f"environment '{draft.name}' has several channel priorities: it cannot be solved"
            self.problems.add("warning", message, where.key)

    def _warn_of_unused(self, environments: tuple[EnvironmentDeclaration, ...]) -> None:
        used = {name for environment in environments for name in environment.features}
        for name, draft in self.root.features.items():
            if name not in used and name != "default":
                self.problems.add(
                    "warning",
                    f"the feature '{name}' is defined but not used in any environment",
                    draft.node.key,
                    hint="remove the feature, or add it to an environment",
                    at="key",
                )

    # The workspace

    def _check_workspace(self) -> None:
        workspace, problems = self.workspace, self.problems
        if workspace.license is not None:
            _check_license(problems, workspace.license)
        if not isinstance(workspace.preview, bool):
            unknown = [flag for flag in workspace.preview if flag.value != _PREVIEW]
            if unknown:
                names = ", ".join(str(flag.value) for flag in unknown)
                problems.add("warning", f"unknown preview flags do nothing: {names}", unknown[0].key)
        name_map = _below(workspace.node, ("conda-pypi-map",))
        if workspace.conda_pypi_map is not None and name_map.value == {}:
            hint = 'use false to switch the mapping off, or { conda-forge = { mapping-mode = "replace" } }'
            problems.add("deprecated", "'conda-pypi-map = {}' is deprecated", name_map.key, hint=hint)
        if not self.builds and any(entry.is_source for entry in workspace.dependencies):
            message = f"conda source dependencies are not allowed without enabling the '{_PREVIEW}' preview flag"
            problems.add("invalid", message, (*workspace.node.key, "dependencies"))

    # Platforms

    def _platforms(
        self, features: dict[str, Feature], environments: tuple[EnvironmentDeclaration, ...]
    ) -> tuple[dict[str, Feature], tuple[EnvironmentDeclaration, ...], tuple[Platform, ...], bool]:
        """Turn system requirements into platforms of their own and check which platforms features name (P2, P8)."""
        declared = {platform.name: platform for platform in self.workspace.platforms}
        plain = all(platform.name == platform.subdir for platform in declared.values())
        inlines = [environment.inline for environment in environments if environment.inline is not None]
        everything = [*features.values(), *inlines]
        if plain:
            for name in (name for feature in everything for name in feature.platforms or ()):
                if name in SUBDIRS:
                    declared.setdefault(name, bare_platform(name))
        for feature in everything:
            self._check_references(feature, declared)
        if not any(feature.system_requirements for feature in everything):
            return features, environments, tuple(declared.values()), plain
        if not plain:
            return features, environments, tuple(declared.values()), self._refuse_mixture(everything)
        made: dict[str, Platform] = {}
        migrated = {name: _migrated(feature, declared, made) for name, feature in features.items()}
        expanded = tuple(
            environment
            if environment.inline is None
            else replace(environment, inline=_migrated(environment.inline, declared, made))
            for environment in environments
        )
        covered = {platform.subdir for platform in made.values()}
        made |= {name: platform for name, platform in declared.items() if platform.subdir not in covered}
        return migrated, expanded, tuple(made.values()), True

    def _check_references(self, feature: Feature, declared: Mapping[str, Platform]) -> None:
        for index, name in enumerate(feature.platforms or ()):
            if name not in declared and feature.place is not None:
                message = (
                    f"the feature '{feature.name}' references platform '{name}', which the workspace does not declare"
                )
                hint = nearest(name, declared) or f"the workspace declares: {', '.join(declared)}"
                self.problems.add("invalid", message, (*feature.place.key, "platforms", index), hint=hint)

    def _refuse_mixture(self, features: list[Feature]) -> bool:
        for feature in features:
            if feature.system_requirements and feature.place is not None:
                message = "[system-requirements] cannot be combined with virtual packages on 'platforms'"
                hint = "remove the table and declare the constraints on the platforms"
                self.problems.add("invalid", message, (*feature.place.key, "system-requirements"), hint=hint)
                break
        return False


def _migrated(feature: Feature, declared: Mapping[str, Platform], made: dict[str, Platform]) -> Feature:
    """The feature with `[system-requirements]` as platforms, which are added to `made` with all others it names."""
    if not feature.system_requirements:
        made.update({name: declared[name] for name in feature.platforms or () if name in declared and name not in made})
        return feature
    subdirs = [declared[name].subdir for name in feature.platforms if name in declared] if feature.platforms else None
    names: list[str] = []
    for subdir in [platform.subdir for platform in declared.values()] if subdirs is None else subdirs:
        packages = virtual_packages_of(feature.system_requirements, subdir)
        name = derived_name(subdir, packages)
        made.setdefault(name, bare_platform(subdir) if name == subdir else platform_with(name, subdir, packages))
        names.append(name)
    return replace(feature, platforms=tuple(dict.fromkeys(names)))
