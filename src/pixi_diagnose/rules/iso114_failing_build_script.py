"""
# ISO114 failing-build-script

## What it finds
A build script that ends by itself, whatever is installed: it is written for Python 2, reads a file that the sdist
lacks, refuses this Python, or compiles sources that were not packed; and a project that is needed to build itself.

## Why it breaks
No build requirement mends a script that ends by itself, with or without isolation. Of projects that need each other to
be built none can be the first, unless one of them is built without isolation: pip stops there, pixi and uv never end.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
old-times = "==1.0"
```
```python old_times-1.0/setup.py
from setuptools import setup

print "building"
setup(name="old-times", version="1.0")
```

## Use instead
Another release, or a conda package of the same project.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
old-times = "==2.0"
```
```python old_times-2.0/setup.py
from setuptools import setup

setup(name="old-times", version="2.0")
```

## Limits
What a script would find on another machine (a library's own config program) can change its way.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.model import Outcome, Simulation
from .reporting import about_build
from .wording import because_built, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build whose script ends by itself, or refuses what its own requirements brought."""
    for build in simulation.decisive_builds:
        if build.subject.circular:
            message = f"{title(build)} is needed to build itself"
            yield about_build(RULE, simulation, build, message, (f"{because_built(build)[0]}.",))
            continue
        refusal = next((r for p in build.phases for r in p.refused if r.kind == "version"), None)
        if build.isolated and refusal is not None:
            message = f"{title(build)} refuses the {refusal.name} {refusal.version} that its build requirements bring"
            why = (f"{because_built(build)[0]}.", f"Its script goes on with {refusal.name} {refusal.accepted} only.")
            yield about_build(RULE, simulation, build, message, why, evidence=refusal.evidence)
            continue
        run = next((p for p in build.phases if p.outcome is Outcome.FAILS and p.stop is not None), None)
        if run is None or run.stop is None:
            continue
        where = f" ({run.stop.evidence[0]})" if run.stop.evidence else ""
        message = f"{title(build)} cannot be built here, whatever is installed"
        why = (f"{because_built(build)[0]}.", f"For its build, {run.stop.reason}{where}.")
        yield about_build(RULE, simulation, build, message, why, evidence=run.stop.evidence)


RULE = Rule("ISO114", "failing-build-script", check=check)
