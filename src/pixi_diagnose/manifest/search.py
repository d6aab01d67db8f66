"""Finding the manifest that is meant, and the frontend that it suggests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError

__all__ = ["find_manifest", "is_pylock", "suggested_frontend"]

PIXI_FILES = ("pixi.toml", "pyproject.toml", "mojoproject.toml")
CONDA_FILES = ("environment.yml", "environment.yaml")
REQUIREMENTS = ("requirements.txt", "requirements.in")
PYLOCK = "pylock.toml"
_PYLOCK = r"pylock(?:\.[^.]+)?\.toml"


def find_manifest(start: Path, environ: Mapping[str, str], frontend: str = "") -> Path:
    """The manifest for `start`, a file or a folder, that a frontend would read ("" for whichever fits).

    pixi (P1): upward, per folder `pixi.toml`, `pyproject.toml` with a `[tool.pixi]` table, `mojoproject.toml`;
    PIXI_PROJECT_MANIFEST only if none was found. uv: upward, the nearest `pyproject.toml`. Where no frontend is named,
    the nearest of these wins, a `pyproject.toml` of neither pixi nor uv being passed over in favour of a workspace of
    pixi above it. What is not searched upward comes last: `environment.yml` (not for uv), then `requirements.txt` and
    `requirements.in`, and pylock.toml (for uv), in the folder itself. Raises UsageError if there is nothing.
    """
    if start.is_file():
        return start
    origin = start.absolute()
    folders = (origin, *origin.parents)
    looked_for: tuple[str, ...] = PIXI_FILES
    found = None
    if frontend in {"", "pixi"}:
        kinds = (_of_pixi,) if frontend else (_of_pixi, _of_uv)
        found = next((path for folder in folders for kind in kinds if (path := kind(folder))), None)
        named = environ.get("PIXI_PROJECT_MANIFEST")
        if found is None and named and Path(named).is_file():
            found = Path(named)
    if found is None and frontend != "pixi":
        beside = (*(() if frontend == "uv" else CONDA_FILES), *REQUIREMENTS, *(() if frontend == "pip" else (PYLOCK,)))
        looked_for = tuple(dict.fromkeys((*(PIXI_FILES if not frontend else ("pyproject.toml",)), *beside)))
        above = folders if frontend != "pip" else folders[:1]
        projects = (folder / "pyproject.toml" for folder in above)
        others = (origin / name for name in beside)
        own = origin / "pyproject.toml"
        found = next((path for path in (own, *others, *projects) if path.is_file()), None)
    if found is None:
        hint = f"looked for {', '.join(looked_for)}"
        if (origin / "setup.py").is_file():
            hint = f"`pixi-diagnose inspect {start}` says what the build of this project needs; {hint}"
        raise UsageError(f"no manifest found in {start} or any folder above", hint=hint)
    return found


def is_pylock(name: str) -> bool:
    """Whether a file of this name is a pylock (PEP 751): `pylock.toml`, `pylock.NAME.toml`."""
    return re.fullmatch(_PYLOCK, name) is not None


def suggested_frontend(path: Path | str, text: str, *, beside: frozenset[str] = frozenset()) -> str:
    """The frontend that a manifest is most probably used with, where the user names none.

    pixi for its own files and for a pyproject.toml with `[tool.pixi]`; uv for any other with a `[project]` or
    `[tool.uv]`; pip for one without, for environment.yml and for requirements files, of which uv reads those that it
    compiled and those with uv.lock or uv.toml `beside` (the names of the files in the folder).
    """
    name = Path(path).name
    if name == "pyproject.toml":
        if "[tool.pixi" in text:
            return "pixi"
        return "uv" if "[project" in text or "[tool.uv" in text or "uv.lock" in beside else "pip"
    if name in PIXI_FILES:
        return "pixi"
    if Path(path).suffix in {".txt", ".in"}:
        from .requirement_lines import compiled_with_uv

        return "uv" if compiled_with_uv(text) or beside & {"uv.lock", "uv.toml"} else "pip"
    return "pip"


def _of_pixi(folder: Path) -> Path | None:
    for name in PIXI_FILES:
        path = folder / name
        if path.is_file() and (name != "pyproject.toml" or _holds(path, "[tool.pixi")):
            return path
    return None


def _of_uv(folder: Path) -> Path | None:
    path = folder / "pyproject.toml"
    if path.is_file() and (_holds(path, "[tool.uv") or (folder / "uv.lock").is_file()):
        return path
    return None


def _holds(path: Path, header: str) -> bool:
    """By the text of a header, as pixi looks: a broken file is found too, and its fault reported."""
    return header in path.read_text(encoding="utf-8", errors="replace")
