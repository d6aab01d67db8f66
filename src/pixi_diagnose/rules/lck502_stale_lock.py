"""
# LCK502 stale-lock

## What it finds
A `pixi.lock` that no longer satisfies the manifest: the next `pixi install` resolves anew and writes another lock.

## Why it breaks
It does not break `pixi install`. But what was tested is not what will be installed, source distributions whose metadata
only a build can tell are built again while locking, and `pixi install --locked`, as used in CI, fails.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
```
```yaml pixi.lock
version: 7
platforms:
- name: linux-64
environments:
  default:
    channels:
    - url: conda-forge
    packages:
      linux-64: []
packages: []
```

## Use instead
Run `pixi lock`, and keep what it writes together with the manifest.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]
```
```yaml pixi.lock
version: 7
platforms:
- name: linux-64
environments:
  default:
    channels:
    - url: conda-forge
    packages:
      linux-64: []
packages: []
```

## Limits
The lock is judged as pixi 0.77 judges it: it has to satisfy what the manifest asks, not to equal what a new solve would
give. Packages that pixi builds itself (`pixi-build`) are taken as good, because only their build backends could tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..evidence import Place
from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Simulation
from ..locks import Staleness

__all__ = ["RULE"]


def check_workspace(simulations: Sequence[Simulation]) -> Iterator[Finding]:
    """One finding for each reason, with the environments that it holds for."""
    reasons: dict[Staleness, list[Simulation]] = {}
    for simulation in simulations:
        stale = simulation.resolution.stale_lock
        if stale is not None:
            reasons.setdefault(stale, []).append(simulation)
    for stale, affected in reasons.items():
        names = list(dict.fromkeys(s.environment.name for s in affected))
        command = _COMMANDS.get(affected[0].frontend, affected[0].frontend)
        solved = all(s.resolution.source != "lock" for s in affected)
        yield Finding(
            rule=RULE,
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            message=f"{stale.lock} is out of date: {stale.reason}",
            explanation=(
                *([f"This holds for {_listed(names)}."] if len(names) > 1 else []),
                f"{command} writes another lock; with --locked it fails.",
                *(["What is reported here is what a new lock would hold."] if solved else []),
            ),
            environment=names[0],
            platforms=tuple(dict.fromkeys(s.environment.platform.name for s in affected)),
            place=stale.place or Place(str(Path(affected[0].environment.root) / stale.lock), ()),
        )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


_COMMANDS = {"pixi": "pixi install", "uv": "uv sync"}

RULE = Rule("LCK502", "stale-lock", check_workspace=check_workspace)
