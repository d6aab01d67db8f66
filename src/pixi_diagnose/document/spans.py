"""Where every key and value of a TOML 1.1 text stands: a scanner that never gives up.

It finds places, it does not validate: values are read by tomli. On a text that is no TOML it keeps the spans of
everything it could follow and goes on with the next line that looks like a statement.
"""

from __future__ import annotations

import re
from dataclasses import field
from enum import Enum

import tomli

from ..evidence import KeyPath
from ..lazy_dataclass import dataclass

__all__ = ["Form", "Member", "Problem", "Section", "Span", "Spans", "line_end", "line_start", "scan"]

DEPTH = 60
"""Nesting of arrays and inline tables that is followed; hand-written files stay below five."""

_BLANK = re.compile(r"[ \t]*+")
_SPACE = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_REST_OF_LINE = re.compile(r"[ \t]*+(?:#[^\n]*+)?(?:\r?\n|\Z)")
_BARE = re.compile(r"[A-Za-z0-9_-]++")
_BASIC = re.compile(r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"')
_LITERAL = re.compile(r"'[^'\n]*+'")
_BASIC_LINES = re.compile(r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}', re.DOTALL)
_LITERAL_LINES = re.compile(r"'''(?:[^']++|'{1,2}(?!'))*+'{3,5}")
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d \d\d:[0-9A-Za-z_.:+-]++|[+-]?(?:\d[0-9A-Za-z_.:+-]*+|inf|nan)|true|false")
_STATEMENT = re.compile(r"""[ \t]*+(?:\[|(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+[=.])""")


class Form(Enum):
    """How something is written."""

    SCALAR = "a string, number, boolean or date"
    ARRAY = "an array in brackets"
    INLINE = "a table in braces"
    TABLE = "a table with a header"
    TABLES = "an array of tables"
    IMPLIED = "a table that only headers of its sub-tables imply"
    DOTTED = "a table that only dotted keys imply"


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets (code points) of a key, its value and the whole entry; for tables the value is the header.

    `container` is the offset of the bracket or brace that an entry or item stands in, None in a section.
    """

    form: Form
    key: tuple[int, int]
    value: tuple[int, int]
    entry: tuple[int, int]
    container: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """An item of an array or an entry of an inline table, and the offset of the comma after it."""

    start: int
    end: int
    comma: int | None = None


@dataclass(slots=True)
class Section:
    """A header and the entries up to the next; the root section has no header (`start` and `header_end` are equal)."""

    path: KeyPath
    start: int
    header_end: int
    entries: list[tuple[KeyPath, int, int]] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Where its last entry ends, or its header."""
        return self.entries[-1][2] if self.entries else self.header_end


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be followed; `first` is where a thing defined twice was defined before."""

    message: str
    offset: int
    first: int | None = None


@dataclass(slots=True)
class Spans:
    """The result of a scan, everything in the order of the file; `members` is keyed by the opening bracket's offset."""

    paths: dict[KeyPath, Span] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)
    members: dict[int, list[Member]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def scan(text: str) -> Spans:
    """The spans of a text. Never raises."""
    return _Scanner(text).run()


def line_start(text: str, offset: int) -> int:
    """Where the line of `offset` begins."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Where the line of `offset` ends, before its line break."""
    end = text.find("\n", offset)
    if end < 0:
        return len(text)
    return end - 1 if text[offset:end].endswith("\r") else end


class _Unfollowable(Exception):  # noqa: N818 -- a signal to resynchronise, never seen outside
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found = Spans()
        self.section = Section((), 0, 0)
        self.tables: dict[KeyPath, int] = {}  # headers and arrays of tables by where they were opened
        self.last_of: dict[KeyPath, int] = {}  # the position of the last element of each array of tables

    def run(self) -> Spans:
        text, found = self.text, self.found
        at = 1 if text.startswith("\ufeff") else 0
        self.section = Section((), at, at)
        found.sections.append(self.section)
        while (at := _end(_SPACE, text, at)) < len(text):
            begin = at
            try:
                at = self.statement(at)
            except _Unfollowable as error:
                found.problems.append(Problem(error.message, error.offset))
                at = self.resume_after(begin, error.offset)
        return found

    def statement(self, at: int) -> int:
        """A header or an entry, and the rest of its line."""
        end = self.header(at) if self.text[at] == "[" else self.entry(at, self.section.path, None, 0)
        rest = _REST_OF_LINE.match(self.text, end)
        if rest is None:
            raise _Unfollowable("there is something after the end of this statement", end)
        return rest.end()

    def resume_after(self, begin: int, offset: int) -> int:
        """A broken statement that ran into a later line which looks like a statement of its own ends before that."""
        start = line_start(self.text, offset)
        if start > begin and _STATEMENT.match(self.text, start):
            return start
        newline = self.text.find("\n", offset)
        return len(self.text) if newline < 0 else newline + 1

    def header(self, at: int) -> int:
        text = self.text
        double = text.startswith("[[", at)
        close = "]]" if double else "]"
        parts, end = self.dotted_key(at + len(close))
        if text.startswith(close, end):
            end += len(close)
        else:  # half-typed, but what follows is meant to stand in it
            self.found.problems.append(Problem(f"the header of a table ends with {close}", end))
        path = self.implied_by(parts)
        key, key_start, key_end = parts[-1]
        path = (*path, key)
        here = Span(Form.TABLE, (key_start, key_end), (at, end), (at, end))
        if double:
            path = self.new_element(path, here)
        elif path in self.tables:
            self.found.problems.append(Problem(f"the table {_spelled(parts)} is defined twice", at, self.tables[path]))
        elif path in self.found.paths and self.found.paths[path].form is not Form.IMPLIED:
            first = self.found.paths[path].entry[0]
            self.found.problems.append(Problem(f"{_spelled(parts)} is defined twice", at, first))
        if path not in self.tables:
            self.tables[path] = at
        if path not in self.found.paths or self.found.paths[path].form is Form.IMPLIED:
            self.found.paths.pop(path, None)  # the header itself says more than what had implied it
            self.found.paths[path] = here
        self.section = Section(path, at, end)
        self.found.sections.append(self.section)
        return end

    def implied_by(self, parts: list[tuple[str, int, int]]) -> KeyPath:
        """The table that a header's last key stands in, through the last elements of arrays of tables."""
        path: KeyPath = ()
        for key, start, end in parts[:-1]:
            path = (*path, key)
            if path in self.last_of:
                path = (*path, self.last_of[path])
            elif path not in self.found.paths:
                self.found.paths[path] = Span(Form.IMPLIED, (start, end), (start, end), (start, end))
        return path

    def new_element(self, path: KeyPath, here: Span) -> KeyPath:
        known = self.found.paths.get(path)
        if known is None:
            self.found.paths[path] = Span(Form.TABLES, here.key, here.value, here.entry)
        elif known.form is not Form.TABLES:
            message = f"{path[-1]} is defined twice, the second time as an array of tables"
            self.found.problems.append(Problem(message, here.entry[0], known.entry[0]))
        self.last_of[path] = self.last_of.get(path, -1) + 1
        return (*path, self.last_of[path])

    def dotted_key(self, at: int) -> tuple[list[tuple[str, int, int]], int]:
        """The parts of a key with their offsets, and where the blanks after it end."""
        text = self.text
        parts: list[tuple[str, int, int]] = []
        while True:
            at = _end(_BLANK, text, at)
            quoted = text[at : at + 1]
            pattern = _BASIC if quoted == '"' else _LITERAL if quoted == "'" else _BARE
            match = pattern.match(text, at)
            if match is None:
                raise _Unfollowable("a key is expected here", at)
            parts.append((_key_name(match[0], at), at, match.end()))
            at = _end(_BLANK, text, match.end())
            if text[at : at + 1] != ".":
                return parts, at
            at += 1

    def entry(self, at: int, table: KeyPath, container: int | None, depth: int) -> int:
        """A `key = value` in a section or an inline table; returns where the value ends."""
        text, paths = self.text, self.found.paths
        parts, after_key = self.dotted_key(at)
        if text[after_key : after_key + 1] != "=":
            raise _Unfollowable("an = is expected after a key", after_key)
        value_start = _end(_BLANK, text, after_key + 1)
        implied: dict[KeyPath, tuple[int, int]] = {}
        for key, start, end in parts[:-1]:
            table = (*table, key)
            if table not in paths:
                implied[table] = start, end
        path = (*table, parts[-1][0])
        if path in paths:
            self.found.problems.append(Problem(f"{_spelled(parts)} is defined twice", at, paths[path].key[0]))
        key_at = parts[-1][1:]
        try:
            end, form = self.value(value_start, path, depth)
        except _Unfollowable:  # half-typed: it reaches to the end of its line
            end = line_end(text, value_start)
            end -= len(text[value_start:end]) - len(text[value_start:end].rstrip(" \t"))
            paths[path] = Span(Form.SCALAR, key_at, (value_start, end), (at, end), container)
            raise
        finally:
            for dotted, here in implied.items():
                paths[dotted] = Span(Form.DOTTED, here, here, (at, end), container)
        paths[path] = Span(form, key_at, (value_start, end), (at, end), container)
        if container is None:
            self.section.entries.append((path, at, end))
        return end

    def value(self, at: int, path: KeyPath, depth: int) -> tuple[int, Form]:
        text = self.text
        first = text[at : at + 1]
        if first == '"':
            match = (_BASIC_LINES if text.startswith('"""', at) else _BASIC).match(text, at)
        elif first == "'":
            match = (_LITERAL_LINES if text.startswith("'''", at) else _LITERAL).match(text, at)
        elif first in {"[", "{"}:
            return self.bracketed(at, path, depth + 1), Form.ARRAY if first == "[" else Form.INLINE
        else:
            match = _PLAIN.match(text, at)
        if match is None:
            raise _Unfollowable("this string does not end" if first in {'"', "'"} else "a value is expected here", at)
        return match.end(), Form.SCALAR

    def bracketed(self, opening: int, path: KeyPath, depth: int) -> int:
        if depth > DEPTH:
            raise _Unfollowable("this is nested too deeply", opening)
        text = self.text
        array = text[opening] == "["
        close = "]" if array else "}"
        members = self.found.members[opening] = []
        at = _end(_SPACE, text, opening + 1)
        while text[at : at + 1] != close:
            start = at
            if array:
                item = (*path, len(members))
                end, form = self.value(start, item, depth)
                self.found.paths[item] = Span(form, (start, end), (start, end), (start, end), opening)
            else:
                end = self.entry(start, path, opening, depth)
            at = _end(_SPACE, text, end)
            if text[at : at + 1] == ",":
                members.append(Member(start, end, at))
                at = _end(_SPACE, text, at + 1)
            elif text[at : at + 1] == close:
                members.append(Member(start, end))
            else:
                raise _Unfollowable(f"a comma or {close} is expected here", at)
        return at + 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _key_name(written: str, offset: int) -> str:
    if written[0] == "'":
        return written[1:-1]
    if written[0] != '"':
        return written
    if "\\" not in written:
        return written[1:-1]
    try:
        return str(tomli.loads(f"k = {written}")["k"])
    except tomli.TOMLDecodeError:
        raise _Unfollowable("this key has an escape that TOML does not know", offset) from None


def _spelled(parts: list[tuple[str, int, int]]) -> str:
    return ".".join(key for key, _, _ in parts)
