"""
# ENV201 missing-cuda-toolkit

## What it finds
A build that compiles CUDA sources, or asks for nvcc, where no nvcc is visible. One that then compiles for the CPU alone
is told as worth knowing.

## Why it breaks
A torch from PyPI brings CUDA's libraries, not its compiler. Build scripts then stop with "nvcc was not found" or
"CUDA_HOME is not set". conda's executables are on the PATH of every build, isolated or not: one conda package mends it.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
needs-nvcc = "*"
```
```python needs_nvcc-1.0/setup.py
import shutil

from setuptools import setup

assert shutil.which("nvcc"), "nvcc not found"
setup(name="needs-nvcc", version="1.0")
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
cuda-nvcc = "*"

[pypi-dependencies]
needs-nvcc = "*"
```

## Limits
An nvcc on this machine's own PATH counts as visible; another machine may have none.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..frontends.model import Build, Outcome, Simulation
from ..frontends.visibility import left_out_here
from .reporting import about_build
from .wording import title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build that misses nvcc: an error where it fails for it, a warning where it may.

    Only worth knowing where it passes, and makes less.
    """
    for build in simulation.decisive_builds:
        for run in build.phases:
            missing = next((m for m in run.missing if m.kind == "tool" and m.name == "nvcc"), None)
            if missing is None:
                continue
            fails = run.outcome is Outcome.FAILS
            yield about_build(
                RULE,
                simulation,
                build,
                f"{title(build)} {'needs' if fails else 'may need'} nvcc, and no CUDA toolkit is visible",
                (
                    "No conda package of this environment brings nvcc, and this machine's PATH has none.",
                    *((f"It depends: {run.reason}.",) if not fails and run.reason else ()),
                ),
                severity=Severity.ERROR if fails else Severity.WARNING,
                evidence=missing.evidence,
            )
            break
        else:
            yield from _without_cuda(simulation, build)


def _without_cuda(simulation: Simulation, build: Build) -> Iterator[Finding]:
    last = build.phases[-1] if build.phases else None
    tool = left_out_here(build.subject.needs, last.visible) if last is not None else None
    if tool is not None and last is not None and last.outcome is Outcome.OK:
        yield about_build(
            RULE,
            simulation,
            build,
            f"{title(build)} leaves its CUDA code out where it finds no nvcc, as here",
            ("It builds, for the CPU alone.",),
            severity=Severity.INFO,
            evidence=tool.evidence,
        )


RULE = Rule("ENV201", "missing-cuda-toolkit", check=check)
