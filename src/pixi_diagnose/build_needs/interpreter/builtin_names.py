"""Python's built-in names: exceptions and plain constructors are themselves, functions are modelled."""

from __future__ import annotations

import builtins
from typing import Any

from .values import Outside

__all__ = ["BUILTINS"]


def _builtin_names() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, value in vars(builtins).items():
        if isinstance(value, type) and issubclass(value, BaseException):
            names[name] = value
        elif not name.startswith("_") or name == "__import__":
            names[name] = Outside(f"builtins.{name}")
    names |= {"True": True, "False": False, "None": None, "Ellipsis": ..., "__debug__": True}
    names["exit"] = names["quit"] = Outside("sys.exit")
    return names


BUILTINS: dict[str, Any] = _builtin_names()
