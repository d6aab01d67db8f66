"""What a user types to install what a manifest of uv or pip names, with or without isolation."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from ..frontends.model import Simulation
from .workbench import Workbench

__all__ = ["install_commands", "install_file"]


def install_commands(bench: Workbench, simulation: Simulation, options: Sequence[str] = ()) -> tuple[str, ...]:
    """The commands that install the manifest into the environment, with these options."""
    installer = simulation.environment.installer
    name = PurePath(bench.path).name
    given = " ".join(map(shlex.quote, options))
    if installer is not None and installer.interface == "uv":
        project = installer.project
        scopes = [f"--extra {shlex.quote(e)}" for e in project.extras]
        scopes += [f"--group {shlex.quote(g)}" for g in project.groups]
        return (" ".join(filter(None, ("uv sync", *scopes, given))),)
    if name == "pyproject.toml":
        extras = f"[{','.join(installer.project.extras)}]" if installer and installer.project.extras else ""
        groups = [f"--group {shlex.quote(g)}" for g in installer.project.groups] if installer else []
        return (" ".join(filter(None, ("pip install", given, shlex.quote(f".{extras}"), *groups))),)
    return (install_file(simulation, name, options),)


def install_file(simulation: Simulation, name: str, options: Sequence[str] = ()) -> str:
    """The command that installs a requirements file, with these options."""
    program = "uv pip" if simulation.frontend == "uv" else "pip"
    given = [*(shlex.quote(o) for o in options), "-r", shlex.quote(name)]
    return f"{program} install {' '.join(given)}"
