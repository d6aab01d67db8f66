"""
# ISO102 missing-build-requirement

## What it finds
A build without isolation whose build requirement, its backend included, is nowhere in the environment.

## Why it breaks
Without isolation nobody installs `[build-system] requires`: the build runs with the environment's own Python and sees
what is installed there. While locking that is conda's packages only. conda-forge's python no longer brings setuptools
or pip along.

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
no-build-isolation = ["trainer"]
```
```python trainer-1.0/setup.py
from setuptools import setup

setup(name="trainer", version="1.0")
```

## Use instead
Take it off the list where it declares all that it needs (as here), or add what is missing to `[dependencies]`.
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
Where no channel can be reached, packages that conda would bring along without being asked are not known. What a few
well-known ones were seen to bring is said then, and the confidence is low.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..build_needs.model import Strength
from ..build_needs.providers import undeclared
from ..finding import Confidence, Finding, Rule
from ..frontends.model import Build, BuildPhase, Missing, Outcome, Simulation
from ..prose import and_list
from .reporting import about_build, first_lines
from .wording import because_built, is_elsewhere, is_late, isolation_entry, names, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for the non-isolated builds that want the same thing which the environment never gets."""
    groups: dict[tuple[object, ...], list[tuple[Build, BuildPhase, tuple[Missing, ...]]]] = {}
    for build in simulation.decisive_builds:
        for failing in build.phases:
            missing = tuple(
                m
                for m in failing.missing
                if m.kind == "import" and not is_late(simulation, m) and not is_elsewhere(simulation, failing, m)
            )
            if not build.isolated and failing.outcome is Outcome.FAILS and missing:
                wanted = tuple(dict.fromkeys(m.name for m in missing))
                group = (isolation_entry(simulation, build.project), failing.phase, wanted)
                groups.setdefault(group, []).append((build, failing, missing))
                break
    for found in groups.values():
        yield _finding(simulation, *found[0], others=[b for b, _, _ in found[1:]])


def _finding(
    simulation: Simulation,
    build: Build,
    failing: BuildPhase,
    missing: tuple[Missing, ...],
    *,
    others: Sequence[Build],
) -> Finding:
    project = build.project
    sentence, evidence = because_built(build)
    layers = and_list(failing.visible.layers) if failing.visible else ""
    explanation = [f"{sentence}.", f"With isolation off it sees this environment only ({layers})."]
    backend = next((m for m in missing if m.backend), None)
    needs = build.subject.needs
    if backend is not None and needs is not None:
        where = f" ({backend.evidence[0]})" if backend.evidence else ""
        brought = f" {backend.late}." if backend.late else ""
        explanation.append(f"Its build backend, {needs.build_system.backend}{where}, is not there.{brought}")
    imports = tuple(m for m in missing if not m.backend)
    if imports:
        explanation.append(f"It also imports {names(imports)}." if backend else f"It imports {names(imports)}.")
    if needs is not None and not any(n.strength is Strength.HARD for n in undeclared(needs)):
        explanation.append(f"{project} declares all that its build needs: with isolation it builds.")
    if others:
        explanation.append(f"The same holds for {and_list(title(b) for b in others)}.")
    more = f" (and {len(others)} more)" if others else ""
    expected = [e for e in simulation.resolution.expected if any(p in m.projects for m in missing for p in e.projects)]
    explanation += [
        f"{e.channel}'s {e.because} brings {e.package} along (as of {e.date}); the channel could not be asked, and "
        "this build may find it there."
        for e in expected
    ]
    covered = {project for e in expected for project in e.projects}
    finding = about_build(
        RULE,
        simulation,
        build,
        f"{title(build)}{more} is built without isolation and cannot import {missing[0].name}",
        explanation,
        place=isolation_entry(simulation, project),
        evidence=(*first_lines(missing), *evidence),
    )
    doubtful = all(covered.intersection(m.projects) for m in missing)
    return replace(finding, confidence=Confidence.LOW) if doubtful else finding


RULE = Rule("ISO102", "missing-build-requirement", check=check)
