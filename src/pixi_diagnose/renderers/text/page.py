"""A page of terminal text: wrapped paragraphs, columns, source lines. All that is shown passes through here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..foreign_text import printable, without_credentials

__all__ = ["Page", "glued", "styled"]

Content = str | tuple[str, str] | Text

_PLACE = re.compile(r"(?<![\w/])(?:[\w.-]+/)*[\w-]+\.\w+:\d+(?::\d+)?")
_WORDS = re.compile(r"[^ ]+ *")
_GLUE = "\u00a0"


def glued(text: str) -> str:
    """The text as one word that no line break divides."""
    return text.replace(" ", _GLUE)


def styled(*parts: Content) -> Text:
    """Strings, and (string, style) pairs, as one text; places such as `setup.py:22` are marked."""
    text = Text()
    for part in parts:
        if isinstance(part, Text):
            text.append_text(part)
        else:
            content, style = (part, "") if isinstance(part, str) else part
            text.append(printable(without_credentials(content)), style or None)
    text.highlight_regex(_PLACE, "cyan")
    return text


class Page:
    """Collects lines for a terminal of `width` columns. Only what is one word, or preformatted, is ever wider."""

    def __init__(self, width: int = 80, *, color: bool = False) -> None:
        self.width = max(width, 20)
        self._color = color
        self._lines: list[Text] = []

    def blank(self) -> None:
        """An empty line, never two of them, and none at the top."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def line(self, *parts: Content) -> None:
        """One line, never wrapped: diffs, source, commands."""
        self._lines.append(styled(*parts))

    def paragraph(self, *parts: Content, indent: int = 0, hang: int = 0) -> None:
        """Words that flow; every line is indented, those after the first by `hang` more. No words give no line."""
        text = styled(*parts)
        if not text.plain.strip():
            return
        for number, piece in enumerate(_wrapped(text, self.width - indent, self.width - indent - hang)):
            self._lines.append(Text(" " * (indent + (hang if number else 0))).append_text(piece))

    def columns(
        self, rows: Sequence[Sequence[Content]], indent: int = 0, gap: int = 2, least: Sequence[int] = ()
    ) -> None:
        """Rows of cells in columns as wide as their widest cell (or `least`); the last one wraps in its column."""
        cells = [[styled(cell) for cell in row] for row in rows]
        count = max(map(len, cells), default=0)
        widths = [max((row[i].cell_len for row in cells if len(row) > i + 1), default=0) for i in range(count)]
        widths = [max(w, least[i]) if i < len(least) else w for i, w in enumerate(widths)]
        for row in cells:
            line = Text(" " * indent)
            for cell, width in zip(row[:-1], widths, strict=False):
                line.append_text(cell).append(" " * (width - cell.cell_len + gap))
            start = line.cell_len
            room = max(self.width - start, 20)
            for number, piece in enumerate(_wrapped(row[-1], room, room)):
                self._lines.append((Text(" " * start) if number else line).append_text(piece))

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
        text = printable(line.rstrip())
        label = str(number)
        before, marked = cell_len(printable(line[:start])), cell_len(printable(line[start:end].rstrip()))
        room = max(self.width - indent - len(label) - 3, before + marked + 1, 20)
        shown = text if cell_len(text) <= room else text[: room - 1].rstrip() + "…"
        self.line(" " * indent, (f"{label} │ ", "dim"), Text(shown))
        if marked:
            self.line(" " * (indent + len(label)), (" │ ", "dim"), " " * before, ("^" * marked, "bold red"))

    def __str__(self) -> str:
        """The page as text, with escape sequences only where it is coloured."""
        while self._lines and not self._lines[-1].plain:
            self._lines.pop()
        console = Console(
            file=StringIO(),
            width=self.width,
            color_system="standard" if self._color else None,
            force_terminal=self._color,
            legacy_windows=False,
            highlight=False,
            _environ={},
        )
        with console.capture() as capture:
            for line in self._lines:
                line.plain = line.plain.replace(_GLUE, " ")
                line.rstrip()
                console.print(line, soft_wrap=True)
        return capture.get()


def _wrapped(text: Text, first: int, other: int) -> Iterator[Text]:
    """The text in lines of these widths, divided at spaces only."""
    for paragraph in text.split("\n", allow_blank=True):
        yield from _divided(paragraph, first, other)


def _divided(text: Text, first: int, other: int) -> Iterable[Text]:
    offsets: list[int] = []
    used, room = 0, first
    for word in _WORDS.finditer(text.plain):
        width = cell_len(word[0].rstrip(" "))
        if used and used + width > room:
            offsets.append(word.start())
            used, room = 0, other
        used += cell_len(word[0])
    lines = text.divide(offsets)
    for line in lines:
        line.rstrip()
    return lines
