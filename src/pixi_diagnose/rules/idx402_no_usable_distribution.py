"""
# IDX402 no-usable-distribution

## What it finds
A dependency, or a declared build requirement, for which the index has nothing that could be installed: no such project,
no such release, or a release whose files fit neither this platform nor this Python and that has no sdist.

## Why it breaks
Locking stops before anything is built, and a build before its backend is started.

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
from .wording import and_list, requested_at, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for what a resolution wants and cannot have, and for each build that cannot have its own."""
    for build in simulation.builds:
        run = next((p for p in build.phases if any(m.kind == "requirement" for m in p.missing)), None)
        if run is not None:
            wanted = and_list(m.name for m in run.missing if m.kind == "requirement")
            yield Finding(
                rule=RULE,
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                message=f"{title(build)} cannot be built: its build requirement {wanted} is not to be had",
                explanation=(run.reason,),
                environment=simulation.environment.name,
                platforms=(simulation.environment.platform.name,),
                project=build.project,
                place=requested_at(simulation, build.project),
                evidence=tuple(m.evidence[0] for m in run.missing if m.evidence),
            )
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
