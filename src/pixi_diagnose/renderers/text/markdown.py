"""A rule's page on a terminal. Apart from the rest because rich's Markdown costs 50 ms to import."""

from __future__ import annotations

import re
from io import StringIO

from rich.console import Console
from rich.markdown import Markdown

__all__ = ["render_markdown"]

_TITLED_FENCE = re.compile(r"^(```+\w+) (\S+)$", re.MULTILINE)


def render_markdown(page: str, *, width: int = 80, color: bool = False) -> str:
    """Markdown with headings, lists and code as rich shows them; the file name of a code block stands above it."""
    page = _TITLED_FENCE.sub(r"\n*\2*\n\n\1", page)
    console = Console(
        file=StringIO(),
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        legacy_windows=False,
        _environ={},
    )
    with console.capture() as capture:
        console.print(Markdown(page, code_theme="ansi_dark", hyperlinks=False))
    return capture.get()
