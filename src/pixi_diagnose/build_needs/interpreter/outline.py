"""The syntax of a module without what is not reached: bodies of functions are parsed when they are called.

Making the nodes of a syntax tree is most of what reading a large package costs, and of its modules a build runs little
more than the top level. What looks as if a cut could go wrong is not cut.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

__all__ = ["SMALL", "Outline", "imports_only", "outline"]

SMALL = 4_000
"""Characters of a module that is not worth the cutting."""

_MIXED_QUOTES = ('\'"""', '"""\'', "\"'''", "'''\"", "\f")
_QUOTES_IN_COMMENT = re.compile(r"""#[^\n]*(?:\"{3}|'{3})""")
_PYTHON_2 = (
    re.compile(r"print[ \t]+[^\s(=]"),
    re.compile(r"exec[ \t]+['\"]"),
    re.compile(r"raise[ \t]+\w+[ \t]*,"),
    re.compile(r"except[ \t]+[\w.]+[ \t]*,[ \t]*\w"),
)
"""What begins a line like this is an error of its file, wherever it stands."""
_TRIPLE = re.compile(r"""\\.|\"{3}|'{3}""")
_IMPORT = re.compile(r"^(?:from[ \t]+\S+[ \t]+import[ \t]*(?:\([^)]*\)|[^\n#;(]+)|import[ \t]+[^\n#;]+)", re.MULTILINE)


@dataclass(slots=True)
class Outline:
    """A text whose functions have an empty body, line by line as the whole one, and what was cut out of it.

    `cut` maps the line of a `def` to the lines from it to the end of its body, counted from 0 as slices are.
    """

    text: str
    lines: list[str]
    cut: dict[int, tuple[int, int]] = field(default_factory=dict)

    def take(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt] | None:
        """The body of a function that was cut out, once; None for one that was not. SyntaxError where it is none."""
        span = self.cut.pop(node.lineno, None)
        if span is None:
            return None
        first, end = span
        source = "\n".join(self.lines[first:end])
        # Inside an `if`, a method may keep its indentation; the empty lines keep the line numbers.
        before = "\n" * first if not source[:1].isspace() else "\n" * (first - 1) + "if 1:\n"
        statement = ast.parse(before + source).body[0]
        while isinstance(statement, ast.If):
            statement = statement.body[0]
        return statement.body if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) else []


def outline(text: str) -> Outline | None:
    """A module's text without the bodies of its functions, None for one that is better parsed as a whole."""
    if len(text) < SMALL or _is_delicate(text):
        return None
    lines = text.split("\n")
    kept: list[str] = []
    made = Outline("", lines)
    at, total, inside = 0, len(lines), ""
    while at < total:
        line = lines[at]
        bare = line.lstrip()
        if inside or not bare.startswith(("def ", "async def ")):
            inside = _open_string(line, inside)
            kept.append(line)
            at += 1
            continue
        body = _end_of_signature(lines, at)
        end = _end_of_body(lines, body, len(line) - len(bare)) if body else at + 1
        kept += lines[at : body or end]
        if body and end > body:
            made.cut[at + 1] = (at, end)
            kept += [line[: len(line) - len(bare)] + " ...", *[""] * (end - body - 1)]
        at = end
    made.text = "\n".join(kept)
    return made if made.cut else None


def _is_delicate(text: str) -> bool:
    """Whether a cut may go wrong (quotes beside triple quotes), or an uncalled function be more than its text."""
    if any(mixed in text for mixed in _MIXED_QUOTES) or _QUOTES_IN_COMMENT.search(text):
        return True
    # A pattern that begins with a letter is searched for much faster than one that begins with a line's start.
    matches = (match for pattern in _PYTHON_2 for match in pattern.finditer(text))
    return any(not text[text.rfind("\n", 0, m.start()) + 1 : m.start()].strip() for m in matches)


def imports_only(text: str) -> str:
    """A module's text with nothing but its unindented import statements, each on its own line still."""
    parts: list[str] = []
    at = 0
    for match in _IMPORT.finditer(text):
        parts += ["\n" * text.count("\n", at, match.start()), match.group()]
        at = match.end()
    return "".join(parts)


def _open_string(line: str, inside: str) -> str:
    """The triple quotes that are still open after a line, given those before it."""
    if '"""' not in line and "'''" not in line:
        return inside
    for match in _TRIPLE.finditer(line):
        quotes = match.group()
        if not inside and quotes[0] != "\\":
            inside = quotes
        elif inside == quotes:
            inside = ""
    return inside


def _end_of_signature(lines: list[str], at: int) -> int:
    """The line behind a function's signature, 0 where no body of its own follows or the end is not clear."""
    depth = 0
    for number in range(at, min(at + 100, len(lines))):
        line = lines[number]
        depth += line.count("(") + line.count("[") - line.count(")") - line.count("]")
        if depth <= 0:
            return number + 1 if line.rstrip().endswith(":") and "lambda" not in line else 0
    return 0


def _end_of_body(lines: list[str], at: int, indentation: int) -> int:
    """The first line that is indented no deeper than the `def`, outside of strings, blank lines and comments aside."""
    inside = ""
    last = at
    for number in range(at, len(lines)):
        line = lines[number]
        if not inside:
            bare = line.lstrip()
            if bare and bare[0] != "#":
                if len(line) - len(bare) <= indentation:
                    return last
                last = number + 1
        else:
            last = number + 1
        inside = _open_string(line, inside)
    return last
