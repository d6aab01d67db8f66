"""Whether the user lets passwords for package indexes be asked of the program keyring."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import tomli

__all__ = ["pip_asks_keyring", "pixi_asks_keyring", "uv_asks_keyring"]

SUBPROCESS = "subprocess"


def uv_asks_keyring(configured: bool, environment: Mapping[str, str] = os.environ) -> bool:
    """uv.md U1: UV_KEYRING_PROVIDER goes before what the configuration files say."""
    given = environment.get("UV_KEYRING_PROVIDER")
    return configured if given is None else given == SUBPROCESS


def pip_asks_keyring(environment: Mapping[str, str] = os.environ) -> bool:
    """The default of pip ("auto") imports keyring into pip: that is not imitated."""
    return environment.get("PIP_KEYRING_PROVIDER") == SUBPROCESS


@cache
def pixi_asks_keyring(root: str) -> bool:
    """`[pypi-config] keyring-provider` of pixi's configuration: the workspace's own before the user's and the system's.

    A file that cannot be read says nothing.
    """
    for path in _configuration_files(root, os.environ):
        try:
            document = tomli.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        table = document.get("pypi-config", document.get("pypi_config"))
        given = table.get("keyring-provider", table.get("keyring_provider")) if isinstance(table, dict) else None
        if given is not None:
            return bool(given == SUBPROCESS)
    return False


def _configuration_files(root: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Where pixi 0.77 looks, what wins first."""
    yield Path(root) / ".pixi" / "config.toml"
    home = Path.home()
    yield Path(environment.get("PIXI_HOME") or home / ".pixi") / "config.toml"
    if os.name == "nt":
        yield Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "pixi" / "config.toml"
        yield Path(environment.get("PROGRAMDATA") or "C:/ProgramData") / "pixi" / "config.toml"
        return
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pixi" / "config.toml"
    yield Path("/etc/pixi/config.toml")
