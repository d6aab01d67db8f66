"""What a user types to install what a manifest of uv, pip or conda names: how, and into which environment."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from ..frontends.model import Simulation
from .changes import Change, Give
from .workbench import Workbench, python_of

__all__ = ["commands_for", "install_commands", "install_file", "is_environment", "prefix_of"]


def commands_for(bench: Workbench, changes: Iterable[Change]) -> tuple[str, ...]:
    """The commands that do what changes tell them beside the files; none where the user's own command does."""
    chosen = tuple(changes)
    told, python = [c for c in chosen if isinstance(c, Give)], python_of(chosen)
    simulation = bench.before[0]
    if not told and not python:
        return ()
    folder = f".venv-{python}" if python else ""
    install = install_commands(bench, simulation, told=told, folder=folder)
    return (_make(simulation, python, folder), *install) if python else install


def install_commands(
    bench: Workbench,
    simulation: Simulation,
    options: Sequence[str] = (),
    told: Sequence[Give] = (),
    *,
    folder: str = "",
) -> tuple[str, ...]:
    """The commands that install the manifest with these options and variables, into the environment in a folder.

    Without a folder it is the one that such a command finds by itself.
    """
    installer = simulation.environment.installer
    name = PurePath(bench.path).name
    by_variable = is_environment(bench)
    given = (*options, *(word for g in told if not by_variable for word in shlex.split(g.option)))
    words = " ".join(map(shlex.quote, given))
    if by_variable:
        unnamed = "" if _named(bench) else f" {prefix_of(bench)}"
        command = f"conda env create{unnamed} -f {shlex.quote(name)}"
    elif installer is not None and installer.interface == "uv":
        project = installer.project
        scopes = [f"--extra {shlex.quote(e)}" for e in project.extras]
        scopes += [f"--group {shlex.quote(g)}" for g in project.groups]
        command = " ".join(filter(None, ("uv sync", *scopes, words)))
    elif name == "pyproject.toml":
        extras = f"[{','.join(installer.project.extras)}]" if installer and installer.project.extras else ""
        groups = [f"--group {shlex.quote(g)}" for g in installer.project.groups] if installer else []
        program = _program(simulation, folder)
        command = " ".join(filter(None, (program, words, shlex.quote(f".{extras}"), *groups)))
    else:
        command = install_file(simulation, name, given, folder=folder)
    variables = [f"{g.variable}={shlex.quote(g.value)}" for g in told if by_variable or not g.option]
    return (" ".join([*variables, command]),)


def is_environment(bench: Workbench) -> bool:
    """Whether the manifest is an environment.yml, whose pip gets options by variables alone."""
    return PurePath(bench.path).suffix in {".yml", ".yaml"}


def prefix_of(bench: Workbench) -> str:
    """How conda is told of the environment that an environment.yml makes."""
    name = _named(bench)
    if not name and (prefix := bench.document.value_at(("prefix",))):
        return f"-p {shlex.quote(str(prefix))}"
    return f"-n {shlex.quote(name or 'env')}"


def _named(bench: Workbench) -> str:
    return str(bench.document.value_at(("name",)) or "")


def install_file(simulation: Simulation, name: str, options: Sequence[str] = (), *, folder: str = "") -> str:
    """The command that installs a requirements file, with these options."""
    given = [*(shlex.quote(o) for o in options), "-r", shlex.quote(name)]
    return f"{_program(simulation, folder)} {' '.join(given)}"


def _program(simulation: Simulation, folder: str) -> str:
    if simulation.frontend == "uv":
        return f"uv pip install --python {folder}" if folder else "uv pip install"
    if not folder:
        return "pip install"
    windows = simulation.environment.platform.subdir.startswith("win")
    return f"{folder}\\Scripts\\python -m pip install" if windows else f"{folder}/bin/python -m pip install"


def _make(simulation: Simulation, python: str, folder: str) -> str:
    """How an environment is made: uv fetches a Python that the machine lacks, venv needs it there."""
    if simulation.frontend == "uv":
        return f"uv venv --python {python} {folder}"
    launcher = f"py -{python}" if simulation.environment.platform.subdir.startswith("win") else f"python{python}"
    return f"{launcher} -m venv {folder}"
