"""
# ENV205 unbuildable-platform

## What it finds
Something that has to be built where this machine cannot: a workspace (or an environment) without this machine's
platform, and a lock for another platform whose build needs conda packages that only that platform has.

## Why it breaks
pixi builds for every platform's lock on the machine that locks, with the conda packages of *this machine's* platform.
Without that platform there is no Python to build with, and nothing can be installed here either. A conda package under
`[target.osx-arm64.dependencies]` is not seen by a build on Linux, though it is for macOS.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["osx-arm64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
trainer = "*"
```
```python trainer-1.0/setup.py
from setuptools import setup

setup(name="trainer", version="1.0")
```

## Use instead
Declare the platform on which you lock as well.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["osx-arm64", "linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
trainer = "*"
```

## Limits
It is judged for the machine that runs the check. An environment without this machine's platform in a workspace that has
it elsewhere is simulated as if it were installed on its own platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evidence import Place
from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Build, BuildPhase, Missing, Outcome, Simulation
from ..prose import and_list
from .reporting import about_build, first_lines
from .wording import because_built, is_elsewhere, isolation_entry, names, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build that fails while locking because it runs on this machine."""
    resolution = simulation.resolution
    target = simulation.environment.platform.name
    for build in simulation.builds:
        run = build.phase("lock")
        if run is None or run.outcome is not Outcome.FAILS:
            continue
        sentence, evidence = because_built(build)
        missing = tuple(m for m in run.missing if is_elsewhere(simulation, run, m))
        if missing and not build.isolated:
            yield about_build(
                RULE,
                simulation,
                build,
                f"{title(build)} is built on {resolution.host} for the lock of {target}, and cannot import "
                f"{missing[0].name} there",
                (f"{sentence}.", *_elsewhere(simulation, run, missing)),
                place=isolation_entry(simulation, build.project),
                evidence=(*first_lines(missing), *evidence),
            )
        elif not resolution.host and not resolution.foreign:
            name = simulation.environment.name
            where = f"pixi builds it on the machine that locks, {resolution.machine}, for which {name} has no packages."
            explanation = (f"{sentence}.", where)
            message = f"{title(build)} has to be built for the lock of {target}, and {name} lacks {resolution.machine}"
            yield about_build(RULE, simulation, build, message, explanation, evidence=evidence)


def check_workspace(simulations: Sequence[Simulation]) -> Iterator[Finding]:
    """One finding for a workspace that has nothing for this machine: an error where that stops its lock already."""
    foreign = [s for s in simulations if s.resolution.foreign]
    if not foreign:
        return
    machine = foreign[0].resolution.machine
    built = dict.fromkeys(title(b) for s in foreign for b in s.builds if _fails(b))
    explanation = []
    if built:
        explanation.append(f"pixi builds {and_list(built)} while locking, with conda packages for {machine}.")
    explanation.append(f"Nothing of it can be installed on {machine}.")
    platforms = tuple(dict.fromkeys(s.environment.platform.name for s in foreign))
    yield Finding(
        rule=RULE,
        severity=Severity.ERROR if built else Severity.WARNING,
        confidence=Confidence.HIGH,
        message=f"this machine is {machine}, and the workspace is for {and_list(platforms)} only",
        explanation=tuple(explanation),
        platforms=platforms,
        place=_platforms_key(foreign[0]),
    )


def _fails(build: Build) -> bool:
    run = build.phase("lock")
    return run is not None and run.outcome is Outcome.FAILS


def _elsewhere(simulation: Simulation, run: BuildPhase, missing: Sequence[Missing]) -> Iterator[str]:
    resolution = simulation.resolution
    target = simulation.environment.platform.name
    layers = and_list(run.visible.layers) if run.visible else ""
    yield f"It imports {names(missing)}, and sees the packages of {resolution.host} ({layers})."
    wanted = {project for m in missing for project in m.projects}
    given = [f"{p.name} {p.version}".strip() for p in resolution.conda if wanted & {name for name, _ in p.projects}]
    yield f"{and_list(given)} {'is' if len(given) == 1 else 'are'} among the packages of {target} only."


def _platforms_key(simulation: Simulation) -> Place | None:
    place = simulation.environment.platform.place
    return Place(place.file, place.key[:-1]) if place and isinstance(place.key[-1], int) else place


RULE = Rule("ENV205", "unbuildable-platform", check=check, check_workspace=check_workspace)
