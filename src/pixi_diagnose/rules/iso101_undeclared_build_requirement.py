"""
# ISO101 undeclared-build-requirement

## What it finds
A build that runs isolated and imports a module which it does not declare as a build requirement.

## Why it breaks
An isolated build runs in a fresh environment that holds its `[build-system] requires` and what its hook asks for, and
nothing else. The packages of your own environment are invisible to it, conda's and PyPI's alike: adding the missing
project to your dependencies changes nothing.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "*"

[pypi-dependencies]
fast-kernels = "*"
```
```python fast_kernels-1.0/setup.py
import torch
from setuptools import setup

setup(name="fast-kernels", version="1.0")
```

## Use instead
Build it without isolation, and give the environment what the build needs, its backend included.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "*"
setuptools = "*"

[pypi-dependencies]
fast-kernels = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```

## Limits
What a build imports is read from its scripts, not run. Where that reading stops, the report has an unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.model import Build, BuildPhase, Missing, Outcome, Simulation
from .reporting import about_build, first_lines
from .wording import because_built, names, title, wanted_by

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each isolated build that fails for want of an undeclared module."""
    for build in simulation.decisive_builds:
        failing = next((p for p in build.phases if p.outcome is Outcome.FAILS), None)
        missing = tuple(m for m in failing.missing if m.kind == "import") if failing else ()
        if build.isolated and failing and missing:
            yield _finding(simulation, build, failing, missing)


def _finding(simulation: Simulation, build: Build, failing: BuildPhase, missing: tuple[Missing, ...]) -> Finding:
    project = build.project
    chain = () if build.needed_for else wanted_by(simulation, project)
    wanted = f" (wanted by {chain[0]})" if chain else ""
    outside = tuple(m for m in missing if not m.in_tree)
    explanation = []
    if outside:
        explanation.append(
            f"{project}{wanted} imports {names(outside)} and does not declare "
            f"{'it' if len(outside) == 1 else 'them'}: {_declares(build)}."
        )
        own = [p for m in outside for p in m.projects if _in_environment(simulation, p)]
        explanation.append(
            "Its isolated build sees its own build requirements only"
            + (f", not the {own[0]} of this environment." if own else ".")
        )
    beside = tuple(m for m in missing if m.in_tree)
    if beside:
        explanation.append(
            f"{names(beside)} lies beside setup.py, and setuptools.build_meta does not put that folder on the import "
            "path; only the legacy backend does."
        )
    explanation.append(_when(build, failing))
    message = f"{title(build)} is built isolated and cannot import {missing[0].name}"
    return about_build(RULE, simulation, build, message, explanation, evidence=first_lines(missing))


def _declares(build: Build) -> str:
    needs = build.subject.needs
    if needs is None:
        return "what it declares was not read"
    hook = f"; its hook asks for {', '.join(needs.hook_requirements)}" if needs.hook_requirements else ""
    if needs.build_system.table:
        return "[build-system] requires " + (", ".join(needs.build_system.requires) or "nothing") + hook
    return "it has no [build-system] table, so setuptools is all it gets" + hook


def _in_environment(simulation: Simulation, project: str) -> bool:
    conda = {name for p in simulation.resolution.conda for name, _ in p.projects}
    return project in conda or simulation.resolution.distribution(project) is not None


def _when(build: Build, failing: BuildPhase) -> str:
    sentence, _ = because_built(build)
    metadata = build.subject.distribution.metadata
    if failing.phase == "install" and build.phase("lock") is None and metadata is not None and not build.needed_for:
        return f"{sentence}. Locking passes, because its metadata counts as static ({metadata.source})."
    return f"{sentence}."


RULE = Rule("ISO101", "undeclared-build-requirement", check=check)
