"""Where a setting of uv is written: the file that holds those in force, and the key in it (uv.md U1, U3)."""

from __future__ import annotations

import os
from pathlib import PurePath

from ..evidence import KeyPath
from ..frontends.model import Simulation
from ..lazy_dataclass import dataclass
from ..manifest.uv_options import PROJECT_KEYS
from ..pep508 import canonicalize_name
from .workbench import Workbench

__all__ = ["Setting", "setting", "workspace_file"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of a file."""

    file: str
    key: KeyPath


def setting(bench: Workbench, simulation: Simulation, name: str, project: str = "") -> Setting:
    """Where a setting stands, else where it belongs; with `project`, its entry for that project as it is spelled.

    uv.toml goes before `[tool.uv]` and replaces it, but for what belongs to the project (U3). A requirements file
    without any settings beside it gets a uv.toml.
    """
    installer = simulation.environment.installer
    place = installer.places.get(name) if installer is not None else None
    if name in PROJECT_KEYS and installer is not None and installer.interface == "uv":
        found = Setting(workspace_file(bench), ("tool", "uv", name))
    elif place is not None and place.key and place.file in bench.documents:
        found = Setting(place.file, place.key)
    else:
        file = _file_in_force(bench, simulation)
        found = Setting(file, (*_prefix(file), name))
    if not project:
        return found
    entries = bench.document_of(found.file).value_at(found.key)
    spelled = next((n for n in entries or () if canonicalize_name(n) == project), project)
    return Setting(found.file, (*found.key, spelled))


def workspace_file(bench: Workbench) -> str:
    """The pyproject.toml of the workspace's root, which for most projects is the manifest."""
    table = ("tool", "uv", "workspace")
    files = [f for f, d in bench.documents.items() if PurePath(f).name == "pyproject.toml"]
    return next((f for f in files if bench.document_of(f).value_at(table) is not None), bench.path)


def _file_in_force(bench: Workbench, simulation: Simulation) -> str:
    installer = simulation.environment.installer
    is_project = installer is not None and installer.interface == "uv"
    base = PurePath(workspace_file(bench)) if is_project else PurePath(bench.path)
    uv_toml = _beside(base, "uv.toml")
    if uv_toml in bench.documents:
        return uv_toml
    for place in installer.places.values() if installer is not None else ():
        above = PurePath(place.file).parent
        if place.key and place.file in bench.documents and base.parent.is_relative_to(above):
            return place.file
    return str(base) if is_project else uv_toml


def _prefix(file: str) -> KeyPath:
    return () if PurePath(file).name == "uv.toml" else ("tool", "uv")


def _beside(file: PurePath, name: str) -> str:
    return os.path.normpath(file.parent / name)
