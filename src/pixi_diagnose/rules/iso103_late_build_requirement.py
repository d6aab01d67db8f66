"""
# ISO103 late-build-requirement

## What it finds
A build without isolation whose requirement is in the environment, but not yet there when the build runs.

## Why it breaks
pixi builds in a fixed order. While locking only conda's packages are installed, nothing from PyPI. While installing,
the names of `no-build-isolation` are installed one by one in the order of the list, after everything else: what stands
behind a project in the list is not there when that project is built.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
fast-kernels = "*"
torch = "*"

[pypi-options]
no-build-isolation = ["fast-kernels", "torch"]
```
```python fast_kernels-1.0/setup.py
import torch
from setuptools import setup

setup(name="fast-kernels", version="1.0")
```
```text fast_kernels-1.0/PKG-INFO
Metadata-Version: 2.2
Name: fast-kernels
Version: 1.0
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
fast-kernels = "*"
torch = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```

## Limits
A project whose metadata is dynamic is built while locking already: no order of the list helps it, only a conda package.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..frontends.model import Build, BuildPhase, Missing, Outcome, Simulation
from .wording import because_built, confidence, is_late, isolation_entry, names, requested_at, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each non-isolated build that wants something which comes too late."""
    for build in simulation.builds:
        for failing in build.phases:
            missing = tuple(m for m in failing.missing if m.kind == "import" and is_late(simulation, m))
            if not build.isolated and failing.outcome is Outcome.FAILS and missing:
                yield _finding(simulation, build, failing, missing)
                break


def _finding(simulation: Simulation, build: Build, failing: BuildPhase, missing: tuple[Missing, ...]) -> Finding:
    sentence, evidence = because_built(build)
    when = "while locking" if failing.phase == "lock" else "while installing"
    reasons = tuple(dict.fromkeys(f"{m.late}." for m in missing))
    return Finding(
        rule=RULE,
        severity=Severity.ERROR,
        confidence=confidence(simulation),
        message=f"{title(build)} cannot import {missing[0].name} yet {when}",
        explanation=(f"{sentence}, and imports {names(missing)}.", *reasons),
        environment=simulation.environment.name,
        platforms=(simulation.environment.platform.name,),
        project=build.project,
        place=isolation_entry(simulation, build.project) or requested_at(simulation, build.project),
        evidence=(*(m.evidence[0] for m in missing if m.evidence), *evidence),
    )


RULE = Rule("ISO103", "late-build-requirement", check=check)
