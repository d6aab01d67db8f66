"""What a claim rests on: a line of a package's file, a key of the user's file, or a stated unknown."""

from __future__ import annotations

from .lazy_dataclass import dataclass

__all__ = ["Evidence", "KeyPath", "Place", "Unknown"]

KeyPath = tuple[str | int, ...]
"""Keys and array positions from the document's root: `("pypi-options", "no-build-isolation", 0)`."""


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """One line of a package's own file: `file` is relative to the root of its source tree, `line` counts from 1."""

    file: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Place:
    """A key of one of the user's files. Only `document.py` turns it into lines and columns."""

    file: str
    key: KeyPath


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be known, and why: never silently fine.

    `subject` names what it is about (a project, a file, a channel), empty where the context says it. `fault` marks
    input that is itself at fault (an index that does not answer, a hostile archive): exit status 2.
    """

    reason: str
    evidence: tuple[Evidence, ...] = ()
    subject: str = ""
    fault: bool = False
