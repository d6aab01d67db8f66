"""Edits of a YAML text: of scalars and of lists of them. Everything else stays as it is, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from ..errors import ManifestError
from ..evidence import KeyPath
from .edit import Edit, EditKind

__all__ = ["apply_yaml_edits"]

_DASH = re.compile(r"[ \t]*-[ \t]+")
_PLAIN = re.compile(r"[\w./<>=!~-][\w./<>=!~;@+%&?, \[\]'\"()*:-]*")
"""What may stand without quotes where the YAML reader agrees."""


def apply_yaml_edits(text: str, root: yaml.Node | None, edits: Iterable[Edit], path: str) -> str:
    """The text after the edits, all of them made on the tree as it is. ManifestError where one does not fit."""
    editor, asked = _Editor(text, root, path), tuple(edits)
    changes = [c for edit in asked for c in editor.changes(edit)]
    kept = [edit.key for edit in asked if edit.kind in {EditKind.APPEND, EditKind.SET}]
    changes += [c for key in editor.emptied(kept) for c in editor.without(key)]
    changes.sort(key=lambda c: c[:2])
    parts: list[str] = []
    end = 0
    for start, stop, new in changes:
        if start < end:  # the entry that holds it is removed as well
            continue
        parts += [text[end:start], new]
        end = stop
    return "".join([*parts, text[end:]])


Change = tuple[int, int, str]
"""From which offset to which, and what stands there instead."""


class _Editor:
    def __init__(self, text: str, root: yaml.Node | None, path: str) -> None:
        self.text = text
        self.root = root
        self.path = path
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.removed: set[KeyPath] = set()

    def changes(self, edit: Edit) -> Iterator[Change]:
        node = self._node(edit.key)
        if edit.kind is EditKind.REMOVE:
            yield from self.without(edit.key)
        elif edit.kind is EditKind.DISCARD:
            for number in self._numbers(node, [edit.value]):
                yield from self.without((*edit.key, number))
        elif edit.kind is EditKind.APPEND and isinstance(node, yaml.SequenceNode):
            yield self._appended(node, [edit.value], edit.comment)
        elif edit.kind is EditKind.SET and isinstance(node, yaml.SequenceNode) and isinstance(edit.value, tuple):
            yield from self._listed(edit, node)
        elif edit.kind is EditKind.SET and isinstance(node, yaml.ScalarNode):
            yield from self._scalar(edit, node)
        elif edit.kind is not EditKind.ADD_KEY or node is None:  # what is there already stays
            raise self._unfit(edit.key)

    def _unfit(self, key: KeyPath) -> ManifestError:
        return ManifestError(f"'{'.'.join(map(str, key))}' cannot be edited in this YAML", path=self.path)

    def _node(self, key: KeyPath) -> yaml.Node | None:
        node = self.root
        for part in key:
            if isinstance(node, yaml.MappingNode):
                node = next((v for k, v in reversed(node.value) if k.value == part), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
            else:
                return None
        return node

    # Scalars

    def _scalar(self, edit: Edit, node: yaml.ScalarNode) -> Iterator[Change]:
        start, end = node.start_mark, node.end_mark
        if not isinstance(edit.value, str) or start.line != end.line:
            raise self._unfit(edit.key)
        yield start.index, end.index, _written(edit.value)
        stop = self._line_end(end.index)
        rest = self.text[end.index : stop]
        if edit.comment and not rest.strip():
            yield end.index, stop, f"{_comment(edit.comment)}{rest[len(rest.rstrip(chr(13))) :]}"

    # Lists

    def _numbers(self, node: yaml.Node | None, items: Sequence[Any]) -> list[int]:
        """The places of these scalars in a list."""
        if not isinstance(node, yaml.SequenceNode):
            return []
        wanted = {str(i) for i in items if isinstance(i, str)}
        return [n for n, v in enumerate(node.value) if isinstance(v, yaml.ScalarNode) and v.value in wanted]

    def _listed(self, edit: Edit, node: yaml.SequenceNode) -> Iterator[Change]:
        """A list with other scalars: those that are not among the new ones go, and new ones come behind the rest."""
        old = [v.value for v in node.value if isinstance(v, yaml.ScalarNode)]
        new = [str(i) for i in edit.value if isinstance(i, str)]
        for number in self._numbers(node, [o for o in old if o not in new]):
            yield from self.without((*edit.key, number))
        added = [n for n in new if n not in old]
        if added:
            yield self._appended(node, added, edit.comment)

    def _appended(self, node: yaml.SequenceNode, items: Sequence[Any], comment: str) -> Change:
        """Behind the last scalar of a list, and before what is nested in it."""
        if node.flow_style:
            before = "" if not node.value else ", "
            return node.end_mark.index - 1, node.end_mark.index - 1, before + ", ".join(_written(str(i)) for i in items)
        scalars = [v for v in node.value if isinstance(v, yaml.ScalarNode)]
        indent = " " * node.start_mark.column
        lines = "".join(f"{indent}- {_written(str(item))}{_comment(comment)}{self.newline}" for item in items)
        if not scalars:
            at = self._line_start(node.value[0].start_mark.index)
            return at, at, lines
        at = self._line_end(scalars[-1].end_mark.index) + 1
        if at > len(self.text):  # the last line has no break
            return len(self.text), len(self.text), self.newline + lines.removesuffix(self.newline)
        return at, at, lines

    def without(self, key: KeyPath) -> Iterator[Change]:
        """Without an item of a list; a list that would be left empty goes with what holds nothing else."""
        parent = self._node(key[:-1])
        node = self._node(key)
        if node is None:
            return
        if not isinstance(parent, yaml.SequenceNode):
            if isinstance(parent, yaml.MappingNode) and len(parent.value) == 1 and len(key) > 1:
                yield from self.without(key[:-1])
                return
            raise self._unfit(key)
        if parent.flow_style or not _DASH.fullmatch(self._before(node)):
            raise self._unfit(key)
        self.removed.add(key)
        yield self._line_start(node.start_mark.index), self._past(node), ""

    def emptied(self, kept: Sequence[KeyPath]) -> Iterator[KeyPath]:
        """The lists that lost all their items, and get none."""
        for key in {key[:-1] for key in self.removed}:
            node = self._node(key)
            left = isinstance(node, yaml.SequenceNode) and len(node.value) > sum(k[:-1] == key for k in self.removed)
            if len(key) > 1 and not left and key not in kept:
                yield key

    def _before(self, node: yaml.Node) -> str:
        return self.text[self._line_start(node.start_mark.index) : node.start_mark.index]

    def _past(self, node: yaml.Node) -> int:
        """Behind the lines of an item: a mapping's mark may be where the next token is."""
        last = node
        while not isinstance(last, yaml.ScalarNode) and last.value:
            last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
        return min(self._line_end(last.end_mark.index) + 1, len(self.text))

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def _line_end(self, offset: int) -> int:
        found = self.text.find("\n", offset)
        return len(self.text) if found < 0 else found


def _written(value: str) -> str:
    """A text as a scalar, in quotes where it would be read as something else."""
    if _PLAIN.fullmatch(value):
        try:
            listed = yaml.compose(f"- {value}\n", Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            listed = None
        node = listed.value[0] if isinstance(listed, yaml.SequenceNode) else None
        if isinstance(node, yaml.ScalarNode) and node.value == value and node.tag == "tag:yaml.org,2002:str":
            return value
    return "'" + value.replace("'", "''") + "'"


def _comment(text: str) -> str:
    words = " ".join(text.split())
    return f"  # {words}" if words else ""
