"""What goes to the terminal and how: width and colour, results on stdout, errors and progress on stderr, JSON."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from ..errors import ManifestError, PixiDiagnoseError
from ..lazy_dataclass import dataclass

__all__ = [
    "FAILED",
    "View",
    "columns",
    "placed",
    "print_json",
    "print_text",
    "progress",
    "reported",
    "reporting_errors",
    "say_error",
    "tolerate_narrow_encodings",
]

FAILED = 2
"""The exit status where the question could not be answered."""
WIDEST = 120
"""Prose in longer lines is hard to read."""


@dataclass(frozen=True, slots=True)
class View:
    """How to show things: colour, width, how much."""

    color: str = "auto"
    quiet: bool = False
    verbose: bool = False

    @property
    def is_colored(self) -> bool:
        """Whether stdout gets colours."""
        from ..settings import wants_color

        return wants_color(os.environ, option=self.color, terminal=sys.stdout.isatty())

    @property
    def width(self) -> int:
        """How wide text becomes."""
        return min(columns(), WIDEST)

    @property
    def for_text(self) -> dict[str, Any]:
        """What the text renderers ask for."""
        return {"width": self.width, "color": self.is_colored}


def columns() -> int:
    """The width of the terminal: COLUMNS, else what it says itself, else 80."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    terminal = sys.__stdout__
    if terminal is None:
        return 80
    try:
        return os.get_terminal_size(terminal.fileno()).columns or 80
    except (ValueError, OSError):  # it is closed, or no terminal
        return 80


@contextlib.contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[str], None]]:
    """Says on a terminal's stderr what is being done, and leaves no trace of it."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from ..renderers.foreign_text import printable
    from ..settings import wants_color

    color = wants_color(os.environ, terminal=True)
    with Console(stderr=True, no_color=not color).status("") as status:
        yield lambda message: status.update(Text(printable(message)))


def print_text(text: str) -> None:
    """To stdout, as it is: colours were decided when it was made."""
    if text:
        click.echo(text, nl=not text.endswith("\n"), color=True)


def print_json(document: object) -> None:
    """A document to stdout."""
    from ..renderers.json_parts import dumps

    print_text(dumps(document))


def say_error(message: str, hint: str = "") -> None:
    """`error: …` and `hint: …` to stderr."""
    from ..renderers.foreign_text import printable, without_credentials
    from ..settings import wants_color

    color = wants_color(os.environ, terminal=sys.stderr.isatty())
    for label, style, text in (("error:", "red", message), ("hint:", "cyan", hint)):
        if text:
            start = click.style(label, fg=style, bold=True) if color else label
            click.echo(f"{start} {printable(without_credentials(text))}", err=True, color=color)


def placed(error: PixiDiagnoseError) -> str:
    """An error's message, with the place in the manifest where it has one."""
    if not isinstance(error, ManifestError):
        return error.message
    place = "".join(f":{number}" for number in (error.line, error.column) if number is not None)
    return f"{error.path}{place}: {error.message}"


def reported(error: PixiDiagnoseError) -> object:
    """Say one of several errors on stderr, and give what stands for it in a JSON array."""
    from ..renderers.json_parts import error_document

    say_error(placed(error), error.hint)
    return error_document(error)


@contextlib.contextmanager
def reporting_errors(output_format: str) -> Iterator[None]:
    """With JSON an error is a document on stdout too."""
    try:
        yield
    except PixiDiagnoseError as error:
        if output_format == "json":
            from ..renderers.json_parts import error_document

            print_json(error_document(error))
        raise


def tolerate_narrow_encodings() -> None:
    """A terminal that has no ✓ shows a ? for it, and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
