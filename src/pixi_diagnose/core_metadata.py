"""What a release says of itself without being run: the value that `metadata` reads, and others only pass on."""

from __future__ import annotations

from enum import StrEnum

from .evidence import Evidence, Unknown
from .lazy_dataclass import dataclass

__all__ = ["MetadataSource", "StaticMetadata"]


class MetadataSource(StrEnum):
    """Where requirements were read, in the order in which places are tried (uv.md U2, U6.3)."""

    WHEEL = "wheel"
    PYPROJECT = "pyproject.toml"
    PKG_INFO = "PKG-INFO"
    EGG_INFO = "egg-info/requires.txt"
    OLD_PKG_INFO = "PKG-INFO before 2.2"
    SCRIPT = "its build configuration"
    STATED = "dependency-metadata"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StaticMetadata:
    """What a release says of itself without running it.

    `requires` are PEP 508 strings (extras as `extra == '…'` markers). `static_for` says for pixi, uv and pip whether
    that frontend accepts this without a build; where it does not, `dynamic_because` is the line that makes it so.
    `approximate` marks answers that a build could change (egg-info, metadata before 2.2). `loosely_dynamic` are Dynamic
    fields that only a reader who takes lower case for upper case would count.
    """

    project: str
    version: str
    requires: tuple[str, ...]
    requires_python: str | None
    provides_extra: tuple[str, ...]
    source: MetadataSource
    static_for: tuple[tuple[str, bool], ...]
    approximate: bool = False
    dynamic_because: tuple[Evidence, ...] = ()
    dynamic_reason: str = ""
    unknowns: tuple[Unknown, ...] = ()
    loosely_dynamic: tuple[Evidence, ...] = ()

    def is_static_for(self, frontend: str) -> bool:
        """Whether `frontend` ("pixi", "uv", "pip") reads this without a build. KeyError for another name."""
        return dict(self.static_for)[frontend]
