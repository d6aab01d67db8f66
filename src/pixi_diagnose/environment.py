"""Manifest → environments: one per environment × platform, features merged, targets applied, markers and tags known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .manifest.model import CondaSpec, Platform, PypiOptions, PypiSpec

__all__ = ["Environment"]


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment on one platform, with everything merged in the tool's own order.

    `conda` and `pypi` hold one entry per declaration that applies (several for one name accumulate across features).
    `options` is merged (its no-build-isolation list in install order, pixi.md P3 and P6). `variables` is activation.env.
    """

    name: str
    platform: Platform
    features: tuple[str, ...]
    solve_group: str | None
    channels: tuple[str, ...]
    conda: tuple[CondaSpec, ...]
    pypi: tuple[PypiSpec, ...]
    options: PypiOptions
    variables: Mapping[str, str] = field(default_factory=dict)
    channel_priority: str | None = None
    solve_strategy: str | None = None
    exclude_newer: str | None = None
    pypi_exclude_newer: str | None = None
    conda_pypi_map: Mapping[str, object] | None = None
    root: str = "."
