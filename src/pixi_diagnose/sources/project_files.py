"""Where a project that was read lies, and what lies beside it: what relative paths in its pyproject.toml mean."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from ..errors import SourceError
from ..lazy_dataclass import dataclass
from ..manifest.model import GitSource, PathSource

__all__ = ["FolderFiles", "ProjectFiles", "RepositoryFiles"]


class ProjectFiles(Protocol):
    """The surroundings of a project. Folders are absolute paths, or paths from a repository's root ("" is the root)."""

    @property
    def folder(self) -> str:
        """The project's own folder."""

    def pyproject(self, folder: str) -> str | None:
        """The text of a folder's pyproject.toml, None where it has none."""

    def parents(self) -> Iterator[str]:
        """The folders above the project's, the nearest first."""

    def matching(self, folder: str, pattern: str) -> list[str]:
        """The folders below one that a glob pattern finds."""

    def source(self, path: str, base: str) -> PathSource | GitSource:
        """What a path, relative to the folder `base`, stands for. Raises SourceError where it leads out."""


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """A project in a folder on disk."""

    folder: str

    def pyproject(self, folder: str) -> str | None:
        """See `ProjectFiles`."""
        try:
            return Path(folder, "pyproject.toml").read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    def parents(self) -> Iterator[str]:
        """See `ProjectFiles`."""
        return (str(parent) for parent in Path(self.folder).parents)

    def matching(self, folder: str, pattern: str) -> list[str]:
        """See `ProjectFiles`."""
        try:
            return sorted(str(path.resolve()) for path in Path(folder).glob(pattern) if path.is_dir())
        except (OSError, ValueError, NotImplementedError):  # no pattern that can be asked
            return []

    def source(self, path: str, base: str) -> PathSource | GitSource:
        """See `ProjectFiles`."""
        return PathSource(str(Path(base, path)))


@dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """A project in a commit of a git repository: paths stay in the repository (uv 0.13: anything else is an error)."""

    origin: GitSource
    folder: str
    pyprojects: Mapping[str, str]

    def pyproject(self, folder: str) -> str | None:
        """See `ProjectFiles`."""
        return self.pyprojects.get(posixpath.join(folder, "pyproject.toml"))

    def parents(self) -> Iterator[str]:
        """See `ProjectFiles`."""
        folder = self.folder
        while folder:
            folder = posixpath.dirname(folder)
            yield folder

    def matching(self, folder: str, pattern: str) -> list[str]:
        """See `ProjectFiles`."""
        wanted = posixpath.normpath(posixpath.join(folder, pattern)).split("/")
        found = sorted({posixpath.dirname(path) for path in self.pyprojects})
        return [f for f in found if _fits(f.split("/"), wanted)]

    def source(self, path: str, base: str) -> PathSource | GitSource:
        """See `ProjectFiles`."""
        inner = posixpath.normpath(posixpath.join("/", base, path)) if not path.startswith("/") else path
        depth = posixpath.normpath(posixpath.join(base, path))
        if path.startswith("/") or depth.split("/", 1)[0] == "..":
            raise SourceError(f"the git repository {self.origin.url} refers to {path}, which is outside of it")
        return replace(self.origin, subdirectory=inner.strip("/") or None)


def _fits(parts: list[str], pattern: list[str]) -> bool:
    """Whether a path fits a glob pattern, part by part; `**` stands for any number of folders."""
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _fits(parts, pattern[1:]) or _fits(parts[1:], pattern)
    return fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
