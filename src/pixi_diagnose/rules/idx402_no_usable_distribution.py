"""
# IDX402 no-usable-distribution

## What it finds
A dependency, or a declared build requirement, for which the index has nothing that could be installed: no such project,
no such release, or a release whose files fit neither this platform nor this Python and that has no sdist.

## Why it breaks
Locking stops before anything is built, and a build before its backend is started.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
trainer = "==2.0"
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
trainer = "==1.0"
```

## Limits
What an index would show to somebody with credentials is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule
from ..frontends.model import Simulation
from ..prose import and_list
from .reporting import about_build, about_environment, first_lines, no_surer
from .wording import title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for what a resolution wants and cannot have, and for each build that cannot have its own."""
    for build in simulation.decisive_builds:
        run = next((p for p in build.phases if any(m.kind == "requirement" for m in p.missing)), None)
        if run is not None:
            wanted = and_list(m.name for m in run.missing if m.kind == "requirement")
            message = f"{title(build)} cannot be built: its build requirement {wanted} is not to be had"
            found = about_build(RULE, simulation, build, message, (run.reason,), evidence=first_lines(run.missing))
            # that these settings reach build requirements was only read (pixi.md P5)
            yield no_surer(found, Confidence.LOW) if _narrowed(simulation) else found
    failure = simulation.resolution.failure
    if failure is None or failure.kind != "not-found":
        return
    what = and_list(failure.projects[:1]) or "a dependency"
    message = f"no usable distribution of {what}"
    yield about_environment(RULE, simulation, message, (failure.message,), projects=failure.projects)


def _narrowed(simulation: Simulation) -> bool:
    """Whether more than the index's address decides what a build may require."""
    environment = simulation.environment
    options = environment.options
    settings = (options.no_build, options.no_binary, options.index_strategy)
    return any(settings) or bool(environment.exclude_newer or environment.pypi_exclude_newer)


RULE = Rule("IDX402", "no-usable-distribution", check=check)
