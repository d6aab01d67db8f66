"""Text made of lines, such as a requirements file: a key path is the number of a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..errors import ManifestError
from ..evidence import KeyPath
from . import Document, Edit, EditKind, Position, Range, What

__all__ = ["LinesDocument"]

_COMMENT = r"(^|\s+)#.*$"


class LinesDocument(Document):
    """A text whose places are `(line,)`, counted from 1; () is the text as a whole."""

    items_are_lines = True

    @property
    def data(self) -> dict[str, Any]:
        """No values of its own."""
        return {}

    def value_at(self, key: KeyPath, default: Any = None) -> Any:
        """What a line says, without its comment; of one that goes on behind a backslash, its first part."""
        line = _number(key)
        return self._content(line) if line and line <= len(self._written) else default

    def range_of(self, key: KeyPath, what: What = "value") -> Range:
        """What a line says, without its indentation and comment ("entry": with them)."""
        line = _number(key) or 1
        if not key or line > len(self._written):
            return Range(Position(1, 1), Position(1, 1))
        text = self._written[line - 1]
        if what == "entry":
            return Range(Position(line, 1), Position(line, len(text) + 1))
        content = re.sub(_COMMENT, "", text).rstrip(" \t\\")
        start = len(content) - len(content.lstrip()) + 1
        return Range(Position(line, start), Position(line, max(len(content) + 1, start)))

    def path_at(self, position: Position) -> KeyPath:
        """The line of a place."""
        return (position.line,)

    def apply(self, edits: Iterable[Edit]) -> str:
        """The text after the edits: all of them name lines as they are now. A line that is added goes to the end.

        A line keeps its comment, and one that is there already is not added again. ManifestError for a line that does
        not exist, or an edit that lines do not know.
        """
        lines: dict[int, list[str]] = {n: [text] for n, text in enumerate(self._written, 1)}
        added: list[str] = []
        for edit in edits:
            line = _number(edit.key)
            if edit.kind is EditKind.APPEND and not edit.key:
                if edit.value not in (self._content(n) for n in range(1, len(self._written) + 1)):
                    added.append(_commented(str(edit.value), edit.comment))
            elif not 1 <= line <= len(self._written) or edit.kind in {EditKind.APPEND, EditKind.DISCARD}:
                raise ManifestError(f"there is no line {line or edit.key} to change", path=self.path)
            elif edit.kind is EditKind.REMOVE or edit.value != self._content(line):
                lines |= {n: [] for n in self._joined(line)}
                if edit.kind is not EditKind.REMOVE:
                    lines[line] = [self._changed(line, str(edit.value), edit.comment)]
        return self._joined_text([text for number in sorted(lines) for text in lines[number]], added)

    @property
    def _written(self) -> list[str]:
        """The lines, without the empty one behind a final line break."""
        lines = [line.removesuffix("\r") for line in self.text.split("\n")]
        return lines[:-1] if lines[-1] == "" else lines

    def _content(self, line: int) -> str:
        return re.sub(_COMMENT, "", self._written[line - 1]).strip(" \t").removesuffix("\\").rstrip()

    def _joined(self, line: int) -> range:
        """A line and those that it goes on in."""
        last = line
        while last < len(self._written) and self._written[last - 1].endswith("\\"):
            last += 1
        return range(line, last + 1)

    def _changed(self, line: int, content: str, comment: str) -> str:
        old = self._written[line - 1]
        found = re.search(_COMMENT, old)
        indent = old[: len(old) - len(old.lstrip())]
        return f"{indent}{content}{found[0]}" if found else _commented(f"{indent}{content}", comment)

    def _joined_text(self, lines: list[str], added: list[str]) -> str:
        newline = "\r\n" if "\r\n" in self.text else "\n"
        final = newline if added or not self.text or self.text.endswith("\n") else ""
        every = [*lines, *added]
        return newline.join(every) + (final if every else "")


def _number(key: KeyPath) -> int:
    return key[0] if key and isinstance(key[0], int) else 0


def _commented(text: str, comment: str) -> str:
    words = " ".join(comment.split())
    return f"{text}  # {words}" if words else text
