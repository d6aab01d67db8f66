"""The overlay index: a loopback server in front of the real indexes, on which every release is a wheel (uv.md U6).

uv asks it through HTTP_PROXY under a name that stays the same (`http://overlay.<view>.invalid/<index>/<project>/`), so
that its cache stays warm whatever the port is. One server serves any number of views; a view is one question's picture
of the indexes. Whatever is not one of its addresses is refused: nothing leaves this machine through it.
"""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, cast
from urllib.parse import unquote, urlsplit

from ..errors import ArchiveError, IndexAccessError
from ..lazy_dataclass import dataclass
from ..metadata import StaticMetadata

__all__ = ["Overlay", "Reply", "Shown", "View", "render_metadata"]

PAGE_TYPE = "application/vnd.pypi.simple.v1+json"
FRESH = "max-age=600"
IMMUTABLE = "max-age=365000000, immutable"
HEADER_LINES = 200
SIDE_BY_SIDE = 3
"""Views of one id that are shown at once: uv keeps what it learns for each label apart."""
WORKERS = 12
"""Threads that answer. uv opens fifty connections; as many threads reading pages would cost memory and gain nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to uv."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    cache_control: str = "no-store"


NOT_FOUND = Reply(404)


@dataclass(frozen=True, slots=True)
class Shown:
    """A project's page (None: the index does not know the project), and whether uv may keep it for a while."""

    page: bytes | None
    lasting: bool


class View(Protocol):
    """What the server needs of one question: both methods may raise IndexAccessError or ArchiveError."""

    def show(self, index: int, project: str) -> Shown:
        """The page of a project on the index with this number."""

    def show_metadata(self, index: int, project: str, filename: str) -> tuple[StaticMetadata, bool] | None:
        """The metadata behind an offered file name and whether uv may keep it; None where nothing is offered."""


class Overlay:
    """`with Overlay() as overlay:` listens on `overlay.port` and answers for the views that are being shown."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._errors: dict[str, Exception] = {}
        self._changed = threading.Condition()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="overlay")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.overlay = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The loopback port."""
        return self._server.server_address[1]

    @contextlib.contextmanager
    def showing(self, view_id: str, view: View) -> Iterator[str]:
        """Serve a view until the block ends; gives the label under which it is (`base(label, …)`).

        That is its id, or the id with a number while other views of the same id are shown; when SIDE_BY_SIDE are, it
        waits. Raises at the end what went wrong unexpectedly while it was served: a fault of this program.
        """
        labels = (view_id, *(f"{view_id}-{number}" for number in range(1, SIDE_BY_SIDE)))
        with self._changed:
            self._changed.wait_for(lambda: any(label not in self._views for label in labels))
            label = next(label for label in labels if label not in self._views)
            self._views[label] = view
        try:
            yield label
        finally:
            with self._changed:
                del self._views[label]
                error = self._errors.pop(label, None)
                self._changed.notify_all()
        if error is not None:
            raise error

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._workers.shutdown(cancel_futures=True)

    @staticmethod
    def base(label: str, index: int) -> str:
        """The index URL that uv is given."""
        return f"http://overlay.{label}.invalid/{index}"

    def answer(self, target: str) -> Reply:
        """As `reply`, by one of the few threads that do the work."""
        return self._workers.submit(self.reply, target).result()

    def reply(self, target: str) -> Reply:
        """The answer to a GET of an absolute URL."""
        parts = urlsplit(target)
        labels = (parts.hostname or "").split(".")
        path = unquote(parts.path).strip("/").split("/")
        if len(labels) != 3 or labels[0] != "overlay" or labels[2] != "invalid" or not path[0].isdigit():
            return NOT_FOUND
        with self._changed:
            view = self._views.get(labels[1])
        if view is None or len(path) not in {2, 3}:
            return NOT_FOUND
        try:
            if len(path) == 2:
                return _page(view.show(int(path[0]), path[1]))
            if path[2].endswith(".whl.metadata"):
                return _metadata(view.show_metadata(int(path[0]), path[1], path[2].removesuffix(".metadata")))
        except (IndexAccessError, ArchiveError) as error:
            return Reply(502, error.message.encode())
        except Exception as error:  # noqa: BLE001  # kept for `showing`, which raises it in the caller's thread
            with self._changed:
                self._errors.setdefault(labels[1], error)
            return Reply(500)
        return NOT_FOUND


def _page(shown: Shown) -> Reply:
    if shown.page is None:
        return NOT_FOUND
    return Reply(200, shown.page, PAGE_TYPE, FRESH if shown.lasting else "no-store")


def _metadata(found: tuple[StaticMetadata, bool] | None) -> Reply:
    if found is None:
        return NOT_FOUND
    metadata, lasting = found
    return Reply(200, render_metadata(metadata), "text/plain", IMMUTABLE if lasting else "no-store")


def render_metadata(metadata: StaticMetadata) -> bytes:
    """Core metadata for the resolver. Requirements by URL become plain names: nothing is fetched from such places."""
    lines = ["Metadata-Version: 2.1", f"Name: {metadata.project}", f"Version: {metadata.version}"]
    if metadata.requires_python:
        lines.append(f"Requires-Python: {metadata.requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in metadata.provides_extra]
    lines += [f"Requires-Dist: {_by_name(line) if '@' in line else line}" for line in metadata.requires]
    return ("\n".join(lines) + "\n\n").encode()


def _by_name(line: str) -> str:
    from packaging.requirements import Requirement  # few requirements have an @

    requirement = Requirement(line)
    requirement.url = None
    return str(requirement)


# --- HTTP, as far as uv speaks it to a loopback proxy ---------------------------------------------------------------


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True
    overlay: Overlay

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up on what it no longer needs is no error."""


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    timeout = 300

    def handle(self) -> None:
        while self._answer_one():
            pass

    def _answer_one(self) -> bool:
        """One request of a kept-open connection; False ends it."""
        line = self.rfile.readline(65537).decode("latin-1").split()
        if len(line) != 3:
            return False
        headers: dict[str, str] = {}
        for _ in range(HEADER_LINES):
            raw = self.rfile.readline(65537)
            if raw in {b"\r\n", b"\n", b""}:
                break
            name, _, value = raw.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if line[0] not in {"GET", "HEAD"}:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return False
        reply = cast("_Server", self.server).overlay.answer(line[1])
        self._send(reply, headers, with_body=line[0] == "GET")
        return True

    def _send(self, reply: Reply, headers: Mapping[str, str], *, with_body: bool) -> None:
        etag = f'"{hashlib.blake2b(reply.body, digest_size=12).hexdigest()}"' if reply.status == 200 else ""
        status, body = reply.status, reply.body
        if etag and headers.get("if-none-match") == etag:
            status, body = 304, b""
        lines = [
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Other'}",
            f"Content-Type: {reply.content_type}",
            f"Content-Length: {len(body)}",
            f"Cache-Control: {reply.cache_control}",
        ]
        lines += [f"ETag: {etag}"] if etag else []
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(head + body if with_body else head)
