"""Takes a TOML table apart field by field, noting what pixi would reject, in the order in which pixi notes it.

pixi names one error only: the first of the innermost table that failed. The rules by which it gets there are
imitated here once, so that the readers of the single tables can list fields in pixi's order and go on after an error:

- fields are tried in the reader's order, not in the file's; keys that no field asked for come last, sorted by name;
- a missing or broken required field is named before anything else of its table (`Table.lead`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from ..evidence import KeyPath, Place
from ..lazy_dataclass import dataclass
from .model import ManifestProblem

__all__ = ["Node", "Problems", "Table", "nearest", "refuse_dates"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document and where it stands."""

    value: object
    key: KeyPath

    def items(self) -> Iterator[tuple[str, Node]]:
        """The entries of a table (nothing for other values), in the order of the file."""
        if isinstance(self.value, dict):
            for name, value in self.value.items():
                yield name, Node(value, (*self.key, name))

    def elements(self) -> Iterator[Node]:
        """The elements of an array (nothing for other values)."""
        if isinstance(self.value, list):
            for index, value in enumerate(self.value):
                yield Node(value, (*self.key, index))


class Problems:
    """The problems of one manifest, in pixi's order; `found` is the list."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: list[ManifestProblem] = []
        self._given_up: set[int] = set()

    def place(self, key: KeyPath) -> Place:
        """The place of a key in this manifest."""
        return Place(self.path, key)

    def invalid(self, node: Node, message: str, *, hint: str = "", at: str = "value") -> None:
        """Note that pixi rejects what stands at `node`."""
        self.add("invalid", message, node.key, hint=hint, at=at)

    def add(self, kind: str, message: str, key: KeyPath, *, hint: str = "", at: str = "value") -> None:
        """Note a problem; `at` says whether pixi points at the "key" or at the "value"."""
        self.found.append(ManifestProblem(kind, message, self.place(key), hint, at))

    @property
    def mark(self) -> int:
        """How many problems there are: remember it to reorder those that follow."""
        return len(self.found)

    def lead(self, mark: int, since: int | None = None) -> None:
        """Name one error since `since` (`mark`) before all since `mark`, as pixi does when it gives up on a table.

        It is the last one, or the one for which an inner table was given up.
        """
        first = mark if since is None else since
        errors = [index for index in range(first, len(self.found)) if _is_error(self.found[index])]
        self.found.insert(mark, self.found.pop(errors[0] if since in self._given_up else errors[-1]))
        self._given_up.add(mark)

    def errors_since(self, mark: int) -> bool:
        """Whether anything that pixi rejects was noted since `mark`."""
        return any(_is_error(problem) for problem in self.found[mark:])

    # Values on their own. Each returns None after noting that the value is not of its kind.

    def string(self, node: Node) -> str | None:
        """The node's text."""
        if isinstance(node.value, str):
            return node.value
        self.wanted(node, "a string")
        return None

    def parsed(self, node: Node, parse: Callable[[str], T]) -> T | None:
        """The node's text read by `parse`, whose ValueError becomes a problem."""
        text = self.string(node)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.invalid(node, str(error))
            return None

    def boolean(self, node: Node) -> bool | None:
        """The node's truth value."""
        if isinstance(node.value, bool):
            return node.value
        self.wanted(node, "a bool")
        return None

    def array(self, node: Node, read: Callable[[Node], T | None]) -> tuple[T, ...] | None:
        """The node's elements, each read by `read`; those that it refuses (None) are left out."""
        if not isinstance(node.value, list):
            self.wanted(node, "an array")
            return None
        read_elements = (read(element) for element in node.elements())
        return tuple(element for element in read_elements if element is not None)

    def table(self, node: Node) -> bool:
        """Whether the node is a table."""
        if not isinstance(node.value, dict):
            self.wanted(node, "a table")
        return isinstance(node.value, dict)

    def mapping(
        self, node: Node, key: Callable[[str], object], read: Callable[[Node], T | None], *, by_name: bool = False
    ) -> dict[str, T]:
        """The entries of a table: `key` checks names (ValueError), `read` reads values; `by_name` sorts by names."""
        entries: dict[str, T] = {}
        if not self.table(node):
            return entries
        items = sorted(node.items()) if by_name else node.items()
        for name, value in items:
            try:
                key(name)
            except ValueError as error:
                self.add("invalid", str(error), value.key, at="key")
            entry = read(value)
            if entry is not None:
                entries[name] = entry
        return entries

    def wanted(self, node: Node, expected: str) -> None:
        """Note that something of another type was expected (dates are noted once for the whole document)."""
        if not isinstance(node.value, dt.date | dt.time):
            self.invalid(node, f"expected {expected}, found {_type_name(node.value)}")


class Table:
    """The fields of one table. Ask for them in pixi's order, then call `finish`."""

    def __init__(self, problems: Problems, node: Node) -> None:
        self.problems = problems
        self.node = node
        self.mark = problems.mark
        self._values: dict[str, object] = node.value if isinstance(node.value, dict) else {}
        self._asked: list[str] = []
        if not isinstance(node.value, dict):
            problems.wanted(node, "a table")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str) -> Node | None:
        """The field's node, None where it is absent."""
        self._asked.append(name)
        return Node(self._values[name], (*self.node.key, name)) if name in self._values else None

    def read(self, name: str, read: Callable[[Node], T | None]) -> T | None:
        """The field read by `read`, None where it is absent or refused."""
        node = self.take(name)
        return None if node is None else read(node)

    def required(self, name: str, read: Callable[[Node], T | None]) -> T | None:
        """As `read`; an absent or refused field is named before the table's other problems, with its last error."""
        node = self.take(name)
        before = self.problems.mark
        if node is None:
            self.problems.invalid(self.node, f"missing field '{name}' in table")
            self.lead()
            return None
        value = read(node)
        if self.problems.errors_since(before):
            self.problems.lead(self.mark, before)
        return value

    def lead(self) -> None:
        """Name the last problem before the table's other ones: pixi gives up on a table at such an error."""
        self.problems.lead(self.mark)

    def string(self, name: str) -> str | None:
        """A field with a string."""
        return self.read(name, self.problems.string)

    def parsed(self, name: str, parse: Callable[[str], T]) -> T | None:
        """A field with a string that `parse` accepts."""
        return self.read(name, lambda node: self.problems.parsed(node, parse))

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """A field with one of a few strings."""

        def choose(text: str) -> str:
            if text in choices:
                return text
            raise ValueError(f"expected one of {_quoted(choices)}{_suggestion(text, choices)}")

        return self.parsed(name, choose)

    def boolean(self, name: str) -> bool | None:
        """A field with true or false."""
        return self.read(name, self.problems.boolean)

    def strings(self, name: str) -> tuple[str, ...] | None:
        """A field with an array of strings."""
        return self.read(name, lambda node: self.problems.array(node, self.problems.string))

    def finish(self, why: Callable[[str], str] = lambda _: "") -> None:
        """Note the keys that no field asked for; `why(key)` may add a hint to a known foreign key."""
        for name in sorted(self._values.keys() - set(self._asked)):
            hint = why(name) or nearest(name, self._asked)
            message = f"unexpected key '{name}', expected only {_quoted(self._asked)}"
            self.problems.add("unknown-key", message, (*self.node.key, name), hint=hint, at="key")


def refuse_dates(problems: Problems, node: Node, message: str) -> None:
    """Note every date below `node`, where no key takes one: the readers of single values pass them over."""
    if isinstance(node.value, dt.date | dt.time):
        problems.invalid(node, message, hint="put it in quotes")
    for inner in (*(value for _, value in node.items()), *node.elements()):
        refuse_dates(problems, inner, message)


def _is_error(problem: ManifestProblem) -> bool:
    return problem.kind in {"invalid", "unknown-key"}


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the most similar known name, "" if none is similar."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else ""


def _suggestion(text: str, choices: Sequence[str]) -> str:
    hint = nearest(text, choices)
    return f"; {hint}" if hint else ""


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _type_name(value: object) -> str:
    for kind, name in (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "float"),
        (list, "array"),
        (dict, "table"),
        ((dt.date, dt.time), "date or time"),
    ):
        if isinstance(value, kind):
            return name
    return type(value).__name__
