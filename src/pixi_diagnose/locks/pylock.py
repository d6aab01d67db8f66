"""pylock.toml (PEP 751) → what it installs for one Python, platform, and choice of extras and groups.

Read, validated and selected by packaging itself, but for what uv's `no-build` and `no-binary` make of the choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import tomli

from ..errors import LockError
from ..index.model import Distribution
from ..index.tags import Target
from ..lazy_dataclass import dataclass
from ..manifest.model import GitSource, PathSource, UrlSource
from .model import of_nothing

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

__all__ = ["Choice", "locked_source", "pylock_distributions", "read_pylock"]

WHY_BUILT = "pylock.toml has no wheel for it that fits"
REFUSED = "no-binary is set for it"


@dataclass(frozen=True, slots=True)
class Choice:
    """For what a lock is asked; without `groups` (None) the lock's default ones.

    `forbids_build` and `forbids_wheel` say of a canonical name what may not be taken.
    """

    target: Target
    extras: Sequence[str] = ()
    groups: Sequence[str] | None = None
    forbids_build: Callable[[str], bool] = of_nothing
    forbids_wheel: Callable[[str], bool] = of_nothing


def read_pylock(text: str, path: str) -> Pylock:
    """A valid lock. Raises LockError naming what is wrong, or the version that is not known."""
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        return Pylock.from_dict(tomli.loads(text))
    except PylockUnsupportedVersionError as error:
        raise LockError(str(error), path=path, hint="version 1.0 is the one that is known") from error
    except (PylockValidationError, tomli.TOMLDecodeError, RecursionError) as error:
        raise LockError(str(error) or "it is no pylock.toml", path=path) from error


def pylock_distributions(lock: Pylock, choice: Choice, path: str) -> tuple[Distribution, ...]:
    """The distributions for a choice, sorted by project; files on disk as URLs, folders relative to the lock's.

    Raises LockError where the lock does not cover the target, has two packages of one name for it, or nothing of a
    package that may be taken.
    """
    from packaging.markers import Environment
    from packaging.pylock import PylockSelectError
    from packaging.tags import Tag

    ranks = choice.target.ranks
    tags = [Tag(*tag.split("-")) for tag in sorted(ranks, key=ranks.__getitem__)]
    environment = Environment(**choice.target.markers())  # type: ignore[typeddict-item]  # a mapping of exactly these
    try:
        selected = lock.select(
            environment=environment, tags=tags, extras=choice.extras, dependency_groups=choice.groups
        )
        chosen = [(package, _allowed(package, found, choice, path)) for package, found in selected]
    except PylockSelectError as error:
        raise LockError(str(error), path=path) from error
    wanted_by: dict[str, list[str]] = {}
    for package, _ in chosen:
        for dependency in package.dependencies or ():
            name = dependency.get("name")
            if isinstance(name, str):
                wanted_by.setdefault(name, []).append(package.name)
    root = Path(path).parent
    distributions = []
    for package, (found, why) in chosen:
        distributions.append(
            _distribution(package, found, why, tuple(sorted(wanted_by.get(package.name, ("",)))), root)
        )
    return tuple(sorted(distributions, key=lambda d: d.project))


def locked_source(package: Package, distribution: Distribution) -> PathSource | GitSource | UrlSource | None:
    """Where a package comes from that is no file of an index: to be read as such a dependency; None for the others."""
    if distribution.kind == "directory" and package.directory is not None:
        path = PurePosixPath(package.directory.path, package.directory.subdirectory or ".")
        return PathSource(str(path), editable=bool(package.directory.editable))
    if package.vcs is not None:
        return GitSource(distribution.url, rev=package.vcs.commit_id, subdirectory=package.vcs.subdirectory)
    if package.archive is not None and distribution.kind == "sdist":
        return UrlSource(distribution.url, package.archive.subdirectory, distribution.sha256 or None)
    return None


def _allowed(package: Package, found: Chosen, choice: Choice, path: str) -> tuple[Chosen, str]:
    """What uv takes for a package instead of what was found, and why that is built; LockError for nothing."""
    kind = _kind(found)
    if kind == "wheel" and choice.forbids_wheel(package.name):
        if package.sdist is None:
            raise LockError(f"{package.name} has only wheels, and no-binary forbids them", path=path)
        found, kind, why = package.sdist, "sdist", REFUSED
    else:
        why = {"wheel": "", "sdist": WHY_BUILT}.get(kind, "it is a source tree")
    if kind != "wheel" and choice.forbids_build(package.name):
        raise LockError(f"{package.name} would have to be built, and no-build forbids it", path=path)
    return found, why


def _distribution(package: Package, found: Chosen, why: str, required_by: tuple[str, ...], root: Path) -> Distribution:
    kind = _kind(found)
    hashes = getattr(found, "hashes", None) or {}
    url = getattr(found, "url", None) or ""
    path = getattr(found, "path", None) or ""
    if not url:
        url = path if kind == "directory" else (root / path).absolute().as_uri()
    name = getattr(found, "name", None) or unquote(PurePosixPath(url.partition("#")[0]).name)
    return Distribution(
        project=package.name,
        version=str(package.version or ""),
        kind=kind,
        filename="" if kind in {"directory", "git"} else name,
        url=url,
        sha256=hashes.get("sha256", ""),
        index=package.index or "",
        size=getattr(found, "size", None),
        required_by=required_by,
        why_built=why,
    )


def _kind(found: Chosen) -> str:
    from packaging.pylock import PackageArchive, PackageDirectory, PackageVcs, PackageWheel

    if isinstance(found, PackageWheel):
        return "wheel"
    if isinstance(found, PackageVcs):
        return "git"
    if isinstance(found, PackageDirectory):
        return "directory"
    if isinstance(found, PackageArchive):
        return "wheel" if (found.url or found.path or "").endswith(".whl") else "sdist"
    return "sdist"
