"""Where a locked project comes from, against where it is asked for: index, URL, repository or folder (pixi.md P9).

Imitates `pypi_satisfies_requirement` and `pypi_satisfies_editable` of pixi 0.77.0.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

from ..lazy_dataclass import dataclass
from ..manifest.direct_references import direct_source
from ..manifest.model import GitSource, PathSource, UrlSource
from .model import PypiRecord
from .pypi_matching import Wanted

__all__ = ["Origin", "git_parts", "origin_mismatch", "same_index"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a requirement wants its project from; without source and index it is any index of the environment.

    `is_manifest` is False for requirements of locked projects: these cannot name an index, so the lock is trusted.
    """

    source: PathSource | GitSource | UrlSource | None
    index: str
    is_manifest: bool

    def is_registry(self, wanted: Wanted) -> bool:
        """Whether it comes from an index, so that its version counts."""
        return self.source is None and not wanted.url


def origin_mismatch(
    wanted: Wanted,
    origin: Origin,
    record: PypiRecord,
    root: Path,
    indexes: tuple[str, ...],
    is_default_index: Callable[[str], bool],
) -> str:
    """Why the locked project is not from where it is wanted, "" where it is."""
    source = origin.source or (direct_source(wanted.url) if wanted.url else None)
    if source is None:
        return _index_mismatch(wanted, origin, record, indexes, is_default_index)
    if isinstance(source, PathSource):
        return _path_mismatch(wanted.name, source, record, root)
    if isinstance(source, GitSource):
        return _git_mismatch(wanted.name, source, record, is_manifest=origin.is_manifest)
    return _url_mismatch(wanted.name, source, record)


def same_index(one: str, other: str) -> bool:
    """Whether two index URLs are the same but for trailing slashes and credentials."""
    return _anonymous(one).rstrip("/") == _anonymous(other).rstrip("/")


def git_parts(location: str) -> tuple[str, dict[str, str], str]:
    """The repository, the parameters (rev, tag, branch, subdirectory, lfs) and the commit of a locked git location."""
    parts = urlsplit(location.removeprefix("git+"))
    parameters = {key: values[0] for key, values in parse_qs(parts.query).items()}
    path, _, reference = parts.path.partition("@")
    if reference:
        parameters.setdefault("rev", reference)
    return urlunsplit((parts.scheme, parts.netloc, path, "", "")), parameters, parts.fragment


def _index_mismatch(
    wanted: Wanted,
    origin: Origin,
    record: PypiRecord,
    indexes: tuple[str, ...],
    is_default_index: Callable[[str], bool],
) -> str:
    if not record.index or record.is_path:
        return ""  # not recorded before version 7
    if origin.index:
        fits = _anonymous(origin.index) == _anonymous(record.index)
    elif not origin.is_manifest:
        return ""
    elif indexes:
        fits = any(same_index(index, record.index) for index in indexes)
    else:
        fits = is_default_index(record.index)
    if fits:
        return ""
    expected = origin.index or ", ".join(_anonymous(i) for i in indexes) or "the default index"
    return f"'{wanted.name}' is locked from the index {_anonymous(record.index)}, expected {expected}"


def _path_mismatch(name: str, source: PathSource, record: PypiRecord, root: Path) -> str:
    if not record.is_path:
        return f"'{name}' is asked for as a path and locked from {_anonymous(record.location)}"
    locked = Path(os.path.normpath(root / record.location))
    asked = Path(os.path.normpath(root / Path(source.path).expanduser()))
    if locked == asked or locked.resolve() == asked.resolve():
        return ""
    return f"'{name}' is locked at {record.location}, and asked for at {source.path}"


def _url_mismatch(name: str, source: UrlSource, record: PypiRecord) -> str:
    if not record.location.startswith("direct+"):
        return f"'{name}' is asked for by a direct URL and locked from {_anonymous(record.location)}"
    if _plain(record.location.removeprefix("direct+")) == _plain(source.url):
        return ""
    return f"'{name}' is locked from {_anonymous(record.location)}, and asked for from {_anonymous(source.url)}"


def _git_mismatch(name: str, source: GitSource, record: PypiRecord, *, is_manifest: bool) -> str:
    if not record.location.startswith("git+"):
        return f"'{name}' is asked for from git and locked from {_anonymous(record.location)}"
    repository, locked, _ = git_parts(record.location)
    if _canonical(repository) != _canonical(source.url.removeprefix("git+")):
        return f"'{name}' is locked from {_anonymous(repository)}, and asked for from {_anonymous(source.url)}"
    if is_manifest and source.lfs != (locked.get("lfs") == "true"):
        return f"'{name}' is locked with another LFS setting"
    asked = {k: v for k, v in (("branch", source.branch), ("tag", source.tag), ("rev", source.rev)) if v}
    recorded = {k: v for k, v in locked.items() if k in {"branch", "tag", "rev"}}
    if not asked:
        reference = next(iter(recorded.values()), "")
        return f"'{name}' is locked at {reference}, and asked for without a reference" if reference else ""
    if (source.subdirectory or "").strip("./") != locked.get("subdirectory", "").strip("./"):
        return f"'{name}' is asked for from another subdirectory of its repository"
    if recorded and asked != recorded:
        one, other = next(iter(recorded.items())), next(iter(asked.items()))
        return f"'{name}' is locked at {one[0]} {one[1]}, and asked for at {other[0]} {other[1]}"
    return ""


def _canonical(url: str) -> str:
    """A repository's URL without what does not tell repositories apart."""
    parts = urlsplit(url)
    host = parts.netloc if "ssh" in parts.scheme else parts.netloc.rpartition("@")[2]
    path = parts.path.rstrip("/").removesuffix(".git")
    return f"{parts.scheme}://{host}{path.lower() if host == 'github.com' else path}"


def _plain(url: str) -> str:
    return _anonymous(url).partition("#")[0]


def _anonymous(url: str) -> str:
    """A URL without user and password."""
    if "@" not in url or "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
