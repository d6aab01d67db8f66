"""Where a finding stands in the user's files, as a file with a range."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from ..document import Document, Position, Range
from ..evidence import Place
from ..finding import Finding
from ..manifest.model import Manifest
from ..report import Report

__all__ = ["Location", "locate", "shown_path"]


@dataclass(frozen=True, slots=True)
class Location:
    """A range of a file; `line` is the text of its first line, "" where the file is not at hand."""

    file: str
    start: Position
    end: Position
    line: str = ""

    def __str__(self) -> str:
        return f"{shown_path(self.file)}:{self.start.line}:{self.start.column}"


def locate(report: Report, finding: Finding) -> Location | None:
    """The place of a finding, None where it is about no place.

    It is the item itself in a list, and otherwise the key; for what pixi rejects, the place that pixi points at.
    """
    if finding.place is None:
        return None
    file = finding.place.file
    document = report.documents.get(file)
    if finding.position is not None:
        start = Position(finding.position[0], finding.position[1] or 1)
        return Location(file, start, Position(start.line, start.column + 1), _line(document, start))
    if document is None:
        return Location(file, Position(1, 1), Position(1, 1))
    found = _range(document, finding, finding.place, report.manifest)
    return Location(file, found.start, found.end, _line(document, found.start))


def shown_path(path: str) -> str:
    """The path as people and code hosts want it: relative to the working directory for what lies below it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith(os.pardir) else relative.replace(os.sep, "/")


def _range(document: Document, finding: Finding, place: Place, manifest: Manifest | None) -> Range:
    problems = manifest.problems if manifest else ()
    at = next((p.at for p in problems if p.place == place and p.message == finding.message), "")
    if not at:
        return document.range_of(place.key, "value" if place.key and isinstance(place.key[-1], int) else "key")
    found = document.range_of(place.key, "key" if at == "key" else "value")
    return found if at == "key" else _inside_quotes(document, found)


def _inside_quotes(document: Document, found: Range) -> Range:
    """Where pixi points for a string: its first character, not its quote."""
    start = document.offset(found.start)
    quote = document.text[start : start + 1]
    if quote not in {'"', "'"}:
        return found
    width = 3 if document.text.startswith(quote * 3, start) else 1
    end = document.offset(found.end)
    inner = max(end - width, start + width) if width == 3 or end - start > 1 else end
    return Range(document.position(start + width), document.position(inner))


def _line(document: Document | None, position: Position) -> str:
    if document is None:
        return ""
    lines = document.text.split("\n")
    return lines[position.line - 1].rstrip("\r") if position.line <= len(lines) else ""
