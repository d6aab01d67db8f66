"""pylock.toml (PEP 751) → what it installs for one Python, platform, and choice of extras and groups.

Read, validated and selected by packaging itself; nothing says what a pylock.toml was made of, so it is never stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import tomli

from ..errors import LockError
from ..index.model import Distribution
from ..index.tags import Target

if TYPE_CHECKING:
    from packaging.pylock import (
        Package,
        PackageArchive,
        PackageDirectory,
        PackageSdist,
        PackageVcs,
        PackageWheel,
        Pylock,
    )

    Chosen = PackageVcs | PackageDirectory | PackageArchive | PackageWheel | PackageSdist

__all__ = ["pylock_distributions", "read_pylock"]

WHY_BUILT = "pylock.toml has no wheel for it that fits"


def read_pylock(text: str, path: str) -> Pylock:
    """A valid lock. Raises LockError naming what is wrong, or the version that is not known."""
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        return Pylock.from_dict(tomli.loads(text))
    except PylockUnsupportedVersionError as error:
        raise LockError(str(error), path=path, hint="version 1.0 is the one that is known") from error
    except (PylockValidationError, tomli.TOMLDecodeError, RecursionError) as error:
        raise LockError(str(error) or "it is no pylock.toml", path=path) from error


def pylock_distributions(
    lock: Pylock, target: Target, path: str, extras: Sequence[str] = (), groups: Sequence[str] | None = None
) -> tuple[Distribution, ...]:
    """The distributions for a target, sorted by project; without `groups` the lock's default ones.

    Raises LockError where the lock does not cover the target, or has two packages of one name for it.
    """
    from packaging.markers import Environment
    from packaging.pylock import PylockSelectError
    from packaging.tags import Tag

    tags = [Tag(*tag.split("-")) for tag in sorted(target.ranks, key=target.ranks.__getitem__)]
    environment = Environment(**target.markers())  # type: ignore[typeddict-item]  # a mapping of exactly these keys
    try:
        chosen = list(lock.select(environment=environment, tags=tags, extras=extras, dependency_groups=groups))
    except PylockSelectError as error:
        raise LockError(str(error), path=path) from error
    wanted_by: dict[str, list[str]] = {}
    for package, _ in chosen:
        for dependency in package.dependencies or ():
            name = dependency.get("name")
            if isinstance(name, str):
                wanted_by.setdefault(name, []).append(package.name)
    found = [_distribution(p, c, tuple(sorted(wanted_by.get(p.name, ("",))))) for p, c in chosen]
    return tuple(sorted(found, key=lambda d: d.project))


def _distribution(package: Package, chosen: Chosen, required_by: tuple[str, ...]) -> Distribution:
    kind = _kind(chosen)
    hashes = getattr(chosen, "hashes", None) or {}
    url = getattr(chosen, "url", None) or getattr(chosen, "path", None) or ""
    name = getattr(chosen, "name", None) or unquote(PurePosixPath(url.partition("#")[0]).name)
    return Distribution(
        project=package.name,
        version=str(package.version or ""),
        kind=kind,
        filename="" if kind in {"directory", "git"} else name,
        url=url,
        sha256=hashes.get("sha256", ""),
        index=package.index or "",
        size=getattr(chosen, "size", None),
        required_by=required_by,
        why_built={"wheel": "", "sdist": WHY_BUILT}.get(kind, "it is a source tree"),
    )


def _kind(chosen: Chosen) -> str:
    from packaging.pylock import PackageArchive, PackageDirectory, PackageVcs, PackageWheel

    if isinstance(chosen, PackageWheel):
        return "wheel"
    if isinstance(chosen, PackageVcs):
        return "git"
    if isinstance(chosen, PackageDirectory):
        return "directory"
    if isinstance(chosen, PackageArchive):
        return "wheel" if (chosen.url or chosen.path or "").endswith(".whl") else "sdist"
    return "sdist"
