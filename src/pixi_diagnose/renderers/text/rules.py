"""The list of rules, as `explain` without a code prints it."""

from __future__ import annotations

from collections.abc import Sequence

from ...rules import ListedRule
from .page import Page, glued

__all__ = ["render_rules"]


def render_rules(rules: Sequence[ListedRule], *, width: int = 80, color: bool = False) -> str:
    """All rules by code, and what says more."""
    page = Page(width, color=color)
    page.columns([((rule.code, "bold"), rule.name) for rule in sorted(rules, key=lambda r: r.code)])
    page.blank()
    page.paragraph(glued("pixi-diagnose explain CODE"), " says what a rule finds, why it breaks, and what to do.")
    return str(page)
