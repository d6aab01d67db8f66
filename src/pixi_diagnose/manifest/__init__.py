"""What a user's file says, whatever its dialect: finding the manifest and reading it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

from ..errors import UsageError
from .invocation import Invocation
from .model import Manifest
from .pixi import read_pixi
from .search import CONDA_FILES, PIXI_FILES, PYLOCK, REQUIREMENTS, find_manifest, is_pylock, suggested_frontend
from .surroundings import OnDisk, Surroundings

__all__ = ["Invocation", "find_manifest", "frontend_for", "read_manifest", "read_pixi"]


def frontend_for(text: str, path: str, asked: str = "") -> str:
    """The frontend that reads this manifest: the one that was asked for, else the one that the file suggests.

    Raises UsageError for a frontend that does not read files of this kind.
    """
    file = Path(path)
    if not asked:
        names = ("uv.lock", "uv.toml")
        if is_pylock(file.name):
            return "uv"
        beside = frozenset(name for name in names if (file.parent / name).is_file())
        return suggested_frontend(file, text, beside=beside)
    if is_pylock(file.name):
        if asked != "uv":
            hint = "pip reads it since 26.1, pixi never" if asked == "pip" else "uv pip sync does"
            version = "pip 26.0" if asked == "pip" else asked
            raise UsageError(f"{version} does not install from {file.name}", hint=hint)
        return asked
    only_pixi = file.name in PIXI_FILES and file.name != "pyproject.toml"
    if (asked == "pixi") != only_pixi and file.name != "pyproject.toml":
        raise UsageError(f"{asked} does not read {file.name}", hint=f"leave out --frontend {asked}")
    if asked == "uv" and file.suffix in {".yml", ".yaml"}:
        raise UsageError(f"uv does not read {file.name}", hint="conda and pip do: --frontend pip")
    return asked


def read_manifest(
    text: str,
    path: str,
    invocation: Invocation | None = None,
    surroundings: Surroundings | None = None,
) -> Manifest:
    """Read `text` in the dialect that the file name of `path` and the frontend of the invocation stand for.

    `surroundings` are the files beside it, by default those on disk. Raises ManifestError for text that cannot be
    parsed, and UsageError for a file that is no manifest of any dialect or not of this frontend.
    """
    given = Invocation() if invocation is None else invocation
    file = PurePath(path)
    suffix = file.suffix.lower()
    if not (is_pylock(file.name) or file.name in PIXI_FILES) and suffix not in {".txt", ".in", ".yml", ".yaml"}:
        known = ", ".join((*PIXI_FILES, *CONDA_FILES, *REQUIREMENTS, PYLOCK))
        raise UsageError(f"{path} is not a manifest", hint=f"known files are {known}")
    frontend = frontend_for(text, path, given.frontend)
    around = OnDisk(Path(path).parent) if surroundings is None else surroundings
    if frontend == "pixi":
        return read_pixi(text, path, around)
    chosen = replace(given, frontend=frontend)
    if is_pylock(file.name):
        from .pylock import read_pylock_manifest

        return read_pylock_manifest(text, path, chosen, around)
    if file.name == "pyproject.toml":
        from .uv import read_uv

        return read_uv(text, path, chosen, around)
    if suffix in {".txt", ".in"}:
        from .requirements import read_requirements_file

        return read_requirements_file(text, path, chosen, around)
    from .conda_environment import read_conda_environment

    return read_conda_environment(text, path, chosen, around)
