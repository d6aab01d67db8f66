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

from ..finding import Finding, Rule
from ..frontends.model import BUILD_FORBIDDEN, Simulation
from ..prose import and_list
from .reporting import about_environment

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for a resolution that fails because nothing may be built, or for what can only be built."""
    failure = simulation.resolution.failure
    builds = [b for b in simulation.builds if any(p.reason == BUILD_FORBIDDEN for p in b.phases)]
    if failure is not None and failure.kind == "no-build":
        projects = failure.projects
        explanation: tuple[str, ...] = (failure.message,)
    elif builds:
        projects = tuple(b.project for b in builds)
        explanation = tuple(f"{b.project} has to be built: {b.subject.distribution.why_built}." for b in builds)
    else:
        return
    places = simulation.environment.options.places
    yield about_environment(
        RULE,
        simulation,
        f"{and_list(projects) or 'a project'} would have to be built, and no-build forbids it",
        explanation,
        projects=projects,
        place=next((places[key] for key in ("no-build", "no-build-package") if key in places), None),
    )


RULE = Rule("ISO110", "build-forbidden", check=check)
