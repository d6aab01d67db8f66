"""What a lock file says, whatever wrote it: environments, the packages of each platform, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from ..evidence import Place
from ..lazy_dataclass import dataclass

__all__ = [
    "NEWEST",
    "CondaRecord",
    "LockedEnvironment",
    "LockedPackages",
    "LockedPlatform",
    "PixiLock",
    "PypiRecord",
    "Staleness",
    "is_tree",
    "of_nothing",
]

NEWEST = 7
"""The newest version of a pixi.lock that pixi 0.77 reads; one of a newer version it resolves anew, with a warning."""


@dataclass(frozen=True, slots=True)
class CondaRecord:
    """A conda package of a lock. `source` is True for one that pixi builds itself (pixi-build).

    `purls` is None where the record has none (then the same-name rule applies, pixi.md P7), `timestamp` is in
    milliseconds, `selectors` are the rarer fields that a spec can ask for: build_number, md5, sha256, license, fn.
    """

    location: str
    name: str
    version: str
    build: str
    subdir: str
    channel: str
    depends: tuple[str, ...] = ()
    purls: tuple[str, ...] | None = None
    timestamp: int | None = None
    selectors: Mapping[str, str] = field(default_factory=dict)
    extra_depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: bool = False


@dataclass(frozen=True, slots=True)
class PypiRecord:
    """A PyPI entry of a lock: `name` is canonical, `version` "" where only its source tells it.

    `location` is a URL (a direct one starts with "direct+", a git one with "git+") or a path, relative to the lock's
    folder. `index` is "" where the lock does not say (before version 7, and for what comes from no index).
    """

    name: str
    version: str
    location: str
    sha256: str = ""
    index: str = ""
    requires_dist: tuple[str, ...] = ()
    requires_python: str = ""

    @property
    def is_path(self) -> bool:
        """Whether it is a file or folder of this machine."""
        return "://" not in self.location

    @property
    def is_directory(self) -> bool:
        """Whether it is a source tree on disk."""
        return self.is_path and is_tree(self.location)

    @property
    def is_distribution(self) -> bool:
        """Whether it is a fixed archive, and no source tree: only that has a version, a hash or an index (P9)."""
        return bool(self.version or self.sha256 or self.index)


of_nothing: Callable[[str], bool] = frozenset[str]().__contains__
"""What settings that say nothing forbid: no project."""


def is_tree(location: str) -> bool:
    """Whether a location is a folder: no archive by its name, and not on the network."""
    return ("://" not in location or location.startswith("file:")) and not location.endswith(_ARCHIVES)


_ARCHIVES = (".whl", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.Z", ".tgz", ".tbz", ".tar", ".zip")


@dataclass(frozen=True, slots=True)
class LockedPackages:
    """The packages of one environment on one platform."""

    conda: tuple[CondaRecord, ...] = ()
    pypi: tuple[PypiRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class LockedPlatform:
    """A platform as the lock names it; virtual packages are written as `__cuda=12` or `__unix=0=0`."""

    name: str
    subdir: str
    virtual_packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LockedEnvironment:
    """One environment of a pixi.lock; `indexes` is None where the lock holds none. The other options are as spelled."""

    channels: tuple[str, ...]
    packages: Mapping[str, LockedPackages]
    indexes: tuple[str, ...] | None = None
    find_links: tuple[str, ...] = ()
    strategy: str = "highest"
    channel_priority: str = "strict"
    prerelease_mode: str = "if-necessary-or-explicit"


@dataclass(frozen=True, slots=True)
class PixiLock:
    """A whole pixi.lock: environments by name, platforms by the lock's own names."""

    version: int
    platforms: Mapping[str, LockedPlatform]
    environments: Mapping[str, LockedEnvironment]


@dataclass(frozen=True, slots=True)
class Staleness:
    """Why a lock does not answer for an environment, in the words of its tool.

    `place` is what the user changed, None where that is not one key; `lock` is the file's name.
    """

    reason: str
    place: Place | None = None
    lock: str = "pixi.lock"
