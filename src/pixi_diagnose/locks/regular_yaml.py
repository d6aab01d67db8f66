"""The regular part of YAML that lock writers emit: block mappings and sequences of one-line scalars, nothing else.

A full YAML reader needs seconds for a large lock. This one reads line by line and refuses what it does not know:
comments, anchors, tags, flow collections, multi-line scalars, tabs, odd indentation. Whoever asks then asks a full
reader.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["IrregularYamlError", "read_regular_yaml"]

_LINE = re.compile(
    r"^(?P<indent> *)(?P<dashes>(?:- )*)(?:(?P<key>[A-Za-z0-9_][A-Za-z0-9_.+-]*):(?: (?P<value>.*))?|(?P<item>.+))?$",
    re.MULTILINE,
)
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_SPECIAL = frozenset("!&*?|>%@`\"'{}[],#-:")
_EMPTY: dict[str, Any] = {"[]": list, "{}": dict, "null": lambda: None, "~": lambda: None}
_DEEPEST = 24

Token = tuple[str, str, str, str, str]


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
    tokens: list[Token] = _LINE.findall(text, 0, len(text) - 1)
    value, end = _Reader(tokens).block(0, 0, 0)
    if end != len(tokens):
        raise IrregularYamlError(end + 1)
    return value


class _Reader:
    """Recursive descent over lines; every method takes the line to start at and returns the one behind."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._widths = [len(t[0]) for t in tokens]

    def block(self, at: int, indent: int, depth: int) -> tuple[Any, int]:
        """A mapping or a sequence whose lines stand at `indent`."""
        if depth > _DEEPEST or at >= len(self._tokens):
            raise IrregularYamlError(at + 1)
        if self._tokens[at][1]:
            return self._sequence(at, indent, depth)
        return self._mapping({}, at, indent, depth)

    def _mapping(self, found: dict[str, Any], at: int, indent: int, depth: int) -> tuple[dict[str, Any], int]:
        tokens, widths, last = self._tokens, self._widths, len(self._tokens)
        while at < last and widths[at] == indent:
            _, dashes, key, value, item = tokens[at]
            if dashes:
                break
            if item or not key or key in found:
                raise IrregularYamlError(at + 1)
            if value:
                # nearly every line: a plain scalar, which needs no further look
                found[key] = (
                    value if value[0].isalnum() and ": " not in value and " #" not in value else _scalar(value, at)
                )
                if found[key] == "null":
                    found[key] = None
                at += 1
            else:
                found[key], at = self._nested(at + 1, indent, depth)
        if at < last and widths[at] > indent:
            raise IrregularYamlError(at + 1)
        return found, at

    def _nested(self, at: int, indent: int, depth: int) -> tuple[Any, int]:
        """What stands below a key without a value: a sequence may stand at the key's own indentation."""
        if at < len(self._tokens):
            width = self._widths[at]
            if width > indent or (width == indent and self._tokens[at][1]):
                return self.block(at, width, depth + 1)
        return None, at

    def _sequence(self, at: int, indent: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        tokens, widths, last = self._tokens, self._widths, len(self._tokens)
        while at < last and widths[at] == indent:
            _, dashes, key, value, item = tokens[at]
            if not dashes:
                break
            if dashes != "- ":  # sequences of sequences are not written
                raise IrregularYamlError(at + 1)
            if key:
                # the mapping's first key stands behind the dash, its other keys two columns further in
                entry: dict[str, Any] = {}
                if value:
                    entry[key] = _scalar(value, at)
                    at += 1
                else:
                    entry[key], at = self._nested(at + 1, indent + 2, depth + 1)
                if at < last and widths[at] == indent + 2:
                    entry, at = self._mapping(entry, at, indent + 2, depth + 1)
                found.append(entry)
            else:
                found.append(_scalar(item, at))
                at += 1
        if at < last and widths[at] > indent:
            raise IrregularYamlError(at + 1)
        return found, at


def _scalar(text: str, at: int) -> Any:
    first = text[0] if text else ""
    if first == "'" and _QUOTED.fullmatch(text):
        return text[1:-1].replace("''", "'")
    if text in _EMPTY:
        return _EMPTY[text]()
    # a minus sign is fine in front of a word (-1.0), as is a dash in a name
    fine = first not in _SPECIAL or (first in "-?:" and len(text) > 1 and text[1] != " ")
    if not first or not fine or text[-1] in " :" or ": " in text or " #" in text:
        raise IrregularYamlError(at + 1)
    return text
