"""Whether a script's own regular expression is cheap enough to be run on a text: Python cannot interrupt one."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["is_cheap"]

_OPEN_REPEAT = re.compile(r"(?<!\\)(?:\\\\)*[*+](?!\+)|\{\d*,\d*\}")
_GROUP_REPEAT = re.compile(r"(?<!\\)\)(?:[*+]|\{\d*,\d*\})")


@lru_cache(maxsize=256)
def _repeats(pattern: str) -> int:
    """The number of unbounded repeats; a repeated group or a back reference counts as too many."""
    bare = re.sub(r"\[(?:\\.|[^\]\\])(?:\\.|[^\]\\])*\]", "x", pattern)
    if _GROUP_REPEAT.search(bare) or re.search(r"\\[1-9]|\(\?P=", bare):
        return 99
    return len(_OPEN_REPEAT.findall(bare))


def is_cheap(pattern: str, length: int) -> bool:
    """Whether searching a text of that length stays within a few million steps even for a hostile pattern.

    A search may start anywhere and each repeat may end anywhere: the cost is bounded by
    length ** (repeats + 1). Patterns that begin with a literal word, as those for `__version__ = "…"` do, start rarely,
    and their repeats are short.
    """
    if len(pattern) > 500:
        return False
    repeats = _repeats(pattern)
    if repeats > 6:
        return False
    starts_with_word = re.match(r"\^?(?:\\?[A-Za-z_\"'<]){4}", pattern) is not None
    if starts_with_word and repeats <= 4:
        return length <= 20_000 and not re.search(r"(?:\\s|\.|\\w|\])[*+]\??(?:\\s|\.|\\w|\[)", pattern)
    return bool(length ** (repeats + 1) <= 5_000_000)
