"""The regular part of YAML that lock writers emit: block mappings and sequences of one-line scalars, nothing else.

A full YAML reader needs seconds for a large lock. This one reads line by line and refuses what it does not know:
comments, anchors, tags, flow collections, multi-line scalars, tabs, odd indentation. Whoever asks then asks a full
reader.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["IrregularYamlError", "read_regular_yaml"]

_KEY = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_PLAIN = r"[A-Za-z0-9_][^\n:#]*+(?:(?::|(?<! )#)(?![ \n])[^\n:#]*+)*+(?<! )\n"
"""A scalar that is what it looks like ("null" excepted), up to the end of its line."""
_VALUE = rf"(?:{_PLAIN}|\[\]\n|'[^'\n]*+'\n)"
_ITEMS = re.compile(rf"( *)- {_PLAIN}(?:\1- {_PLAIN})*+")
_PAIRS = re.compile(rf"( *){_KEY}: {_VALUE}(?:\1{_KEY}: {_VALUE})*+")
_ENTRIES = re.compile(rf"( *)- {_KEY}: {_PLAIN}(?:\1- {_KEY}: {_PLAIN})*+")
"""Lines of one kind at one indentation: nearly all of a lock, read many at a time."""
_QUOTED = r"'(?:[^']|'')*'"
_SPECIAL = frozenset(" !&*?|>%@`\"'{}[],#-:")
_EMPTY: dict[str, Any] = {"[]": list, "{}": dict, "null": lambda: None, "~": lambda: None}
_DEEPEST = 24


class IrregularYamlError(ValueError):
    """The text is no regular YAML; `line` (from 1) is where that shows first."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is not written as a lock writer writes it")
        self.line = line


def read_regular_yaml(text: str) -> Any:
    """The document as dicts, lists, strings and None; numbers and booleans stay the strings that they are written as.

    Raises IrregularYamlError for anything else than the regular subset, a key that stands twice included.
    """
    if "\t" in text or "\r" in text or not text.endswith("\n"):
        raise IrregularYamlError(1 + text.count("\n", 0, max(text.find("\t"), text.find("\r"), 0)))
    reader = _Reader(text)
    value, end = reader.block(0, 0, 0)
    if end != len(text):
        raise reader.irregular(end)
    return value


class _Reader:
    """Recursive descent; every method takes the start of the line to begin at and returns that of the one behind."""

    def __init__(self, text: str) -> None:
        self._text = text

    def irregular(self, at: int) -> IrregularYamlError:
        """The error for a line."""
        return IrregularYamlError(1 + self._text.count("\n", 0, at))

    def block(self, at: int, indent: int, depth: int) -> tuple[Any, int]:
        """A mapping or a sequence whose lines stand at `indent`."""
        if depth > _DEEPEST or at >= len(self._text):
            raise self.irregular(at)
        if self._text.startswith("- ", at + indent):
            return self._sequence(at, indent, depth)
        return self._mapping({}, at, indent, depth)

    def _mapping(self, found: dict[str, Any], at: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
        text, padding = self._text, " " * indent
        while text.startswith(padding, at) and at < len(text) and not text.startswith("- ", at + indent):
            run = _PAIRS.match(text, at)
            if run is not None and len(run[1]) == indent:
                for line in text[at + indent : run.end() - 1].split("\n" + padding):
                    key, _, value = line.partition(": ")
                    if key in found:
                        raise self.irregular(at)
                    found[key] = value if value[0] not in "n['" else self._scalar(value, at)
                at = run.end()
            else:
                end = text.index("\n", at)
                at = self._pair(found, text[at + indent : end], end + 1, indent, depth)
        return found, at

    def _pair(self, found: dict[str, Any], line: str, behind: int, indent: int, depth: int) -> int:
        """One key of a mapping, with its value in the same line or below it."""
        key, separator, value = line.partition(": ")
        if not separator and line[-1:] == ":":
            key = line[:-1]
        elif not separator:
            raise self.irregular(behind - 1)
        if key in found or re.fullmatch(_KEY, key) is None:
            raise self.irregular(behind - 1)
        if value:
            found[key] = self._scalar(value, behind)
        else:
            found[key], behind = self._nested(behind, indent, depth)
        return behind

    def _nested(self, at: int, indent: int, depth: int) -> tuple[Any, int]:
        """What stands below a key without a value: a sequence may stand at the key's own indentation."""
        text = self._text
        start = at
        while text.startswith(" ", start):
            start += 1
        width = start - at
        if width > indent or (width == indent and text.startswith("- ", start)):
            return self.block(at, width, depth + 1)
        return None, at

    def _sequence(self, at: int, indent: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        text, dash = self._text, " " * indent + "- "
        inner = indent + 2
        while text.startswith(dash, at):
            if run := _ITEMS.match(text, at):
                items = text[at + inner : run.end() - 1].split("\n" + dash)
                found += items if "null" not in items else [None if item == "null" else item for item in items]
                at = run.end()
                continue
            if run := _ENTRIES.match(text, at):
                # the mapping's first key stands behind the dash, its other keys two columns further in
                for line in text[at + inner : run.end() - 1].split("\n" + dash):
                    key, _, value = line.partition(": ")
                    found.append({key: value if value != "null" else None})
                _, at = self._mapping(found[-1], run.end(), inner, depth + 1)
                continue
            end = text.index("\n", at)
            item = text[at + inner : end]
            if item[:1] != "'" and (": " in item or item[-1:] == ":"):
                entry: dict[str, Any] = {}
                at = self._pair(entry, item, end + 1, inner, depth + 1)
                entry, at = self._mapping(entry, at, inner, depth + 1)
                found.append(entry)
            else:
                found.append(self._scalar(item, end + 1))
                at = end + 1
        if text.startswith(" " * (indent + 1), at):
            raise self.irregular(at)
        return found, at

    def _scalar(self, text: str, behind: int) -> Any:
        """What a scalar says; `behind` is the start of the next line."""
        first = text[:1]
        if first == "'" and re.fullmatch(_QUOTED, text):
            return text[1:-1].replace("''", "'")
        if text in _EMPTY:
            return _EMPTY[text]()
        # a minus sign is fine in front of a word (-1.0), as is a dash in a name
        fine = first not in _SPECIAL or (first in "-?:" and len(text) > 1 and text[1] != " ")
        if not first or not fine or text[-1] in " :" or ": " in text or " #" in text:
            raise self.irregular(behind - 1)
        return text
