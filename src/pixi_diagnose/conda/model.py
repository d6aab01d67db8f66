"""What is asked of conda channels, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass
from ..manifest.model import CondaSpec, NameMap, Platform

__all__ = ["CondaFailure", "CondaPackage", "CondaQuestion", "CondaResolution", "Expected", "FactCache"]


class FactCache(Protocol):
    """Where answers are kept between runs: bytes by kind and key, no older than `max_age` seconds (None: any age)."""

    def get(self, kind: str, key: str, *, max_age: float | None = None) -> bytes | None:
        """The kept bytes, None if there are none or they are too old."""

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Keep the bytes."""


@dataclass(frozen=True, slots=True)
class CondaPackage:
    """One conda package of an environment.

    `version` and `build` are those of the record; for a declared spec that was not solved (`solved` False) `version` is
    the spec's ("3.12.*", "" for any). `projects` are the PyPI projects that it provides, canonical, with the version
    that pip would see ("" unknown). `place` is where the manifest asks for it, None where another package brings it.
    """

    name: str
    version: str
    build: str
    subdir: str
    channel: str
    solved: bool
    projects: tuple[tuple[str, str], ...] = ()
    depends: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class CondaFailure:
    """Specs without a solution.

    `message` is the solver's explanation in whole sentences; `packages` are the names among the manifest's own specs
    that it is about, those that cannot be had first.
    """

    message: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a declared package was seen to bring along, known from a dated table and not from the channel itself.

    It is evidence for people, and nothing counts it as there: `package` (conda's name) would provide `projects` because
    `because` ("pytorch") depends on it on `channel`, as of `date` ("2026-08").
    """

    package: str
    projects: tuple[str, ...]
    because: str
    channel: str
    date: str


@dataclass(frozen=True, slots=True)
class CondaResolution:
    """The packages by name; `solved` False where channels could not be reached: then some are only declared.

    `failure` explains specs without a solution (`solved` is then True: it was found out). `expected` is what a solve
    would probably add to a partial answer.
    """

    packages: tuple[CondaPackage, ...]
    solved: bool
    failure: CondaFailure | None = None
    unknowns: tuple[Unknown, ...] = ()
    expected: tuple[Expected, ...] = ()


@dataclass(frozen=True, slots=True)
class CondaQuestion:
    """What is asked of the channels for one environment (or one solve group) on one platform.

    `channels` are names or URLs (see `channel_url`). `exclude_newer` is a date, moment or duration as pixi writes them;
    the overrides by package and by channel go before it.
    """

    specs: tuple[CondaSpec, ...]
    channels: tuple[str, ...]
    platform: Platform
    channel_priority: str | None = None
    strategy: str | None = None
    exclude_newer: str | None = None
    constraints: tuple[CondaSpec, ...] = ()
    pypi_map: Mapping[str, NameMap] | None = None
    exclude_newer_packages: Mapping[str, str] = field(default_factory=dict)
    exclude_newer_channels: Mapping[str, str] = field(default_factory=dict)
