"""What an edit of a document is. `edits` makes them in TOML; a plan that only names them needs none of that."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from ..evidence import KeyPath
from ..lazy_dataclass import dataclass

__all__ = ["Edit", "EditKind"]


class EditKind(StrEnum):
    """SET gives a key its value, ADD_KEY only where it has none; APPEND and DISCARD change an array by an item.

    ADD_TABLE adds a table to an array of tables.
    """

    SET = "set"
    ADD_KEY = "add-key"
    REMOVE = "remove"
    APPEND = "append"
    DISCARD = "discard"
    ADD_TABLE = "add-table"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a document.

    `value` is a plain TOML value (a list is kept as a tuple); `comment` ends the changed line where that has none yet.
    `inline`: where the table that holds the key does not exist, it becomes an inline one.
    """

    kind: EditKind
    key: KeyPath
    value: Any = None
    comment: str = ""
    inline: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.value, list):
            object.__setattr__(self, "value", tuple(self.value))

    @classmethod
    def set(cls, key: KeyPath, value: Any, comment: str = "", *, inline: bool = False) -> Self:
        """Gives the key this value, in the layout of the old one; tables that are missing are made."""
        return cls(EditKind.SET, key, value, comment, inline)

    @classmethod
    def add_key(cls, key: KeyPath, value: Any, comment: str = "") -> Self:
        """The same, but a key that is there already keeps its value."""
        return cls(EditKind.ADD_KEY, key, value, comment)

    @classmethod
    def remove(cls, key: KeyPath) -> Self:
        """Removes a key, a table with all below it, or an array's item (by position)."""
        return cls(EditKind.REMOVE, key)

    @classmethod
    def append(cls, key: KeyPath, item: Any, comment: str = "") -> Self:
        """Adds an item at the end of an array, which is made if it is missing."""
        return cls(EditKind.APPEND, key, item, comment)

    @classmethod
    def discard(cls, key: KeyPath, item: Any) -> Self:
        """Removes every item of an array that equals this one."""
        return cls(EditKind.DISCARD, key, item)

    @classmethod
    def add_table(cls, key: KeyPath, items: Mapping[str, Any], comment: str = "") -> Self:
        """Adds `[[key]]` with these items behind the others of its kind, unless one of them is equal to it."""
        return cls(EditKind.ADD_TABLE, key, items, comment)
