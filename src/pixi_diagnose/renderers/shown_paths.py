"""Paths as people and code hosts want them."""

from __future__ import annotations

import os.path

from ..report import Location

__all__ = ["shown_location", "shown_path"]


def shown_path(path: str) -> str:
    """The path relative to the working directory for what lies below it, as it is otherwise."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if relative.startswith(os.pardir) else relative.replace(os.sep, "/")


def shown_location(location: Location) -> str:
    """A place as editors and terminals understand it: `pixi.toml:3:1`."""
    return f"{shown_path(location.file)}:{location.start.line}:{location.start.column}"
