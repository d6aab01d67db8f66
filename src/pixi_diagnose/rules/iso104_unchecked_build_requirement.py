"""
# ISO104 unchecked-build-requirement

## What it finds
A build without isolation that sees another version than the one it declares, or than the one its script accepts.

## Why it breaks
Without isolation nobody installs `[build-system] requires`, and nobody checks it either: the build runs with what is
there. Mostly it passes, and makes something that its authors never tried. Some scripts check a version themselves: then
the build fails.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"
packaging = "24.*"

[pypi-dependencies]
trainer = "*"

[pypi-options]
no-build-isolation = ["trainer"]
```
```python trainer-1.0/setup.py
import packaging
from setuptools import setup

setup(name="trainer", version="1.0")
```
```toml trainer-1.0/pyproject.toml
[build-system]
requires = ["setuptools", "packaging==23.2"]
build-backend = "setuptools.build_meta"
```

## Use instead
Build it isolated where it declares all that it needs (as here), or give the environment the declared version.
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
A version is compared where it is known: packages of channels that could not be reached have none. Of what a script
checks itself, comparisons of one module's version with a constant are read.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..environment import marker_environment
from ..finding import Finding, Rule, Severity
from ..frontends.model import Build, BuildPhase, Refusal, Simulation
from ..frontends.visibility import exact_version
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from ..prose import and_list
from .reporting import about_build
from .wording import because_built, isolation_entry, title

__all__ = ["RULE"]


@dataclass(frozen=True, slots=True)
class _Excluded:
    """A declared requirement that what is visible does not meet."""

    project: str
    version: str
    requirement: str


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each non-isolated build that sees such a version: an error where its script refuses it."""
    for build in simulation.builds:
        run = next((p for p in build.phases if p.refused), build.phases[-1] if build.phases else None)
        if build.isolated or run is None:
            continue
        refused = tuple(r for r in run.refused if r.kind == "version")
        excluded = tuple(_excluded(simulation, build, run))
        if refused or excluded:
            yield _finding(simulation, build, refused, excluded)


def _finding(
    simulation: Simulation, build: Build, refused: tuple[Refusal, ...], excluded: tuple[_Excluded, ...]
) -> Finding:
    explanation = []
    if refused:
        first = refused[0]
        message = f"{title(build)} is built with {first.name} {first.version}, and its script refuses it"
        explanation.append(f"{because_built(build)[0]}.")
        for r in refused:
            where = f" ({r.evidence[0]})" if r.evidence else ""
            explanation.append(f"It goes on with {r.name} {r.accepted} only{where}.")
    else:
        seen = and_list(f"{e.project} {e.version}" for e in excluded)
        message = f"{title(build)} is built with {seen}, which it excludes"
    if excluded:
        declared = and_list(e.requirement for e in excluded)
        explanation.append(f"It declares {declared}; without isolation nobody installs or checks that.")
    return about_build(
        RULE,
        simulation,
        build,
        message,
        explanation,
        severity=Severity.ERROR if refused else Severity.WARNING,
        place=isolation_entry(simulation, build.project),
        evidence=[e for r in refused for e in r.evidence[:1]],
    )


def _excluded(simulation: Simulation, build: Build, run: BuildPhase) -> Iterator[_Excluded]:
    from packaging.requirements import InvalidRequirement, Requirement

    needs = build.subject.needs
    if needs is None or run.visible is None:
        return
    markers = marker_environment(simulation.environment.platform, simulation.resolution.python)
    for line in dict.fromkeys((*needs.build_system.requires, *needs.hook_requirements)):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        project = canonicalize_name(requirement.name)
        version = exact_version(run.visible.projects.get(project, ""))
        applies = requirement.marker is None or requirement.marker.evaluate({**markers, "extra": ""})
        if applies and version and not requirement.specifier.contains(version, prereleases=True):
            yield _Excluded(project, str(version), f"{requirement.name}{requirement.specifier}")


RULE = Rule("ISO104", "unchecked-build-requirement", check=check)
