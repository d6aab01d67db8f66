"""A page of terminal text: wrapped paragraphs, columns, source lines. All that is shown passes through here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..foreign_text import masked, printable, without_credentials
from .spans import Spans, cell_count

__all__ = ["Page", "glued", "styled"]

Content = str | tuple[str, str] | Spans

_PLACE = re.compile(r"(?<![\w/])(?:[\w.-]+/)*[\w-]+\.\w+:\d+(?::\d+)?")
_WORDS = re.compile(r"[^ ]+ *")
_GLUE = "\u00a0"


def glued(text: str) -> str:
    """The text as one word that no line break divides."""
    return text.replace(" ", _GLUE)


def styled(*parts: Content) -> Spans:
    """Strings, and (string, style) pairs, as one text; places such as `setup.py:22` are marked."""
    text = Spans()
    for part in parts:
        if isinstance(part, Spans):
            text += part
        else:
            content, style = (part, "") if isinstance(part, str) else part
            text += Spans(((printable(without_credentials(content)), style),))
    return text.marked(_PLACE, "cyan")


class Page:
    """Collects lines for a terminal of `width` columns. Only what is one word, or preformatted, is ever wider."""

    def __init__(self, width: int = 80, *, color: bool = False) -> None:
        self.width = max(width, 20)
        self._color = color
        self._lines: list[Spans] = []

    def blank(self) -> None:
        """An empty line, never two of them, and none at the top."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Spans())

    def line(self, *parts: Content) -> None:
        """One line, never wrapped: diffs, source, commands."""
        self._lines.append(styled(*parts))

    def paragraph(self, *parts: Content, indent: int = 0, hang: int = 0) -> None:
        """Words that flow; every line is indented, those after the first by `hang` more. No words give no line."""
        text = styled(*parts)
        if not text.plain.strip():
            return
        for number, piece in enumerate(_wrapped(text, self.width - indent, self.width - indent - hang)):
            self._lines.append(styled(" " * (indent + (hang if number else 0))) + piece)

    def columns(
        self, rows: Sequence[Sequence[Content]], indent: int = 0, gap: int = 2, least: Sequence[int] = ()
    ) -> None:
        """Rows of cells in columns as wide as their widest cell (or `least`); the last one wraps in its column."""
        cells = [[styled(cell) for cell in row] for row in rows]
        count = max(map(len, cells), default=0)
        widths = [max((row[i].width for row in cells if len(row) > i + 1), default=0) for i in range(count)]
        widths = [max(w, least[i]) if i < len(least) else w for i, w in enumerate(widths)]
        for row in cells:
            line = styled(" " * indent)
            for cell, width in zip(row[:-1], widths, strict=False):
                line += cell + styled(" " * (width - cell.width + gap))
            start = line.width
            room = max(self.width - start, 20)
            for number, piece in enumerate(_wrapped(row[-1], room, room)):
                self._lines.append((styled(" " * start) if number else line) + piece)

    def labelled(self, rows: Sequence[tuple[str, str]], indent: int = 0) -> None:
        """Texts beside their labels; a label is not repeated for the next text."""
        labels = ["", *(label for label, _ in rows)]
        self.columns(
            [
                (("" if label == before else label, "dim"), text)
                for before, (label, text) in zip(labels, rows, strict=False)
            ],
            indent=indent,
        )

    def source(self, number: int, line: str, start: int, end: int, indent: int = 2) -> None:
        """A source line with its number, and carets under the code points `start` up to `end` (from 0); none if equal.

        A line that is too wide is cut at its end, behind the carets.
        """
        text = printable(masked(line.rstrip()))
        label = str(number)
        before, marked = cell_count(printable(line[:start])), cell_count(printable(line[start:end].rstrip()))
        room = max(self.width - indent - len(label) - 3, before + marked + 1, 20)
        shown = text if cell_count(text) <= room else text[: room - 1].rstrip() + "…"
        self.line(" " * indent, (f"{label} │ ", "dim"), Spans(((shown, ""),)))
        if marked:
            self.line(" " * (indent + len(label)), (" │ ", "dim"), " " * before, ("^" * marked, "bold red"))

    def __str__(self) -> str:
        """The page as text, with escape sequences only where it is coloured."""
        while self._lines and not self._lines[-1].plain:
            self._lines.pop()
        lines = (line.replaced(_GLUE, " ").rstrip().rendered(color=self._color) for line in self._lines)
        return "".join(f"{line}\n" for line in lines)


def _wrapped(text: Spans, first: int, other: int) -> Iterator[Spans]:
    """The text in lines of these widths, divided at line breaks and at spaces only."""
    plain = text.plain
    breaks = [at + 1 for at, character in enumerate(plain) if character == "\n"]
    for paragraph in text.cut(breaks):
        yield from _divided(paragraph.rstrip(), first, other)


def _divided(text: Spans, first: int, other: int) -> Iterator[Spans]:
    offsets: list[int] = []
    used, room = 0, first
    for word in _WORDS.finditer(text.plain):
        width = cell_count(word[0].rstrip(" "))
        if used and used + width > room:
            offsets.append(word.start())
            used, room = 0, other
        used += cell_count(word[0])
    for line in text.cut(offsets):
        yield line.rstrip()
