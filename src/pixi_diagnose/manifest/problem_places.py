"""Where the problems of a manifest stand in its text, as its tool points at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..document import Document
from .model import ManifestProblem

__all__ = ["placed_problems"]


def placed_problems(document: Document, problems: Iterable[ManifestProblem]) -> tuple[ManifestProblem, ...]:
    """The problems with their positions; those of another file, and those that have one, stay as they are."""
    return tuple(
        p if p.position is not None or p.place.file != document.path else replace(p, position=_position(document, p))
        for p in problems
    )


def _position(document: Document, problem: ManifestProblem) -> tuple[int, int]:
    """At a string's first character, inside its quotes: so do pixi and uv."""
    start = document.range_of(problem.place.key, "key" if problem.at == "key" else "value").start
    text = document.text[document.offset(start) :][:2]
    inside = text[:1] in {'"', "'"} and text not in {'""', "''"}
    return start.line, start.column + inside
