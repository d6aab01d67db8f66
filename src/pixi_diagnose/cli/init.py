"""`pixi-diagnose init`: an environment and a task for this program in a pixi manifest."""

from __future__ import annotations

import os

import click

from ..errors import UsageError
from . import options
from .output import View, print_text

__all__ = ["init"]


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=str))
@click.option("--check", "only_shown", is_flag=True, help="Write nothing; exit status 1 if there is a diff.")
@options.commenting
@options.color
def init(path: str | None, only_shown: bool, comments: bool, color: str) -> int:
    """Add an environment and a task `diagnose` to a pixi manifest, so that `pixi run diagnose` works in it.

    pixi locks all environments before it runs a task of any: while another one cannot be locked, use `pixi diagnose`
    instead, which runs this program from your PATH.
    """
    from pathlib import Path

    from ..document import unified_diff
    from ..document.opening import open_document
    from ..manifest import find_manifest, read_manifest
    from ..plan.own_environment import own_environment
    from ..renderers.text.plans import render_init
    from ..writing import Rewrite, rewrite

    file = find_manifest(Path(path or "."), os.environ)
    document = open_document(file.read_bytes().decode("utf-8"), str(file))
    if read_manifest(document.text, str(file)).dialect != "pixi":
        raise UsageError(f"{file} is no pixi manifest", hint="init adds a pixi environment; other tools need none")
    text = document.apply(own_environment(document, comments=comments))
    diff = unified_diff(document.text, text, str(file))
    if diff and not only_shown:
        rewrite({str(file): Rewrite(document.text, text)})
    print_text(render_init(str(file), diff, written=not only_shown, **View(color).for_text))
    return int(bool(diff) and only_shown)
