"""
# ENV204 missing-build-tool

## What it finds
A build that runs cmake, ninja, git or another program that neither its build requirements, nor conda, nor the machine
gives.

## Why it breaks
A build script that starts a program which is not there ends with "No such file or directory". The executables of conda
packages are on the PATH of every build; those of PyPI projects (cmake, ninja) only where the build requires them, or in
the environment where it is not isolated.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
bindings = "*"
```
```python bindings-1.0/setup.py
import subprocess

from setuptools import setup

subprocess.check_call(["cmake", "--version"])
setup(name="bindings", version="1.0")
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
cmake = "*"

[pypi-dependencies]
bindings = "*"
```

## Limits
Only programs that a build is sure to start. What this machine has is looked up on its PATH; of other machines it is
assumed that they have make and git. Libraries that a program looks for (by pkg-config, by CMake) are not searched.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.build_tools import COMPILERS, build_tools
from ..frontends.model import Simulation
from .absent_tools import about_absent_tool, absent_tools

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each tool that builds need and nothing gives."""
    for absent in absent_tools(simulation, build_tools().keys() - COMPILERS):
        yield about_absent_tool(RULE, simulation, absent)


RULE = Rule("ENV204", "missing-build-tool", check=check)
