"""The values of this program (nested dataclasses) as bytes for the cache, and back."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["from_bytes", "to_bytes"]

Value = TypeVar("Value")


def to_bytes(value: DataclassInstance) -> bytes:
    """The value as JSON."""
    return json.dumps(asdict(value), separators=(",", ":")).encode()


def from_bytes(kind: type[Value], data: bytes) -> Value:
    """The value that `to_bytes` made these bytes of. Raises ValueError or TypeError for others."""
    value = _read(kind, json.loads(data))
    if not isinstance(value, kind):
        raise TypeError(f"this is no {kind.__name__}")
    return value


@cache
def _types(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _read(kind: Any, value: Any) -> Any:
    """A JSON value as the annotated type: dataclasses, enums, tuples, mappings and plain values."""
    if value is None:
        return None
    if is_dataclass(kind) and isinstance(kind, type):
        given = _types(kind)
        return kind(**{name: _read(given[name], inner) for name, inner in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return _read(next(a for a in arguments if a is not type(None)), value)
    if origin is tuple:
        inner = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        return tuple(_read(a, v) for a, v in zip(inner, value, strict=True))
    if origin is Mapping or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {k: _read(arguments[1], v) for k, v in value.items()}
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    return value
