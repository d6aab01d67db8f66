"""pixi's own configuration: what `config.toml` says of how package indexes are reached (pixi 0.77, `pixi_config`).

Of its `[pypi-config]` only the keyring counts here: `index-url` and `extra-index-urls`, and `default-channels` beside
them, are written into new manifests and not read with existing ones (pixi's documentation; the same in its source).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import tomli

from ..connections import Connections, proxy_patterns

__all__ = ["configuration_files", "pixi_configuration"]

_TRUE = {"1", "true", "yes", "on", "y", "t"}
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@cache
def pixi_configuration(root: str) -> Connections:
    """The configuration for the workspace in `root`, as the files of this machine have it.

    A file that cannot be read says nothing, as in pixi after its message. With `tls-no-verify` pixi checks no
    certificate of the indexes and of their usual file host; here of no host.
    """
    keyring: object = None
    unchecked: object = None
    unverified: tuple[str, ...] = ()
    mirrors: dict[str, tuple[str, ...]] = {}
    proxies: dict[str, Any] = {}
    for path in configuration_files(root, os.environ):
        try:
            document = tomli.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        pypi = _table(document, "pypi-config")
        keyring = pypi.get("keyring-provider") if keyring is None else keyring
        unchecked = document.get("tls-no-verify", document.get("tls_no_verify")) if unchecked is None else unchecked
        hosts = pypi.get("allow-insecure-host")
        unverified += tuple(h for h in hosts if isinstance(h, str)) if isinstance(hosts, list) else ()
        for address, given in _table(document, "mirrors").items():
            if isinstance(given, list):
                mirrors.setdefault(_folder(address), tuple(_folder(url) for url in given if isinstance(url, str)))
        proxies = {**_table(document, "proxy-config"), **proxies}
    return Connections(
        keyring=keyring == "subprocess",
        mirrors=tuple(mirrors.items()),
        proxies=_proxies(proxies),
        unverified=("*",) if unchecked is True else unverified,
    )


def configuration_files(root: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Where pixi 0.77 looks, what wins first: the workspace's file, then the user's and the system's.

    PIXI_NO_CONFIG and PIXI_CONFIG_FILE take the place of the latter.
    """
    yield Path(root) / ".pixi" / "config.toml"
    if environment.get("PIXI_NO_CONFIG", "").lower() in _TRUE:
        return
    if named := environment.get("PIXI_CONFIG_FILE"):
        yield Path(named)
        return
    home = Path(environment.get("HOME") or Path.home())
    yield Path(environment.get("PIXI_HOME") or home / ".pixi") / "config.toml"
    if os.name == "nt":
        yield Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "pixi" / "config.toml"
        yield Path(environment.get("PROGRAMDATA") or "C:/ProgramData") / "pixi" / "config.toml"
        return
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pixi" / "config.toml"
    yield Path("/etc/pixi/config.toml")


def _table(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table, its older spelling with underscores included; nothing for what is none."""
    table = document.get(name, document.get(name.replace("-", "_")))
    return {str(k).replace("_", "-"): v for k, v in table.items()} if isinstance(table, dict) else {}


def _folder(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


def _proxies(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Variables for proxies go before all of it (pixi 0.77)."""
    if any(os.environ.get(name) for name in _PROXY_VARIABLES):
        return ()
    http, https = (given[s] if isinstance(given.get(s), str) else "" for s in ("http", "https"))
    hosts = given.get("non-proxy-hosts")
    return proxy_patterns(http, https, map(str, hosts) if isinstance(hosts, list) else ())
