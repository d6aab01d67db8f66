"""The syntax of a module without what is not reached: bodies of functions are parsed when they are called.

Making the nodes of a syntax tree is most of what reading a large package costs, and of its modules a build runs little
more than the top level. What looks as if a cut could go wrong is not cut.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from dataclasses import field
from functools import cache

from ...lazy_dataclass import dataclass

__all__ = ["SMALL", "Outline", "imports_only", "outline"]

SMALL = 4_000
"""Characters of a module that is not worth the cutting."""

_QUOTES = (('"""', "'"), ("'''", '"'))
_PYTHON_2 = (
    re.compile(r"print[ \t]+[^\s(=]"),
    re.compile(r"exec[ \t]+['\"]"),
    re.compile(r"raise[ \t]+\w+[ \t]*,"),
    re.compile(r"except[ \t]+[\w.]+[ \t]*,[ \t]*\w"),
)
"""What begins a line like this is an error of its file, wherever it stands."""
_IMPORT = re.compile(r"^(?:from[ \t]+\S+[ \t]+import[ \t]*(?:\([^)]*\)|[^\n#;(]+)|import[ \t]+[^\n#;]+)", re.MULTILINE)


@dataclass(slots=True)
class Outline:
    """A text whose functions have an empty body, line by line as the whole one, and what was cut out of it.

    `cut` maps the line of a `def` to the place in `whole` from that line's start to the end of the body.
    """

    whole: str
    text: str = ""
    cut: dict[int, tuple[int, int]] = field(default_factory=dict)

    def take(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt] | None:
        """The body of a function that was cut out, once; None for one that was not. SyntaxError where it is none."""
        span = self.cut.pop(node.lineno, None)
        if span is None:
            return None
        source, first = self.whole[slice(*span)], node.lineno - 1
        # Inside an `if`, a method may keep its indentation; the empty lines keep the line numbers.
        before = "\n" * first if not source[:1].isspace() else "\n" * (first - 1) + "if 1:\n"
        statement = ast.parse(before + source).body[0]
        while isinstance(statement, ast.If):
            statement = statement.body[0]
        return statement.body if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) else []


def outline(text: str) -> Outline | None:
    """A module's text without the bodies of its functions, None for one that is better parsed as a whole."""
    if len(text) < SMALL or "def " not in text or _is_delicate(text):
        return None
    made = Outline(text)
    strings = _Strings(text)
    kept: list[str] = []
    copied, line, counted = 0, 1, 0
    at = text.find("def ")
    while at >= 0:
        start = text.rfind("\n", 0, at) + 1
        before = text[start:at]
        indentation = before[: len(before) - len(before.lstrip())]
        end = strings.end_around(start)
        body = _end_of_signature(text, start) if not end and before[len(indentation) :] in {"", "async "} else 0
        if body:
            end = _end_of_body(text, body, len(indentation), strings)
            if end > body:
                line, counted = line + text.count("\n", counted, start), start
                made.cut[line] = (start, end)
                kept += [text[copied:body], indentation, " ...", "\n" * text.count("\n", body, end)]
                copied = end
        at = text.find("def ", max(end, at + 4))
    kept.append(text[copied:])
    made.text = "".join(kept)
    return made if made.cut else None


def _is_delicate(text: str) -> bool:
    """Whether a cut may go wrong (quotes beside triple quotes), or an uncalled function be more than its text."""
    if "\f" in text or _has_delicate_quotes(text):
        return True
    # A pattern that begins with a letter is searched for much faster than one that begins with a line's start.
    matches = (match for pattern in _PYTHON_2 for match in pattern.finditer(text))
    return any(not text[text.rfind("\n", 0, m.start()) + 1 : m.start()].strip() for m in matches)


def _has_delicate_quotes(text: str) -> bool:
    """Whether triple quotes stand in a comment, or beside quotes of the other kind."""
    for quotes, other in _QUOTES:
        at = text.find(quotes)
        while at >= 0:
            if text[at + 3 : at + 4] == other or text[at - 1 : at] == other:
                return True
            if text.find("#", text.rfind("\n", 0, at) + 1, at) >= 0:
                return True
            at = text.find(quotes, at + 1)
    return False


def imports_only(text: str) -> str:
    """A module's text with nothing but its unindented import statements, each on its own line still."""
    parts: list[str] = []
    at = 0
    for match in _IMPORT.finditer(text):
        parts += ["\n" * text.count("\n", at, match.start()), match.group()]
        at = match.end()
    return "".join(parts)


class _Strings:
    """Where the triple-quoted strings of a text are."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        end = 0
        following = {quotes: _unescaped(text, quotes, 0) for quotes, _other in _QUOTES}
        while (start := min(following.values())) < len(text):
            end = min(_unescaped(text, text[start : start + 3], start + 3) + 3, len(text))
            self._starts.append(start)
            self._ends.append(end)
            for quotes, place in following.items():
                if place < end:
                    following[quotes] = _unescaped(text, quotes, end)

    def end_around(self, place: int) -> int:
        """The end of the string that a place lies in, 0 where it lies in none."""
        at = bisect_left(self._starts, place) - 1
        return self._ends[at] if at >= 0 and place < self._ends[at] else 0


def _unescaped(text: str, quotes: str, at: int) -> int:
    """Where quotes are next, from a place on, that no backslash takes the meaning from; the text's end for nowhere."""
    while (found := text.find(quotes, at)) >= 0:
        before = text[:found] if found < 32 else text[found - 32 : found]
        if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
            return found
        at = found + 1
    return len(text)


def _end_of_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return found if found >= 0 else len(text)


def _end_of_signature(text: str, at: int) -> int:
    """Where the line behind a function's signature starts, 0 where no body of its own follows or it is not clear."""
    depth = 0
    for _line in range(100):
        end = _end_of_line(text, at)
        line = text[at:end]
        depth += line.count("(") - line.count(")")
        if "[" in line or "]" in line:
            depth += line.count("[") - line.count("]")
        if depth <= 0:
            return end + 1 if line.rstrip().endswith(":") and "lambda" not in line and end < len(text) else 0
        at = end + 1
        if at > len(text):
            break
    return 0


@cache
def _dedent(indentation: int) -> re.Pattern[str]:
    """A line that is indented no deeper, blank lines and comments aside."""
    # It begins with a letter of its own: such a pattern is searched for much faster than one for a line's start.
    return re.compile(rf"\n[ \t]{{0,{indentation}}}[^\s#]")


def _end_of_body(text: str, body: int, indentation: int, strings: _Strings) -> int:
    """The end of the last line that belongs to a body: no blank line and no comment; `body` where there is none."""
    pattern = _dedent(indentation)
    at = body - 1
    while (found := pattern.search(text, at)) is not None and (inside := strings.end_around(found.end() - 1)):
        at = inside
    end = found.start() + 1 if found is not None else len(text)
    while end > body:
        end = body + len(text[body:end].rstrip())
        line = max(body, text.rfind("\n", body, end) + 1)
        if not text[line:end].lstrip().startswith("#") or strings.end_around(line):
            break
        end = line
    return end
