"""
# ISO105 build-runtime-mismatch

## What it finds
An isolated build that is compiled against another torch, numpy or other native project than the one that will run it.

## Why it breaks
Build requirements are resolved on their own: neither your pins nor conda's packages count there. A project that
declares `torch` is compiled against the newest one, and then loaded beside the one of your environment. Where their
binary interfaces differ, importing it fails with an undefined symbol, or numpy says that its size changed.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "2.5.*"

[pypi-dependencies]
fast-kernels = "*"
```
```python fast_kernels-1.0/setup.py
import torch
from setuptools import setup

setup(name="fast-kernels", version="1.0")
```
```toml fast_kernels-1.0/pyproject.toml
[build-system]
requires = ["setuptools", "torch"]
build-backend = "setuptools.build_meta"
```

## Use instead
Build it without isolation, against the one that runs.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "2.5.*"
setuptools = "*"

[pypi-dependencies]
fast-kernels = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```

## Limits
Versions are compared by each project's own rule of compatibility; what is really compiled in is not looked at. Where a
build is not seen to compile or to import the project, this is a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..build_needs.model import BuildNeeds, Strength
from ..finding import Finding, Rule, Severity
from ..frontends.build_tools import COMPILERS
from ..frontends.model import Build, Outcome, Simulation
from ..frontends.visibility import exact_version, requirement_names
from ..prose import and_list
from .native_abi import COMPILED_AGAINST, fits, rule_in_words
from .reporting import about_build
from .wording import title

if TYPE_CHECKING:
    from packaging.version import Version

__all__ = ["RULE", "Mismatch", "mismatches"]

Mismatch = tuple[str, "Version", "Version"]
"""A project, the version that a build is compiled against, and the one that runs it."""

COMPILING = COMPILERS | {"nvcc", "cmake", "meson", "ninja"}


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each isolated build that does not fail and sees what its environment's version does not run."""
    for build in simulation.builds:
        needs = build.subject.needs
        if needs is None or any(p.outcome is Outcome.FAILS for p in build.phases):
            continue
        differing = mismatches(simulation, build)
        if differing:
            yield _finding(simulation, build, needs, differing)


def mismatches(simulation: Simulation, build: Build) -> tuple[Mismatch, ...]:
    """What an isolated build is compiled against in a version that does not fit the one of its environment."""
    needs, environment = build.subject.needs, build.subject.build_environment
    if not build.isolated or needs is None or environment is None:
        return ()
    wanted = requirement_names((*needs.build_system.requires, *needs.hook_requirements))
    wanted |= {project for n in needs.imports for project in n.projects}
    seen = {d.project: exact_version(d.version) for d in environment.distributions if d.project in wanted}
    if not any(project in seen for project in COMPILED_AGAINST):
        return ()
    running = _running(simulation)
    return tuple(
        (project, built, runs)
        for project in COMPILED_AGAINST
        if (built := seen.get(project)) and (runs := running.get(project)) and not fits(project, built, runs)
    )


def _finding(simulation: Simulation, build: Build, needs: BuildNeeds, differing: tuple[Mismatch, ...]) -> Finding:
    compiles = any(t.name in COMPILING and t.strength is Strength.HARD for t in needs.tools)
    projects = {project for project, _, _ in differing}
    imports = [n for n in needs.imports if projects & set(n.projects)]
    how = "compiled" if compiles else "built"
    message = f"{title(build)} is {how} against " + and_list(f"{p} {built}" for p, built, _ in differing)
    message += f", and {and_list(f'{p} {runs}' for p, _, runs in differing)} will run it"
    explanation = [
        "Its build is isolated: what it requires is resolved on its own, and this environment's versions do not count.",
        *(rule_in_words(project) for project, _, _ in differing),
    ]
    certain = compiles or any(n.strength is Strength.HARD for n in imports)
    return about_build(
        RULE,
        simulation,
        build,
        message,
        explanation,
        severity=Severity.WARNING if certain else Severity.INFO,
        evidence=[e for n in imports for e in n.evidence[:1]],
    )


def _running(simulation: Simulation) -> Mapping[str, Version | None]:
    """The exactly known versions of these projects in the environment, conda's first: they win (pixi.md P7)."""
    found = {
        d.project: exact_version(d.version)
        for d in simulation.resolution.distributions
        if d.project in COMPILED_AGAINST
    }
    conda = [entry for c in simulation.resolution.conda for entry in c.projects if entry[0] in COMPILED_AGAINST]
    return found | {p: v for p, text in conda if (v := exact_version(text))}


RULE = Rule("ISO105", "build-runtime-mismatch", check=check)
