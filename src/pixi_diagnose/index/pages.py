"""A project's page on a package index (PEP 503 HTML, PEP 691 JSON) → the files it offers."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Protocol
from urllib.parse import unquote, urljoin

from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name

__all__ = [
    "PAGE_CAP",
    "IndexFile",
    "ListedFile",
    "PageBody",
    "PageError",
    "ProjectPage",
    "parse_page",
    "split_sdist",
    "split_wheel",
]

PAGE_CAP = 64 * 2**20
"""Bytes of a page, on the wire and unfolded."""

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.zst", ".tar", ".tbz", ".txz", ".tar.lzma")
"""What uv 0.13.8 takes for a source distribution, the usual first."""


class PageError(ValueError):
    """A page that is neither HTML with links nor PEP 691 JSON; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PageBody:
    """A page as it came over the wire, from `url` in the end; `encoding` is "gzip" or "" (as it is)."""

    content: bytes
    url: str
    encoding: str = ""

    def unfolded(self) -> bytes:
        """The page itself, of at most PAGE_CAP bytes. Raises PageError for more, and for a broken or cut body."""
        if not self.encoding:
            return self.content
        unfolding = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            page = unfolding.decompress(self.content, PAGE_CAP)
        except zlib.error as error:
            raise PageError(f"its {self.encoding} encoding is broken: {error}") from None
        if unfolding.unconsumed_tail:
            raise PageError(f"it unfolds to more than {PAGE_CAP / 2**20:.0f} MB")
        if not unfolding.eof:
            raise PageError(f"its {self.encoding} encoding is cut off")
        return page


class ListedFile(Protocol):
    """A file of a page as far as its name; `read` gives the rest."""

    @property
    def filename(self) -> str:
        """The archive's name."""

    def read(self) -> IndexFile:
        """The file with all that the page says of it."""


@dataclass(slots=True)
class IndexFile:
    """One file of a page.

    `sha256` is empty where the page gives none; `core_metadata` is None where no metadata file is offered (PEP 658),
    else its sha256 or "". `yanked` is None, or the reason (possibly empty).
    """

    filename: str
    url: str
    sha256: str = ""
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = None
    core_metadata: str | None = None
    size: int | None = None

    def read(self) -> IndexFile:
        """The file itself: it has been read."""
        return self


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """The files of a page in its own order, and how many links named no file."""

    files: tuple[ListedFile, ...]
    skipped: int = 0


def parse_page(body: bytes, url: str) -> ProjectPage:
    """Read a page; `url` is where it came from, for relative links.

    What the body is decides how it is read, not a header (uv.md U6.10). Raises PageError for a body that is no such
    page.
    """
    start = body[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return _parse_json(body, url)
    if b"<" not in start and b"<a" not in body[:65536].lower():
        raise PageError("neither HTML nor JSON")
    return _parse_html(body.decode("utf-8", "replace"), url)


def split_wheel(filename: str) -> tuple[str, str, str, str] | None:
    """(project as spelled, version, build tag, "python-abi-platform") of a wheel's name (PEP 427), None for others."""
    parts = filename[:-4].split("-")
    if len(parts) == 5:
        name, version, build = parts[0], parts[1], ""
    elif len(parts) == 6 and parts[2][:1].isdigit():
        name, version, build = parts[0], parts[1], parts[2]
    else:
        return None
    return name, version, build, "-".join(parts[-3:])


def split_sdist(filename: str, project: str) -> str | None:
    """The version text in an sdist's name, None if it is not an sdist of this (canonical) project."""
    if filename.endswith(".tar.gz"):
        stem = filename[:-7]
    else:
        lower = filename.lower()
        suffix = next((s for s in SDIST_SUFFIXES if lower.endswith(s)), None)
        if suffix is None:
            return None
        stem = filename[: -len(suffix)]
    dash = stem.rfind("-")
    while dash > 0:  # old names hold dashes in the project and, rarely, in the version
        if stem[:dash] == project or canonicalize_name(stem[:dash]) == project:
            return stem[dash + 1 :]
        dash = stem.rfind("-", 0, dash)
    return None


# --- JSON -----------------------------------------------------------------------------------------------------------


def _parse_json(body: bytes, url: str) -> ProjectPage:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PageError(f"broken JSON: {error}") from None
    listed = document.get("files") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise PageError("JSON without a list of files")
    join = _joiner(url)
    files: list[ListedFile] = []
    for item in listed:
        if isinstance(item, dict) and isinstance(item.get("filename"), str) and isinstance(item.get("url"), str):
            address = join(item["url"].partition("#")[0])
            if address:
                files.append(EntryFile(item["filename"], address, item))
    return ProjectPage(tuple(files), len(listed) - len(files))


@dataclass(slots=True)
class EntryFile:
    """A file of a JSON page; its entry is looked through when it is asked for."""

    filename: str
    url: str
    entry: Mapping[str, object]

    def read(self) -> IndexFile:
        """The file with what its entry says of it."""
        hashes = self.entry.get("hashes")
        yanked = self.entry.get("yanked")
        metadata = self.entry.get("core-metadata", self.entry.get("dist-info-metadata"))
        size = self.entry.get("size")
        return IndexFile(
            self.filename,
            self.url,
            _sha256(hashes.get("sha256") if isinstance(hashes, dict) else None),
            _text(self.entry.get("requires-python")),
            yanked if isinstance(yanked, str) else "" if yanked is True else None,
            _text(self.entry.get("upload-time")),
            _sha256(metadata.get("sha256")) if isinstance(metadata, dict) else "" if metadata is True else None,
            size if isinstance(size, int) and size >= 0 else None,
        )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _sha256(value: object) -> str:
    return value.lower() if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{64}", value) else ""


# --- HTML -----------------------------------------------------------------------------------------------------------

OPEN = '<a href="'
REGULAR = re.compile(r"""([^"]*)"((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>([^<]*)</a>""")
ATTRIBUTE = re.compile(r"""\s([a-z-]+)(?:="([^"]*)")?""")
BASE = re.compile(r"""<base\s[^>]*href\s*=\s*["']([^"']*)""", re.IGNORECASE)
HASH = re.compile(r"sha256=([0-9a-f]{64})")


@dataclass(slots=True)
class AnchorFile:
    """A file of an HTML page. Its anchor is read when it is asked for: of thousands of files few are ever chosen."""

    filename: str
    url: str
    anchor: str
    """The text from within the quotes of `href` to the next anchor."""

    def read(self) -> IndexFile:
        """The file with what its anchor says of it."""
        given, _ = _read_anchor(self.anchor)
        return _html_file(self.filename, self.url, given)


def _read_anchor(anchor: str) -> tuple[dict[str, str], str]:
    """Attributes and text of an anchor, given from within the quotes of `href` on."""
    from html import unescape

    regular = REGULAR.match(anchor)
    if regular is None:
        return _anchors(OPEN + anchor)[0]
    given = dict(ATTRIBUTE.findall(regular[2]))
    given["href"] = regular[1]
    if "&" in regular[0]:
        return {key: unescape(value) for key, value in given.items()}, unescape(regular[3])
    return given, regular[3]


def _parse_html(text: str, url: str) -> ProjectPage:
    from html import unescape

    base = BASE.search(text, 0, 4096)
    if base:
        url = urljoin(url, unescape(base[1]))
    join = _joiner(url)
    files: list[ListedFile] = []
    skipped = 0
    _, *anchors = text.split(OPEN)
    if len(anchors) == text.count("<a") + text.count("<A"):
        for anchor in anchors:
            link = anchor.partition('"')[0].partition("#")[0]
            link = unescape(link) if "&" in link else link
            name = _filename(link) or _filename_in_label(_read_anchor(anchor)[1])
            address = join(link)
            if name and address:
                files.append(AnchorFile(name, address, anchor))
            else:
                skipped += 1
    else:
        for given, label in _anchors(text):
            link = given.get("href", "").partition("#")[0]
            name = _filename(link) or _filename_in_label(label)
            address = join(link)
            if name and address:
                files.append(_html_file(name, address, given))
            else:
                skipped += 1
    return ProjectPage(tuple(files), skipped)


def _html_file(name: str, address: str, given: Mapping[str, str]) -> IndexFile:
    hashed = HASH.match(given.get("href", "").partition("#")[2])
    metadata = given.get("data-core-metadata", given.get("data-dist-info-metadata"))
    return IndexFile(
        name,
        address,
        hashed[1] if hashed else "",
        given.get("data-requires-python") or None,
        given.get("data-yanked"),
        given.get("data-upload-time") or None,
        None if metadata is None or metadata == "false" else _sha256(metadata.partition("sha256=")[2]),
    )


def _filename(link: str) -> str:
    """A link's file name: the last part of its path (as uv reads it), empty if that is no name of an archive."""
    name = link.rpartition("/")[2]
    if "%" in name or "?" in name:
        name = unquote(name.partition("?")[0]).strip()
    return name if name.endswith((".whl", ".tar.gz")) or name.lower().endswith(SDIST_SUFFIXES) else ""


def _filename_in_label(label: str) -> str:
    """An anchor's text, if that is an archive's name."""
    label = label.strip()
    return label if "/" not in label and label.lower().endswith((".whl", *SDIST_SUFFIXES)) else ""


def _joiner(url: str) -> Callable[[str], str]:
    """`urljoin` with the usual cases (an absolute link, a link below a folder seen before) done without parsing.

    Empty for a link that is no address.
    """
    known: dict[str, str] = {}

    def join(link: str) -> str:
        folder, slash, name = link.rpartition("/")
        try:
            if not slash or "[" in link:
                return urljoin(url, link)
            if link.startswith(("https://", "http://")):
                return link
            if folder not in known:
                known[folder] = urljoin(url, folder + slash)
        except ValueError:
            return ""
        return known[folder] + name

    return join


def _anchors(text: str) -> list[tuple[dict[str, str], str]]:
    """Each anchor's attributes and text, by a parser that forgives whatever browsers do."""
    parser = _Anchors()
    parser.feed(text)
    parser.close()
    return parser.anchors


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[tuple[dict[str, str], str]] = []
        self._open: tuple[dict[str, str], list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._finish()
            self._open = ({key: value or "" for key, value in attrs}, [])

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finish()

    def close(self) -> None:
        super().close()
        self._finish()

    def _finish(self) -> None:
        if self._open is not None:
            self.anchors.append((self._open[0], "".join(self._open[1])))
            self._open = None
