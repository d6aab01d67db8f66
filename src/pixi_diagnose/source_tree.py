"""An sdist, a directory or a git checkout as the build files in memory, never unpacked to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .evidence import Unknown

__all__ = ["SourceTree"]


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The files that decide how a project is built.

    `kind` is "sdist", "directory" or "git"; `location` a URL or path without credentials; `sha256` of the archive
    (empty for directories). `files` maps a path relative to the tree's root (forward slashes) to the bytes that were
    kept; `names` maps every regular file of the tree to its size in bytes, kept or not. `complete` is False where
    reading stopped early or a cap was reached, and `unknowns` then says which.
    """

    kind: str
    location: str
    sha256: str
    files: Mapping[str, bytes]
    names: Mapping[str, int]
    complete: bool = True
    unknowns: tuple[Unknown, ...] = field(default=())

    def text(self, path: str) -> str | None:
        """The decoded text of a kept file (UTF-8, a BOM dropped, undecodable bytes replaced), None if it is not kept."""
        data = self.files.get(path)
        return None if data is None else data.decode("utf-8-sig", "replace")
