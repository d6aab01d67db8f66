"""How a manifest, whatever its dialect, is told which release of a project it gets: what prebuilt plans are made of."""

from __future__ import annotations

from typing import Protocol

from ..frontends.model import Simulation
from .changes import Change, Why

__all__ = ["Entries"]


class Entries(Protocol):
    """The entries of one dialect. The changes are kept in a plan.

    A change that cannot be said in the manifest gives no changes.
    """

    def without_a_build(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """Let the resolver choose among releases with a wheel only: to see which one that is, not to stay."""

    def without_bounds(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """Take away what the manifest itself says of the version; nothing where it says nothing."""

    def pinned(self, simulation: Simulation, project: str, version: str, why: Why) -> tuple[Change, ...]:
        """Ask for exactly this release, the project being declared or required by others."""

    def addressed(self, simulation: Simulation, project: str, url: str, why: Why) -> tuple[Change, ...]:
        """Take the project from this one file."""
