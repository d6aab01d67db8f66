"""What a manifest says, whatever its dialect: tables become these values, and no raw TOML travels further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass

if TYPE_CHECKING:
    from .installer import Installer

__all__ = [
    "CondaSpec",
    "EnvironmentDeclaration",
    "Feature",
    "FindLinks",
    "GitSource",
    "IsolationEntry",
    "Manifest",
    "ManifestProblem",
    "NameMap",
    "PathSource",
    "Platform",
    "PypiOptions",
    "PypiSpec",
    "TargetTable",
    "UnreadTable",
    "UrlSource",
    "VirtualPackage",
]


@dataclass(frozen=True, slots=True)
class VirtualPackage:
    """`__cuda=12.4=0`: name with its underscores, version, build string."""

    name: str
    version: str
    build: str = "0"


@dataclass(frozen=True, slots=True)
class Platform:
    """A declared platform: `name` as the user refers to it, `subdir` conda's, and its virtual packages (pixi.md P8)."""

    name: str
    subdir: str
    virtual_packages: tuple[VirtualPackage, ...]
    place: Place | None = None

    def virtual(self, name: str) -> str | None:
        """The version of one virtual package ("__glibc"), None where the platform has none."""
        return next((v.version for v in self.virtual_packages if v.name == name), None)


@dataclass(frozen=True, slots=True)
class CondaSpec:
    """One conda dependency.

    `name` is normalised (lower case), `spelled` the user's; `version`, `build`, `channel`, … are spec strings.
    `selectors` are the rarer ones under the solver's names: build_number, fn, license, md5, sha256. `brought_by` is the
    package of `[dev]` whose dependency it is, "" for the environment's own.
    """

    name: str
    spelled: str
    version: str
    place: Place
    build: str | None = None
    channel: str | None = None
    subdir: str | None = None
    url: str | None = None
    path: str | None = None
    git: str | None = None
    selectors: tuple[tuple[str, str], ...] = ()
    brought_by: str = ""


@dataclass(frozen=True, slots=True)
class PathSource:
    """A directory or archive on disk, `path` as written (relative to the manifest's folder).

    Of one that is not `packaged` only the dependencies are installed (uv's `package = false`).
    """

    path: str
    editable: bool = False
    packaged: bool = True


@dataclass(frozen=True, slots=True)
class GitSource:
    """A git repository; at most one of branch, tag and rev."""

    url: str
    branch: str | None = None
    tag: str | None = None
    rev: str | None = None
    subdirectory: str | None = None
    lfs: bool = False


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A direct URL to an archive, with the hash that it is to have if one was given."""

    url: str
    subdirectory: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class PypiSpec:
    """One PyPI dependency.

    `name` is canonical, `spelled` the user's; `specifier` is PEP 440 ("" means any); `marker` PEP 508; `hashes` are
    those that its file may have ("sha256:…"), none for any. `nameless`: it is asked for by its address alone, and uv
    finds no name there before it builds it.
    """

    name: str
    spelled: str
    specifier: str
    place: Place
    extras: tuple[str, ...] = ()
    marker: str = ""
    index: str | None = None
    source: PathSource | GitSource | UrlSource | None = None
    hashes: tuple[str, ...] = ()
    nameless: bool = False


@dataclass(frozen=True, slots=True)
class FindLinks:
    """A flat index: exactly one of `path` and `url`."""

    path: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class IsolationEntry:
    """A name in a list such as no-build-isolation: canonical `name`, the user's spelling, and its place in the list."""

    name: str
    spelled: str
    place: Place


@dataclass(frozen=True, slots=True)
class PypiOptions:
    """`[pypi-options]` (pixi.md P3); None means not given.

    The `no_*` values are True, False or a list of names, in order: where one of `no_build` and `no_binary` is True, the
    names in the other are excepted from it. `places` maps an option's key to where it stands.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] | None = None
    find_links: tuple[FindLinks, ...] | None = None
    no_build_isolation: bool | tuple[IsolationEntry, ...] | None = None
    no_build: bool | tuple[IsolationEntry, ...] | None = None
    no_binary: bool | tuple[IsolationEntry, ...] | None = None
    index_strategy: str | None = None
    prerelease_mode: str | None = None
    dependency_overrides: tuple[PypiSpec, ...] | None = None
    skip_wheel_filename_check: bool | None = None
    places: Mapping[str, Place] = field(default_factory=dict)

    def forbids_build(self, project: str) -> bool:
        """Whether nothing of this canonical name may be built."""
        return _applies(self.no_build, project) and not (self.no_build is True and _lists(self.no_binary, project))

    def forbids_wheel(self, project: str) -> bool:
        """Whether no wheel of this canonical name may be taken."""
        return _applies(self.no_binary, project) and not (self.no_binary is True and _lists(self.no_build, project))


def _applies(value: bool | tuple[IsolationEntry, ...] | None, project: str) -> bool:
    return value is True or _lists(value, project)


def _lists(value: bool | tuple[IsolationEntry, ...] | None, project: str) -> bool:
    return isinstance(value, tuple) and any(entry.name == project for entry in value)


@dataclass(frozen=True, slots=True)
class TargetTable:
    """The part of a feature that holds for one target selector; `selector` None holds for every platform."""

    selector: str | None
    conda: tuple[CondaSpec, ...] = ()
    pypi: tuple[PypiSpec, ...] = ()
    activation_variables: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None
    constraints: tuple[CondaSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature: its targets in file order (the one without selector first), its own channels, platforms, options.

    `channel_ranks` holds the priority of channels that have one; higher ones come first, 0 is the default, and
    `channel_cutoffs` the `exclude-newer` of those that have one. `platforms`
    name entries of Manifest.platforms: `[system-requirements]` are already turned into platforms of their own (P2, P8).
    """

    name: str
    targets: tuple[TargetTable, ...] = ()
    channels: tuple[str, ...] | None = None
    platforms: tuple[str, ...] | None = None
    options: PypiOptions = PypiOptions()
    system_requirements: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None
    channel_ranks: Mapping[str, int] = field(default_factory=dict)
    channel_priority: str | None = None
    solve_strategy: str | None = None
    channel_cutoffs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnvironmentDeclaration:
    """An entry of `[environments]`.

    `features` are as listed ("default" too, if it is), `inline` is the content given in place.
    """

    name: str
    features: tuple[str, ...] = ()
    no_default_feature: bool = False
    solve_group: str | None = None
    inline: Feature | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class UnreadTable:
    """A table or key that this dialect's tool never reads although its user expects an effect (ISO108)."""

    place: Place
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    """A key that the tool rejects, deprecates or warns about, with its place.

    `kind` is "invalid", "unknown-key", "deprecated" or "warning"; the first two make the manifest unusable. `at` says
    whether the tool points at the "key" or the "value" of the place; for a string that is its first character, inside
    the quotes: `position` is that, as line and column from 1.
    """

    kind: str
    message: str
    place: Place
    hint: str = ""
    at: str = "value"
    position: tuple[int, int | None] | None = None


@dataclass(frozen=True, slots=True)
class NameMap:
    """What `conda-pypi-map` says for one channel (pixi.md P7).

    `mapping` has conda names (lower case) and the projects that each provides, an empty tuple for none; it wins over
    the entries of the JSON document at `location` (a URL, or a path relative to the manifest's folder). `replace` keeps
    pixi's own mapping data out, `same_name` decides the same-name rule (None: only for conda-forge), `disabled` turns
    every lookup for the channel off.
    """

    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    location: str | None = None
    replace: bool = False
    same_name: bool | None = None
    disabled: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest. `dialect` is "pixi", "uv", "requirements" or "conda"; `path` the file, `root` its folder.

    `options` are the workspace's (the base of every environment); the default feature is `features["default"]`.
    `conda_pypi_map` has a NameMap per channel as spelled, under "*" where it is for all channels
    (`conda-pypi-map = false`); None means that the manifest says nothing. `combines_platforms`: all platforms are plain
    subdirs, so an environment gets one platform per subdir, with the highest of what its features require. `requires`
    is requires-pixi (or requires-python for other dialects). `installer` is what uv or pip are told, None for pixi.
    `files` are the texts of further files that were read, by path.
    """

    dialect: str
    path: str
    root: str
    name: str
    channels: tuple[str, ...]
    platforms: tuple[Platform, ...]
    features: Mapping[str, Feature]
    environments: tuple[EnvironmentDeclaration, ...]
    options: PypiOptions = PypiOptions()
    channel_priority: str | None = None
    solve_strategy: str | None = None
    exclude_newer: str | None = None
    pypi_exclude_newer: str | None = None
    conda_pypi_map: Mapping[str, NameMap] | None = None
    preview: tuple[str, ...] = ()
    requires: str | None = None
    unread: tuple[UnreadTable, ...] = ()
    problems: tuple[ManifestProblem, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    channel_ranks: Mapping[str, int] = field(default_factory=dict)
    channel_cutoffs: Mapping[str, str] = field(default_factory=dict)
    combines_platforms: bool = False
    exclude_newer_packages: Mapping[str, str] = field(default_factory=dict)
    pypi_exclude_newer_packages: Mapping[str, str] = field(default_factory=dict)
    installer: Installer | None = None
    files: Mapping[str, str] = field(default_factory=dict)
