"""The kind of document that a user's file is, by its name."""

from __future__ import annotations

from pathlib import PurePath

from . import Document

__all__ = ["open_document"]


def open_document(text: str, path: str) -> Document:
    """A text with its places: TOML, YAML (`.yml`, `.yaml`), or lines (`.txt`, `.in`, `.conf`, `.ini`)."""
    suffix = PurePath(path).suffix.lower()
    if suffix in {".yml", ".yaml"}:
        from .yaml_document import YamlDocument  # the YAML library is of no use to other files

        return YamlDocument(text, path)
    if suffix in {".txt", ".in", ".conf", ".ini"}:
        from .lines_document import LinesDocument

        return LinesDocument(text, path)
    return Document(text, path)
