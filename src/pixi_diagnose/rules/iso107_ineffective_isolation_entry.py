"""
# ISO107 ineffective-isolation-entry

## What it finds
A name in `no-build-isolation` that has no effect: no such project is installed, or it comes as a wheel.

## Why it breaks
It does not break anything, but it does not do what its author meant either: a misspelled name leaves the real project
isolated, and a wheel is never built.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
trainer = "*"

[pypi-options]
no-build-isolation = ["trianer"]
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
trainer = "*"
```

## Limits
An entry counts as effective as soon as one environment builds that project. Projects whose source could not be read are
not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import BuildSubject, Simulation
from ..manifest.model import IsolationEntry

__all__ = ["RULE"]


def check_workspace(simulations: Sequence[Simulation]) -> Iterator[Finding]:
    """One finding for each entry that has no effect in any environment that it reaches."""
    entries: dict[tuple[str, object], tuple[IsolationEntry, list[Simulation]]] = {}
    for simulation in simulations:
        value = simulation.environment.options.no_build_isolation
        for entry in value if isinstance(value, tuple) else ():
            entries.setdefault((entry.name, entry.place), (entry, []))[1].append(simulation)
    for entry, reached in entries.values():
        kinds = {_kind(entry.name, s) for s in reached}
        if kinds <= {"absent"} or kinds <= {"wheel", "absent"}:
            yield _finding(entry, reached, absent=kinds == {"absent"})


def _kind(project: str, simulation: Simulation) -> str:
    resolution = simulation.resolution
    if (
        resolution.failure is not None
        or resolution.conda_failure
        or any(u.subject == project for u in simulation.unknowns)
    ):
        return "unknown"
    chosen = [d for d in (*resolution.distributions, *resolution.only_locked) if d.project == project]
    if any(d.built for d in chosen) or any(_needs(b.subject, project) for b in simulation.builds):
        return "built"
    return "wheel" if chosen else "absent"


def _needs(subject: BuildSubject, project: str) -> bool:
    """Whether a build requirement of that name is built for it: the entry holds for that as well."""
    return any(
        r.distribution.project == project or _needs(r, project)
        for r in (*subject.requirements, *subject.requirements_at_lock)
    )


def _finding(entry: IsolationEntry, reached: Sequence[Simulation], *, absent: bool) -> Finding:
    import difflib

    if absent:
        built = sorted({b.project for s in reached for b in s.builds})
        near = difflib.get_close_matches(entry.name, built, 1)
        message = f"{entry.spelled} is not installed by any environment: the entry does nothing"
        explanation = (f"Did you mean {near[0]}?",) if near else ()
    else:
        message = f"{entry.spelled} comes as a wheel: it is never built, with or without isolation"
        explanation = ("A listed wheel is only installed later than it would be.",)
    return Finding(
        rule=RULE,
        severity=Severity.WARNING if absent else Severity.INFO,
        confidence=Confidence.HIGH,
        message=message,
        explanation=explanation,
        environment=reached[0].environment.name,
        platforms=tuple(dict.fromkeys(s.environment.platform.name for s in reached)),
        project=entry.name,
        place=entry.place,
    )


RULE = Rule("ISO107", "ineffective-isolation-entry", check_workspace=check_workspace)
