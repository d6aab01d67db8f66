"""Edits of a text made of lines: a line keeps its place and comment, and what is not named stays as it is."""

from __future__ import annotations

import pytest

from pixi_diagnose.document import Document, Edit
from pixi_diagnose.document.opening import open_document
from pixi_diagnose.errors import ManifestError

TEXT = "# torch first\ntorch==2.6.0  # pinned\n\n  flash-attn  \nwhisper==1 \\\n    --hash=sha256:abc\nlast"


def lines(text: str = TEXT) -> Document:
    return open_document(text, "requirements.txt")


def test_a_value_is_what_the_line_says() -> None:
    assert [lines().value_at((n,)) for n in range(1, 9)] == [
        *("", "torch==2.6.0", "", "flash-attn", "whisper==1", "--hash=sha256:abc", "last", None)
    ]


def test_a_line_keeps_its_comment_and_gets_one_where_it_has_none() -> None:
    edited = lines().apply([Edit.set((2,), "torch==2.7.0", "other"), Edit.set((4,), "flash-attn==1", "why so")])
    assert edited == TEXT.replace("2.6.0", "2.7.0").replace("  flash-attn  ", "  flash-attn==1  # why so")


def test_a_line_goes_with_those_that_it_goes_on_in() -> None:
    assert lines().apply([Edit.remove((5,)), Edit.remove((2,))]) == "# torch first\n\n  flash-attn  \nlast"
    assert lines().apply([Edit.set((5,), "whisper==2")]).endswith("whisper==2\nlast")


def test_a_line_is_added_at_the_end_once() -> None:
    edited = lines().apply([Edit.append((), "setuptools<81", "for whisper"), Edit.append((), "last")])
    assert edited == f"{TEXT}\nsetuptools<81  # for whisper\n"
    assert lines(edited).apply([Edit.append((), "setuptools<81", "for whisper")]) == edited


def test_line_breaks_stay_what_they_are() -> None:
    assert lines("a\r\nb\r\n").apply([Edit.set((1,), "c"), Edit.append((), "d")]) == "c\r\nb\r\nd\r\n"
    assert lines("").apply([Edit.append((), "a")]) == "a\n"
    assert lines("a").apply([]) == "a"


def test_a_line_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(ManifestError, match="no line 9"):
        lines().apply([Edit.set((9,), "x")])
