"""Whether a script's own regular expression is cheap enough to be run on a text: Python cannot interrupt one."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["is_cheap"]

_ATOM = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\(\?[a-zA-Z]+\)|\((?:\?(?:P<\w+>|:|=|!|<=|<!))?|.", re.DOTALL)
_QUANTIFIER = re.compile(r"[*+?]|\{\d*(?:,\d*)?\}")
_LONGEST = 15_000
_STEPS = 5_000_000


@lru_cache(maxsize=256)
def _ambiguous_repeats(pattern: str) -> int:
    """How many unbounded repeats may also take what follows them; 99 for repeated groups and back references."""
    atoms = _atoms(pattern)
    if any(atom.startswith(("\\1", "\\2", "\\3", "(?P=")) or (atom == ")" and often) for atom, often in atoms):
        return 99
    plain = [(atom, often) for atom, often in atoms if not atom.startswith("(") and atom != ")"]
    count = 0
    for position, (atom, often) in enumerate(plain):
        following = plain[position + 1] if position + 1 < len(plain) else None
        if often and (following is None or following[1] or not _disjoint(atom, following[0])):
            count += following is not None
    return count


def _atoms(pattern: str) -> list[tuple[str, bool]]:
    """The atoms of a pattern, each with whether it is repeated without bound."""
    found: list[tuple[str, bool]] = []
    position = 0
    while position < len(pattern):
        atom = _ATOM.match(pattern, position)
        if atom is None:
            break
        position = atom.end()
        often = False
        while quantifier := _QUANTIFIER.match(pattern, position):
            text = quantifier.group()
            often = often or text in "*+" or text.endswith(",}") or len(text) > 4
            position = quantifier.end()
        found.append((atom.group(), often))
    return found


def _disjoint(repeated: str, following: str) -> bool:
    """Whether the repeated atom can never match where the following one does, as far as these simple forms tell."""
    if repeated.startswith("[^") and "\\" not in repeated:
        excluded = set(repeated[2:-1])
        return (set(following[1:-1]) if following.startswith("[") else {following}) <= excluded
    if repeated in {"\\s", " ", "\\t"}:
        if following.startswith("["):
            return not following.startswith("[^") and "\\" not in following and " " not in following
        return following not in {"\\s", " ", "\\t", ".", "\\S", "\\W", "\\D", "\\n"} and following not in "|)$"
    if repeated in {"\\d", "\\w"}:
        return following in {"\\s", "\\.", "=", ",", '"', "'", " "}
    return False


def is_cheap(pattern: str, length: int) -> bool:
    """Whether searching a text of that length takes a few million steps at most, even for a hostile pattern and text.

    A search may start at every character, and every repeat whose end is not given by what follows may end at every one.
    """
    if len(pattern) > 500 or length > _LONGEST:
        return False
    repeats = _ambiguous_repeats(pattern)
    starts_rarely = re.match(r"(?:\(\?\w+\))?\^?(?:\\?[A-Za-z_\"'<]){4}", pattern) is not None
    return bool(length ** (repeats + (0 if starts_rarely else 1)) <= _STEPS)
