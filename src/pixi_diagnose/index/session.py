"""A run's connection to package indexes: pages, metadata and source archives, each asked for once and kept."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from .. import __version__
from ..core_metadata import MetadataSource, StaticMetadata
from ..errors import ArchiveError, IndexAccessError
from ..evidence import Evidence, Unknown
from .cache import FactCache, default_directory

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from ..connections import Connections
    from ..manifest.model import FindLinks
    from ..source_tree import SourceTree
    from .client import IndexClient
    from .model import Distribution
    from .overlay import Overlay
    from .page_reader import PageReader
    from .pages import IndexFile, ListedFile, PageBody, PageError
    from .releases import Offer, OfferList, Selection

__all__ = ["DERIVED", "FRESH", "SILENT", "IndexSession", "metadata_from_json", "metadata_to_json"]

FRESH = 600.0
"""Seconds for which a page, and an answer made of pages, is taken as it is: uv's own default for simple pages."""
SILENT = 60.0
"""Seconds for which a host or channel that did not answer is not asked again."""
SIDE_BY_SIDE = 6
"""How many archives or build environments are asked for at once."""
SDIST_CAP = 512 * 2**20
FORMAT = 4
"""Of facts read from files that may not be at hand again (metadata, trees): raised when their form changes."""
DERIVED = f"{FORMAT} {__version__}"
"""Of answers that can be made anew from kept facts (offers, resolutions): those of another version do not count."""


class IndexSession:
    """`with IndexSession() as session:` owns the HTTP client, the cache and the overlay index of a run.

    `offline` answers from the cache at any age, and what is not there is an IndexAccessError. `requests` and `received`
    count what went over the network. Safe between threads.

    What reads pages, archives and metadata is imported where it is used: an answer that is kept needs none of it.
    """

    def __init__(self, cache_dir: Path | None = None, *, offline: bool = False) -> None:
        self.offline = offline
        self.cache = FactCache(cache_dir or default_directory())
        self._lock = threading.Lock()
        self._secret = ""
        self._client: IndexClient | None = None
        self._connections: Connections | None = None
        self._overlay: Overlay | None = None
        self._reader: PageReader | None = None
        self._workers: ThreadPoolExecutor | None = None
        self._offers: dict[str, OfferList | None] = {}
        self._trees: dict[str, Future[SourceTree]] = {}
        self._unread: dict[str, StaticMetadata] = {}
        self.unreachable: dict[object, IndexAccessError] = {}
        """Sources that were asked for in vain: what does not answer is waited for once, whatever plans are tried."""
        self._unknowns: dict[Unknown, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the overlay, close connections and write the cache."""
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)
            self._workers = None
        if self._overlay is not None:
            self._overlay.close()
            self._overlay = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._client is not None:
            self._client.close()
        self.cache.close()

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._client.requests if self._client is not None else 0

    @property
    def received(self) -> int:
        """Bytes of bodies received so far."""
        return self._client.received if self._client is not None else 0

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """What could not be read so far, whatever was asked."""
        with self._lock:
            return tuple(self._unknowns)

    @property
    def max_age(self) -> float | None:
        """How old a kept answer may be: `FRESH` seconds, any age when offline."""
        return None if self.offline else FRESH

    @property
    def secret(self) -> str:
        """What keeps other users of this machine from guessing the addresses of views: one for each cache.

        Decided once in a session: two threads that each made one would be shown each other's views.
        """
        import secrets  # slow to import, and only a resolution needs it

        with self._lock:
            if not self._secret:
                kept = self.cache.get("secret", "overlay")
                self._secret = kept.decode() if kept is not None else secrets.token_hex(16)
                if kept is None:
                    self.cache.put("secret", "overlay", self._secret.encode())
            return self._secret

    def connect(self, connections: Connections) -> None:
        """Reach indexes and hosts in this way from now on."""
        with self._lock:
            self._connections = connections
            if self._client is not None:
                self._client.connect(connections)

    @property
    def client(self) -> IndexClient:
        """What asks the network, made when it is first wanted."""
        from .client import IndexClient

        with self._lock:
            if self._client is None:
                self._client = IndexClient(offline=self.offline)
                if self._connections is not None:
                    self._client.connect(self._connections)
            return self._client

    def overlay(self) -> Overlay:
        """The running overlay index, started with the first call."""
        from .overlay import Overlay

        with self._lock:
            if self._overlay is None:
                self._overlay = Overlay()
            return self._overlay

    def reader(self) -> PageReader:
        """What reads pages."""
        from .page_reader import PageReader

        with self._lock:
            if self._reader is None:
                self._reader = PageReader()
            return self._reader

    def workers(self) -> ThreadPoolExecutor:
        """Threads for what is asked side by side, started as they are needed and kept until the end of the run."""
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="asking")
            return self._workers

    def default_index(self) -> str:
        """The index that uv uses when nobody says otherwise. Raises ResolverError and IndexAccessError.

        Asking uv starts a program, so its answer is kept as a page is, while uv's settings stay what they are. One with
        credentials in it is not written down.
        """
        from .uv_settings import uv_settings

        key = uv_settings()
        kept = self.cache.get("default-index", key, max_age=self.max_age)
        if kept is not None:
            return kept.decode()
        from .uv import default_index

        url = default_index()
        if "@" not in url:
            self.cache.put("default-index", key, url.encode())
        return url

    def files(self, index_url: str, project: str) -> tuple[tuple[ListedFile, ...], float] | None:
        """What an index offers for a canonical project name, and when it was asked; None for an unknown project.

        Raises IndexAccessError for an index that cannot be asked, or answers something else than a page.
        """
        from .pages import PageError, parse_page

        found = self._page(self._page_url(index_url, project))
        if found is None:
            return None
        page, written = found
        try:
            return parse_page(page.unfolded(), page.url).files, written
        except PageError as error:
            raise _no_page(page, error) from None

    def document(self, url: str) -> str:
        """A text document, kept as pages are. Raises IndexAccessError where it cannot be had."""
        from .pages import PageError

        clean = self.client.register(url)
        found = self._page(clean)
        if found is None:
            raise IndexAccessError(f"{clean} does not exist", url=clean)
        try:
            return found[0].unfolded().decode("utf-8", "replace")
        except PageError as error:
            raise IndexAccessError(f"{clean} cannot be read: {error}", url=clean) from None

    def links(self, sources: Sequence[FindLinks], root: Path) -> tuple[ListedFile, ...]:
        """The files of find-links folders (relative to `root`) and pages, in order. Raises IndexAccessError."""
        from .client import local_path

        files: list[ListedFile] = []
        for source in sources:
            folder = root / source.path if source.path is not None else local_path(source.url or "")
            if folder is not None and folder.is_dir():
                files += _folder_files(folder)
            elif folder is not None and folder.suffix not in {".html", ".htm"}:
                raise IndexAccessError(f"the find-links folder {folder} does not exist", url=folder.as_uri())
            else:
                files += self._linked(folder.absolute().as_uri() if folder is not None else source.url or "")
        return tuple(files)

    def offers(
        self, index_url: str, project: str, selection: Selection, links: Sequence[ListedFile] = ()
    ) -> OfferList | None:
        """What a project's page (and find-links) offers under a selection; None for an unknown project."""
        from .releases import OfferList

        key = f"{index_url} {project} {selection.key}"
        if not links and key in self._offers:
            return self._offers[key]
        kept = None if links else self.cache.get("offers", f"{DERIVED} {key}", max_age=self.max_age)
        offers: OfferList | None
        if kept is not None:
            offers = OfferList(kept) if kept else None
        else:
            offers, written = self._read_offers(index_url, project, selection, links)
            if not links:
                self.cache.put("offers", f"{DERIVED} {key}", offers.page if offers else b"", written=written)
        if not links:
            self._offers[key] = offers
        return offers

    def _read_offers(
        self, index_url: str, project: str, selection: Selection, links: Sequence[ListedFile]
    ) -> tuple[OfferList | None, float | None]:
        from .pages import PageError
        from .releases import select

        if links:
            listed = self.files(index_url, project)
            return (select(project, (*links, *listed[0]), selection), listed[1]) if listed else (None, None)
        found = self._page(self._page_url(index_url, project))
        if found is None:
            return None, None
        page, written = found
        try:
            return self.reader().offers(page, project, selection), written
        except PageError as error:
            raise _no_page(page, error) from None

    def offered_at(self, index_url: str, project: str, selection: Selection) -> float | None:
        """When the page that `offers` was made of was asked for (seconds since 1970), None where that is not known."""
        kept = self.cache.get_with_time("offers", f"{DERIVED} {index_url} {project} {selection.key}")
        return kept[1] if kept is not None else None

    def metadata(self, project: str, offer: Offer) -> tuple[StaticMetadata, bool]:
        """The metadata of an offered wheel or sdist, and whether it is final.

        It never fails: metadata that cannot be had (an error of the index, a lying hash, a hostile archive) stands as a
        release without requirements, with an unknown that names the file.
        """
        # the address belongs to it: a hash is what a page claims, and only a part of the file is read here
        key = f"{FORMAT} {project} {offer.kind} {offer.sha256} {_identity(offer.url)}"
        kept = self.cache.get("metadata", key)
        if kept is not None:
            return metadata_from_json(json.loads(kept)), True
        if key in self._unread:
            return self._unread[key], False
        try:
            metadata, final = self._read_metadata(project, offer)
        except (IndexAccessError, ArchiveError) as error:
            from ..metadata import unread_metadata

            reason = f"the metadata of {offer.filename} could not be read: {error.message}"
            unknown = Unknown(reason, (), project, fault=not self.offline)
            metadata, final = unread_metadata(project, offer.version, unknown, built=offer.kind != "wheel"), False
        for unknown in metadata.unknowns:
            self._note(unknown)
        if final:
            self.cache.put("metadata", key, json.dumps(metadata_to_json(metadata)).encode())
        else:
            self._unread[key] = metadata
        return metadata, final

    def source_tree(self, distribution: Distribution) -> SourceTree:
        """The build files of an sdist on an index, its sha256 verified. Raises IndexAccessError or ArchiveError.

        Threads that ask for the same at the same time share one download.
        """
        from concurrent.futures import Future

        from ..source_tree import SourceTree

        key = f"{FORMAT} {distribution.sha256 or _identity(distribution.url)}"
        kept = self.cache.get("tree", key)
        if kept is not None:
            with contextlib.suppress(ValueError):  # kept by a version that wrote trees in another form
                return SourceTree.from_bytes(kept)
        with self._lock:
            mine = key not in self._trees
            shared = self._trees.setdefault(key, Future())
        if mine:
            try:
                tree = self._archive(distribution.filename, distribution.url, distribution.sha256)
                self.cache.put("tree", key, tree.to_bytes())
                shared.set_result(tree)
            except BaseException as error:
                shared.set_exception(error)
                raise
            finally:
                with self._lock:
                    del self._trees[key]
        return shared.result()

    def _page_url(self, index_url: str, project: str) -> str:
        return f"{self.client.register(index_url).rstrip('/')}/{project}/"

    def _page(self, url: str) -> tuple[PageBody, float] | None:
        """A page and its time: from the cache while fresh; a stale one is asked for conditionally."""
        from .pages import PageBody

        found = self.cache.get_with_time("page", url)
        if found is not None:
            head, _, content = found[0].partition(b"\n")
            note = json.loads(head)
            if self.offline or 0 <= time.time() - found[1] <= FRESH:
                return (PageBody(content, note["url"], note.get("encoding", "")), found[1]) if note["found"] else None
        answer = self.client.page(url, etag=note["etag"] if found is not None else "")
        if answer.status != 304 or found is None:
            etag = answer.headers.get("etag", "")
            note = {"url": answer.url, "etag": etag, "found": answer.status == 200, "encoding": answer.encoding}
            content = answer.body
        kept = json.dumps(note).encode() + b"\n" + content
        self.cache.put("page", url, kept, pack=not note.get("encoding"))
        return (PageBody(content, note["url"], note.get("encoding", "")), time.time()) if note["found"] else None

    def _linked(self, url: str) -> tuple[ListedFile, ...]:
        from .pages import PageError, parse_page

        clean = self.client.register(url)
        found = self._page(clean)
        if found is None:
            raise IndexAccessError(f"the find-links page {clean} does not exist", url=clean)
        try:
            return parse_page(found[0].unfolded(), found[0].url).files
        except PageError as error:
            raise IndexAccessError(f"{clean} is not a page of links: {error}", url=clean) from None

    def _read_metadata(self, project: str, offer: Offer) -> tuple[StaticMetadata, bool]:
        from ..metadata import metadata_settled, static_metadata, wheel_metadata
        from .wheel_files import fetch_wheel_metadata  # only what is not in the cache is read

        if offer.kind == "wheel":
            data = fetch_wheel_metadata(self.client, offer.url, offer.core_metadata)
            return wheel_metadata(data, project, offer.version), True
        final = True
        if offer.wheel_url:
            try:
                data = fetch_wheel_metadata(self.client, offer.wheel_url, offer.core_metadata)
            except (IndexAccessError, ArchiveError):
                final = False  # the sdist speaks for itself, until the wheel can be read
            else:
                found = wheel_metadata(data, project, offer.version)
                # a wheel that does not fit saves uv and pixi the build, not pip (uv.md U2, step 1)
                return replace(found, static_for=(("pixi", True), ("uv", True), ("pip", False))), True
        tree = self._archive(offer.filename, offer.url, offer.sha256, stop=metadata_settled)
        if tree.complete and offer.sha256:
            self.cache.put("tree", f"{FORMAT} {offer.sha256}", tree.to_bytes())
        metadata = static_metadata(tree, project, offer.version)
        if not tree.complete and not metadata_settled(
            tree.files
        ):  # a cap ended it: what decides may not have been read
            cut = tuple(replace(unknown, subject=project) for unknown in tree.unknowns)
            metadata = replace(metadata, approximate=True, unknowns=(*metadata.unknowns, *cut))
        return metadata, final

    def _archive(
        self, filename: str, url: str, sha256: str, stop: Callable[[Mapping[str, bytes]], bool] | None = None
    ) -> SourceTree:
        from ..source_tree import read_archive

        def read(stream: BinaryIO) -> SourceTree:
            return read_archive(stream, filename, location=url, expected_sha256=sha256 or None, stop=stop)

        return self.client.read(url, read, cap=SDIST_CAP)

    def _note(self, unknown: Unknown) -> None:
        with self._lock:
            self._unknowns[unknown] = None


def _no_page(page: PageBody, error: PageError) -> IndexAccessError:
    return IndexAccessError(f"{page.url} is not a project page: {error}", url=page.url)


def _folder_files(folder: Path) -> Iterator[IndexFile]:
    from .pages import SDIST_SUFFIXES, IndexFile

    for path in sorted(folder.iterdir()):
        if path.name.endswith((".whl", *SDIST_SUFFIXES)) and path.is_file():
            yield IndexFile(path.name, path.absolute().as_uri(), size=path.stat().st_size)


def _identity(url: str) -> str:
    """What names a file without a hash: its URL; a local file may change under its name, so its time belongs to it."""
    import hashlib

    from .client import local_path

    path = local_path(url)
    if path is None:
        return hashlib.sha256(url.encode()).hexdigest()
    try:
        status = path.stat()
    except OSError:
        return url
    return f"{url} {status.st_mtime_ns} {status.st_size}"


def metadata_to_json(metadata: StaticMetadata) -> dict[str, object]:
    """Metadata as JSON values, for the cache."""
    return asdict(metadata)


def metadata_from_json(given: dict[str, object]) -> StaticMetadata:
    """The inverse of `metadata_to_json`."""
    fields: dict[str, object] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    fields["source"] = MetadataSource(str(given["source"]))
    fields["static_for"] = tuple((name, flag) for name, flag in _items(given["static_for"]))
    fields["dynamic_because"] = tuple(Evidence(**e) for e in _items(given["dynamic_because"]))
    fields["unknowns"] = tuple(unknown_from_json(u) for u in _items(given["unknowns"]))
    fields["loosely_dynamic"] = tuple(Evidence(**e) for e in _items(given["loosely_dynamic"]))
    return StaticMetadata(**fields)  # type: ignore[arg-type]  # written by metadata_to_json


def unknown_from_json(given: dict[str, object]) -> Unknown:
    """An unknown that was kept as JSON."""
    evidence = tuple(Evidence(**e) for e in _items(given["evidence"]))
    return Unknown(str(given["reason"]), evidence, str(given["subject"]), fault=bool(given["fault"]))


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
