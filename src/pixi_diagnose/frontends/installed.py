"""Which pixi is installed here: asked of the program itself, once for each state of its file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..conda import FactCache

__all__ = ["installed_version", "program_path"]

_SECONDS = 5
_VERSION = r"\b(\d+\.\d+(?:\.\d+)?)\b"


def program_path(name: str) -> str:
    """Where a program lies on this machine's PATH, "" where it does not."""
    if os.name == "nt":
        import shutil  # which knows the suffixes of programs, and brings five decompressors

        return shutil.which(name) or ""
    paths = (Path(folder, name) for folder in os.get_exec_path())
    return next((str(path) for path in paths if os.access(path, os.X_OK) and path.is_file()), "")


def installed_version(path: str, cache: FactCache) -> str:
    """The version that the program at `path` prints for `--version`, "" where there is none or it says nothing.

    It is run only where the cache has no answer for this file with this size and time.
    """
    try:
        state = Path(path).stat() if path else None
    except OSError:
        state = None
    if state is None:
        return ""
    key = f"{path}:{state.st_size}:{state.st_mtime_ns}"
    kept = cache.get("installed", key)
    if kept is None:
        kept = _ask(path).encode()
        cache.put("installed", key, kept)
    return kept.decode()


def _ask(path: str) -> str:
    import subprocess

    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    match = re.search(_VERSION, done.stdout)
    return match[1] if match and done.returncode == 0 else ""
