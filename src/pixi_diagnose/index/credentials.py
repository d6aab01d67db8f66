"""Who one is to a package index: credentials from URLs, variables and netrc, and from keyring where it is configured.

As uv 0.13.8 has it, and pixi 0.77 through it: what belongs to an index is sent to its scheme, host and port alone, and
keyring is asked only for a user that is known. Nothing of it is ever part of a message or of what is kept.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from ..errors import IndexAccessError
from ..lazy_dataclass import dataclass

__all__ = ["Credentials", "split_url", "without_credentials"]

KEYRING_SECONDS = 60
"""A keyring may ask a person; one that waits for nobody is given up."""

_Origin = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Given:
    """Credentials for what is below a path of a host; without a password, the rest is looked up when it is needed."""

    path: str
    user: str
    password: str


class Credentials:
    """What is known of indexes and hosts; safe between threads.

    `keyring` says whether the program keyring may be asked (keyring-provider = "subprocess").
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.keyring = False
        self._environment = environment
        self._lock = threading.Lock()
        self._given: dict[_Origin, list[_Given]] = {}
        self._headers: dict[tuple[_Origin, _Given | None], str | None] = {}

    def from_url(self, url: str) -> str:
        """Remember what a URL's userinfo says, and return the URL without it. Raises IndexAccessError for no URL."""
        parts = split_url(url)
        if parts.username is None and parts.password is None:
            return url
        clean = without_credentials(url)
        self._remember(clean, unquote(parts.username or ""), unquote(parts.password or ""))
        return clean

    def from_variables(self, url: str, index: str) -> None:
        """Remember what UV_INDEX_<NAME>_USERNAME and _PASSWORD say of an index with a name; they win over its URL."""
        name = re.sub(r"[^A-Z0-9]", "_", index.upper())
        user, password = (self._environment.get(f"UV_INDEX_{name}_{what}") for what in ("USERNAME", "PASSWORD"))
        if user is not None or password is not None:
            self._remember(without_credentials(url), user or "", password or "")

    def header(self, url: str) -> str | None:
        """The Authorization header for a URL without userinfo, None where nothing is known."""
        origin = _origin(url)
        with self._lock:
            given = self._closest(origin, urlsplit(url).path)
            key = (origin, given)
            if key not in self._headers:  # asked for by many threads at once, looked up by one
                self._headers[key] = self._looked_up(url, given)
            return self._headers[key]

    def _remember(self, url: str, user: str, password: str) -> None:
        given = _Given(urlsplit(url).path.rstrip("/"), user, password)
        with self._lock:
            others = [g for g in self._given.get(_origin(url), ()) if g.path != given.path]
            self._given[_origin(url)] = [*others, given]

    def _closest(self, origin: _Origin, path: str) -> _Given | None:
        """What was given for the longest path above this one, else for anything else of the host, the last first."""
        given = self._given.get(origin, [])
        above = [g for g in given if path == g.path or path.startswith(f"{g.path}/")]
        return max(above, key=lambda g: len(g.path), default=given[-1] if given else None)

    def _looked_up(self, url: str, given: _Given | None) -> str | None:
        if given is not None and given.password:
            return _basic(given.user, given.password)
        user = given.user if given is not None else ""
        found = _netrc(urlsplit(url).hostname or "", self._environment)
        if found is not None and user in {"", found[0]}:
            return _basic(*found)
        if given is None:
            return None
        password = self._from_keyring(_with_path(url, given.path), user) if self.keyring and user else None
        return _basic(user, password or "")

    def _from_keyring(self, index_url: str, user: str) -> str | None:
        """What keyring has for the index, else for its host, else (not https) for its host with the scheme."""
        import shutil  # for the few who use it
        import subprocess

        program = shutil.which("keyring", path=self._environment.get("PATH"))
        if program is None:
            return None
        parts = urlsplit(index_url)
        root = re.sub(r"/\+?simple/?$", "", parts.path)  # uv asks for an index by its root
        services = [urlunsplit(parts._replace(path=root or "/")), parts.netloc]
        services += [f"{parts.scheme}://{parts.netloc}"] if parts.scheme != "https" else []
        for service in services:
            try:
                done = subprocess.run(
                    [program, "get", service, user],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    timeout=KEYRING_SECONDS,
                    env=dict(self._environment),
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
                return None
            if done.returncode == 0 and done.stdout.strip():
                return done.stdout.strip()
        return None


def without_credentials(url: str) -> str:
    """The URL without user and password, fit to be printed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else url


def split_url(url: str) -> SplitResult:
    """The parts of a URL. Raises IndexAccessError for a text that is none."""
    try:
        return urlsplit(url)
    except ValueError:
        shown = url.rpartition("@")[2]
        raise IndexAccessError(f"{shown} is not a URL that can be asked", url=shown) from None


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path, query="", fragment=""))


def _origin(url: str) -> _Origin:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _basic(user: str, password: str) -> str:
    import base64

    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _netrc(host: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    import netrc  # only once the network is used

    path = environment.get("NETRC") or str(Path.home() / ("_netrc" if os.name == "nt" else ".netrc"))
    try:
        found = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    return (found[0], found[2] or "") if found else None
