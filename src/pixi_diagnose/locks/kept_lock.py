"""A pixi.lock that was read before: kept with its bytes, so that an unchanged one costs a comparison, not a reading.

A large lock is read in tens of milliseconds, line by line, and seldom changes between two runs. What its reading came
to is kept by the lock's path, and holds for a file of the very same bytes only.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from .. import __version__
from ..index.cache import FactCache
from .model import CondaRecord, LockedEnvironment, LockedPackages, LockedPlatform, PixiLock, PypiRecord

__all__ = ["read_kept_lock"]

KIND = "pixi-lock"
FORM = f"1 {__version__}"
"""Of what is kept: its number is raised when records, or how they are read, change within a version."""


@lru_cache(maxsize=4)  # each plan that is tried asks for the same lock
def read_kept_lock(data: bytes, path: str, cache: FactCache) -> PixiLock:
    """The content of a lock with these bytes; `path` is where it is, and names it in messages.

    Raises LockError as `read_pixi_lock` does, and UnicodeDecodeError for what is no text.
    """
    key = f"{FORM} {Path(path).absolute()}"
    kept = cache.get(KIND, key)
    if kept is not None:
        start = kept.find(b"\n") + 1
        end = start + len(data)
        if kept[:start] == b"%d\n" % len(data) and kept[start:end] == data:
            try:
                return _unpacked(json.loads(kept[end:]))
            except (ValueError, TypeError, LookupError):
                pass  # it was not written here
    from .pixi_lock import read_pixi_lock  # a lock that is kept needs no reader

    lock = read_pixi_lock(data.decode("utf-8"), path)
    packed = json.dumps(_packed(lock), separators=(",", ":"), ensure_ascii=False).encode()
    cache.put(KIND, key, b"%d\n%b%b" % (len(data), data, packed))
    return lock


def _packed(lock: PixiLock) -> list[Any]:
    """The lock as JSON values, a record by the order of its fields, and once however many environments name it."""
    conda: dict[int, tuple[int, CondaRecord]] = {}
    pypi: dict[int, tuple[int, PypiRecord]] = {}
    environments = {}
    for name, environment in lock.environments.items():
        packages = {
            platform: (
                [conda.setdefault(id(c), (len(conda), c))[0] for c in packages.conda],
                [pypi.setdefault(id(p), (len(pypi), p))[0] for p in packages.pypi],
            )
            for platform, packages in environment.packages.items()
        }
        environments[name] = {**_values(environment), "packages": packages}
    return [
        lock.version,
        [list(_values(p).values()) for p in lock.platforms.values()],
        [list(_values(c).values()) for _, c in conda.values()],
        [list(_values(p).values()) for _, p in pypi.values()],
        environments,
    ]


def _values(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__match_args__}


def _unpacked(kept: list[Any]) -> PixiLock:
    """The inverse of `_packed`."""
    version, platforms, conda_rows, pypi_rows, environments = kept
    conda = [_conda(row) for row in conda_rows]
    pypi = [_pypi(row) for row in pypi_rows]
    return PixiLock(
        version,
        {name: LockedPlatform(name, subdir, tuple(virtual)) for name, subdir, virtual in platforms},
        {name: _environment(conda, pypi, **fields) for name, fields in environments.items()},
    )


def _conda(row: list[Any]) -> CondaRecord:
    row[6:8] = tuple(row[6]), None if row[7] is None else tuple(row[7])  # depends and purls
    row[10] = {extra: tuple(lines) for extra, lines in row[10].items()}
    return CondaRecord(*row)


def _pypi(row: list[Any]) -> PypiRecord:
    row[5] = tuple(row[5])  # requires_dist
    return PypiRecord(*row)


def _environment(
    conda: list[CondaRecord],
    pypi: list[PypiRecord],
    *,
    packages: dict[str, Any],
    channels: list[str],
    indexes: list[str] | None,
    find_links: list[str],
    **options: str,
) -> LockedEnvironment:
    return LockedEnvironment(
        channels=tuple(channels),
        packages={
            platform: LockedPackages(tuple(conda[i] for i in numbers), tuple(pypi[i] for i in more))
            for platform, (numbers, more) in packages.items()
        },
        indexes=None if indexes is None else tuple(indexes),
        find_links=tuple(find_links),
        **options,
    )
