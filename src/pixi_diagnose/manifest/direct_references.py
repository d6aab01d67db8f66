"""The URL of a PEP 508 requirement (`name @ URL`) as the source that it stands for."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from .model import GitSource, PathSource, UrlSource

__all__ = ["direct_source"]


def direct_source(url: str) -> GitSource | UrlSource | PathSource:
    """What an address names: `git+…@rev#subdirectory=…`, a `file:` path, else an archive. Never fails.

    As uv 0.13 reads it: the reference of a git URL is what follows the last `@` of its path (a branch may hold
    slashes), percent-encoded.
    """
    address, _, fragment = url.strip().partition("#")
    options = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    subdirectory = unquote(options.get("subdirectory", "")) or None
    if address.startswith("git+"):
        base, reference = _referenced(address.removeprefix("git+"))
        lfs = options.get("lfs", "").lower() == "true"
        return GitSource(base, rev=reference or None, subdirectory=subdirectory, lfs=lfs)
    if address.startswith("file:") and subdirectory is None:
        return PathSource(
            unquote(address.removeprefix("file://localhost").removeprefix("file://").removeprefix("file:"))
        )
    return UrlSource(address, subdirectory, options.get("sha256") or None)


def _referenced(url: str) -> tuple[str, str]:
    """The address of a repository, and the reference behind it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, ""
    path, at, reference = parts.path.rpartition("@")
    return (urlunsplit(parts._replace(path=path)), unquote(reference)) if at else (url, "")
