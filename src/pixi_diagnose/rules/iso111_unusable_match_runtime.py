"""
# ISO111 unusable-match-runtime

## What it finds
An entry of uv's `extra-build-dependencies` with `match-runtime = true` at which uv stops.

## Why it breaks
`match-runtime` makes a build use the version that the environment will run. So there must be one when the build starts:
uv refuses the entry where the project is built to *make* the resolution (its metadata is dynamic), where the resolution
does not have the other project, and where the entry itself says which version it wants.

## Example
```toml pyproject.toml
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = ["fast-kernels", "torch==2.6.0"]

[tool.uv.extra-build-dependencies]
fast-kernels = [{ requirement = "torch", match-runtime = true }]
```
```python fast_kernels-1.0/setup.py
import torch
from setuptools import setup

setup(name="fast-kernels", version="1.0")
```

## Use instead
Where the metadata is dynamic, say it in its place, or repeat the version that is pinned.
```toml pyproject.toml
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = ["fast-kernels", "torch==2.6.0"]

[tool.uv.extra-build-dependencies]
fast-kernels = ["torch==2.6.0"]
```

## Limits
As uv 0.13 refuses them; other versions were not tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..finding import Finding, Rule
from ..frontends.extra_requirements import RefusedMatch, refused_at_install, refused_at_lock
from ..frontends.model import Build, Simulation
from ..frontends.uv import NAME
from .reporting import about_build, about_environment
from .wording import because_built

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each refused entry, at the entry."""
    if simulation.frontend != NAME:
        return
    installer, resolution = simulation.environment.installer, simulation.resolution
    for build in simulation.decisive_builds:
        refused = refused_at_lock(installer, build.project)
        if refused is not None and any(run.reason == refused.reason for run in build.phases):
            yield _dynamic(simulation, build, refused)
    if resolution.failure is None:
        for refused in refused_at_install(installer, resolution):
            yield _refused(simulation, refused)


def _dynamic(simulation: Simulation, build: Build, refused: RefusedMatch) -> Finding:
    target = refused.entry.spec.name
    sentence, evidence = because_built(build)
    chosen = simulation.resolution.distribution(target)
    pinned = () if chosen is None else (f"Or it could ask for {target}=={chosen.version}, and the project as well.",)
    return about_build(
        RULE,
        simulation,
        build,
        f"{build.project} cannot match the {target} that runs: it is built before any is chosen",
        (
            f"{sentence}.",
            f"Without a build it could: with [[tool.uv.dependency-metadata]] for {build.project}.",
            *pinned,
        ),
        place=refused.entry.spec.place,
        evidence=evidence,
    )


def _refused(simulation: Simulation, refused: RefusedMatch) -> Finding:
    spec = refused.entry.spec
    if refused.kind == "absent":
        message = f"{refused.project} cannot match the {spec.name} that runs: there is none in this environment"
        why = f"Add {spec.name} to the dependencies, or leave `match-runtime` out."
    else:
        message = (
            f"{refused.project} cannot both match the {spec.name} that runs and ask for {spec.specifier or 'a source'}"
        )
        why = f"Leave out the version, or `match-runtime`: uv takes it for {spec.name} alone."
    found = about_environment(RULE, simulation, message, (why,), projects=(refused.project,), place=spec.place)
    return replace(found, project=refused.project)


RULE = Rule("ISO111", "unusable-match-runtime", check=check)
