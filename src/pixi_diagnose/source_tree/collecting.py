"""Which files of a source tree are kept, and what is refused: the same for archives and folders."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from ..evidence import Unknown
from ..lazy_dataclass import dataclass
from .native_sources import HEAD, LOOKED_AT, NativeSource, is_native, look, telling

__all__ = ["Broken", "Collector", "Readable", "Wanted", "clean_path", "kept_limit"]

ENTRIES = 100_000
"""Files of one tree; the largest sdists that were met (with vendored C++ libraries) have 20,000."""
PATH_LENGTH = 1024
PATH_DEPTH = 64
"""A path beyond these cannot be unpacked on common systems; they only cost time."""
BUILD_FILE = 1 << 20
"""Bytes of one build file: generated build scripts reach 300 kB, versioneer 90 kB."""
SMALL_FILE = 1 << 16
"""Bytes of a text that a build script may read (a version, a list of requirements, a README)."""
KEPT = 32 << 20
"""Bytes kept of one tree: deepspeed's Python files are 4 MB; the whole check has 90 MB."""
EXAMPLES = 5
"""Names that are listed in a note about several."""

_BUILD_FILE = re.compile(
    r"(?:.*\.(?:py|toml|cfg|cmake)|PKG-INFO|MANIFEST\.in|CMakeLists\.txt|meson\.build|meson_options\.txt|meson\.options"
    r"|Cargo\.lock|\.gitmodules)\Z",
    re.DOTALL,
)
_SMALL_FILE = re.compile(r".*\.(?:txt|in)\Z|[._]*version[^.]*(?:\.(?:json|ya?ml|md))?\Z", re.DOTALL | re.IGNORECASE)
_DRIVE = r"[A-Za-z]:"

OUTSIDE_NAME = "has a name that leads out of the tree or is too long"
OUTSIDE_LINK = "is a link out of the tree"
SPECIAL_FILE = "is a device or a pipe"
HOSTILE = frozenset({OUTSIDE_NAME, OUTSIDE_LINK, SPECIAL_FILE})
"""What no honest archive holds: noted as a fault of the input, not only as something that was passed over."""


def kept_limit(path: str) -> int:
    """Up to how many bytes a file is kept for the analysis of the build; 0 where it is of no interest."""
    folder, _, name = path.rpartition("/")
    if _BUILD_FILE.match(name) or folder.endswith(".egg-info"):
        return BUILD_FILE
    # setup scripts read what lies beside them: README, VERSION, …
    return SMALL_FILE if not folder or _SMALL_FILE.match(name) else 0


def is_kept(path: str, size: int) -> bool:
    """Whether a file's bytes are kept."""
    limit = kept_limit(path)
    return limit > 0 and size <= limit


def clean_path(name: str) -> str | None:
    """The path with `.` and doubled slashes dropped, None for one that leaves the tree or cannot be a path."""
    if name.startswith("/") or "\0" in name or re.match(_DRIVE, name) or len(name) > PATH_LENGTH:
        return None
    parts = [part for part in name.split("/") if part not in {"", "."}]
    return None if not parts or ".." in parts or len(parts) > PATH_DEPTH else "/".join(parts)


def leads_out(name: str, target: str) -> bool:
    """Whether a symbolic link at `name` points out of the tree."""
    parts = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)).split("/")
    return target.startswith("/") or re.match(_DRIVE, target) is not None or parts[0] == ".."


class Broken(Exception):  # noqa: N818 -- becomes an ArchiveError with the archive's name
    """An archive that cannot be read; the message completes a sentence that begins with its name."""


class Readable(Protocol):
    """The part of a binary stream that is used: `read(n)` gives up to n bytes, none at the end."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file whose first `size` bytes are to be given to the collector; all of it where it is `kept`."""

    path: str
    size: int
    kept: bool


class Collector:
    """Takes the files of one tree as they come. `full` says that a cap was reached and reading should end.

    With `strip`, the one folder at an archive's top is taken off every path. An archive with several entries there is
    its own root, as uv 0.13.8 and pip 26.0 take it.
    """

    def __init__(self, *, strip: bool, stop: Callable[[Mapping[str, bytes]], bool] | None = None) -> None:
        self.strip = strip
        self.stop = stop
        self.stopped = False
        self.full = ""
        self._names: dict[str, int] = {}
        self._files: dict[str, bytes] = {}
        self._below_top: dict[str, bytes] = {}  # the same files by their paths in the top folder, for `stop`
        self._tops: dict[str, None] = {}
        self._kept = 0
        self._native: dict[str, NativeSource] = {}
        self._looked_at = 0
        self._notes: dict[str, list[str]] = {}
        self._single: list[Unknown] = []

    def wants(self, name: str, size: int) -> Wanted | None:
        """Records a regular file; returns its path in the archive where bytes of it are to be given to `take`."""
        path = clean_path(name)
        if path is None:
            self.note(OUTSIDE_NAME, name)
            return None
        if len(self._names) >= ENTRIES and path not in self._names:
            self.full = f"it has more than {ENTRIES} files"
            return None
        top, slash, inner = path.partition("/")
        self._tops.setdefault(top if slash else "")
        self._names[path] = size
        if (replaced := self._files.pop(path, None)) is not None:  # a name that comes twice: the last one is unpacked
            self._kept -= len(replaced)
            self._below_top.pop(inner, None)
        self._native.pop(path, None)
        relative = inner if self.strip and slash else path
        if not is_kept(relative, size):
            if kept_limit(relative) == BUILD_FILE:
                self._single.append(Unknown(f"{relative} is too large to be read ({size} bytes)", (), relative))
            head = min(size, HEAD, LOOKED_AT - self._looked_at) if is_native(path) else 0
            return Wanted(path, head, kept=False) if head else None
        if self._kept + size > KEPT:
            self.note(f"would be more than {KEPT >> 20} MB of build files", relative)
            return None
        return Wanted(path, size, kept=True)

    def take(self, wanted: Wanted, data: bytes) -> None:
        """The bytes of a file that was wanted."""
        path = wanted.path
        if is_native(path):
            self._looked_at += len(data)
            if (source := look(data)) is not None:
                self._native[path] = source
        if not wanted.kept:
            return
        self._files[path] = data
        self._kept += len(data)
        if self.stop is not None:
            self._below_top[path.partition("/")[2]] = data
            self.stopped = self.stop(self._below_top if self._stripped() else self._files)

    def note(self, what: str, name: str) -> None:
        """Something that was passed over: `what` completes the sentence that begins with the file's name."""
        self._notes.setdefault(what, []).append(name)

    def unknown(self, reason: str, subject: str = "") -> None:
        """Something that could not be read at all."""
        self._single.append(Unknown(reason, (), subject))

    def _stripped(self) -> bool:
        return self.strip and len(self._tops) == 1 and "" not in self._tops

    def result(self) -> tuple[dict[str, bytes], dict[str, int], tuple[Unknown, ...]]:
        """Files, names and what is not known of the tree."""
        unknowns = list(self._single)
        for what, passed in self._notes.items():
            listed = ", ".join(passed[:EXAMPLES]) + (f" and {len(passed) - EXAMPLES} more" if passed[EXAMPLES:] else "")
            unknowns.append(Unknown(f"not read, because it {what}: {listed}", fault=what in HOSTILE))
        if self.full:
            unknowns.append(Unknown(f"the tree was not read to its end: {self.full}", fault=True))
        files, names = self._files, self._names
        if self._stripped():
            files = {path.partition("/")[2]: data for path, data in files.items()}
            names = {path.partition("/")[2]: size for path, size in names.items()}
        elif self.strip:  # what looked like a file beside setup.py was none
            files = {path: data for path, data in files.items() if is_kept(path, len(data))}
        return files, names, tuple(unknowns)

    def native(self) -> dict[str, NativeSource]:
        """What was noted of the tree's C and C++ sources, by the paths that `result` gives."""
        found = self._native
        return telling({p.partition("/")[2]: s for p, s in found.items()} if self._stripped() else found)
