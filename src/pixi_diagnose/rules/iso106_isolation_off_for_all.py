"""
# ISO106 isolation-off-for-all

## What it finds
`no-build-isolation = true`, and a build that then depends on luck.

## Why it breaks
With isolation off for everything, pixi installs all PyPI projects one by one in no defined order. A build requirement
that comes from PyPI may be installed after the project that needs it: the same file installs today and fails tomorrow.
Only what conda provides is there in time.

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
no-build-isolation = true
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
Name the projects that need it: all others are then installed before them.
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
It says nothing where everything that the builds need comes from conda.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..frontends.model import Outcome, Simulation
from ..prose import and_list, and_more
from .reporting import about_build, first_lines
from .wording import title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for an environment in which some build's outcome hangs on the undefined order."""
    options = simulation.environment.options
    if options.no_build_isolation is not True:
        return
    risky = [b for b in simulation.builds if any(p.outcome is Outcome.AT_RISK and p.missing for p in b.phases)]
    if not risky:
        return
    wanted = {m.name for b in risky for p in b.phases if p.outcome is Outcome.AT_RISK for m in p.missing}
    yield about_build(
        RULE,
        simulation,
        risky[0],
        f"whether {and_more(title(b) for b in risky)} can be built is left to chance",
        (
            "With isolation off for everything, PyPI projects are installed one by one in no defined order.",
            f"{and_list(sorted(wanted))} may come before the build that imports it, or after it.",
        ),
        severity=Severity.WARNING,
        place=options.places.get("no-build-isolation"),
        evidence=first_lines(m for p in risky[0].phases for m in p.missing),
    )


RULE = Rule("ISO106", "isolation-off-for-all", check=check)
