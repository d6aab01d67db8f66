"""What a user types to install what a manifest of uv or pip names, with or without isolation."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from ..frontends.model import Simulation
from .changes import Give
from .workbench import Workbench

__all__ = ["install_commands", "install_file"]


def install_commands(
    bench: Workbench, simulation: Simulation, options: Sequence[str] = (), told: Sequence[Give] = ()
) -> tuple[str, ...]:
    """The commands that install the manifest into the environment, with these options and variables."""
    installer = simulation.environment.installer
    name = PurePath(bench.path).name
    given = (*options, *(word for g in told for word in shlex.split(g.option)))
    words = " ".join(map(shlex.quote, given))
    if installer is not None and installer.interface == "uv":
        project = installer.project
        scopes = [f"--extra {shlex.quote(e)}" for e in project.extras]
        scopes += [f"--group {shlex.quote(g)}" for g in project.groups]
        command = " ".join(filter(None, ("uv sync", *scopes, words)))
    elif name == "pyproject.toml":
        extras = f"[{','.join(installer.project.extras)}]" if installer and installer.project.extras else ""
        groups = [f"--group {shlex.quote(g)}" for g in installer.project.groups] if installer else []
        command = " ".join(filter(None, ("pip install", words, shlex.quote(f".{extras}"), *groups)))
    else:
        command = install_file(simulation, name, given)
    return (" ".join([*(f"{g.variable}={shlex.quote(g.value)}" for g in told if not g.option), command]),)


def install_file(simulation: Simulation, name: str, options: Sequence[str] = ()) -> str:
    """The command that installs a requirements file, with these options."""
    program = "uv pip" if simulation.frontend == "uv" else "pip"
    given = [*(shlex.quote(o) for o in options), "-r", shlex.quote(name)]
    return f"{program} install {' '.join(given)}"
