"""What an earlier install left in an environment's prefix: names of files only; nothing is run, no package is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .lazy_dataclass import dataclass
from .pep508 import canonicalize_name

__all__ = ["Prefix", "read_prefix"]

_METADATA = r"(?P<name>[A-Za-z0-9][\w.]*?)-(?P<version>[^-]+)(?:-py\d.*)?\.(?:dist-info|egg-info)$"
_MOST = 20_000
"""Entries of one folder that are looked at."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """An installed environment: the projects in its site-packages (canonical name → version). `path` is for people."""

    path: str
    projects: Mapping[str, str]


def read_prefix(root: str, environment: str) -> Prefix | None:
    """The prefix of an environment below the workspace's folder, None where there is none.

    A project counts as there by its `.dist-info` or `.egg-info`, whoever installed it: conda's packages have one, too.
    Never raises: a folder that cannot be listed is none.
    """
    shown = Path(".pixi", "envs", environment)
    folders = [*_entries(Path(root, shown, "lib"), "python"), Path(root, shown, "Lib")]
    found = {
        canonicalize_name(match["name"]): match["version"]
        for folder in folders
        for path in _entries(folder / "site-packages")
        if (match := re.match(_METADATA, path.name))
    }
    return Prefix(shown.as_posix(), dict(sorted(found.items()))) if found else None


def _entries(folder: Path, start: str = "") -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            for entry, _ in zip(entries, range(_MOST), strict=False):
                if entry.name.startswith(start):
                    yield Path(entry.path)
    except OSError:
        return
