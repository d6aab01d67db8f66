"""The HTTP client for package indexes: bounded in time and size, careful with credentials, errors in plain words."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from ..connections import Connections
from ..errors import IndexAccessError
from ..lazy_dataclass import dataclass
from .credentials import Credentials, without_credentials

if TYPE_CHECKING:
    import ssl

    import httpx2

__all__ = ["Answer", "IndexClient", "local_path", "without_credentials"]

Result = TypeVar("Result")

CONNECTIONS = 16
"""Of HTTP/1.1. HTTP/2 took twice the CPU for the same pages and ranges, and when a server closed its one connection,
every request on the way failed (measured in November 2026). More than this were queued by servers for seconds."""
ATTEMPTS = 3
RETRIED = frozenset({429, 500, 502, 503, 504})
REDIRECTS = 8
PAGE_SECONDS = 120.0
FILE_SECONDS = 900.0
CHUNK = 1 << 16
ACCEPT_PAGE = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, */*;q=0.01"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole body with its status (200, 206, 304 or 404), the URL it came from in the end, and lower-case headers.

    `encoding` is "gzip" where the body is still folded, as `IndexClient.page` leaves it.
    """

    status: int
    body: bytes
    url: str
    headers: Mapping[str, str]
    encoding: str = ""


class IndexClient:
    """Asks indexes and file hosts; safe between threads.

    `credentials` are sent only to the scheme, host and port they belong to; HTTP_PROXY, HTTPS_PROXY and NO_PROXY are
    honoured where `connect` brings no proxies, SSL_CERT_FILE and SSL_CERT_DIR always. Every error is an
    IndexAccessError that names the URL without credentials. `requests` and `received` count requests and body bytes.
    The HTTP library is imported with the first request.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline
        self.requests = 0
        self.received = 0
        self.credentials = Credentials()
        self._connections = Connections()
        self._mirrors: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._clients: dict[tuple[Connections, bool], httpx2.Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        while self._clients:
            self._clients.popitem()[1].close()

    def connect(self, connections: Connections) -> None:
        """Reach indexes in this way from now on."""
        self._connections = connections
        self._mirrors = dict(connections.mirrors)
        self.credentials.keyring |= connections.keyring

    def register(self, url: str) -> str:
        """Remember the credentials in a URL's userinfo for its host, and return the URL without them."""
        return self.credentials.from_url(url)

    def page(self, url: str, etag: str = "") -> Answer:
        """A simple page (404 is an answer). `etag` makes the question conditional: 304 then means unchanged.

        A body in gzip stays so: it is kept like that, and unfolded where it is read.
        """
        headers = {"accept": ACCEPT_PAGE, "accept-encoding": "gzip"} | ({"if-none-match": etag} if etag else {})
        accepted = (200, 304, 404)
        from .pages import PAGE_CAP  # what reads pages is slow to import

        return self.get(url, cap=PAGE_CAP, headers=headers, accepted=accepted, seconds=PAGE_SECONDS, folded=True)

    def get(
        self,
        url: str,
        *,
        cap: int,
        headers: Mapping[str, str] | None = None,
        accepted: tuple[int, ...] = (200,),
        seconds: float = PAGE_SECONDS,
        folded: bool = False,
    ) -> Answer:
        """A whole body of at most `cap` bytes within `seconds`, unfolded unless it may stay `folded` in gzip."""
        path = local_path(url)
        if path is not None:
            return _local_file(path, url, cap, accepted)

        def consume(response: httpx2.Response, final: str) -> Answer:
            headers = _lower(response)
            encoding = "gzip" if folded and headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"} else ""
            body = self._body(response, final, cap, seconds, folded=bool(encoding))
            return Answer(response.status_code, body, final, headers, encoding if body else "")

        return self._attempts(url, headers or {}, accepted, consume)

    def read(
        self, url: str, reader: Callable[[BinaryIO], Result], *, cap: int, seconds: float = FILE_SECONDS
    ) -> Result:
        """What `reader` makes of the body as a binary stream, which it need not read to its end.

        After a fault on the wire it is called again with a new stream, so it must keep nothing. Reading past `cap` or
        the time is an IndexAccessError; what `reader` itself raises passes through.
        """
        path = local_path(url)
        if path is not None:
            try:
                file = path.open("rb")
            except OSError as error:
                raise IndexAccessError(f"cannot read {url}: {error.strerror}", url=url) from None
            with file:
                return reader(file)

        def consume(response: httpx2.Response, final: str) -> Result:
            return reader(io.BufferedReader(_Chunks(self._chunks(response, final, cap, seconds)), CHUNK))

        return self._attempts(url, {"accept-encoding": "identity"}, (200,), consume)

    def _attempts(
        self,
        url: str,
        headers: Mapping[str, str],
        accepted: tuple[int, ...],
        consume: Callable[[httpx2.Response, str], Result],
    ) -> Result:
        """What `consume` makes of an open response; passing faults of the server or the wire are tried again."""
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                with self._open(self._mirrored(url, attempt), headers, (*accepted, *RETRIED)) as (response, final):
                    if response.status_code in accepted:
                        return consume(response, final)
                    if last:
                        raise _refused(response.status_code, final)
            except _TransportError as error:
                if last:
                    raise IndexAccessError(str(error), url=without_credentials(url)) from None
            time.sleep(0.1 * 3**attempt)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _mirrored(self, url: str, attempt: int) -> str:
        """What is asked for an address: of the mirrors for the longest start of it each in its turn."""
        start = max((start for start in self._mirrors if url.startswith(start)), key=len, default="")
        mirrors = self._mirrors.get(start, ())
        return mirrors[attempt % len(mirrors)] + url.removeprefix(start) if mirrors else url

    @contextlib.contextmanager
    def _open(
        self, url: str, headers: Mapping[str, str], accepted: tuple[int, ...]
    ) -> Iterator[tuple[httpx2.Response, str]]:
        """An open response with an accepted status, redirects followed; trouble on the wire is a _TransportError."""
        clean = self.register(url)
        if self.offline:
            raise IndexAccessError(f"{clean} is not in the cache, and the network must not be used", url=clean)
        import httpx2  # 100 ms, and warm runs never need it

        try:
            for _ in range(REDIRECTS):
                authorization = self.credentials.header(clean)
                sent = dict(headers) | ({"authorization": authorization} if authorization else {})
                with self._client(clean).stream("GET", clean, headers=sent) as response:
                    self._count(1, 0)
                    target = response.headers.get("location")
                    if response.status_code not in {301, 302, 303, 307, 308} or not target:
                        if response.status_code not in accepted:
                            raise _refused(response.status_code, clean)
                        yield response, clean
                        return
                clean = _redirected(clean, target)
        except httpx2.InvalidURL as error:
            raise IndexAccessError(f"{clean} is not a URL that can be asked: {error}", url=clean) from None
        except httpx2.DecodingError as error:
            raise IndexAccessError(f"{clean} sent a body that cannot be decoded: {error}", url=clean) from None
        except httpx2.UnsupportedProtocol:
            raise IndexAccessError(f"{clean} is neither http nor https", url=clean) from None
        except httpx2.TimeoutException:
            raise _TransportError(f"{clean} did not answer in time") from None
        except httpx2.TransportError as error:
            raise _TransportError(f"{clean} is unreachable: {str(error) or type(error).__name__}") from None
        raise IndexAccessError(f"{without_credentials(url)} redirects too often", url=without_credentials(url))

    def _client(self, url: str) -> httpx2.Client:
        """What asks an address: hosts whose certificates are not checked have a client of their own."""
        with self._lock:
            key = (self._connections, self._connections.verifies(url))
            if key not in self._clients:
                self._clients[key] = _http_client(*key)
            return self._clients[key]

    def _body(self, response: httpx2.Response, url: str, cap: int, seconds: float, *, folded: bool) -> bytes:
        if response.status_code in {304, 404}:
            return b""
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > cap:
            raise _too_large(url, cap)
        return b"".join(self._chunks(response, url, cap, seconds, folded=folded))

    def _chunks(
        self, response: httpx2.Response, url: str, cap: int, seconds: float, *, folded: bool = False
    ) -> Iterator[bytes]:
        until = time.monotonic() + seconds
        total = 0
        # as they arrive: a dripping body must not escape the clock
        for chunk in response.iter_raw() if folded else response.iter_bytes():
            total += len(chunk)
            self._count(0, len(chunk))
            if total > cap:
                raise _too_large(url, cap)
            if time.monotonic() > until:
                raise IndexAccessError(f"{url} was not read to its end within {seconds:.0f} s", url=url)
            yield chunk

    def _count(self, requests: int, received: int) -> None:
        with self._lock:
            self.requests += requests
            self.received += received


def _http_client(connections: Connections, verifying: bool) -> httpx2.Client:
    import httpx2

    from .. import __version__

    limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    context = _tls_context(connections, verifying)
    try:
        return httpx2.Client(
            timeout=httpx2.Timeout(30.0, connect=10.0, pool=FILE_SECONDS),
            limits=limits,
            verify=context,
            mounts={
                pattern: httpx2.HTTPTransport(proxy=proxy or None, limits=limits, verify=context)
                for pattern, proxy in connections.proxies
            },
            trust_env=not connections.proxies,
            headers={"user-agent": f"pixi-diagnose/{__version__}"},
            follow_redirects=False,
        )
    except (ImportError, ValueError, httpx2.InvalidURL):  # a scheme for which it has nothing, such as socks5
        message = "the configured proxy cannot be used: only proxies with http:// and https:// are"
        raise IndexAccessError(message, url="") from None


def _tls_context(connections: Connections, verifying: bool) -> ssl.SSLContext:
    """Whom to trust, and who one is. Raises IndexAccessError for configured files that are none of that."""
    import httpx2

    try:
        context = httpx2.create_ssl_context(verify=verifying)
    except OSError:  # SSL_CERT_FILE names no certificates: uv 0.13 ignores it then
        context = httpx2.create_ssl_context(verify=verifying, trust_env=False)
    roots, own = connections.certificates, connections.client_certificate
    try:
        if roots:
            context.load_verify_locations(**{"capath" if Path(roots).is_dir() else "cafile": roots})
        if own:
            context.load_cert_chain(own)
    except OSError as error:
        raise IndexAccessError(
            f"the configured certificates ({', '.join(filter(None, (roots, own)))}) cannot be read: "
            f"{error.strerror or error}",
            url="",
        ) from None
    return context


class _TransportError(Exception):
    """Worth another attempt; the message is for the user."""


class _Chunks(io.RawIOBase):
    """Chunks as a readable file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _refused(status: int, url: str) -> IndexAccessError:
    if status in {401, 403}:
        return IndexAccessError(
            f"{url} needs credentials ({status})",
            url=url,
            hint="put user and password into the index's URL or the netrc file; "
            "for an index with a name, uv also takes them from UV_INDEX_<NAME>_USERNAME and _PASSWORD",
            refused=True,
        )
    if status in {404, 410}:
        return IndexAccessError(f"{url} does not exist ({status})", url=url, absent=True)
    return IndexAccessError(f"{url} answers with status {status}", url=url)


def _too_large(url: str, cap: int) -> IndexAccessError:
    return IndexAccessError(f"{url} is larger than {cap / 2**20:.0f} MB and was not read further", url=url)


def _redirected(url: str, target: str) -> str:
    try:
        new = urljoin(url, target)
    except ValueError:
        raise IndexAccessError(f"{url} redirects to an address that is none", url=url) from None
    if urlsplit(url).scheme == "https" and urlsplit(new).scheme != "https":
        raise IndexAccessError(f"{url} redirects to an address that is not https", url=url)
    return without_credentials(new)


def local_path(url: str) -> Path | None:
    """The path of a file:// URL, None for any other."""
    if not url.startswith("file:"):
        return None
    from urllib.request import url2pathname  # seldom needed, and slow to import

    return Path(url2pathname(urlsplit(url).path))


def _lower(response: httpx2.Response) -> dict[str, str]:
    return {key.lower(): value for key, value in response.headers.items()}


def _local_file(path: Path, url: str, cap: int, accepted: tuple[int, ...]) -> Answer:
    if path.is_dir():
        path /= "index.html"
    try:
        with path.open("rb") as file:
            body = file.read(cap + 1)
    except FileNotFoundError:
        if 404 in accepted:
            return Answer(404, b"", url, {})
        raise IndexAccessError(f"{url} does not exist", url=url) from None
    except OSError as error:
        raise IndexAccessError(f"cannot read {url}: {error.strerror}", url=url) from None
    if len(body) > cap:
        raise _too_large(url, cap)
    return Answer(200, body, url, {})
