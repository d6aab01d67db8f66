"""Text made of lines, such as a requirements file: a key path is the number of a line."""

from __future__ import annotations

import re
from typing import Any

from ..evidence import KeyPath
from . import Document, Position, Range, What

__all__ = ["LinesDocument"]


class LinesDocument(Document):
    """A text whose places are `(line,)`, counted from 1; () is the text as a whole."""

    @property
    def data(self) -> dict[str, Any]:
        """No values of its own."""
        return {}

    def range_of(self, key: KeyPath, what: What = "value") -> Range:
        """What a line says, without its indentation and comment ("entry": with them)."""
        line = key[0] if key and isinstance(key[0], int) else 1
        lines = self.text.split("\n")
        if not 1 <= line <= len(lines) or not key:
            return Range(Position(1, 1), Position(1, 1))
        text = lines[line - 1].rstrip("\r")
        if what == "entry":
            return Range(Position(line, 1), Position(line, len(text) + 1))
        content = re.sub(r"(^|\s+)#.*$", "", text).rstrip(" \t\\")
        start = len(content) - len(content.lstrip()) + 1
        return Range(Position(line, start), Position(line, max(len(content) + 1, start)))

    def path_at(self, position: Position) -> KeyPath:
        """The line of a place."""
        return (position.line,)
