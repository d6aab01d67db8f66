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
The explanation is the resolver's own. Where no channel could be reached, conda packages count as declared.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..frontends.model import Simulation
from .wording import confidence, requested_at

__all__ = ["RULE"]

_MESSAGES = {
    "conflict": "the PyPI dependencies cannot be resolved together",
    "no-python": "PyPI dependencies need a conda python",
}


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for a resolution without a solution that no other rule explains."""
    failure = simulation.resolution.failure
    conda = simulation.resolution.conda_failure
    projects: tuple[str, ...] = ()
    if conda:
        message, why = "the conda packages cannot be solved together", conda
    elif failure is not None and failure.kind in _MESSAGES:
        message, why, projects = _MESSAGES[failure.kind], failure.message, failure.projects
    else:
        return
    first = next((s.place for s in simulation.environment.pypi), None)
    place = next((p for name in projects if (p := requested_at(simulation, name))), None)
    yield Finding(
        rule=RULE,
        severity=Severity.ERROR,
        confidence=confidence(simulation),
        message=message,
        explanation=(why,),
        environment=simulation.environment.name,
        platforms=(simulation.environment.platform.name,),
        project=projects[0] if projects else "",
        place=place or (None if conda else first),
    )


RULE = Rule("IDX404", "unsatisfiable-requirements", check=check)
