"""An sdist, a directory or a git checkout as the build files in memory, never unpacked to disk."""

from __future__ import annotations

import json
import os
import stat
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Any, Self

from ..errors import ArchiveError
from ..evidence import Evidence, Unknown
from ..lazy_dataclass import dataclass
from .collecting import OUTSIDE_LINK, SPECIAL_FILE, Broken, Collector, Readable
from .native_sources import Clue, NativeSource

__all__ = ["SourceTree", "read_archive", "read_directory"]

BODY = 512 << 20
"""Bytes of an archive as it is downloaded; the largest sdists on the index are below 300 MB."""
SPOOLED = 128 << 20
"""A zip has its directory at the end and must lie in memory as a whole; the few that are left are small."""
IGNORED = frozenset(
    {".git", ".hg", ".svn", ".pixi", ".venv", "venv", ".tox", ".nox", ".eggs", "node_modules", "__pycache__"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".cache", ".idea", ".vscode", ".ipynb_checkpoints"}
)
"""Folders that belong to the developer's tools and not to the project."""

_COMPRESSION = {
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
    ".tar.zst": "zst",
    ".tar": "",
}
_CHUNK = 1 << 16
_FORMAT = b"tree3"


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The files that decide how a project is built.

    `kind` is "sdist", "directory" or "git"; `location` a URL or path without credentials; `sha256` of the archive
    (empty for directories). `files` maps a path relative to the tree's root (forward slashes) to the bytes that were
    kept; `names` maps every regular file of the tree to its size in bytes, kept or not. `complete` is False where
    reading stopped early (it was told to, or the tree is too large), so that names are missing; what was passed over,
    and why, is in `unknowns`. `gaps` are folders that a build would find filled and that are empty here (submodules).
    Of a git repository, files that were not kept have the size 0: a server that leaves them out does not tell it.
    `native` is what was noted of C and C++ sources, by path: those that say nothing are not in it, those of a git
    repository only if they were kept.
    """

    kind: str
    location: str
    sha256: str
    files: Mapping[str, bytes]
    names: Mapping[str, int]
    complete: bool = True
    unknowns: tuple[Unknown, ...] = field(default=())
    gaps: tuple[str, ...] = ()
    native: Mapping[str, NativeSource] = field(default_factory=dict)

    def lacks(self, path: str) -> bool:
        """Whether the tree is known to have nothing at a path that is not among its names."""
        return self.complete and not any(path == gap or path.startswith(f"{gap}/") for gap in self.gaps)

    def below(self, folder: str) -> SourceTree:
        """The tree of a folder in it, with what was kept; without names where there is no such folder."""
        inside = f"{folder.strip('/')}/"
        names = {path.removeprefix(inside): size for path, size in self.names.items() if path.startswith(inside)}
        files = {path.removeprefix(inside): data for path, data in self.files.items() if path.startswith(inside)}
        gaps = tuple(gap.removeprefix(inside) for gap in self.gaps if gap.startswith(inside))
        native = {path.removeprefix(inside): s for path, s in self.native.items() if path.startswith(inside)}
        return replace(self, files=files, names=names, gaps=gaps, native=native)

    def text(self, path: str) -> str | None:
        """The text of a kept file (UTF-8, a BOM dropped, undecodable bytes replaced), None where it was not kept."""
        data = self.files.get(path)
        # The codec that drops a BOM is not one of those that are written in C.
        return None if data is None else data.removeprefix(BOM_UTF8).decode("utf-8", "replace")

    def to_bytes(self) -> bytes:
        """The tree in a compact form for a cache; what is written depends on nothing but the tree."""
        about = {
            "kind": self.kind,
            "location": self.location,
            "sha256": self.sha256,
            "complete": self.complete,
            "unknowns": [asdict(unknown) for unknown in self.unknowns],
            "gaps": self.gaps,
            "native": {path: asdict(source) for path, source in self.native.items()},
            "names": self.names,
            "sizes": {path: len(data) for path, data in self.files.items()},
        }
        head = json.dumps(about, separators=(",", ":")).encode()
        return _FORMAT + _compress(b"".join((len(head).to_bytes(4, "big"), head, *self.files.values())))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`. ValueError for anything else."""
        if not data.startswith(_FORMAT):
            raise ValueError("not a source tree")
        try:
            plain = _decompress(data.removeprefix(_FORMAT))
            at = 4 + int.from_bytes(plain[:4], "big")
            about = json.loads(plain[4:at])
        except ValueError:
            raise ValueError("not a source tree") from None
        files = {}
        for path, size in about["sizes"].items():
            files[path] = plain[at : at + size]
            at += size
        unknowns = tuple(_unknown(given) for given in about["unknowns"])
        return cls(
            about["kind"],
            about["location"],
            about["sha256"],
            files,
            about["names"],
            about["complete"],
            unknowns,
            tuple(about["gaps"]),
            {path: _native(given) for path, given in about["native"].items()},
        )


def read_archive(
    stream: Readable,
    filename: str,
    *,
    location: str,
    expected_sha256: str | None = None,
    stop: Callable[[Mapping[str, bytes]], bool] | None = None,
) -> SourceTree:
    """Reads an sdist from a stream, which need not be able to seek; `filename` says what kind of archive it is.

    `stop` is asked after each kept file, with those kept so far, and ends the reading when it is True: the tree is then
    incomplete, and its sha256 the expected one, unverified. ArchiveError where the archive is cut off, broken, of an
    unknown kind, would unpack without bounds, or does not have the expected sha256.
    """
    body = _Body(stream)
    collector = Collector(strip=True, stop=stop)
    try:
        complete = _read(body, filename.lower(), collector)
        if complete:
            body.drain()
    except Broken as broken:
        raise ArchiveError(f"{filename} {broken}", location=location) from None
    sha256 = (expected_sha256 or "").lower()
    if complete:
        actual = body.sha256
        if sha256 and actual != sha256:
            raise ArchiveError(
                f"{filename} has the sha256 {actual} instead of {sha256}",
                location=location,
                hint="the file was changed on the index or on its way",
            )
        sha256 = actual
    files, names, unknowns = collector.result()
    return SourceTree("sdist", location, sha256, files, names, complete, unknowns, native=collector.native())


def read_directory(path: str | os.PathLike[str], *, location: str | None = None, kind: str = "directory") -> SourceTree:
    """Reads a project's folder with the same selection and caps; tools' own folders and links out of it are left out.

    `location` is how the tree is to be called (the path by default); `kind` is "git" for a checkout. ArchiveError where
    it is no folder that can be read.
    """
    root = Path(path)
    called = location if location is not None else root.as_posix()
    collector = Collector(strip=False)
    try:
        root = root.resolve(strict=True)
        with os.scandir(root):
            pass
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its links go round in a circle"
        raise ArchiveError(f"{called} is no folder that can be read: {reason}", location=called) from None
    _walk(root, "", collector)
    files, names, unknowns = collector.result()
    return SourceTree(kind, called, "", files, names, not collector.full, unknowns, native=collector.native())


# Archives


class _Body:
    """The raw stream, hashed and counted."""

    def __init__(self, stream: Readable) -> None:
        import hashlib

        self._stream = stream
        self._hash = hashlib.sha256()
        self._size = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._size += len(data)
        if self._size > BODY:
            raise Broken(f"is larger than {BODY >> 20} MB")
        self._hash.update(data)
        return data

    def drain(self) -> None:
        while self.read(_CHUNK):
            pass

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _read(body: _Body, filename: str, collector: Collector) -> bool:
    from .tar import read_tar  # a run that finds its trees in the cache needs no decompressors
    from .zip import read_zip

    for suffix, compression in _COMPRESSION.items():
        if filename.endswith(suffix):
            return read_tar(body, compression, collector)
    if not filename.endswith(".zip"):
        raise Broken("is no kind of archive that is known")
    parts: list[bytes] = []
    size = 0
    while part := body.read(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > SPOOLED:
            raise Broken(f"is a zip archive of more than {SPOOLED >> 20} MB")
    return read_zip(b"".join(parts), collector)


# Folders


def _walk(root: Path, folder: str, collector: Collector) -> None:
    try:
        with os.scandir(root / folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        collector.unknown(f"{folder} cannot be read: {error.strerror}", folder)
        return
    for entry in entries:
        if collector.full:
            return
        name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
        path = f"{folder}/{name}" if folder else name
        try:
            if entry.is_symlink():
                _follow(root, entry, path, collector)
            elif entry.is_dir():
                if entry.name not in IGNORED and not os.path.lexists(Path(entry.path, "pyvenv.cfg")):
                    _walk(root, path, collector)
            elif entry.is_file():
                _take(entry.path, path, entry.stat().st_size, collector)
            else:
                collector.note(SPECIAL_FILE, path)
        except OSError as error:
            collector.unknown(f"{path} cannot be read: {error.strerror}", path)


def _follow(root: Path, link: os.DirEntry[str], path: str, collector: Collector) -> None:
    """A link counts as the file that it leads to, if that lies in the tree."""
    try:
        target = Path(link.path).resolve(strict=True)
    except (OSError, RuntimeError):
        collector.note("is a link that leads nowhere", path)
        return
    status = target.stat()
    if not target.is_relative_to(root):
        collector.note(OUTSIDE_LINK, path)
    elif stat.S_ISREG(status.st_mode):
        _take(str(target), path, status.st_size, collector)
    else:
        collector.note("is a link to a folder", path)


def _take(file: str, path: str, size: int, collector: Collector) -> None:
    wanted = collector.wants(path, size)
    if wanted is not None:
        with open(file, "rb") as stream:  # noqa: PTH123 -- a third of the time on large trees
            collector.take(wanted, stream.read(wanted.size))


# The form in a cache


def _compress(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.compress(data, 1)
    else:  # noqa: RET505 -- type checkers follow the version only so
        import zstandard  # imported where a tree is written or read: 3 ms

        return zstandard.ZstdCompressor(level=1).compress(data)


def _decompress(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd

        try:
            return zstd.decompress(data)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None
    else:
        import zstandard

        try:
            return zstandard.ZstdDecompressor().decompress(data)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from None


def _unknown(given: dict[str, Any]) -> Unknown:
    evidence = tuple(Evidence(**line) for line in given["evidence"])
    return Unknown(given["reason"], evidence, given["subject"], given["fault"])


def _native(given: dict[str, Any]) -> NativeSource:
    uses, includes = (
        tuple(Clue(clue["name"], clue["line"], clue["text"], tuple(clue["conditions"])) for clue in given[which])
        for which in ("uses", "includes")
    )
    return NativeSource(given["cython"], uses, includes)
