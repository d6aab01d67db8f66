"""Projects that conda provides and the manifest takes from elsewhere."""

from __future__ import annotations

from ..frontends.model import Simulation
from ..manifest.model import PypiSpec

__all__ = ["provided_twice"]


def provided_twice(simulation: Simulation) -> tuple[PypiSpec, str] | None:
    """The path, git or URL dependency at which pixi stops because a conda package provides it, and that package.

    None where the resolution failed for another reason, or did not fail (pixi.md P7).
    """
    failure = simulation.resolution.failure
    if failure is None or failure.kind != "conflict" or not failure.projects:
        return None
    project = failure.projects[0]
    package = next((c.name for c in simulation.resolution.conda if project in dict(c.projects)), "")
    spec = next((s for s in simulation.environment.pypi if s.name == project and s.source is not None), None)
    return (spec, package) if spec is not None and package else None
