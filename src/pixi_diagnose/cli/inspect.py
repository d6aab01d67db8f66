"""`pixi-diagnose inspect`: what the build of one project needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..errors import PixiDiagnoseError
from .options import build_target, showing
from .output import FAILED, View, print_json, print_text, progress, reported, reporting_errors

__all__ = ["inspect"]

Answer = TypeVar("Answer")


@click.command()
@click.argument("whats", nargs=-1, required=True, metavar="WHAT...")
@click.option(
    "--python", "python", metavar="VERSION", default="3.11", show_default=True, help="The Python to build for."
)
@click.option("-p", "--platform", default="linux-64", show_default=True, help="The conda platform to build for.")
@click.option("--offline", is_flag=True, help="Ask no index: what is cached has to do.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; several WHATs give an array.")
@showing
def inspect(whats: tuple[str, ...], python: str, platform: str, offline: bool, as_json: bool, **given: Any) -> int:
    """Show what a build needs. WHAT is an sdist, a project's folder, or a requirement such as flash-attn==2.7.4."""
    from ..index.session import IndexSession
    from ..inspection import inspect_source

    view = View(given["color"], given["quiet"], given["verbose"])
    status = 0
    documents: list[object] = []
    with reporting_errors("json" if as_json else "text"):
        target = build_target(python, platform)
        with IndexSession(offline=offline) as session, progress(shown=not view.quiet) as said:
            said(f"reading {', '.join(whats)}")
            answers = _each(whats, lambda what: inspect_source(what, target, session))
        for number, answer in enumerate(answers):
            if isinstance(answer, PixiDiagnoseError):
                status = FAILED
                documents.append(reported(answer))
            elif as_json:
                from ..renderers.inspection_json import inspect_document

                documents.append(inspect_document(answer))
            else:
                from ..renderers.text.inspection import render_inspection

                card = render_inspection(answer, verbose=view.verbose, brief=view.quiet, **view.for_text)
                print_text(("\n" if number else "") + card)
    if as_json:
        print_json(documents if len(whats) > 1 else documents[0])
    return status


def _each(whats: Sequence[str], answer: Callable[[str], Answer]) -> list[Answer | PixiDiagnoseError]:
    """The answers in their order, or the errors that stand for them; several are asked for side by side."""

    def attempt(what: str) -> Answer | PixiDiagnoseError:
        try:
            return answer(what)
        except PixiDiagnoseError as error:
            return error

    if len(whats) == 1:
        return [attempt(whats[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(8, len(whats))) as pool:
        return list(pool.map(attempt, whats))
