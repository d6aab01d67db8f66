"""
# ISO113 warm-prefix-only

## What it finds
A build that fails on a clean machine, and that the environment which is installed here would let pass.

## Why it breaks
A build without isolation sees the environment's prefix as it is, with what an earlier install left there. So a
workspace that was installed step by step locks and installs for its author, and for nobody else; once the prefix is
removed it fails here too.

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
torch = "*"
fast-kernels = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```
```python fast_kernels-1.0/setup.py
import torch
from setuptools import setup

setup(name="fast-kernels", version="1.0")
```
```text .pixi/envs/default/lib/python3.11/site-packages/torch-2.6.0.dist-info/METADATA
Metadata-Version: 2.1
Name: torch
Version: 2.6.0
```

## Use instead
What the build needs, where it is there before the build on any machine.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"
pytorch = "*"

[pypi-dependencies]
fast-kernels = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```

## Limits
The prefix is looked at below `.pixi/envs` only, by the names of what is installed. pixi may remove or replace some of
it before the build: what the manifest no longer asks for goes first.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Build, BuildPhase, Outcome, Simulation
from ..prose import and_list
from .reporting import about_build, no_surer
from .wording import isolation_entry, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each failing non-isolated build all of whose missing modules are in the prefix."""
    if simulation.prefix is None:
        return
    for build in simulation.builds:
        run = next((p for p in build.phases if p.outcome is Outcome.FAILS), None)
        if not build.isolated and run is not None and run.missing and run.stop is None:
            left = _left_over(simulation, run)
            if left:
                yield _finding(simulation, build, run, left)


def _left_over(simulation: Simulation, run: BuildPhase) -> tuple[str, ...]:
    """What the prefix has of the missing ("torch 2.6.0"); empty where it lacks one of them."""
    found = []
    for missing in run.missing:
        there = simulation.prefix.projects if simulation.prefix else {}
        project = next((p for p in missing.projects if p in there), None)
        if missing.kind != "import" or missing.in_tree or project is None:
            return ()
        found.append(f"{project} {there[project]}")
    return tuple(dict.fromkeys(found))


def _finding(simulation: Simulation, build: Build, run: BuildPhase, left: tuple[str, ...]) -> Finding:
    when = "lock" if run.phase == "lock" else "install"
    where = simulation.prefix.path if simulation.prefix else ""
    found = about_build(
        RULE,
        simulation,
        build,
        f"{title(build)} may {when} here and nowhere else: {where} still has {and_list(left)}",
        (
            "An earlier install left that in the prefix, and a build without isolation sees it.",
            f"On a clean machine the {when} fails: {run.reason}.",
        ),
        severity=Severity.WARNING,
        place=isolation_entry(simulation, build.project),
    )
    return no_surer(found, Confidence.MEDIUM)  # what pixi removes from the prefix first is not simulated


RULE = Rule("ISO113", "warm-prefix-only", check=check)
