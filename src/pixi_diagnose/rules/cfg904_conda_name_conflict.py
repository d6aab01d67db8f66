"""
# CFG904 conda-name-conflict

## What it finds
A dependency by path, git or URL for a project that a conda package of the same environment provides.

## Why it breaks
For pixi a conda package that provides a PyPI project is that project, in conda's version. A version of it from an index
is dropped in favour of conda's; a path, a repository or an address cannot be, so pixi refuses to lock.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
numpy = "1.26.*"

[pypi-dependencies]
numpy = { path = "numpy" }
```

```toml numpy/pyproject.toml
[project]
name = "numpy"
version = "2.0"

[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
```

## Use instead
Take it from one side.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
numpy = { path = "numpy" }
```

## Limits
Another conda package may bring the one that provides the project: seen where the channels could be reached. What a path
dependency takes from elsewhere in turn is reported as IDX404.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.model import Simulation
from ..manifest.model import GitSource, PathSource
from .providing import provided_twice
from .reporting import about_environment

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for the dependency at which pixi stops."""
    found = provided_twice(simulation)
    if found is None:
        return
    spec, package = found
    kinds = {PathSource: "a path", GitSource: "a repository"}
    kind = kinds.get(type(spec.source), "an address")
    declared = any(c.name == package for c in simulation.environment.conda)
    how = "is among the conda dependencies" if declared else "is brought by the conda dependencies"
    yield about_environment(
        RULE,
        simulation,
        f"{spec.spelled} comes from {kind}, and the conda package {package} provides it already",
        (
            f"{package} {how}.",
            f"pixi takes such a project from conda alone, and does not lock where the manifest gives {kind} for it.",
        ),
        projects=(spec.name,),
        place=spec.place,
    )


RULE = Rule("CFG904", "conda-name-conflict", check=check)
