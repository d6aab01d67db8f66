"""URLs, paths and names: as pixi and uv check them, and where they lead."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import urlsplit

__all__ = ["below", "check_conda_name", "check_project_name", "check_url", "is_project_name"]

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_WITH_HOST = {"http", "https", "ftp", "ws", "wss"}
_PROJECT = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_CONDA = r"[A-Za-z0-9_.-]+"


def check_url(text: str) -> str:
    """The text itself if it is an absolute URL; ValueError otherwise (`git@host:path` is none, pixi.md P2)."""
    stripped = text.strip()
    if not re.match(_SCHEME, stripped):
        raise ValueError(f"'{text}' is not a URL: relative URL without a base")
    try:
        parts = urlsplit(stripped)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"'{text}' is not a URL: {error}") from None
    if parts.scheme in _WITH_HOST and (not host or " " in host):
        raise ValueError(f"'{text}' is not a URL: empty or invalid host")
    return text


def check_project_name(name: str) -> str:
    """The name of a PyPI project or extra as spelled; ValueError for what cannot be one (PEP 508)."""
    if not is_project_name(name):
        raise ValueError(
            f"'{name}' is not a valid project name: it must start and end with a letter or digit and hold only "
            "letters, digits, '-', '_' and '.'"
        )
    return name


def is_project_name(name: str) -> bool:
    """Whether this can be the name of a PyPI project (PEP 508)."""
    return re.fullmatch(_PROJECT, name) is not None


def check_conda_name(name: str) -> str:
    """The name of a conda package as spelled; ValueError for what cannot be one."""
    if not re.fullmatch(_CONDA, name):
        raise ValueError(
            f"'{name}' is not a valid conda package name: it holds more than letters, digits, '-', '_', '.'"
        )
    return name


def below(folder: str, location: str) -> str:
    """A location that was written in `folder`, seen from where that is relative to; URLs and absolute paths stay."""
    if "://" in location or location.startswith("/") or not folder:
        return location
    return posixpath.normpath(posixpath.join(folder, location))
