"""Styled text: cut, joined and marked without losing what is in it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pixi_diagnose.renderers.text.page import Page
from pixi_diagnose.renderers.text.spans import Spans

TEXTS = st.lists(st.tuples(st.text("ab 漢\n:1.py", max_size=8), st.sampled_from(["", "bold", "bold red"])), max_size=5)


def test_colours_are_escape_sequences_and_only_where_they_are_wanted() -> None:
    text = Spans((("one", "bold red"), (" two", "")))
    assert text.rendered(color=False) == "one two"
    assert text.rendered(color=True) == "\x1b[1;31mone\x1b[0m two"


def test_a_mark_is_added_to_the_style_that_is_there() -> None:
    text = Spans((("at setup", "bold"), (".py:22 here", ""))).marked(re.compile(r"\w+\.py:\d+"), "cyan")
    assert text.pieces == (("at ", "bold"), ("setup", "bold cyan"), (".py:22", "cyan"), (" here", ""))


def test_the_width_is_that_of_a_terminal() -> None:
    assert Spans((("漢字", ""), ("ab", ""))).width == 6


@given(TEXTS, st.lists(st.integers(0, 40), max_size=5))
def test_the_parts_are_the_whole(pieces: list[tuple[str, str]], offsets: list[int]) -> None:
    text = Spans(tuple(pieces))
    parts = list(text.cut(sorted(offsets)))
    assert "".join(part.plain for part in parts) == text.plain
    assert len(parts) == len(offsets) + 1
    styles = [(character, style) for piece, style in pieces for character in piece]
    assert [(c, style) for part in parts for piece, style in part.pieces for c in piece] == styles


@given(TEXTS)
def test_marking_changes_no_character(pieces: list[tuple[str, str]]) -> None:
    text = Spans(tuple(pieces))
    assert text.marked(re.compile(r"\w+\.py:1"), "cyan").plain == text.plain


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=30), st.integers(20, 40))
def test_a_paragraph_keeps_its_words_and_its_width(words: list[str], width: int) -> None:
    page = Page(width)
    page.paragraph(" ".join(words), indent=2, hang=2)
    lines = str(page).splitlines()
    assert " ".join(lines).split() == words
    assert all(len(line) <= width for line in lines)
