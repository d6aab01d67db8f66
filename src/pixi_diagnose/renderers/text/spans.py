"""Styled text: pieces with a style each, cut and joined without losing it. What rich's Text is, at a tenth of its cost.

A short command's time is mostly imports, and rich's console is a fifth of it; only its table of cell widths is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from ...lazy_dataclass import dataclass

__all__ = ["Spans", "cell_count"]

_SINGLE = str.maketrans(dict.fromkeys("✓✗…–—·│→“”\u00a0", " "))
"""What the program itself writes beside ASCII: each takes one cell."""

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}


@dataclass(frozen=True, slots=True)
class Spans:
    """Text in pieces of (text, style); a style is a colour, "bold" or "dim", or some of them: "bold red"."""

    pieces: tuple[tuple[str, str], ...] = ()

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(text for text, _ in self.pieces)

    @property
    def width(self) -> int:
        """How many cells of a terminal it takes."""
        return cell_count(self.plain)

    def __add__(self, other: Spans) -> Spans:
        return Spans(self.pieces + other.pieces)

    def marked(self, pattern: re.Pattern[str], style: str) -> Spans:
        """With this style added wherever the pattern is found."""
        found: list[tuple[str, str]] = []
        at = 0
        inside = [range(*match.span()) for match in pattern.finditer(self.plain)]
        if not inside:
            return self
        for text, own in self.pieces:
            cuts = sorted(
                {0, len(text), *(c - at for r in inside for c in (r.start, r.stop) if at < c < at + len(text))}
            )
            for start, stop in pairwise(cuts):
                both = f"{own} {style}".strip() if any(at + start in r for r in inside) else own
                found.append((text[start:stop], both))
            at += len(text)
        return Spans(tuple(found))

    def cut(self, offsets: Iterable[int]) -> Iterator[Spans]:
        """The parts between the offsets (in code points, ascending)."""
        rest = self
        at = 0
        for offset in offsets:
            part, rest = rest._halves(offset - at)
            at = offset
            yield part
        yield rest

    def rstrip(self) -> Spans:
        """Without white space at its end."""
        return self._halves(len(self.plain.rstrip()))[0]

    def replaced(self, old: str, new: str) -> Spans:
        """With each `old` replaced, piece by piece."""
        return Spans(tuple((text.replace(old, new), style) for text, style in self.pieces))

    def rendered(self, *, color: bool) -> str:
        """The text for a terminal, with escape sequences only where it is coloured."""
        if not color:
            return self.plain
        return "".join(_escaped(text, style) for text, style in self.pieces)

    def _halves(self, offset: int) -> tuple[Spans, Spans]:
        first: list[tuple[str, str]] = []
        second: list[tuple[str, str]] = []
        for text, style in self.pieces:
            here, there = text[: max(offset, 0)], text[max(offset, 0) :]
            offset -= len(text)
            if here:
                first.append((here, style))
            if there:
                second.append((there, style))
        return Spans(tuple(first)), Spans(tuple(second))


def _escaped(text: str, style: str) -> str:
    codes = ";".join(_CODES[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if codes and text else text


def cell_count(text: str) -> int:
    """How many cells of a terminal a text takes; for what is not plainly one each, rich knows the tables."""
    plain = text.translate(_SINGLE)
    if plain.isascii() and plain.isprintable():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
