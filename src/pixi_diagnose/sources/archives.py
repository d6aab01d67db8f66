"""An sdist or wheel given by URL or path → its build files, or a wheel's own metadata."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from ..errors import ArchiveError, IndexAccessError, SourceError
from ..lazy_dataclass import dataclass

if TYPE_CHECKING:
    from ..index.session import IndexSession
    from ..manifest.model import UrlSource
    from ..source_tree import SourceTree

__all__ = ["Archive", "read_archive_at"]

FORMAT = 1
"""Of what is kept: raised when its form changes."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What an address led to: `tree` for an sdist; for a wheel an empty one, and its METADATA as it is."""

    filename: str
    tree: SourceTree
    wheel_metadata: bytes | None = None


def read_archive_at(source: UrlSource, session: IndexSession) -> Archive:
    """Read what lies at a URL (`file:` for a path) with the session's client, static metadata only.

    Its hash is verified where one was given; a wheel's is not, as only its end is read. A file with a hash is read
    once, any other as often as an index page. Raises SourceError for what is no archive and for an address at which
    the server says that nothing is (pixi, uv and pip get the same answer and stop), IndexAccessError and ArchiveError
    where it cannot be read.
    """
    try:
        return _read(source, session)
    except IndexAccessError as error:
        if error.absent:
            raise SourceError(error.message) from None
        raise


def _read(source: UrlSource, session: IndexSession) -> Archive:
    from ..index.pages import SDIST_SUFFIXES
    from ..source_tree import SourceTree

    url = session.client.register(source.url)
    filename = posixpath.basename(unquote(urlsplit(url).path))
    if filename.endswith(".whl"):
        tree = SourceTree("wheel", url, source.sha256 or "", {}, {})
        return Archive(filename, tree, _wheel_metadata(url, source.sha256 or "", session))
    if not filename.lower().endswith(SDIST_SUFFIXES):  # pixi 0.77 and uv 0.13 refuse it before they ask
        raise SourceError(f"{url} is neither a wheel nor a source archive that can be read")
    tree = _sdist(url, filename, source.sha256 or "", session)
    if source.subdirectory:
        inner = tree.below(posixpath.normpath(source.subdirectory))
        if not inner.names:
            raise SourceError(f"{url} has no folder {source.subdirectory}")
        tree = replace(inner, location=f"{url}#subdirectory={source.subdirectory}")
    return Archive(filename, tree)


def _key(url: str, sha256: str) -> str:
    return f"{FORMAT} {sha256} {hashlib.sha256(url.encode()).hexdigest()}"


def _lasting(url: str, sha256: str, session: IndexSession) -> float | None:
    """How old a kept answer may be; a local file is never kept: it is as near as the cache."""
    if url.startswith("file:"):
        return -1.0
    return None if sha256 else session.max_age


def _wheel_metadata(url: str, sha256: str, session: IndexSession) -> bytes:
    from ..index.wheel_files import fetch_wheel_metadata

    kept = session.cache.get("wheel-metadata", _key(url, sha256), max_age=_lasting(url, sha256, session))
    if kept is not None:
        return kept
    data = fetch_wheel_metadata(session.client, url, None)
    if not url.startswith("file:"):
        session.cache.put("wheel-metadata", _key(url, sha256), data)
    return data


def _sdist(url: str, filename: str, sha256: str, session: IndexSession) -> SourceTree:
    from ..index.session import SDIST_CAP
    from ..source_tree import SourceTree, read_archive

    kept = session.cache.get("tree", _key(url, sha256), max_age=_lasting(url, sha256, session))
    if kept is not None:
        try:
            return SourceTree.from_bytes(kept)
        except ValueError:  # kept by a version that wrote trees in another form
            pass

    def read(stream: BinaryIO) -> SourceTree:
        return read_archive(stream, filename, location=url, expected_sha256=sha256 or None)

    tree = session.client.read(url, read, cap=SDIST_CAP)
    if not tree.names:
        raise ArchiveError(f"{filename} is empty", location=url)
    if not url.startswith("file:"):
        session.cache.put("tree", _key(url, sha256), tree.to_bytes())
    return tree
