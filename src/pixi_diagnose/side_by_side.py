"""The same input under the frontends that are not its own: what each of them would be given of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .environment import Environment
from .frontends.model import Simulation
from .lazy_dataclass import dataclass
from .manifest.model import PypiOptions

__all__ = ["Elsewhere", "given_to"]

ALONE = {
    "pixi": "what it installs as pypi-dependencies, with conda's python alone",
    "uv": "its PyPI dependencies alone, with uv pip into a fresh environment",
    "pip": "its PyPI dependencies alone, with pip into a fresh environment",
}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How the input ends under another frontend: `given` says what of it that one was given, "" for the file itself."""

    frontend: str
    frontend_version: str
    simulations: tuple[Simulation, ...]
    given: str = ""


def given_to(frontend: str, simulations: Sequence[Simulation]) -> tuple[tuple[Environment, ...], str]:
    """The environments as another frontend would have them that does not read the file itself, and that in words.

    `simulations` are those under the file's own frontend: they say which Python each environment has.
    """
    return tuple(_moved(s.environment, frontend, s.resolution.python) for s in simulations), ALONE[frontend]


def _moved(environment: Environment, frontend: str, python: str) -> Environment:
    from .manifest.installer import DeclaredRequirement, Installer, ProjectLayout, TargetPython

    interface = "uv pip" if frontend == "uv" else frontend
    installer = Installer(
        interface=interface,
        python=TargetPython(python, "--python"),
        project=ProjectLayout(declared=tuple(map(DeclaredRequirement, environment.pypi))),
    )
    if environment.installer is not None:
        installer = replace(installer, resolution=replace(environment.installer.resolution, lock_environments=()))
    return replace(
        environment,
        dialect="pixi" if frontend == "pixi" else "requirements",
        solve_group=None,
        conda=(),
        constraints=(),
        variables={},
        options=_options(environment.options, frontend),
        installer=installer,
    )


def _options(options: PypiOptions, frontend: str) -> PypiOptions:
    """The options that it has: for pip no list of projects for isolation, and no overrides."""
    if frontend != "pip":
        return options
    return replace(options, no_build_isolation=options.no_build_isolation is True, dependency_overrides=None)
