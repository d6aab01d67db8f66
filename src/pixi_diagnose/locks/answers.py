"""What a lock says of an environment, whatever its format."""

from __future__ import annotations

from typing import Protocol

from ..conda import CondaPackage
from ..environment import Environment
from ..evidence import Unknown
from ..index.model import Distribution, PypiFailure
from ..lazy_dataclass import dataclass
from ..manifest.model import PypiSpec
from .model import Staleness

__all__ = ["JudgedLock", "LockAnswer", "unread"]


@dataclass(frozen=True, slots=True)
class LockAnswer:
    """What a lock says of one environment on one platform.

    `sources` are the folders and repositories among the distributions, as they are locked: to be read when what they
    build is analysed. `failure` is why its tool would install nothing of it.
    """

    python: str
    conda: tuple[CondaPackage, ...]
    distributions: tuple[Distribution, ...]
    sources: tuple[PypiSpec, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    failure: PypiFailure | None = None


class JudgedLock(Protocol):
    """A lock that was read and judged against its manifest; `unknowns` say why it could not be."""

    @property
    def unknowns(self) -> tuple[Unknown, ...]:
        """Why the lock could not be read, empty where it could, or where there is none."""

    def answer(self, environment: Environment) -> LockAnswer | None:
        """What the lock says of an environment; None where there is none, or where it is stale."""

    def staleness(self, environment: Environment) -> Staleness | None:
        """Why its tool would write another lock on account of this environment, None where it would not."""


def unread(name: str, reason: str) -> Unknown:
    """A lock that is there and cannot be read: the input is at fault, and everything is resolved without it."""
    return Unknown(f"{name} cannot be read: {reason}; resolved without it", subject=name, fault=True)
