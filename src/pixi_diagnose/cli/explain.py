"""`pixi-diagnose explain`: a rule's page, which is the docstring of its file."""

from __future__ import annotations

import sys

import click

from ..errors import UsageError
from . import options
from .output import View, print_text

__all__ = ["explain"]


@click.command()
@click.argument("code", required=False)
@options.color
def explain(code: str | None, color: str) -> None:
    """Print a rule's page: what it finds, why it breaks, an example, what to use instead. Without CODE: all rules."""
    from ..rules import LISTED, listed

    view = View(color)
    if code is None:
        from ..renderers.text.rules import render_rules

        print_text(render_rules(LISTED, **view.for_text))
        return
    rule = listed(code)
    if rule is None:
        raise UsageError(f"no rule is called '{code}'", hint=options.nearest_rule(code))
    if not (view.is_colored or sys.stdout.isatty()):
        print_text(rule.page.strip())
        return
    from ..renderers.text.markdown import render_markdown

    print_text(render_markdown(rule.page, **view.for_text))
