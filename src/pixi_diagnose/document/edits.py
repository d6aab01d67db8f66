"""Edits of TOML made in the text itself: what an edit does not name keeps its bytes, comments and layout included.

tomlkit is not used for this: it reads TOML 1.0 only (pixi takes 1.1), costs 100 ms to import and rewrites what it
touches.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import tomli

from ..errors import ManifestError
from ..evidence import KeyPath
from .edit import Edit, EditKind
from .spans import Form, Member, Section, Span, line_end, line_start, scan

__all__ = ["apply_edit"]

TABLE_ORDER = (
    *("project", "workspace", "package", "build-system", "system-requirements", "activation"),
    *("dependencies", "host-dependencies", "build-dependencies", "constraints", "pypi-options", "pypi-dependencies"),
    *("target", "feature", "environments", "tasks"),
)
"""Where a new table goes among those that are there: the order in which manifests are usually written."""

_BARE = r"[A-Za-z0-9_-]+"
_CONTROL = r"[\x00-\x1f\x7f]"
_ONLY_COMMENT = r"[ \t]*(?:#.*)?"
_NO_COMMENT = r"[ \t]*,?[ \t]*"
_LEAVES = {Form.SCALAR, Form.ARRAY, Form.INLINE}


def apply_edit(text: str, edit: Edit, path: str) -> str:
    """The text of a valid document after one edit. ManifestError where the edit does not fit what is there."""
    editor = _Editor(text, path)
    match edit.kind:
        case EditKind.SET:
            return editor.set(edit.key, edit.value, edit.comment, inline=edit.inline)
        case EditKind.ADD_KEY:
            return text if editor.has(edit.key) else editor.set(edit.key, edit.value, edit.comment)
        case EditKind.REMOVE:
            return editor.remove(edit.key)
        case EditKind.APPEND:
            return editor.append(edit.key, edit.value, edit.comment)
        case EditKind.DISCARD:
            return editor.discard(edit.key, edit.value)
        case EditKind.ADD_TABLE:
            return editor.add_table(edit.key, edit.value, edit.comment)


class _Editor:
    """The edits of one text. Every method returns the new text; a further change of that needs a new editor."""

    def __init__(self, text: str, path: str, newline: str = "") -> None:
        self.text = text
        self.path = path
        self.found = scan(text)
        self.newline = newline or ("\r\n" if "\r\n" in text else "\n")

    def has(self, key: KeyPath) -> bool:
        return not key or key in self.found.paths

    def again(self, text: str) -> _Editor:
        return _Editor(text, self.path, self.newline)

    # Edits

    def set(self, key: KeyPath, value: Any, comment: str, *, inline: bool = False) -> str:
        span = self.found.paths.get(key)
        if span is None and inline and not self.has(key[:-1]):
            text = self.add_inline(key[:-1], {key[-1]: value})
        elif span is None:
            text = self.add(key, value)
        elif isinstance(value, Mapping) and span.form not in {Form.SCALAR, Form.ARRAY, Form.TABLES}:
            text = self.set_table(key, value)
        elif span.form not in _LEAVES:
            text = self.again(self.remove(key)).add(key, value)
        elif _render(self.value_of(span)) == _render(value):
            text = self.text
        elif span.form is Form.ARRAY and isinstance(value, list | tuple):
            text = self.set_array(key, span, value)
        else:
            text = self.splice((*span.value, _render(value, self.text[slice(*span.value)])))
        return self.again(text).annotate(key, comment)

    def set_table(self, key: KeyPath, value: Mapping[str, Any]) -> str:
        text = self.text
        for name, inner in value.items():
            text = self.again(text).set((*key, name), inner, "")
        for child in self.children(key):
            if child not in value:
                text = self.again(text).remove((*key, child))
        editor = self.again(text)
        return text if editor.has(key) else editor.add(key, value)

    def set_array(self, key: KeyPath, span: Span, values: Iterable[Any]) -> str:
        """Item by item, so that items which stay keep their lines, and those which move their comments."""
        import difflib

        members = self.found.members[span.value[0]]
        like = self.text[members[0].start : members[0].end] if members else ""
        old = [_render(value) for value in self.value_of(span)]
        new = [_render(value) for value in values]
        written = {r: self.text[m.start : m.end] for r, m in zip(old, members, strict=True)}
        comments = {r: self.comment_of(m) for r, m in zip(old, members, strict=True)}
        fresh = {r: _render(value, like) for r, value in zip(new, values, strict=True)}
        text = self.text
        for _, i1, i2, j1, j2 in reversed(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()):
            if old[i1:i2] == new[j1:j2]:
                continue
            both = min(i2 - i1, j2 - j1)
            for i in reversed(range(i1 + both, i2)):
                text = self.again(text).remove((*key, i))
            for j in reversed(range(j1 + both, j2)):
                text = self.again(text).insert(key, i1 + both, written.get(new[j], fresh[new[j]]))
                text = self.again(text).annotate((*key, i1 + both), comments.get(new[j], ""), climb=False)
            for i, j in zip(range(i1, i1 + both), range(j1, j1 + both), strict=True):
                editor = self.again(text)
                text = editor.splice((*editor.found.paths[(*key, i)].value, written.get(new[j], fresh[new[j]])))
        return text

    def append(self, key: KeyPath, item: Any, comment: str) -> str:
        span = self.found.paths.get(key)
        if span is None:
            return self.set(key, (item,), comment)
        if span.form is not Form.ARRAY:
            self.refuse(f"{_spelled(key)} is no array", span)
        members = self.found.members[span.value[0]]
        like = self.text[members[0].start : members[0].end] if members else ""
        text = self.insert(key, len(members), _render(item, like))
        return self.again(text).annotate((*key, len(members)), comment)

    def add_table(self, key: KeyPath, items: Mapping[str, Any], comment: str) -> str:
        span = self.found.paths.get(key)
        there: Any = tomli.loads(self.text.removeprefix("\ufeff"))
        for part in key:
            there = there.get(part, []) if isinstance(there, dict) else []
        if dict(items) in there:
            return self.text
        if span is not None and span.form is not Form.TABLES:
            return self.append(key, items, comment)
        header = f"[[{'.'.join(_render_key(part) for part in key)}]]" + (f"  # {_plain(comment)}" if comment else "")
        body = self.newline.join([header, *(f"{_render_key(n)} = {_render(v)}" for n, v in items.items())])
        own = [s for s in self.found.sections if s.path[: len(key)] == key]
        return self.add_lines(body, own[-1] if own else self.neighbour(key))

    def discard(self, key: KeyPath, item: Any) -> str:
        span = self.found.paths.get(key)
        if span is None:
            return self.text
        if span.form is not Form.ARRAY:
            self.refuse(f"{_spelled(key)} is no array", span)
        text = self.text
        for i, value in reversed(list(enumerate(self.value_of(span)))):
            if _render(value) == _render(item):
                text = self.again(text).remove((*key, i))
        return text

    def remove(self, key: KeyPath) -> str:
        span = self.found.paths.get(key)
        if span is None:
            return self.text
        if span.form in _LEAVES and span.container is None:
            return self.cut_lines(*span.entry)
        if span.form in _LEAVES and span.container is not None:
            return self.remove_member(span.container, span.entry[0])
        return self.remove_table(key)

    def remove_table(self, key: KeyPath) -> str:
        """All that makes up a table: its section, those of its sub-tables, and dotted keys that lead into it."""
        editor = self
        for i in reversed(range(len(self.found.sections))):  # from below, so that the positions above stay
            if self.found.sections[i].path[: len(key)] == key:
                editor = editor.again(editor.cut_section(editor.found.sections[i]))
        while not isinstance(key[-1], int) and editor.has(key):
            inside = [p for p, s in editor.found.paths.items() if p[: len(key)] == key and s.form in _LEAVES]
            editor = editor.again(editor.remove(min(inside, key=len)))
        return editor.text

    # Adding

    def add(self, key: KeyPath, value: Any) -> str:
        """Adds a key that does not exist, in the way in which its neighbours are written."""
        parent, name = key[:-1], key[-1]
        known = parent
        while not self.has(known):
            known = known[:-1]
        span = self.found.paths.get(known)
        if isinstance(name, int) or any(isinstance(part, int) for part in key[len(known) :]):
            return self.refuse(f"{_spelled(key[:-1])} has no item {key[-1]}", span)
        form = span.form if span else Form.TABLE
        if form in {Form.SCALAR, Form.ARRAY, Form.TABLES}:
            return self.refuse(f"{_spelled(known)} is no table, so that nothing can be added to it", span)
        section = next((s for s in self.found.sections if s.path == known), None)
        if section is None and form is Form.TABLE:
            return self.refuse(f"{_spelled(known)} is defined in parts", span)
        if form is Form.IMPLIED or (form is Form.TABLE and self.wants_header(known, key, value)):
            as_table = isinstance(value, Mapping) and (form is Form.IMPLIED or known != parent or not known)
            return self.add_section(*((key, value) if as_table else (parent, {name: value})))
        for part in reversed(key[len(known) + 1 :]):
            value = {part: value}
        first = key[len(known)]
        if span is not None and form is Form.INLINE:
            return self.insert_into(span.value, None, f"{_render_key(first)} = {_render(value)}")
        if span is not None and form is Form.DOTTED:
            return self.add_dotted(known, first, span, value)
        return self.add_line(section or self.found.sections[0], first, value)

    def add_inline(self, key: KeyPath, items: Mapping[str | int, Any]) -> str:
        """Adds a table as an inline one, in a section of its own if there is none for what holds it."""
        if self.has(key[:-1]):
            return self.add(key, items)
        return self.add_section(key[:-1], {key[-1]: items})

    def wants_header(self, known: KeyPath, key: KeyPath, value: Any) -> bool:
        """Whether a key goes into a table of its own rather than into a line of the table that is there."""
        if len(key) == len(known) + 1:
            return isinstance(value, Mapping) and not known
        inline = any(
            span.form is Form.INLINE and path[:-1] == known and span.container is None
            for path, span in self.found.paths.items()
        )
        return not (known and inline)

    def add_line(self, section: Section, name: str | int, value: Any) -> str:
        """`name = value` after the last entry of a section, written like that one."""
        if not section.entries:
            line = f"{_render_key(name)} = {_render(value)}"
            if section.path:
                return self.splice_at(line_end(self.text, section.header_end), f"{self.newline}{line}")
            return self.add_first(line)
        path, start, end = section.entries[-1]
        last = self.found.paths[path]
        indent = self.indent_of(start)
        equals = self.text[last.key[1] : last.value[0]]
        before = equals[: equals.index("=")]
        key = _render_key(name)
        if len(before) > 1:  # keys padded to one column
            key = key.ljust(last.key[1] - start + len(before) - 1)
            equals = equals[len(before) - 1 :]
        line = f"{indent}{key}{equals}{_render(value)}"
        return self.splice_at(line_end(self.text, end), f"{self.newline}{line}")

    def add_first(self, line: str) -> str:
        """A key of the document itself, where there is none yet: before the first table and its comments."""
        if len(self.found.sections) == 1:
            return self.add_last(line)
        at = self.comments_above(self.found.sections[1].start)
        return self.splice_at(at, f"{line}{self.newline}{self.newline}")

    def add_last(self, lines: str) -> str:
        """The lines at the end of the document, which keeps ending with or without a line break."""
        written = self.text.removeprefix("\ufeff")
        final = self.newline if not written or written.endswith("\n") else ""
        if not written.strip(" \t\r\n"):
            return f"{self.text}{lines}{final}"
        return self.text.rstrip(" \t\r\n") + self.newline + lines + final

    def add_dotted(self, table: KeyPath, name: str | int, span: Span, value: Any) -> str:
        """A further dotted key beside those that make up the table."""
        if span.container is not None:
            holder, holding = self.holder(span.container)
            line = ".".join(_render_key(part) for part in (*table[len(holder) :], name)) + f" = {_render(value)}"
            return self.insert_into(holding.value, None, line)
        section = next(s for s in reversed(self.found.sections) if s.start <= span.entry[0])
        start, end = [(start, end) for path, start, end in section.entries if path[: len(table)] == table][-1]
        dotted = ".".join(_render_key(part) for part in (*table[len(section.path) :], name))
        line = f"{self.newline}{self.indent_of(start)}{dotted} = {_render(value)}"
        return self.splice_at(line_end(self.text, end), line)

    def add_section(self, path: KeyPath, items: Mapping[str | int, Any]) -> str:
        """A new table with its header, among its kin and in their usual order."""
        header = ".".join(_render_key(part) for part in path if not isinstance(part, int))
        lines = [f"[{header}]", *(f"{_render_key(name)} = {_render(value)}" for name, value in items.items())]
        return self.add_lines(self.newline.join(lines), self.neighbour(path))

    def add_lines(self, body: str, before: Section | None) -> str:
        """The lines of a new section behind this one, at the end of the document for None."""
        if before is None:
            return self.add_last(self.newline + body if self.text.strip("\ufeff \t\r\n") else body)
        index = self.found.sections.index(before)
        following = self.found.sections[index + 1] if index + 1 < len(self.found.sections) else None
        if following is None:
            return self.add_last(self.newline + body)
        top = self.comments_above(following.start)
        at = len(self.text[:top].rstrip(" \t\r\n"))
        if at <= before.start and not before.entries and not before.path:  # nothing above the first table
            return self.splice_at(top, f"{body}{self.newline}{self.newline}")
        blank = self.text.count("\n", at, top) > 1
        return self.splice_at(at, f"{self.newline * (2 if blank else 1)}{body}")

    def neighbour(self, path: KeyPath) -> Section | None:
        """The section after which a new table goes; None is the end of the document."""
        known = path[:-1]
        while not self.has(known):
            known = known[:-1]
        if self.has(path):  # so far only implied: before its own sub-tables
            below = next(i for i, s in enumerate(self.found.sections) if s.path[: len(path)] == path)
            return self.found.sections[below - 1]
        depth = len(known)
        kin = [s for s in self.found.sections[1:] if s.path[:depth] == known]
        rank = _rank(path[depth])
        if rank is None:
            return kin[-1] if kin and known else None
        earlier = [s for s in kin if len(s.path) == depth or ((r := _rank(s.path[depth])) is not None and r <= rank)]
        if earlier:
            return earlier[-1]
        later = [s for s in kin if _rank(s.path[depth]) is not None]
        if later:
            return self.found.sections[self.found.sections.index(later[0]) - 1]
        return kin[-1] if kin and known else None

    # Brackets and braces

    def insert(self, key: KeyPath, index: int, item: str) -> str:
        return self.insert_into(self.found.paths[key].value, index, item)

    def insert_into(self, value: tuple[int, int], index: int | None, member: str) -> str:
        """A member before the one at `index`, or after the last; on a line of its own where its neighbours are."""
        opening, close = value[0], value[1] - 1
        members = self.found.members[opening]
        if not members:
            return self.insert_first(opening, close, member)
        if index is None or index == len(members):
            return self.insert_last(opening, members, member)
        following = members[index]
        before = members[index - 1].comma if index else None
        before = opening if before is None else before
        if self.on_own_line(following.start, opening) and self.ends_line(before + 1):
            line = f"{self.newline}{self.indent_of(following.start)}{member},"
            return self.splice_at(line_end(self.text, before), line)
        return self.splice_at(following.start, f"{member},{self.gap(members)}")

    def insert_first(self, opening: int, close: int, member: str) -> str:
        inner = self.text[opening + 1 : close]
        if "\n" not in inner:
            pad = " " if self.text[opening] == "{" else ""
            return self.splice((opening + 1, close, f"{pad}{member}{pad}"))
        content = inner.rstrip(" \t\r\n")
        at = opening + 1 + len(content)
        commented = line_start(self.text, at) > opening
        indent = self.indent_of(at) if commented else f"{self.indent_of(close)}    "
        return self.splice_at(at, f"{self.newline}{indent}{member},")

    def insert_last(self, opening: int, members: list[Member], member: str) -> str:
        last = members[-1]
        after = last.end if last.comma is None else last.comma + 1
        comma = "" if last.comma is None else ","
        if self.on_own_line(last.start, opening) and self.ends_line(after):
            line = f"{self.newline}{self.indent_of(last.start)}{member}{comma}"
            at = line_end(self.text, after)
            return self.splice((last.end, last.end, "," if not comma else ""), (at, at, line))
        if comma:
            return self.splice_at(after, f"{self.gap(members)}{member},")
        return self.splice_at(after, f",{self.gap(members)}{member}")

    def remove_member(self, opening: int, start: int) -> str:
        members = self.found.members[opening]
        index = next(i for i, m in enumerate(members) if m.start == start)
        member, last = members[index], index == len(members) - 1
        after = member.end if member.comma is None else member.comma + 1
        needless: tuple[int, int, str] = (start, start, "")
        if last and index and member.comma is None and (comma := members[index - 1].comma) is not None:
            needless = (comma, comma + 1, "")
        if self.on_own_line(start, opening) and self.ends_line(after):
            end = self.text.find("\n", after) + 1
            return self.splice(needless, (line_start(self.text, start), end, ""))
        if len(members) == 1:
            close = self.holder(opening)[1].value[1] - 1
            inner = self.text[opening + 1 : start] + self.text[after:close]
            return self.splice((opening + 1, close, "") if not inner.strip(" \t") else (start, after, ""))
        if not last:
            between = self.text[after : members[index + 1].start]
            return self.splice((start, members[index + 1].start if "#" not in between else after, ""))
        between = self.text[members[index - 1].end : start]
        if "#" in between:
            return self.splice(needless, (start, after, ""))
        return self.splice((members[index - 1].end, member.end, ""))

    def gap(self, members: list[Member]) -> str:
        """What stands between two members on one line."""
        if len(members) > 1 and members[0].comma is not None:
            between = self.text[members[0].comma + 1 : members[1].start]
            return between if not between.strip(" \t") else " "
        return " "

    # Lines and comments

    def annotate(self, key: KeyPath, comment: str, *, climb: bool = True) -> str:
        """Ends the line of a key with a comment, where there is none; `climb` takes the line of what it stands in."""
        words = _plain(comment)
        span: Span | None = self.found.paths.get(key)
        while words and span is not None and span.form in _LEAVES:
            end = line_end(self.text, span.entry[1])
            rest = self.text[span.entry[1] : end]
            if re.fullmatch(_NO_COMMENT, rest):
                return self.splice((span.entry[1] + len(rest.rstrip(" \t")), end, f"  # {words}"))
            if not climb or span.container is None:
                break
            span = self.holder(span.container)[1]
        return self.text

    def comment_of(self, member: Member) -> str:
        after = member.end if member.comma is None else member.comma + 1
        rest = self.text[after : line_end(self.text, after)].strip(" \t")
        return rest.removeprefix("#").strip() if rest.startswith("#") else ""

    def comments_above(self, at: int) -> int:
        """Where the comment lines directly above a line begin."""
        start = line_start(self.text, at)
        while start:
            above = line_start(self.text, start - 1)
            if not self.text[above:start].lstrip(" \t").startswith("#"):
                break
            start = above
        return max(start, 1 if self.text.startswith("\ufeff") else 0)

    def on_own_line(self, start: int, opening: int) -> bool:
        begin = line_start(self.text, start)
        return begin > opening and not self.text[begin:start].strip(" \t")

    def ends_line(self, at: int) -> bool:
        return bool(re.fullmatch(_ONLY_COMMENT, self.text[at : line_end(self.text, at)]))

    def indent_of(self, at: int) -> str:
        line = self.text[line_start(self.text, at) : at]
        return line[: len(line) - len(line.lstrip(" \t\ufeff"))].lstrip("\ufeff")

    def cut_lines(self, start: int, end: int) -> str:
        """The text without these lines; one that had no final line break keeps having none."""
        first, newline = line_start(self.text, start), self.text.find("\n", end)
        first += self.text.startswith("\ufeff", first)
        if newline >= 0:
            return self.splice((first, newline + 1, ""))
        return self.text[:first].removesuffix("\n").removesuffix("\r") if first else ""

    def cut_section(self, section: Section) -> str:
        """The text without a header and its entries, nor the blank lines that were between them and the next."""
        cut = self.cut_lines(section.start, section.end)
        at = line_start(self.text, section.start)
        above, below = cut[:at], cut[at:]
        if not below.strip(" \t\r\n"):
            kept = above.rstrip(" \t\r\n")
            return kept + (self.newline if above.endswith("\n") and kept and self.text.endswith("\n") else "")
        if not above.strip("\ufeff") or above.endswith(self.newline * 2):
            while (blank := re.match(r"[ \t]*\r?\n", below)) is not None:
                below = below[blank.end() :]
        return above + below

    # The rest

    def children(self, key: KeyPath) -> list[str | int]:
        return list(dict.fromkeys(p[len(key)] for p in self.found.paths if len(p) > len(key) and p[: len(key)] == key))

    def holder(self, opening: int) -> tuple[KeyPath, Span]:
        """The key or item whose value begins with this bracket."""
        return next((p, s) for p, s in self.found.paths.items() if s.value[0] == opening and s.form in _LEAVES)

    def value_of(self, span: Span) -> Any:
        return tomli.loads(f"value = {self.text[slice(*span.value)]}")["value"]

    def splice(self, *changes: tuple[int, int, str]) -> str:
        text = self.text
        for start, end, new in sorted(changes, key=lambda change: change[0])[::-1]:
            text = text[:start] + new + text[end:]
        return text

    def splice_at(self, at: int, new: str) -> str:
        return self.splice((at, at, new))

    def refuse(self, message: str, span: Span | None) -> NoReturn:
        at = span.entry[0] if span else 0
        line = self.text.count("\n", 0, at) + 1
        raise ManifestError(message, path=self.path, line=line, column=at - line_start(self.text, at) + 1)


def _rank(part: str | int) -> int | None:
    return TABLE_ORDER.index(part) if isinstance(part, str) and part in TABLE_ORDER else None


def _plain(comment: str) -> str:
    """A comment on one line."""
    return re.sub(_CONTROL, "", " ".join(comment.split()))


def _spelled(key: KeyPath) -> str:
    return ".".join(str(part) for part in key)


def _render_key(name: str | int) -> str:
    text = str(name)
    return text if re.fullmatch(_BARE, text) else _quote(text)


def _quote(text: str) -> str:
    """A basic string on one line."""
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if re.match(_CONTROL, c) else c) for c in text) + '"'


def _render(value: Any, like: str = "") -> str:
    """A value on one line; a string takes the quotes of the one that it replaces or joins."""
    match value:
        case str():
            literal = like.startswith("'") and "'" not in value and not re.search(_CONTROL, value)
            return f"'{value}'" if literal else _quote(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else repr(value).replace("infinity", "inf")
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case Mapping():
            inner = ", ".join(f"{_render_key(name)} = {_render(inner)}" for name, inner in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            return f"[{', '.join(_render(item) for item in value)}]"
    raise TypeError(f"TOML has no {type(value).__name__}")
