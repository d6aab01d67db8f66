"""What uv and pip are told beside requirements and indexes (uv.md U1): one Installer per manifest that is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ..connections import Connections
from ..evidence import Place
from ..lazy_dataclass import dataclass
from .model import PypiSpec

__all__ = [
    "BuildSettings",
    "Conflict",
    "DeclaredRequirement",
    "DependencyMetadata",
    "ExtraBuildRequirement",
    "Installer",
    "Member",
    "NamedIndex",
    "ProjectLayout",
    "ResolutionSettings",
    "Scope",
    "ScopedChange",
    "TargetPython",
]


@dataclass(frozen=True, slots=True)
class TargetPython:
    """The Python of the environment that is filled: "3.11" or "3.11.7", and what says so.

    `source` is "--python", "UV_PYTHON", ".python-version", "header" (of a compiled requirements file),
    "requires-python" (the newest known one that it allows), "assumed" (the newest known one), or "conda" (`version` is
    "": a conda package gives it).
    """

    version: str
    source: str

    @property
    def assumption(self) -> str:
        """What was assumed, for people; "" where the user said it."""
        if self.source == "requires-python":
            return f"Python {self.version}, the newest known one that requires-python allows (--python names another)"
        return f"Python {self.version}, as nothing names one (--python does)" if self.source == "assumed" else ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a requirement of a uv project holds: always, in one extra or in one dependency group of `project`."""

    project: str = ""
    extra: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredRequirement:
    """A requirement with `[tool.uv.sources]` applied; one that is split by its sources' markers gives several."""

    spec: PypiSpec
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class Member:
    """A project of a uv workspace: canonical name, folder relative to the manifest's, and whether uv builds it."""

    name: str
    path: str
    packaged: bool
    requires_python: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Scopes that are never installed together: uv resolves each in a fork of its own."""

    scopes: tuple[Scope, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ProjectLayout:
    """A uv project (or a plain pyproject.toml): what a lock covers, and what of it is installed.

    `name` is the project's, "" for a workspace without one. `members` are all projects that are locked together, itself
    included. `declared` are all their requirements, whatever extra or group they belong to: a universal lock covers
    them all (uv.md U3). `extras` and `groups` are the chosen ones (default groups included), `all_extras` and
    `all_groups` the existing ones, canonical.
    """

    name: str = ""
    members: tuple[Member, ...] = ()
    declared: tuple[DeclaredRequirement, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    all_extras: tuple[str, ...] = ()
    all_groups: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def member(self) -> Member | None:
        """The project itself."""
        return next((m for m in self.members if m.name == self.name), None)


@dataclass(frozen=True, slots=True)
class NamedIndex:
    """An entry of `[[tool.uv.index]]`; `url` may be a path below the manifest's folder, `format` is simple or flat."""

    name: str
    url: str
    default: bool = False
    explicit: bool = False
    format: str = "simple"
    exclude_newer: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ScopedChange:
    """An override or exclusion that holds only for what one package requires, of one version where given."""

    package: str
    version: str | None
    dependencies: tuple[PypiSpec, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ResolutionSettings:
    """What limits a resolution. Overrides that hold for everything are `PypiOptions.dependency_overrides`.

    `lock_environments` narrows a universal lock, `required_environments` demands wheels for some (markers).
    `strategy` is "highest", "lowest" or "lowest-direct". `hashes_required`: every requirement needs a hash.
    `connections` say how indexes are reached. `wheels_first` is pip's --prefer-binary, `alone` --no-deps: only what is
    asked for is installed, and nothing that it requires.
    """

    requires_python: str = ""
    constraints: tuple[PypiSpec, ...] = ()
    excludes: tuple[str, ...] = ()
    scoped_overrides: tuple[ScopedChange, ...] = ()
    scoped_excludes: tuple[ScopedChange, ...] = ()
    lock_environments: tuple[str, ...] = ()
    required_environments: tuple[str, ...] = ()
    strategy: str = "highest"
    indexes: tuple[NamedIndex, ...] = ()
    no_index: bool = False
    hashes_required: bool = False
    connections: Connections = Connections()
    wheels_first: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class ExtraBuildRequirement:
    """An entry of `extra-build-dependencies`: augments isolated builds; `match_runtime` pins it to what is resolved."""

    spec: PypiSpec
    match_runtime: bool = False


@dataclass(frozen=True, slots=True)
class DependencyMetadata:
    """An entry of `dependency-metadata`: stands for what a build would say; `version` None is any (uv.md U3)."""

    name: str
    version: str | None
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What a build is given beside what it declares, by canonical project name (uv.md U1, U3)."""

    extra_requirements: Mapping[str, tuple[ExtraBuildRequirement, ...]] = field(default_factory=dict)
    extra_variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constraints: tuple[PypiSpec, ...] = ()
    metadata: tuple[DependencyMetadata, ...] = ()
    config_settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    project_config_settings: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Installer:
    """All of it. `interface` says which command reads the manifest: "uv" (lock and sync), "uv pip" or "pip".

    `places` maps a setting's key ("extra-build-dependencies") to where it stands.
    """

    interface: str
    python: TargetPython
    project: ProjectLayout = ProjectLayout()
    resolution: ResolutionSettings = ResolutionSettings()
    building: BuildSettings = BuildSettings()
    places: Mapping[str, Place] = field(default_factory=dict)
