"""What plans are composed of: changes of single keys and list items, each with why it is made, and their edits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..document import Document, Edit, EditKind
from ..document.spans import Form
from ..evidence import KeyPath
from ..lazy_dataclass import dataclass

__all__ = [
    "AddTable",
    "Change",
    "Drop",
    "Enlist",
    "Give",
    "NewEnvironment",
    "Put",
    "Told",
    "Unlist",
    "Why",
    "distinct",
    "edits_of",
]


@dataclass(frozen=True, slots=True)
class Why:
    """What people are told of a change: see `Put`."""

    note: str = ""
    comment: str = ""
    cost: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """Give a key its value.

    In every change, `note` says to the reader of a plan what it does, `comment` is written beside it, `cost` is what is
    lost by it, and `firm` keeps it in the plan although a simulation passes without it. `file` is the path of the file
    that is changed, "" for the manifest. `inline`: the table of the key is written on one line if it is new.
    `leaves_out` is what builds surely make no longer (`left_out`).
    """

    key: KeyPath
    value: Any
    note: str = ""
    comment: str = ""
    cost: str = ""
    firm: bool = False
    file: str = ""
    inline: bool = False
    leaves_out: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove a key, or a table with all below it."""

    key: KeyPath
    note: str = ""
    cost: str = ""
    firm: bool = False
    comment: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Enlist:
    """Have an item in a list, behind the items of `after`; the list is made if there is none.

    With () as the key it is a line of a text that consists of lines.
    """

    key: KeyPath
    item: Any
    note: str = ""
    comment: str = ""
    cost: str = ""
    after: tuple[str, ...] = ()
    firm: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Unlist:
    """Take an item off a list; a list that is left empty goes, too."""

    key: KeyPath
    item: Any
    note: str = ""
    cost: str = ""
    firm: bool = True
    comment: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class AddTable:
    """Have a table in an array of tables."""

    key: KeyPath
    value: Mapping[str, Any]
    note: str = ""
    comment: str = ""
    cost: str = ""
    firm: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Give:
    """Give a variable to the command that is run: no file changes. `option` is how the command is told the same.

    Without an option the variable stands before the command.
    """

    variable: str
    value: str
    note: str = ""
    cost: str = ""
    option: str = ""
    firm: bool = False
    leaves_out: str = ""


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """Have the commands fill an environment of another Python ("3.10"), which they make first: no file changes."""

    python: str
    note: str = ""
    cost: str = ""
    firm: bool = True


FileEdit = Put | Drop | Enlist | Unlist | AddTable
Told = Give | NewEnvironment
"""What commands are told, beside what stands in files."""
Change = FileEdit | Told


def distinct(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Each change once, in order: compared and not hashed, as a value may be a table."""
    found: list[Change] = []
    for change in changes:
        if change not in found:
            found.append(change)
    return tuple(found)


def edits_of(document: Document, changes: Iterable[FileEdit]) -> tuple[Edit, ...]:
    """The changes as edits, one for each key: a later change of a key replaces an earlier one, a list changes once.

    All of them are changes of this one document.
    """
    added: list[Edit] = []
    single: dict[KeyPath, Put | Drop] = {}
    lists: dict[KeyPath, list[Any]] = {}
    comments: dict[KeyPath, str] = {}
    for change in changes:
        if isinstance(change, Drop) or (isinstance(change, Put) and not isinstance(change.value, tuple)):
            single[change.key] = change
            continue
        if isinstance(change, AddTable):
            added.append(Edit.add_table(change.key, change.value, change.comment))
            continue
        if isinstance(change, Enlist) and document.items_are_lines:
            known = [*_items(document, change.key), *(e.value for e in added if e.key == change.key)]
            added += [] if change.item in known else [Edit.append(change.key, change.item, change.comment)]
            continue
        if isinstance(change, Unlist) and document.items_are_lines:
            added.append(Edit.discard(change.key, change.item))
            continue
        if change.comment:
            comments.setdefault(change.key, change.comment)
        if isinstance(change, Put):
            lists[change.key] = list(change.value)
            continue
        items = lists.setdefault(change.key, _items(document, change.key))
        if isinstance(change, Unlist):
            items[:] = [item for item in items if item != change.item]
        else:
            _enlist(items, change.item, change.after)
    edits = [_edit(document, change) for change in single.values()]
    for key, items in lists.items():
        if items:
            edits.append(Edit.set(key, items, comments.get(key, "")))
        elif document.value_at(key) is not None:
            edits.append(Edit.remove(key))
    return _with_whole_tables(document, [*edits, *added])


def _with_whole_tables(document: Document, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """A table that loses its last key, and has no comment of its own, goes as a whole."""
    removed = {e.key for e in edits if e.kind is EditKind.REMOVE}
    written = {e.key for e in edits if e.kind is not EditKind.REMOVE}
    emptied = {
        table
        for table in {key[:-1] for key in removed}
        if isinstance(keys := document.value_at(table), dict)
        and {(*table, name) for name in keys} <= removed
        and not any(key[: len(table)] == table for key in written)
        and table
        and (span := document.spans.paths.get(table)) is not None
        and span.form is Form.TABLE
        and not _has_comment(document, table)
    }
    kept = [e for e in edits if e.kind is not EditKind.REMOVE or e.key[:-1] not in emptied]
    return (*kept, *(Edit.remove(table) for table in sorted(emptied, key=str)))


def _has_comment(document: Document, table: KeyPath) -> bool:
    found = document.range_of(table, "entry")
    return "#" in document.text[document.offset(found.start) : document.offset(found.end)]


def _edit(document: Document, change: Put | Drop) -> Edit:
    if isinstance(change, Drop):
        return Edit.remove(change.key)
    if change.inline:
        return Edit.set(change.key, change.value, change.comment, inline=True)
    make = Edit.add_key if document.value_at(change.key) is None else Edit.set
    return make(change.key, change.value, comment=change.comment)


def _items(document: Document, key: KeyPath) -> list[Any]:
    value = document.value_at(key)
    return list(value) if isinstance(value, list) else []


def _enlist(items: list[Any], item: Any, after: Sequence[str]) -> None:
    behind = max((items.index(name) + 1 for name in after if name in items), default=0)
    if item not in items:
        items.append(item)
    elif items.index(item) < behind:
        items.insert(behind, item)
        items.remove(item)
