"""
# IDX404 unsatisfiable-requirements

## What it finds
Dependencies that exclude each other, among conda packages, among PyPI projects, or between the two.

## Why it breaks
Locking stops before anything is built. A version that conda provides is the only one that the PyPI side may use: a PyPI
project that requires another one can never be satisfied.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
packaging = "24.2.*"

[pypi-dependencies]
packaging = "==23.2"
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
packaging = "24.2.*"

[pypi-dependencies]
packaging = ">=23.2"
```

## Limits
Where a single project is disputed, the explanation says who wants which version of it; else it is the resolver's own.
Where no channel could be reached, conda packages count as declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evidence import Place
from ..finding import Finding, Rule
from ..frontends.model import Simulation
from ..prose import and_list
from .disputing import about_dispute
from .providing import provided_twice
from .reporting import about_environment
from .wording import requested_at

__all__ = ["RULE"]

_UNSOLVED = "the conda packages cannot be solved together"
_MESSAGES = {
    "conflict": "the PyPI dependencies cannot be resolved together",
    "lock": "the lock does not fit this environment",
    "hashes": "not all that is to be installed has a hash",
    "no-python": "PyPI dependencies need a conda python",
}


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for a resolution without a solution that no other rule explains."""
    failure = simulation.resolution.failure
    conda = simulation.resolution.conda_failure
    if simulation.resolution.disputes:
        for dispute in simulation.resolution.disputes:
            if not dispute.native:
                yield about_dispute(RULE, simulation, dispute)
        return
    if provided_twice(simulation) is not None:
        return
    projects: tuple[str, ...] = ()
    if conda is not None:
        only = conda.packages[0] if len(conda.packages) == 1 else ""
        message = f"conda cannot give {only} as it is asked for" if only else _UNSOLVED
        why = conda.message
    elif failure is not None and failure.kind in _MESSAGES:
        message, why, projects = _MESSAGES[failure.kind], failure.message, failure.projects
    else:
        return
    first = next((s.place for s in simulation.environment.pypi), None)
    named = any(requested_at(simulation, name) for name in projects)
    place = _spec(simulation, conda.packages) if conda else None if named else first
    explanation = (why, *_together(simulation))
    yield about_environment(RULE, simulation, message, explanation, projects=projects, place=place)


def _together(simulation: Simulation) -> Iterator[str]:
    """What else a universal lock holds, which may be the other party (uv.md U3)."""
    installer, universal = simulation.environment.installer, simulation.resolution.universal
    if installer is None or universal is None or universal.failure is None:
        return
    names = sorted({d.scope.extra or d.scope.group for d in installer.project.declared} - {""})
    if names:
        yield (
            f"uv locks all extras and groups together, installed or not: {and_list(names)}; `conflicts` in [tool.uv] "
            "keeps them apart."
        )


def _spec(simulation: Simulation, packages: Sequence[str]) -> Place | None:
    """The manifest's own spec that a conda failure is about."""
    places = {s.name: s.place for s in simulation.environment.conda}
    return next((places[name] for name in packages if name in places), None)


RULE = Rule("IDX404", "unsatisfiable-requirements", check=check)
