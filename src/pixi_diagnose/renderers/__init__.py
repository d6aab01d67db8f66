"""Reports as text, JSON, SARIF and CI annotations: each module has `render(report) -> str`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..report import Report


__all__ = ["FORMATS", "renderer"]

FORMATS = {
    "text": "text.report",
    "concise": "concise",
    "json": "json_report",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
}
"""Output format → the module of this package that renders it."""


def renderer(output_format: str) -> Callable[[Report], str]:
    """The `render` of an output format, imported only now. KeyError for an unknown one."""
    module = import_module(f".{FORMATS[output_format]}", __package__)
    return cast("Callable[[Report], str]", module.render)
