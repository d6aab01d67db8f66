"""
# ISO112 removed-build-api

## What it finds
A build that uses something which the Python or the setuptools that it will run with no longer has: `pkg_resources`,
`numpy.distutils`, `imp`, `collections.Mapping`, …

## Why it breaks
An old release was written for the Python and the setuptools of its time. An isolated build takes the newest setuptools
that the release allows, which mostly means the newest there is.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
old-habits = "==1.0"
```
```python old_habits-1.0/setup.py
from collections import Mapping

from setuptools import setup

setup(name="old-habits", version="1.0")
```

## Use instead
A newer release, a conda package of the same project, or a Python (and setuptools) of its time.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
old-habits = "==2.0"
```
```python old_habits-2.0/setup.py
from collections.abc import Mapping

from setuptools import setup

setup(name="old-habits", version="2.0")
```

## Limits
pixi cannot constrain what an isolated build installs: a bound on setuptools needs a build without isolation.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.model import Outcome, Simulation
from ..prose import and_list
from .reporting import about_build, first_lines
from .wording import because_built, names, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build that fails for something that is gone."""
    for build in simulation.decisive_builds:
        run = next((p for p in build.phases if p.outcome is Outcome.FAILS), None)
        gone = tuple(m for m in run.missing if m.kind == "removed") if run else ()
        if not gone:
            continue
        needs = build.subject.needs
        bounds = and_list(f"{p.requirement} ({p.reason})" for p in needs.pins) if needs else ""
        yield about_build(
            RULE,
            simulation,
            build,
            f"{title(build)} uses {gone[0].name}, which {gone[0].late} no longer has",
            (
                f"{because_built(build)[0]}.",
                f"Its build uses {names(gone)}.",
                *((f"It would need {bounds}.",) if bounds else ()),
            ),
            evidence=first_lines(gone),
        )


RULE = Rule("ISO112", "removed-build-api", check=check)
