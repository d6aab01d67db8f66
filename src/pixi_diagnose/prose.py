"""Numbers and lists as people write them, the same way in findings and in every part of a report."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["and_list", "and_more", "count", "or_list"]


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 error", "2 errors"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def and_list(words: Iterable[str]) -> str:
    """Words as people list them: "a", "a and b", "a, b and c"."""
    items = list(words)
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def or_list(words: Iterable[str]) -> str:
    """The same with "or"."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def and_more(words: Iterable[str]) -> str:
    """The first of many: "a", "a and 3 more"."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{items[0]} and {len(items) - 1} more"
