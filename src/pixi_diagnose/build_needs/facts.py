"""BuildNeeds as bytes and back: what a source tree needs does not change, so it is kept between runs."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from .model import BuildNeeds, BuildTarget

__all__ = ["from_bytes", "key", "to_bytes"]


def key(sha256: str, target: BuildTarget) -> str:
    """What an analysis depends on: the archive, the target, and the analyser itself."""
    python = ".".join(map(str, target.python))
    variables = sorted(target.variables.items())
    text = json.dumps([sha256, python, target.subdir, variables, _analyser()])
    return hashlib.sha256(text.encode()).hexdigest()


def to_bytes(needs: BuildNeeds) -> bytes:
    """The value as JSON."""
    return json.dumps(asdict(needs), separators=(",", ":")).encode()


def from_bytes(data: bytes) -> BuildNeeds:
    """The value that `to_bytes` made these bytes of. Raises ValueError or TypeError for others."""
    needs = _read(BuildNeeds, json.loads(data))
    if not isinstance(needs, BuildNeeds):
        raise TypeError("these are no build needs")
    return needs


@cache
def _analyser() -> str:
    """The state of this package's files: a change of the analyser is a change of its answers."""
    folder = Path(__file__).parent
    stamps = [(str(p.relative_to(folder)), p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*.*")]
    return hashlib.sha256(json.dumps(sorted(stamps)).encode()).hexdigest()


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
