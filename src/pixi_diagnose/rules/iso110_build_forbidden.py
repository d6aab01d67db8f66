"""
# ISO110 build-forbidden

## What it finds
A project that only has an sdist, where `no-build` forbids to build it.

## Why it breaks
The resolution has nothing to choose from, and locking stops.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
trainer = "*"

[pypi-options]
no-build = true
```
```python trainer-1.0/setup.py
from setuptools import setup

setup(name="trainer", version="1.0")
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
trainer = "*"
```

## Limits
Which project is meant is read from the resolver's explanation.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..frontends.model import Simulation
from .wording import and_list, confidence, requested_at

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for a resolution that fails because nothing may be built."""
    failure = simulation.resolution.failure
    if failure is None or failure.kind != "no-build":
        return
    place = next((p for name in failure.projects if (p := requested_at(simulation, name))), None)
    yield Finding(
        rule=RULE,
        severity=Severity.ERROR,
        confidence=confidence(simulation),
        message=f"{and_list(failure.projects) or 'a project'} would have to be built, and no-build forbids it",
        explanation=(failure.message,),
        environment=simulation.environment.name,
        platforms=(simulation.environment.platform.name,),
        project=failure.projects[0] if failure.projects else "",
        place=simulation.environment.options.places.get("no-build") or place,
    )


RULE = Rule("ISO110", "build-forbidden", check=check)
