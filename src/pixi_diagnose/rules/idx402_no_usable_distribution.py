"""
# IDX402 no-usable-distribution

## What it finds
A dependency for which the index has nothing that could be installed: no such project, no such release, or a release
whose files fit neither this platform nor this Python and that has no sdist.

## Why it breaks
Locking stops before anything is built.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
trainer = "==2.0"
```
```python trainer-1.0/setup.py
from setuptools import setup

setup(name="trainer", version="1.0")
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
trainer = "==1.0"
```

## Limits
What an index would show to somebody with credentials is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Simulation
from .wording import and_list, requested_at

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for a resolution that fails because something is not to be had."""
    failure = simulation.resolution.failure
    if failure is None or failure.kind != "not-found":
        return
    place = next((p for name in failure.projects if (p := requested_at(simulation, name))), None)
    what = and_list(failure.projects[:1]) or "a dependency"
    yield Finding(
        rule=RULE,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        message=f"no usable distribution of {what}",
        explanation=(failure.message,),
        environment=simulation.environment.name,
        platforms=(simulation.environment.platform.name,),
        project=failure.projects[0] if failure.projects else "",
        place=place,
    )


RULE = Rule("IDX402", "no-usable-distribution", check=check)
