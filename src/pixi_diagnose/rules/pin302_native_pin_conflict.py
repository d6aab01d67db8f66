"""
# PIN302 native-pin-conflict

## What it finds
Requirements that want different versions of torch, numpy or another project that others are compiled against.

## Why it breaks
There is one torch in an environment. A version that conda provides is the only one that the PyPI side may use, and a
project that was built for another one pins that other one. Locking stops with an explanation that names versions, and
not the chain of projects that wants them.

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
trainer = "*"
```
```text trainer-1.0/PKG-INFO
Metadata-Version: 2.2
Name: trainer
Version: 1.0
Requires-Dist: kernels
```
```text kernels-0.3/PKG-INFO
Metadata-Version: 2.2
Name: kernels
Version: 0.3
Requires-Dist: torch==2.6.0
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "2.6.*"

[pypi-dependencies]
trainer = "*"
```

## Limits
The chain is that of a resolution without the bounds in question; where several projects are disputed at a time, the
resolver's own explanation is shown instead (IDX404).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.model import Simulation
from .disputing import about_dispute

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each native project whose version is disputed."""
    for dispute in simulation.resolution.disputes:
        if dispute.native:
            yield about_dispute(RULE, simulation, dispute)


RULE = Rule("PIN302", "native-pin-conflict", check=check)
