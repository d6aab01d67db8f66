"""What a user's file says, whatever its dialect: finding the manifest and reading it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

from ..errors import UsageError
from .model import Manifest
from .pixi import read_pixi

__all__ = ["find_manifest", "read_manifest", "read_pixi"]

_PIXI_FILES = ("pixi.toml", "pyproject.toml", "mojoproject.toml")


def read_manifest(text: str, path: str) -> Manifest:
    """Read `text` in the dialect that the file name of `path` stands for.

    Raises ManifestError for text that cannot be parsed, and UsageError for a file that is no manifest of any dialect.
    """
    if PurePath(path).name in _PIXI_FILES:
        return read_pixi(text, path)
    raise UsageError(f"{path} is not a manifest", hint=f"known files are {', '.join(_PIXI_FILES)}")


def find_manifest(start: Path, environ: Mapping[str, str]) -> Path:
    """The manifest that pixi would use for `start`, a file or a directory (pixi.md P1).

    Upward from the directory: `pixi.toml`, then `pyproject.toml` if it has a `[tool.pixi]` table, then
    `mojoproject.toml`; PIXI_PROJECT_MANIFEST only if none was found. Raises UsageError if there is none.
    """
    if start.is_file():
        return start
    origin = start.absolute()
    for directory in (origin, *origin.parents):
        for name in _PIXI_FILES:
            candidate = directory / name
            if candidate.is_file() and (name != "pyproject.toml" or _has_pixi_table(candidate)):
                return candidate
    named = environ.get("PIXI_PROJECT_MANIFEST")
    if named and Path(named).is_file():
        return Path(named)
    raise UsageError(f"no manifest found in {start} or any folder above", hint=f"looked for {', '.join(_PIXI_FILES)}")


def _has_pixi_table(path: Path) -> bool:
    """As pixi looks: by the text of a header, so that a broken file is found and its fault reported."""
    return "[tool.pixi" in path.read_text(encoding="utf-8", errors="replace")
