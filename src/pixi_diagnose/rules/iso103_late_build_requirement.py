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

from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Build, BuildPhase, Missing, Outcome, Simulation
from ..frontends.pixi import NAME, installs_in_order
from .reporting import about_build, first_lines, no_surer
from .wording import at_phase, because_built, is_late, isolation_entry, names, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each non-isolated build that wants something which comes too late."""
    for build in simulation.decisive_builds:
        for failing in build.phases:
            missing = tuple(m for m in failing.missing if m.kind == "import" and is_late(simulation, m))
            if not build.isolated and failing.outcome is Outcome.FAILS and missing:
                yield _finding(simulation, build, failing, missing)
                break
            if failing.outcome is Outcome.AT_RISK and missing and _lacks_order(simulation):
                yield _unordered(simulation, build, missing)
                break


def _lacks_order(simulation: Simulation) -> bool:
    """Whether this pixi takes a list as a set (P6); where isolation is off for everything, ISO106 says it."""
    all_off = simulation.environment.options.no_build_isolation is True
    return simulation.frontend == NAME and not all_off and not installs_in_order(simulation.frontend_version)


def _unordered(simulation: Simulation, build: Build, missing: tuple[Missing, ...]) -> Finding:
    version = simulation.frontend_version
    found = about_build(
        RULE,
        simulation,
        build,
        f"{title(build)} may be built before {missing[0].name} is installed",
        (
            f"It imports {names(missing)}; pixi {version} installs what is not isolated in no defined order.",
            "pixi 0.51 and later follow the order of the list; in any version, conda packages are there before.",
        ),
        severity=Severity.WARNING,
        place=isolation_entry(simulation, build.project),
        evidence=first_lines(missing),
    )
    return no_surer(found, Confidence.LOW)  # older versions were only read about


def _finding(simulation: Simulation, build: Build, failing: BuildPhase, missing: tuple[Missing, ...]) -> Finding:
    sentence, evidence = because_built(build)
    when = at_phase(simulation, failing.phase)
    reasons = tuple(dict.fromkeys(f"{m.late}." for m in missing))
    return about_build(
        RULE,
        simulation,
        build,
        f"{title(build)} cannot import {missing[0].name} yet {when}",
        (f"{sentence}, and imports {names(missing)}.", *reasons),
        place=isolation_entry(simulation, build.project),
        evidence=(*first_lines(missing), *evidence),
    )


RULE = Rule("ISO103", "late-build-requirement", check=check)
