"""Values of a lock in TOML, taken with their type checked; what is not as expected is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli

from ..errors import LockError

__all__ = ["Fields", "parse_toml"]


def parse_toml(text: str, path: str) -> Fields:
    """The whole document. Raises LockError where it is no TOML."""
    try:
        return Fields(tomli.loads(text), path, "")
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise LockError(f"it is no TOML: {error}", path=path) from error


class Fields:
    """A table of a lock; every method raises LockError naming the key whose value is of another type."""

    def __init__(self, table: Mapping[str, Any], path: str, where: str) -> None:
        self._table = table
        self.path = path
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def text(self, key: str, default: str | None = None) -> str:
        """A string; `default` where the key is absent, and without one it is required."""
        value = self._table.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a string" if key in self._table else "there")
        return value

    def number(self, key: str) -> int | None:
        """An integer, None where the key is absent."""
        value = self._table.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self._wrong(key, "a number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where the key is absent."""
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self._wrong(key, "a list of strings")
        return tuple(value)

    def table(self, key: str) -> Fields:
        """A table, an empty one where the key is absent."""
        value = self._table.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return Fields(value, self.path, self._named(key))

    def tables(self, key: str) -> list[Fields]:
        """A list of tables, empty where the key is absent."""
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self._wrong(key, "a list of tables")
        return [Fields(v, self.path, f"{self._named(key)}[{i}]") for i, v in enumerate(value)]

    def lists(self, key: str) -> list[list[Any]]:
        """A list of lists, empty where the key is absent."""
        value = self._table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, list) for v in value):
            raise self._wrong(key, "a list of lists")
        return value

    @property
    def names(self) -> tuple[str, ...]:
        """The keys, in order."""
        return tuple(self._table)

    def error(self, message: str) -> LockError:
        """A LockError about this table."""
        return LockError(f"{self._where or 'the file'}: {message}", path=self.path)

    def _named(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def _wrong(self, key: str, expected: str) -> LockError:
        return LockError(f"{self._named(key)} is not {expected}", path=self.path)
