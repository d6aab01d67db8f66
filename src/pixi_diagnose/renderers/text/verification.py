"""A verification for people: what is going to run, and afterwards prediction and observation side by side."""

from __future__ import annotations

from collections.abc import Sequence

from ...build_needs.model import Strength
from ...prose import count
from ...verify.model import Plan, Standing, Verification
from .page import Content, Page, glued

__all__ = ["render_verification", "render_verification_plan"]

_STYLES = {
    Standing.AGREED: ("✓", "green"),
    Standing.PREDICTED: ("✗", "bold red"),
    Standing.OBSERVED: ("✗", "bold red"),
    Standing.UNJUDGED: ("·", "dim"),
}


def render_verification_plan(plan: Plan, *, width: int = 80, color: bool = False) -> str:
    """What will be run, and where, before it is."""
    page = Page(width, color=color)
    page.paragraph(("verify runs the code of ", ""), (plan.what, "bold"), " on this machine, with your rights:", hang=2)
    page.labelled(
        [
            ("hooks", f"{', '.join(plan.hooks)} of {plan.backend}"),
            ("in", f"a temporary folder with a virtual environment of Python {plan.python}; both are removed"),
            ("put in", f"{', '.join(plan.requires) or 'nothing'}; then what is missed, from wheels only"),
            ("large ones", "are installed too" if plan.install_heavy else "(torch and the like) get a stand-in"),
            ("time limit", f"{plan.seconds:g} s"),
        ],
        indent=2,
    )
    return str(page)


def render_verification(verification: Verification, *, width: int = 80, color: bool = False) -> str:
    """What `verify` prints when it has run."""
    page = Page(width, color=color)
    needs, observed = verification.needs, verification.observed
    name = f"{needs.project} {needs.version}".strip() or verification.plan.what
    page.paragraph((name, "bold"), (f" · {glued(f'Python {verification.plan.python}')}", "dim"), hang=2)
    page.blank()
    rows = [("passed", ", ".join(observed.passed) or "no hook")]
    if observed.stopped is not None:
        rows.append(("ended", f"in {observed.stopped.hook}: {observed.stopped.reason}"))
    if observed.stubs:
        rows.append(("stand-ins", f"{', '.join(observed.stubs)}: what came after may differ from a real build"))
    rows += [("note", note) for note in observed.notes]
    other = sorted({p.program for p in observed.programs if not p.tool})
    rows += [("started", ", ".join(other))] if other else []
    page.labelled(rows)
    page.blank()
    items = verification.comparison.items
    head: Sequence[Content] = [("", ""), ("", ""), ("", ""), ("predicted", "dim"), ("observed", "dim"), ("at", "dim")]
    table: list[Sequence[Content]] = [
        [
            _STYLES[i.standing],
            (i.kind, "dim"),
            (i.name, "bold"),
            (_cut(i.predicted) if i.kind == "stop" else i.predicted) or " ",
            (_cut(i.observed) if i.kind == "stop" else i.observed) or " ",
            str(i.evidence[0]) if i.evidence else " ",
        ]
        for i in items
    ]
    if table:
        page.columns([head, *table])
        page.blank()
    agreed = sum(i.standing is Standing.AGREED for i in items)
    differ = sum(i.standing in {Standing.PREDICTED, Standing.OBSERVED} for i in items)
    unjudged = sum(i.standing is Standing.UNJUDGED for i in items)
    said = "Prediction and observation agree" if not differ else f"They differ in {count(differ, 'item')}"
    hard = sum(o.strength is Strength.HARD for o in observed.imports)
    details = [f"{agreed} agreed", *([f"{unjudged} not judged"] if unjudged else []), f"{hard} hard seen"]
    page.paragraph((said, "bold" if not differ else "bold red"), f" · {', '.join(details)}", hang=2)
    return str(page)


def _cut(text: str) -> str:
    """A long reason stands above in full."""
    return text if len(text) <= 28 else text[:27].rstrip() + "…"
