"""Plans: edits of the user's manifest in four tiers, each simulated before it is offered.

A tier composes the changes for the whole workspace at once (all environments, platforms and failing builds), has the
edited text simulated, mends what that uncovers, and leaves out what turned out to be needless. It is offered only if
the last simulation passes; otherwise it says why it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..document import Document, unified_diff
from ..finding import Plan
from ..frontends.model import Outcome, Simulation
from ..manifest.model import ManifestProblem
from .declare import declare, declare_safely, declare_without
from .hybrid import hybrid
from .prebuilt import prebuilt
from .staged import staged
from .workbench import Simulate, Workbench, with_recommendation

__all__ = ["plan_tiers", "plan_without_rejected", "safe_fix", "without_comments"]

TIERS = (prebuilt, declare, hybrid, staged)


def plan_tiers(
    document: Document, simulations: Sequence[Simulation], simulate: Simulate, *, every: bool = True
) -> tuple[Plan, ...]:
    """The tiers for a workspace of which some environment fails, the first one that passes recommended.

    Empty where nothing fails. With `every` false, tiers behind the recommended one are not tried. `simulate` simulates
    an edited text of the manifest for the same environments and platforms.
    """
    if all(o in {Outcome.OK, Outcome.UNKNOWN} for s in simulations for o in s.outcomes.values()):
        return ()
    bench = Workbench(document, simulations, simulate)
    plans: list[Plan] = []
    for tier in TIERS:
        plans.append(tier(bench))
        if plans[-1].passes and not every:
            break
    return with_recommendation(plans)


def plan_without_rejected(
    document: Document, problems: Sequence[ManifestProblem], simulate: Simulate
) -> tuple[Plan, ...]:
    """The plan for a manifest with keys that the tool does not know: without them, and with what then fails mended.

    Empty where something else is wrong with it, which only its user can put right.
    """
    refused = [p for p in problems if p.kind in {"unknown-key", "invalid"}]
    if not refused or any(p.kind == "invalid" for p in refused):
        return ()
    bench = Workbench(document, (), simulate)
    return with_recommendation([declare_without(bench, [p.place.key for p in refused])])


def safe_fix(
    document: Document, simulations: Sequence[Simulation], simulate: Simulate, plans: Sequence[Plan]
) -> Plan | None:
    """What of the tiers may be applied without a second look: nothing removed, no version changed, less that fails.

    None where there is nothing of the kind.
    """
    recommended = next((p for p in plans if p.recommended), None)
    if recommended is not None and recommended.safe:
        return recommended
    fix = declare_safely(Workbench(document, simulations, simulate))
    return fix if fix is not None and fix.safe else None


def without_comments(plan: Plan, document: Document) -> Plan:
    """The same plan, with nothing written beside its entries."""
    edits = tuple(replace(edit, comment="") for edit in plan.edits)
    text = document.apply(edits)
    return replace(plan, edits=edits, text=text, diff=unified_diff(document.text, text, document.path))
