"""The program's tables: names, version facts and compatibility, with the source of each entry beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli

__all__ = ["read_table"]


def read_table(name: str) -> dict[str, Any]:
    """The table in the file `name`.toml of this folder (importlib.resources would import archives' readers, 6 ms)."""
    return tomli.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
