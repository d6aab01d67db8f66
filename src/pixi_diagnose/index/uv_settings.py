"""What uv's answers hang on beside its input: environment variables and configuration files, as one fingerprint."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["uv_settings"]


def uv_settings(environment: Mapping[str, str] = os.environ) -> str:
    """A digest that changes when uv's variables or its user and system configuration files do.

    Only a digest, as the variables may hold credentials. A workspace's own uv.toml is not among the files: uv is run
    away from it.
    """
    variables = sorted((k, v) for k, v in environment.items() if k.startswith("UV_"))
    files = [(str(path), _state(path)) for path in _configuration_files(environment)]
    return hashlib.sha256(json.dumps([variables, files]).encode()).hexdigest()


def _configuration_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where uv 0.13.8 looks: UV_CONFIG_FILE, the user's folder, the system's folders (its documented places)."""
    if named := environment.get("UV_CONFIG_FILE"):
        yield Path(named)
    if sys.platform == "win32":
        folders = [environment.get("APPDATA", ""), environment.get("PROGRAMDATA", "")]
    else:
        user = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME") or "~").expanduser() / ".config")
        system = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        folders = [user, *system.split(os.pathsep), "/etc"]
    for folder in filter(None, folders):
        yield Path(folder) / "uv" / "uv.toml"


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
