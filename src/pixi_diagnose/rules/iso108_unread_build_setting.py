"""
# ISO108 unread-build-setting

## What it finds
A table or key that looks as if it changed a build, in a file where the tool never reads it.

## Why it breaks
pixi has no `extra-build-dependencies`, `config-settings` or `dependency-metadata`, and in `pixi.toml` it ignores every
`[tool.*]` table without a word. uv's hint on a failed build, which pixi prints, recommends exactly such a table. uv
itself reads it, and uses it for isolated builds alone: for a project in `no-build-isolation-package` it does nothing.
A setting that uv does not know makes it ignore every other one of the same table. pip reads no `[tool.uv]` at all.
In a requirements file an address without a name (`./kernels`) is built before uv knows what it is called, unless its
files say so (`[project]`, setup.cfg, PKG-INFO): what a setting holds for that name comes too late, and
`kernels @ ./kernels` mends it.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[tool.uv.extra-build-dependencies]
flash-attn = ["torch"]
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

[pypi-options]
no-build-isolation = []
```

## Limits
Tables of other programs (`[tool.ruff]`, `[tool.pixi-diagnose]`) are nobody's mistake and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.known_names import UnreachedSetting, unreached_settings
from ..frontends.model import Build, Simulation
from ..manifest.model import Manifest
from .reporting import about_build

__all__ = ["RULE"]


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """One finding for each unread table."""
    for table in manifest.unread:
        yield Finding(
            rule=RULE,
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            message=f"{table.name} is never read here",
            explanation=(table.reason,),
            place=table.place,
        )
    yield from _overruled(manifest)


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each setting by a name that uv does not know when it builds."""
    for build in simulation.builds:
        if not build.needed_for:
            for setting in unreached_settings(simulation.environment, simulation.resolution, build.project):
                yield _unreached(simulation, build, setting)


def _unreached(simulation: Simulation, build: Build, setting: UnreachedSetting) -> Finding:
    name = next(s.spelled for s in simulation.environment.pypi if s.name == build.project)
    return about_build(
        RULE,
        simulation,
        build,
        f"{setting.name} of {name} does not reach its build: uv learns the name only from that build",
        (
            "Its line is an address alone, and uv finds no name there before it builds.",
            f"With the name before it (`{name} @ …`) the setting counts.",
        ),
        severity=Severity.WARNING,
        place=setting.place,
    )


def _overruled(manifest: Manifest) -> Iterator[Finding]:
    """What uv's extra-build-dependencies ask for a project that is built without isolation (uv.md U3)."""
    building = manifest.installer.building if manifest.installer is not None else None
    off = manifest.options.no_build_isolation
    targets = (t for f in manifest.features.values() for t in f.targets)
    nameless = {s.name for t in targets for s in t.pypi if s.nameless}
    for name, entries in building.extra_requirements.items() if building is not None else ():
        listed = isinstance(off, tuple) and any(e.name == name for e in off) and name not in nameless
        if not entries or not (off is True or listed):
            continue
        place = entries[0].spec.place
        depth = place.key.index("extra-build-dependencies") + 2 if "extra-build-dependencies" in place.key else None
        yield Finding(
            rule=RULE,
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            message=f"extra-build-dependencies of {name} are not used: it is built without isolation",
            explanation=("uv installs them into isolated builds only; any other sees the environment as it is.",),
            project=name,
            place=replace(place, key=place.key[:depth]),
        )


RULE = Rule("ISO108", "unread-build-setting", check=check, check_manifest=check_manifest)
