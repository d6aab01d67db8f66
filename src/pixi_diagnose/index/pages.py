"""A project's page on a package index (PEP 503 HTML, PEP 691 JSON) → the files it offers."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin

from packaging.utils import canonicalize_name

__all__ = ["IndexFile", "PageError", "ProjectPage", "parse_page", "split_sdist", "split_wheel"]

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.zst", ".tar", ".tbz", ".txz", ".tar.lzma")
"""What uv 0.13.8 takes for a source distribution, the usual first."""


class PageError(ValueError):
    """A page that is neither HTML with links nor PEP 691 JSON; the message says what is wrong with it."""


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


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """The files of a page in its own order, and how many links named no file."""

    files: tuple[IndexFile, ...]
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
    files: list[IndexFile] = []
    for item in listed:
        if isinstance(item, dict) and isinstance(item.get("filename"), str) and isinstance(item.get("url"), str):
            with contextlib.suppress(ValueError):  # an address that is none
                files.append(_json_file(item, url))
    return ProjectPage(tuple(files), len(listed) - len(files))


def _json_file(item: dict[str, object], url: str) -> IndexFile:
    hashes = item.get("hashes")
    yanked = item.get("yanked")
    metadata = item.get("core-metadata", item.get("dist-info-metadata"))
    size = item.get("size")
    return IndexFile(
        str(item["filename"]),
        urljoin(url, str(item["url"])).partition("#")[0],
        _sha256(hashes.get("sha256") if isinstance(hashes, dict) else None),
        _text(item.get("requires-python")),
        yanked if isinstance(yanked, str) else "" if yanked is True else None,
        _text(item.get("upload-time")),
        _sha256(metadata.get("sha256")) if isinstance(metadata, dict) else "" if metadata is True else None,
        size if isinstance(size, int) and size >= 0 else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _sha256(value: object) -> str:
    return value.lower() if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{64}", value) else ""


# --- HTML -----------------------------------------------------------------------------------------------------------

# A regular page is read by one expression; a page where it misses an anchor goes to the slow, forgiving parser.
ANCHOR = re.compile(r"""<a href="([^"]*)"((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>([^<]*)</a>""")
ATTRIBUTE = re.compile(r"""\s([a-z-]+)(?:="([^"]*)")?""")
ANY_ANCHOR = re.compile(r"<a[\s>]", re.IGNORECASE)
BASE = re.compile(r"""<base\s[^>]*href\s*=\s*["']([^"']*)""", re.IGNORECASE)
HASH = re.compile(r"sha256=([0-9a-f]{64})")


def _parse_html(text: str, url: str) -> ProjectPage:
    base = BASE.search(text, 0, 4096)
    if base:
        url = urljoin(url, unescape(base[1]))
    regular = ANCHOR.findall(text)
    if len(regular) == len(ANY_ANCHOR.findall(text)):
        return _html_files(_unescaped(regular), url)
    parser = _Anchors()
    parser.feed(text)
    parser.close()
    return _html_files(((a.pop("href", ""), a, label) for a, label in parser.anchors), url)


def _unescaped(anchors: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, dict[str, str], str]]:
    for link, attributes, label in anchors:
        yield unescape(link) if "&" in link else link, _attributes(attributes), label


@lru_cache(4096)
def _attributes(text: str) -> dict[str, str]:
    """The attributes of an anchor besides its link; the files of a page share few different ones."""
    given = dict(ATTRIBUTE.findall(text)) if text else {}
    return {key: unescape(value) for key, value in given.items()} if "&" in text else given


def _html_files(anchors: Iterable[tuple[str, dict[str, str], str]], url: str) -> ProjectPage:
    files: list[IndexFile] = []
    skipped = 0
    join = _joiner(url)
    for href, given, label in anchors:
        link, _, fragment = href.partition("#")
        name = _filename(link, label)
        try:
            address = join(link)
        except ValueError:
            name = ""
        if not name:
            skipped += 1
            continue
        hashed = HASH.match(fragment)
        metadata = given.get("data-core-metadata", given.get("data-dist-info-metadata"))
        files.append(
            IndexFile(
                name,
                address,
                hashed[1] if hashed else "",
                given.get("data-requires-python") or None,
                given.get("data-yanked"),
                given.get("data-upload-time") or None,
                None if metadata is None or metadata == "false" else _sha256(metadata.partition("sha256=")[2]),
            )
        )
    return ProjectPage(tuple(files), skipped)


def _filename(link: str, label: str) -> str:
    """A link's file name: the last part of its path (as uv reads it), the label where that is not a file's name."""
    name = link.rpartition("/")[2]
    if "%" in name or "?" in name:
        name = unquote(name.partition("?")[0]).strip()
    if name.endswith((".whl", ".tar.gz")) or name.lower().endswith(SDIST_SUFFIXES):
        return name
    label = unescape(label.strip())
    return label if "/" not in label and label.lower().endswith((".whl", *SDIST_SUFFIXES)) else ""


def _joiner(url: str) -> Callable[[str], str]:
    """`urljoin` with the usual cases (an absolute link, a link below a folder seen before) done without parsing."""
    known: dict[str, str] = {}

    def join(link: str) -> str:
        if link.startswith(("https://", "http://")):
            return link
        folder, slash, name = link.rpartition("/")
        if not slash:
            return urljoin(url, link)
        if folder not in known:
            known[folder] = urljoin(url, folder + slash)
        return known[folder] + name

    return join


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
