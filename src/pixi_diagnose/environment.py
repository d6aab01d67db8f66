"""Manifest → environments: one per environment × platform, features merged, targets applied, markers and tags known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeVar

from .errors import UsageError
from .lazy_dataclass import dataclass
from .manifest.model import (
    CondaSpec,
    EnvironmentDeclaration,
    Feature,
    Manifest,
    NameMap,
    Platform,
    PypiOptions,
    PypiSpec,
    TargetTable,
)
from .manifest.platforms import combined_platform, selector_matches
from .manifest.pypi_options import OptionsConflictError, overlay, union

if TYPE_CHECKING:
    from .manifest.installer import Installer

__all__ = [
    "Environment",
    "environments",
    "marker_environment",
    "select",
    "specs_without_target",
    "supported_platforms",
]

Spec = TypeVar("Spec", CondaSpec, PypiSpec)


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment on one platform, with everything merged in the tool's own order.

    `conda` and `pypi` hold one entry per declaration that applies (several for one name accumulate across features).
    `options` is merged (its no-build-isolation list in install order, pixi.md P3, P6). `variables` is activation.env.
    `constraints` limit conda packages without asking for them; `exclude_newer_packages` and `exclude_newer_channels`
    override the general cut-off. `dialect` is the manifest's, `installer` what uv or pip are told (None for pixi).
    """

    name: str
    platform: Platform
    features: tuple[str, ...]
    solve_group: str | None
    channels: tuple[str, ...]
    conda: tuple[CondaSpec, ...]
    pypi: tuple[PypiSpec, ...]
    options: PypiOptions
    variables: Mapping[str, str] = field(default_factory=dict)
    channel_priority: str | None = None
    solve_strategy: str | None = None
    exclude_newer: str | None = None
    pypi_exclude_newer: str | None = None
    conda_pypi_map: Mapping[str, NameMap] | None = None
    root: str = "."
    constraints: tuple[CondaSpec, ...] = ()
    exclude_newer_packages: Mapping[str, str] = field(default_factory=dict)
    exclude_newer_channels: Mapping[str, str] = field(default_factory=dict)
    pypi_exclude_newer_packages: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "pixi"
    installer: Installer | None = None


def environments(manifest: Manifest) -> tuple[Environment, ...]:
    """Every environment of a manifest on every platform that all its features support, in the manifest's order.

    Features contribute in pixi's order: what stands in `[environments.x]` itself, the listed ones, the default feature
    last (pixi.md P3). Contradictions that pixi rejects are problems of the manifest; here the first value then stays.
    """
    return tuple(
        _environment(manifest, declaration, features, platform)
        for declaration in manifest.environments
        for features in (_features(manifest, declaration),)
        for platform in _platforms(manifest, features)
    )


def select(
    every: Sequence[Environment], names: Sequence[str] = (), platforms: Sequence[str] = ()
) -> tuple[Environment, ...]:
    """The environments of these names on these platforms (a platform's name or its subdir); empty means all.

    Raises UsageError naming what exists, if a name or a platform is not there.
    """
    for kind, wanted, known in (
        ("environment", names, [environment.name for environment in every]),
        ("platform", platforms, [name for e in every for name in (e.platform.name, e.platform.subdir)]),
    ):
        for name in wanted:
            if name not in known:
                existing = ", ".join(dict.fromkeys(known)) or "none"
                raise UsageError(f"no {kind} '{name}' in the manifest", hint=f"{kind}s that exist: {existing}")
    chosen = tuple(
        environment
        for environment in every
        if (not names or environment.name in names)
        and (not platforms or environment.platform.name in platforms or environment.platform.subdir in platforms)
    )
    if every and not chosen:
        raise UsageError(f"none of {', '.join(names)} supports {', '.join(platforms)}")
    return chosen


def supported_platforms(manifest: Manifest, name: str) -> tuple[Platform, ...]:
    """The platforms of the environment of this name, in the manifest's order."""
    return tuple(_platforms(manifest, _features(manifest, _declaration(manifest, name))))


def specs_without_target(manifest: Manifest, name: str) -> tuple[tuple[CondaSpec, ...], tuple[PypiSpec, ...]]:
    """What the environment of this name asks for on whatever platform: its conda and its PyPI dependencies."""
    features = _features(manifest, _declaration(manifest, name))
    tables = [[table for table in feature.targets if table.selector is None] for feature in features]
    return _accumulated(tables, lambda table: table.conda), _accumulated(tables, lambda table: table.pypi)


def marker_environment(platform: Platform, python_version: str) -> dict[str, str]:
    """The values of PEP 508 markers on a declared platform, as pixi gives them to its resolver (pixi.md P8).

    `python_version` is "3.12" or "3.12.7". The release and version of the platform are empty. Raises UsageError for a
    platform without Python markers (noarch, wasm).
    """
    system, _, machine = platform.subdir.partition("-")
    if system not in _MARKERS:
        raise UsageError(f"no PyPI packages can be resolved for the platform '{platform.name}'")
    major, minor, *patch = python_version.split(".")
    full = ".".join((major, minor, *(patch or ["0"])))
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "platform_machine": _MACHINES.get(platform.subdir, machine),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
        "python_full_version": full,
        "python_version": f"{major}.{minor}",
        **_MARKERS[system],
    }


_MARKERS = {
    "linux": {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux"},
    "osx": {"os_name": "posix", "platform_system": "Darwin", "sys_platform": "darwin"},
    "win": {"os_name": "nt", "platform_system": "Windows", "sys_platform": "win32"},
}
_MACHINES = {
    "linux-32": "i386",
    "linux-64": "x86_64",
    "osx-64": "x86_64",
    "win-32": "x86",
    "win-64": "AMD64",
    "win-arm64": "ARM64",
}


def _declaration(manifest: Manifest, name: str) -> EnvironmentDeclaration:
    return next(declaration for declaration in manifest.environments if declaration.name == name)


def _features(manifest: Manifest, declaration: EnvironmentDeclaration) -> tuple[Feature, ...]:
    inline = () if declaration.inline is None else (declaration.inline,)
    names = (*declaration.features, *(() if declaration.no_default_feature else ("default",)))
    # pixi 0.77 counts a listed `default` twice; what it holds has its place where it comes first
    listed = (manifest.features[name] for name in dict.fromkeys(names) if name in manifest.features)
    return (*inline, *listed)


def _platforms(manifest: Manifest, features: Sequence[Feature]) -> Iterator[Platform]:
    """The platforms of an environment (P2, P8).

    Where all declared platforms are plain subdirs, each subdir that every feature supports gives one platform, combined
    from those that features name. Otherwise a platform has to be named by every feature, by name or by subdir; on a
    subdir for which a feature names a platform exactly, only exactly named ones remain.
    """
    named = {name for feature in features for name in feature.platforms or ()}
    if not manifest.combines_platforms:
        pinned = {platform.subdir for platform in manifest.platforms if platform.name in named}
        for platform in manifest.platforms:
            supported = all(
                feature.platforms is None or not {platform.name, platform.subdir}.isdisjoint(feature.platforms)
                for feature in features
            )
            if supported and (platform.name in named or platform.subdir not in pinned):
                yield platform
        return
    by_name = {platform.name: platform for platform in manifest.platforms}
    for subdir in dict.fromkeys(platform.subdir for platform in manifest.platforms):
        of_features = [
            [by_name[name] for name in feature.platforms if name in by_name and by_name[name].subdir == subdir]
            for feature in features
            if feature.platforms is not None
        ]
        if all(of_features):
            distinct = {platform.name: platform for platforms in of_features for platform in platforms}
            declared = next(platform for platform in manifest.platforms if platform.subdir == subdir)
            yield replace(combined_platform(subdir, list(distinct.values())), place=declared.place)


def _environment(
    manifest: Manifest, declaration: EnvironmentDeclaration, features: Sequence[Feature], platform: Platform
) -> Environment:
    tables = [_applying(feature, platform) for feature in features]
    variables: dict[str, str] = {}
    for table in (table for applying in tables for table in reversed(applying)):
        variables = {**table.activation_variables, **variables}
    return Environment(
        name=declaration.name,
        platform=platform,
        features=(*declaration.features, *(() if declaration.no_default_feature else ("default",))),
        solve_group=declaration.solve_group,
        channels=_channels(manifest, features),
        conda=_accumulated(tables, lambda table: table.conda),
        pypi=_accumulated(tables, lambda table: table.pypi),
        options=_options(manifest, features),
        variables=variables,
        channel_priority=next((feature.channel_priority for feature in features if feature.channel_priority), None),
        solve_strategy=next((feature.solve_strategy for feature in features if feature.solve_strategy), None),
        exclude_newer=manifest.exclude_newer,
        pypi_exclude_newer=manifest.pypi_exclude_newer,
        conda_pypi_map=manifest.conda_pypi_map,
        root=manifest.root,
        constraints=_accumulated(tables, lambda table: table.constraints),
        exclude_newer_packages=manifest.exclude_newer_packages,
        exclude_newer_channels=_channel_cutoffs(manifest, features),
        pypi_exclude_newer_packages=manifest.pypi_exclude_newer_packages,
        dialect=manifest.dialect,
        installer=manifest.installer,
    )


def _applying(feature: Feature, platform: Platform) -> list[TargetTable]:
    """The targets of a feature that hold on a platform, in file order: later ones override."""
    return [table for table in feature.targets if table.selector is None or selector_matches(table.selector, platform)]


def _accumulated(
    tables: Sequence[Sequence[TargetTable]], specs_of: Callable[[TargetTable], Iterable[Spec]]
) -> tuple[Spec, ...]:
    """The specs of all features: within one feature a later target overrides a name, across features all hold."""
    found: list[Spec] = []
    for applying in tables:
        by_name: dict[str, list[Spec]] = {}
        for table in applying:
            own: dict[str, list[Spec]] = {}
            for spec in specs_of(table):
                own.setdefault(spec.name, []).append(spec)
            by_name |= own
        found += [spec for specs in by_name.values() for spec in specs]
    return tuple(found)


def _channels(manifest: Manifest, features: Sequence[Feature]) -> tuple[str, ...]:
    """The channels of all features, the workspace's for those without, by priority and then in order, each once."""
    ranked: list[tuple[int, str]] = []
    for feature in features:
        own = feature.channels is not None
        channels = feature.channels if feature.channels is not None else manifest.channels
        ranks = feature.channel_ranks if own else manifest.channel_ranks
        ranked += [(ranks.get(channel, 0), channel) for channel in channels]
    ranked.sort(key=lambda entry: -entry[0])
    return tuple(dict.fromkeys(channel for _, channel in ranked))


def _channel_cutoffs(manifest: Manifest, features: Sequence[Feature]) -> dict[str, str]:
    """The `exclude-newer` of the channels of all features, the workspace's for those without channels of their own."""
    found: dict[str, str] = {}
    for feature in features:
        found = {**(feature.channel_cutoffs if feature.channels is not None else manifest.channel_cutoffs), **found}
    return found


def _options(manifest: Manifest, features: Sequence[Feature]) -> PypiOptions:
    merged = PypiOptions()
    for feature in features:
        try:
            merged = union(merged, feature.options)
        except OptionsConflictError:
            merged = overlay(feature.options, merged)
    return overlay(manifest.options, merged)
