"""YAML text ↔ key paths ↔ ranges. Only plain values: tags are not obeyed, every scalar is its text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import yaml

from ..errors import ManifestError
from ..evidence import KeyPath
from . import Document, Edit, Position, Range, What

__all__ = ["YamlDocument"]

LIMIT = 20_000
"""Values, aliases counted each time: a text of a few lines could stand for billions."""
DEPTH = 60

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING = re.compile(r"~|null|Null|NULL|")


class YamlDocument(Document):
    """One YAML text of one document: conda stops at a second one (as ruamel.yaml does, which it reads with)."""

    items_are_lines = True

    @cached_property
    def root(self) -> yaml.Node | None:
        """The tree of nodes. ManifestError with the place where the text is no YAML."""
        try:
            return yaml.compose(self.text.removeprefix("\ufeff"), Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
            message = f"this is not YAML: {error.problem or error.context}"
            if error.problem == "but found another document":
                message = "a second YAML document starts here, and only one is expected"
            raise ManifestError(message, path=self.path, line=line, column=column) from None
        except (yaml.YAMLError, ValueError) as error:
            raise ManifestError(f"this is not YAML: {str(error).splitlines()[0]}", path=self.path) from None
        except RecursionError:
            raise ManifestError("this is nested too deeply", path=self.path) from None

    @cached_property
    def data(self) -> dict[str, Any]:
        """The values; {} for a document that is no mapping. ManifestError as for `root`."""
        self._left = LIMIT
        value = self._value(self.root, 0) if self.root is not None else {}
        return value if isinstance(value, dict) else {}

    def range_of(self, key: KeyPath, what: What = "value") -> Range:
        """Where the key, its value or the whole entry stands; the nearest existing ancestor's range if it does not."""
        node, spans = self.root if key else None, None
        for part in key:
            found = _child(node, part)
            if found is None:
                break
            spans = found
            node = found[1]
        if spans is None:
            return Range(Position(1, 1), Position(1, 1))
        key_node, value_node = spans
        first = key_node or value_node
        if what == "key" or (what == "value" and not isinstance(value_node, yaml.ScalarNode) and key_node is not None):
            return self._range(first.start_mark, first.end_mark)
        return self._range(value_node.start_mark if what == "value" else first.start_mark, value_node.end_mark)

    def path_at(self, position: Position) -> KeyPath:
        """The innermost key path at a place."""
        offset, node = self.offset(position), self.root
        path: KeyPath = ()
        while node is not None:
            inside = next((c for c in _children(node) if _holds(c[1], c[2], offset)), None)
            if inside is None:
                return path
            path, node = (*path, inside[0]), inside[2]
        return path

    def apply(self, edits: Iterable[Edit]) -> str:
        """The text after the edits, of scalars and of lists of them. ManifestError where one does not fit."""
        from .yaml_edits import apply_yaml_edits

        bare = self.text.removeprefix("\ufeff")  # which the tree is of
        return self.text[: len(self.text) - len(bare)] + apply_yaml_edits(bare, self.root, edits, self.path)

    def _range(self, start: Any, end: Any) -> Range:
        return Range(Position(start.line + 1, start.column + 1), Position(end.line + 1, end.column + 1))

    def _value(self, node: yaml.Node, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEPTH:
            raise ManifestError("this holds too many values, or is nested too deeply", path=self.path)
        if isinstance(node, yaml.MappingNode):
            return {k.value: self._value(v, depth + 1) for k, v in node.value if isinstance(k, yaml.ScalarNode)}
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, depth + 1) for item in node.value]
        plain = isinstance(node, yaml.ScalarNode) and node.style is None and _NOTHING.fullmatch(node.value)
        return None if plain else node.value


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node] | None:
    if node is None:
        return None
    return next(((key, value) for name, key, value in _children(node) if name == part), None)


def _children(node: yaml.Node) -> list[tuple[str | int, yaml.Node | None, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):  # of two equal keys the last one holds, as in `data`
        return [(k.value, k, v) for k, v in reversed(node.value) if isinstance(k, yaml.ScalarNode)]
    if isinstance(node, yaml.SequenceNode):
        return [(number, None, item) for number, item in enumerate(node.value)]
    return []


def _holds(key: yaml.Node | None, value: yaml.Node, offset: int) -> bool:
    return bool((key or value).start_mark.index <= offset <= value.end_mark.index)
