"""
# ENV203 missing-compiler

## What it finds
A build that compiles C, C++, Fortran or Rust where no such compiler is visible, or whose nvcc refuses the compiler.

## Why it breaks
Compilers usually come with the machine, so a build that passes on a developer's machine stops in a slim container with
"command 'gcc' failed". conda's compilers are on the PATH of every build, isolated or not. And each nvcc takes host
compilers up to a certain version only: a newer one is an "unsupported GNU version".

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
speedups = "*"
```
```python speedups-1.0/setup.py
from setuptools import Extension, setup

setup(name="speedups", version="1.0", ext_modules=[Extension("speedups", ["speedups.c"])])
```
```c speedups-1.0/speedups.c
int nothing;
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
c-compiler = "*"

[pypi-dependencies]
speedups = "*"
```

## Limits
Only compilers that a build is sure to need. What this machine has is looked up on its PATH; of other machines it is
assumed that they have compilers for C and C++. On Windows those are never on the PATH, and are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule
from ..frontends.build_tools import COMPILERS
from ..frontends.model import Build, Refusal, Simulation
from .absent_tools import about_absent_tool, absent_tools
from .reporting import about_build, no_surer
from .wording import title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each compiler that nothing gives, and one for each build whose nvcc refuses its compiler."""
    for absent in absent_tools(simulation, COMPILERS):
        yield about_absent_tool(RULE, simulation, absent)
    for build in simulation.builds:
        refused = next((r for p in build.phases for r in p.refused if r.kind == "compiler"), None)
        if refused is not None:
            yield _refused(simulation, build, refused)


def _refused(simulation: Simulation, build: Build, refused: Refusal) -> Finding:
    message = f"{title(build)} is compiled with GCC {refused.version}, which the nvcc of CUDA {refused.against} refuses"
    explanation = (f"nvcc {refused.against} takes {refused.accepted} as its host compiler.",)
    found = about_build(RULE, simulation, build, message, explanation, evidence=refused.evidence[:1])
    return no_surer(found, Confidence.MEDIUM)  # the table was read in torch's source, not seen


RULE = Rule("ENV203", "missing-compiler", check=check)
