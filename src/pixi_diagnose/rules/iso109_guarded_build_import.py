"""
# ISO109 guarded-build-import

## What it finds
A build that looks for a module, does not find it, and goes on without it.

## Why it breaks
Nothing fails: the build makes something else. deepspeed without torch leaves its kernels out, other projects skip their
compiled extension. That shows weeks later, as a slow run or a missing function.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
kernels-if-any = "*"
```
```python kernels_if_any-1.0/setup.py
from setuptools import setup

try:
    import torch
except ImportError:
    torch = None

setup(name="kernels-if-any", version="1.0")
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "*"
setuptools = "*"

[pypi-dependencies]
kernels-if-any = "*"

[pypi-options]
no-build-isolation = ["kernels-if-any"]
```

## Limits
Only modules that this environment has, or that builds of this kind compile against (torch, numpy), are named: a script
that looks for an optional progress bar is nobody's concern. What is left out is the script's own affair.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..frontends.model import Missing, Outcome, Simulation
from .reporting import about_build, first_lines
from .wording import names, title

__all__ = ["RULE"]

COMPILED_AGAINST = frozenset({"torch", "numpy"})


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build that passes without a module that its environment has or that it compiles against."""
    for build in simulation.builds:
        last = build.phases[-1] if build.phases else None
        if last is None or last.outcome is Outcome.FAILS:
            continue
        wanted = tuple(m for m in last.guarded if m.kind == "import")
        missing = tuple(m for m in wanted if COMPILED_AGAINST & set(m.projects))
        missing = missing or tuple(m for m in wanted if _in_environment(simulation, m))
        if missing:
            yield about_build(
                RULE,
                simulation,
                build,
                f"{title(build)} builds without {missing[0].name}, and then makes something else",
                (
                    f"It looks for {names(missing)} and goes on when that fails.",
                    "What depends on it is left out of the result.",
                ),
                severity=Severity.WARNING,
                evidence=first_lines(missing),
            )


def _in_environment(simulation: Simulation, missing: Missing) -> bool:
    conda = {name for p in simulation.resolution.conda for name, _ in p.projects}
    return any(p in conda or simulation.resolution.distribution(p) is not None for p in missing.projects)


RULE = Rule("ISO109", "guarded-build-import", check=check)
