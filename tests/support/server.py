"""A loopback HTTP server for tests: serves a table of routes or a folder, keeps every request, misbehaves on demand."""

from __future__ import annotations

import base64
import http.server
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, and the ways in which it can go wrong.

    `body` is bytes, or a function giving chunks (sent without a length: it may be endless). `truncate_at` announces the
    whole body and hangs up after so many bytes; `content_length` announces a lie; `delay` waits before answering;
    `ranges` False ignores Range headers; `credentials` are the (user, password) demanded with 401.
    """

    body: bytes | Callable[[], Iterator[bytes]] = b""
    status: int = 200
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    truncate_at: int | None = None
    content_length: int | None = None
    delay: float = 0.0
    credentials: tuple[str, str] | None = None


Route = Response | Callable[[Request], Response]


def redirect(location: str, status: int = 302) -> Response:
    """An answer that sends the client elsewhere."""
    return Response(status=status, headers={"Location": location})


class Server:
    """`with Server(routes) as server:` serves on `server.url` until the block ends.

    `routes` may be changed meanwhile; a path that is in no route is looked up in `folder`. A path without its final
    slash is redirected, as real indexes do. `credentials` protect everything. With `tls` it speaks https, with a
    certificate that nobody trusts unasked; `client_certificates` demands one from clients as well.
    """

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        *,
        folder: Path | None = None,
        credentials: tuple[str, str] | None = None,
        tls: bool = False,
        client_certificates: bool = False,
    ) -> None:
        self.tls = tls
        self.client_certificates = client_certificates
        self.routes: dict[str, Route] = dict(routes or {})
        self.folder = folder
        self.credentials = credentials
        self.requests: list[Request] = []

    def __enter__(self) -> Self:
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        if self.tls:
            from .certificates import ROOT, SERVER  # few tests want them, and making them takes a while

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(SERVER)
            if self.client_certificates:
                context.load_verify_locations(ROOT)
                context.verify_mode = ssl.CERT_REQUIRED
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The root, without a final slash."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._http.server_port}"

    @property
    def paths(self) -> list[str]:
        """The paths asked for so far, in order."""
        return [request.path for request in self.requests]

    def respond(self, request: Request) -> Response:
        """The answer to one request, which is recorded."""
        self.requests.append(request)
        path = request.path.partition("?")[0]
        route = self.routes.get(path)
        if route is None:
            route = self._fallback(path)
        answer = route if isinstance(route, Response) else route(request)
        demanded = answer.credentials or self.credentials
        if demanded and request.headers.get("authorization") != _basic(*demanded):
            return Response(b"unauthorized", 401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
        return answer

    def _fallback(self, path: str) -> Response:
        if f"{path}/" in self.routes:
            return redirect(f"{path}/", 301)
        if self.folder is not None:
            root = self.folder.resolve()
            target = (root / path.lstrip("/")).resolve()
            if target.is_file() and target.is_relative_to(root):
                return Response(target.read_bytes())
        return Response(b"not found", 404, "text/plain")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class _HTTPServer(http.server.ThreadingHTTPServer):
    owner: Server
    block_on_close = False  # an endless body must not outlive its test's patience

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is normal here."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement
    timeout = 10

    def do_GET(self) -> None:
        owner = cast("_HTTPServer", self.server).owner
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        answer = owner.respond(request)
        if answer.delay:
            time.sleep(answer.delay)
        if isinstance(answer.body, bytes):
            self._send_bytes(answer, answer.body, request.headers.get("range", ""))
        else:
            self._send_chunks(answer, answer.body())

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def _send_bytes(self, answer: Response, body: bytes, wanted: str) -> None:
        status, extra = answer.status, dict(answer.headers)
        if answer.ranges and status == 200:
            extra["Accept-Ranges"] = "bytes"
            if part := _slice(wanted, len(body)):
                status = 206
                extra["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(body)}"
                body = body[part]
        length = len(body) if answer.content_length is None else answer.content_length
        self._send_head(status, {"Content-Type": answer.content_type, "Content-Length": str(length)} | extra)
        if self.command != "HEAD":
            self.wfile.write(body[: answer.truncate_at])
        if answer.truncate_at is not None or length != len(body):
            self.close_connection = True

    def _send_chunks(self, answer: Response, chunks: Iterator[bytes]) -> None:
        self._send_head(answer.status, {"Content-Type": answer.content_type, "Connection": "close", **answer.headers})
        self.close_connection = True
        if self.command != "HEAD":
            for chunk in chunks:
                self.wfile.write(chunk)

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it overrides
        """Tests read `Server.requests` instead."""


def _slice(wanted: str, length: int) -> slice | None:
    match = RANGE.fullmatch(wanted)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last n bytes
        return slice(max(0, length - int(last)), length)
    stop = min(int(last) + 1, length) if last else length
    return slice(int(first), stop) if int(first) < stop else None
