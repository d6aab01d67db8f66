"""TOML text ↔ key paths ↔ ranges, and edits that leave the rest of the user's file alone.

Values are read by tomli, which knows TOML 1.1 as pixi does (pixi.md P1); places come from a scanner of our own, and
edits are made in the text itself, so that every byte outside the touched key stays what it was. A manifest in which
nothing is found and nothing is changed needs only its values: the scanner and the editor are imported when asked.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import tomli

from ..errors import ManifestError
from ..evidence import KeyPath
from ..lazy_dataclass import dataclass
from .edit import Edit, EditKind

if TYPE_CHECKING:
    from .spans import Problem, Span, Spans

__all__ = ["Document", "Edit", "EditKind", "Position", "Range", "unified_diff"]

What = Literal["value", "key", "entry"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text: line and column count from 1, columns in code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to, not including, `end`."""

    start: Position
    end: Position


class Document:
    """One TOML text. Places can be asked of any text, half-typed ones included; values only of a valid one.

    `path` is only named in errors, never opened.
    """

    items_are_lines = False
    """Whether each item of a list has a line, and a comment, of its own."""

    def __init__(self, text: str, path: str = "") -> None:
        self.text = text
        self.path = path

    # Values

    @cached_property
    def data(self) -> dict[str, Any]:
        """The values. ManifestError with the place where the text is no TOML 1.1."""
        try:
            return tomli.loads(self.text.removeprefix("\ufeff"))
        except tomli.TOMLDecodeError as error:
            raise self._translated(error) from None
        except RecursionError:
            raise ManifestError("this is nested too deeply", path=self.path) from None
        except ValueError:  # of Python itself, which reads no integer of thousands of digits
            raise ManifestError("this holds a number that is too large", path=self.path) from None

    def value_at(self, key: KeyPath, default: Any = None) -> Any:
        """The value at a key path, `default` where there is none."""
        value: Any = self.data
        for part in key:
            here: Any = value if isinstance(value, dict) else ()
            if isinstance(value, list) and isinstance(part, int):
                here = range(len(value))
            if part not in here:
                return default
            value = value[part]
        return value

    def _translated(self, error: tomli.TOMLDecodeError) -> ManifestError:
        twice = next((p for p in self.problems if p.first is not None), None)
        if twice is not None and re.match("Cannot ", error.msg):  # tomli points behind the second definition
            place = self.position(twice.offset)
            message = f"{twice.message}, first in line {self.position(twice.first or 0).line}"
        else:
            place = Position(error.lineno, error.colno)
            message = f"this is not TOML: {error.msg[:1].lower()}{error.msg[1:]}"
        return ManifestError(message, path=self.path, line=place.line, column=place.column)

    # Places

    @cached_property
    def spans(self) -> Spans:
        """Every span that the scanner found."""
        from .spans import scan

        return scan(self.text)

    @property
    def problems(self) -> list[Problem]:
        """What the scanner could not follow: empty for a valid text."""
        return self.spans.problems

    def range_of(self, key: KeyPath, what: What = "value") -> Range:
        """Where the key, its value or the whole entry stands; the nearest existing ancestor's range if it does not.

        A table's value is its header, and its entry reaches from there to the last one in it. What only dotted keys or
        headers of sub-tables imply is the part that names it. The document itself is its first position.
        """
        while key and key not in self.spans.paths:
            key = key[:-1]
        if not key:
            return Range(Position(1, 1), Position(1, 1))
        span = self.spans.paths[key]
        start, end = span.key if what == "key" else span.value if what == "value" else self._entry(key, span)
        return Range(self.position(start), self.position(end))

    def path_at(self, position: Position) -> KeyPath:
        """The innermost key path at a place; between entries it is the table, before all tables the document itself."""
        from .spans import Form

        offset = self.offset(position)
        inside = [
            (span.entry[1] - span.entry[0], -len(path), path)
            for path, span in self.spans.paths.items()
            if span.entry[0] <= offset <= span.entry[1] and span.form not in {Form.TABLES, Form.DOTTED, Form.IMPLIED}
        ]
        if inside:
            return min(inside, key=lambda found: found[:2])[2]
        before = [section for section in self.spans.sections if section.start <= offset]
        return before[-1].path if before else ()

    def _entry(self, key: KeyPath, span: Span) -> tuple[int, int]:
        from .spans import Form

        if span.form is Form.TABLE:
            section = next(s for s in self.spans.sections if s.path == key)
            return section.start, section.end
        return span.entry

    # Positions

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def position(self, offset: int) -> Position:
        """The position of an offset in code points."""
        line = bisect.bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)

    def offset(self, position: Position) -> int:
        """The offset of a position, kept within its line and the text."""
        if position.line > len(self._lines):
            return len(self.text)
        from .spans import line_end

        start = self._lines[max(position.line, 1) - 1]
        return min(start + max(position.column, 1) - 1, line_end(self.text, start))

    def to_utf16(self, position: Position) -> tuple[int, int]:
        """Line and character as editors count them: from 0, in UTF-16 code units."""
        offset = self.offset(position)
        line = bisect.bisect_right(self._lines, offset) - 1
        return line, _units(self.text[self._lines[line] : offset])

    def from_utf16(self, line: int, character: int) -> Position:
        """The position of an editor's line and character; a character inside a surrogate pair is that pair's."""
        if line >= len(self._lines):
            return self.position(len(self.text))
        from .spans import line_end

        start = self._lines[max(line, 0)]
        column = 1
        for char in self.text[start : line_end(self.text, start)]:
            character -= _units(char)
            if character < 0:
                break
            column += 1
        return Position(max(line, 0) + 1, column)

    # Edits

    def apply(self, edits: Iterable[Edit]) -> str:
        """The text after the edits, one after the other. ManifestError where one does not fit what is there."""
        from .edits import apply_edit

        self.data  # noqa: B018 -- raises where the text is no TOML: there is nothing sure to edit
        text = self.text
        for edit in edits:
            text = apply_edit(text, edit, self.path)
        return text


def unified_diff(old: str, new: str, path: str, context: int = 3) -> str:
    """The difference as `diff -u` writes it (one form of line break throughout), "" where there is none."""
    import difflib

    before, after = old.splitlines(), new.splitlines()
    lines = list(difflib.unified_diff(before, after, path, path, n=context, lineterm=""))
    if not lines and old != new:  # only the last line's break differs
        return ""
    return "".join(f"{line}\n" for line in lines)


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
