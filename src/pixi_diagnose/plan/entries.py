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

    def rebounded(self, simulation: Simulation, project: str, specifier: str = "") -> tuple[Change, ...]:
        """Replace what the manifest itself says of the version; nothing where it says nothing."""

    def pinned(self, simulation: Simulation, project: str, version: str, why: Why) -> tuple[Change, ...]:
        """Ask for exactly this release, the project being declared or required by others."""

    def addressed(self, simulation: Simulation, project: str, url: str, why: Why) -> tuple[Change, ...]:
        """Take the project from this one file."""

    def checked_out(
        self, simulation: Simulation, project: str, url: str, reference: str, why: Why
    ) -> tuple[Change, ...]:
        """Take the project, which the manifest names, from a git repository."""

    def conda_package(
        self, simulation: Simulation, beside: str, name: str, specifier: str, why: Why
    ) -> tuple[Change, ...]:
        """Ask for a conda package within bounds ("" for any) where the project `beside` belongs."""

    def given_up(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """Ask for the project from PyPI no longer, but for what is asked for with extras."""

    def for_python(self, simulation: Simulation, python: str, why: Why) -> tuple[Change, ...]:
        """Have the environment made with another Python ("3.10")."""
