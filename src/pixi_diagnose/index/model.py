"""What is asked of package indexes, and what comes back."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from ..connections import Connections
from ..core_metadata import StaticMetadata
from ..evidence import Unknown
from ..lazy_dataclass import dataclass
from ..manifest.model import FindLinks, Platform

if TYPE_CHECKING:
    from ..manifest.installer import DependencyMetadata, NamedIndex, ScopedChange
    from ..source_tree import SourceTree

__all__ = [
    "Distribution",
    "IndexSettings",
    "LocalProject",
    "ProvidedProject",
    "PypiFailure",
    "PypiRequest",
    "PypiResolution",
]


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Where projects come from, as the frontend was told; None takes the tools' own default (uv.md U6)."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[FindLinks, ...] = ()
    index_strategy: str = "first-index"
    prerelease_mode: str = "if-necessary-or-explicit"
    exclude_newer: str | None = None
    no_build: bool | tuple[str, ...] = False
    no_binary: bool | tuple[str, ...] = False
    project_indexes: tuple[tuple[str, str], ...] = ()
    """(canonical project, index URL) for dependencies that name their own index."""
    root: str = "."
    """The folder that paths in `find_links` are relative to."""
    no_index: bool = False
    """Only `find_links` count."""
    exclude_newer_projects: tuple[tuple[str, str], ...] = ()
    """(canonical project, cut-off) for projects with one of their own; "" lifts the general one."""
    entries: tuple[NamedIndex, ...] = ()
    """What is known of single indexes beside their URL: a name (for credentials), a format, a cut-off of their own."""
    hashes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(canonical project, "sha256:…") for projects of which only files with one of these hashes count."""
    hashes_required: bool = False
    """Whether a project without any hash among these is a failure."""
    wheels_first: bool = False
    """Whether a release with a wheel is taken before any that would be built (pip's --prefer-binary)."""
    built_too: tuple[str, ...] = ()
    """Canonical projects that are excepted from that, as none of their wheels would do."""
    connections: Connections = Connections()
    """How the indexes are reached."""


@dataclass(frozen=True, slots=True)
class ProvidedProject:
    """A project that conda provides: offered to the resolver as versions without dependencies (pixi.md P7).

    `version` is the solved conda version (PEP 440); empty when the conda solve could not run, and then `specifier`
    (PEP 440, "" is any) says which of the index's versions may stand for it.
    """

    project: str
    version: str = ""
    specifier: str = ""


@dataclass(frozen=True, slots=True)
class LocalProject:
    """A path, git or URL dependency that was read statically; offered as exactly this version.

    Where its source could not be read, `unread` says why, the tree is empty and the metadata without requirements: the
    project is there all the same.
    """

    project: str
    version: str
    metadata: StaticMetadata
    tree: SourceTree
    kind: str
    """ "directory", "git", "sdist" (an archive by path or URL) or "wheel"."""
    unread: Unknown | None = None


@dataclass(frozen=True, slots=True)
class PypiRequest:
    """One resolution: PEP 508 `requirements` (names only, no URLs), for one Python and one platform.

    Where `universal` is a range of Pythons ("==3.11.*"), it is for every platform and all of that range instead, and
    `python_version` is the lowest of them. `stated` is metadata that the user gives in place of what a build would say;
    `scoped_overrides` and `scoped_excludes` change what single releases require. `alone`: what releases require is left
    out, whatever it is.
    """

    requirements: tuple[str, ...]
    python_version: str
    """ "3.12" or "3.12.7"."""
    platform: Platform
    indexes: IndexSettings = IndexSettings()
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    provided: tuple[ProvidedProject, ...] = ()
    local: tuple[LocalProject, ...] = ()
    universal: str | None = None
    strategy: str = "highest"
    excludes: tuple[str, ...] = ()
    stated: tuple[DependencyMetadata, ...] = ()
    scoped_overrides: tuple[ScopedChange, ...] = ()
    scoped_excludes: tuple[ScopedChange, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Distribution:
    """One chosen distribution. `kind` is "wheel", "sdist", "directory", "git" or "conda" (provided by conda).

    For a distribution that must be built, `why_built` says why no wheel fits ("no wheel on the index", "its wheels are
    for cp38–cp311 only"), and `metadata` what was read and where. `requires` are the requirement strings of its
    metadata, `required_by` the canonical names of the projects of this resolution whose requirements (markers and
    extras considered) reach it, "" for the request itself. `marker` says where a universal resolution chose it, "" for
    everywhere. `never_a_wheel` is known of a project of which no release on its index has a wheel that fits.
    """

    project: str
    version: str
    kind: str
    filename: str = ""
    url: str = ""
    sha256: str = ""
    index: str = ""
    size: int | None = None
    requires: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()
    why_built: str = ""
    metadata: StaticMetadata | None = None
    yanked: str | None = None
    marker: str = ""
    never_a_wheel: bool = False

    @property
    def built(self) -> bool:
        """Whether installing it runs a build."""
        return self.kind in {"sdist", "directory", "git"}


@dataclass(frozen=True, slots=True)
class PypiFailure:
    """A resolution that has no solution.

    `kind` is "conflict", "no-build", "not-found" (no such project or no usable distribution), "hashes" (they are
    required and not given), "lock" (a lock does not fit the target) or "index" (it could not be asked). `message` is
    the resolver's explanation, addresses cleaned; `projects` the canonical names it is about, most relevant first.
    """

    kind: str
    message: str
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PypiResolution:
    """The distributions sorted by project, or the failure; `unknowns` is what could not be read on the way.

    `tried` are source releases that were looked at on the way and given up again: the real tool has to know what they
    require as well.
    """

    distributions: tuple[Distribution, ...]
    failure: PypiFailure | None = None
    unknowns: tuple[Unknown, ...] = field(default=())
    tried: tuple[Distribution, ...] = ()
