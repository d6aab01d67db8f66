"""How builds, problems and scopes are said, the same way in every part of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...frontends.model import Build, BuildPhase, Missing, Simulation
from ...outcome import Outcome
from ...prose import and_list, count
from ...report import Report

__all__ = ["commands", "problem", "scope", "title", "typed", "versions"]

_COMMANDS = {
    "pixi": {"lock": "pixi lock", "install": "pixi install"},
    "uv": {"lock": "uv lock", "install": "uv sync"},
    "uv pip": {"lock": "uv pip install, resolving", "install": "uv pip install, building"},
    "pip": {"lock": "pip install, resolving", "install": "pip install, building"},
    "conda": {"lock": "conda env create, resolving with pip", "install": "conda env create, building with pip"},
}


def commands(simulation: Simulation) -> Mapping[str, str]:
    """What the user types for each phase; where one command does both, which part of it."""
    installer = simulation.environment.installer
    if installer is not None and installer.python.source == "conda":
        return _COMMANDS["conda"]
    return _COMMANDS[simulation.frontend if installer is None else installer.interface]


def typed(report: Report) -> tuple[str, ...]:
    """The same of all simulations of a report; of its frontend, where the manifest was refused before any."""
    phases = [commands(s) for s in report.simulations] or [_COMMANDS[report.frontend]]
    return tuple(dict.fromkeys(command for found in phases for command in found.values()))


def title(build: Build) -> str:
    """Project and version: "flash-attn 2.7.4.post1"."""
    distribution = build.subject.distribution
    return f"{distribution.project} {distribution.version}".strip()


def problem(phase: BuildPhase) -> str:
    """What stops a run of a build, as the rest of a sentence that begins with its project."""
    reason = next((line.strip() for line in phase.reason.splitlines() if line.strip()), "")
    if phase.stop is not None and not phase.missing and phase.requirement is None:
        return f"cannot be built: {reason}"
    if reason and (not phase.missing or phase.outcome is Outcome.AT_RISK):
        return reason
    said = _missing(phase.missing[0]) if phase.missing else "fails"
    decisive = phase.requirement.decisive if phase.requirement is not None else None
    return f"needs {decisive.project}, which {said}" if decisive is not None else said


def _missing(missing: Missing) -> str:
    if missing.kind == "tool":
        return f"needs {missing.name}"
    if missing.kind == "requirement":
        return f"cannot get {missing.name}, which it needs to be built"
    if missing.kind == "removed":
        return f"uses {missing.name}, which {missing.late} no longer has"
    return f"cannot import {missing.name}"


def versions(simulations: Sequence[Simulation]) -> str:
    """The Pythons of some simulations: "Python 3.12"."""
    pythons = dict.fromkeys(s.resolution.python for s in simulations if s.resolution.python)
    return f"Python {and_list(pythons)}" if pythons else ""


def scope(simulations: Sequence[Simulation], limit: int = 4) -> str:
    """The environments and platforms of some simulations: "default · linux-64", "cpu, gpu · linux-64, osx-arm64"."""
    platforms: dict[str, list[str]] = {}
    for simulation in simulations:
        platforms.setdefault(simulation.environment.name, []).append(simulation.environment.platform.name)
    together: dict[tuple[str, ...], list[str]] = {}
    for name, on in platforms.items():
        together.setdefault(tuple(on), []).append(name)
    return "; ".join(
        f"{_listed(names, limit, 'environment')} · {_listed(on, limit, 'platform')}" for on, names in together.items()
    )


def _listed(names: Sequence[str], limit: int, noun: str) -> str:
    return ", ".join(names) if len(names) <= limit else count(len(names), noun)
