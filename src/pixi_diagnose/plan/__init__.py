"""Plans: edits of the user's manifest in four tiers, each simulated before it is offered.

A tier composes the changes for the whole workspace at once (all environments, platforms and failing builds), has the
edited text simulated, mends what that uncovers, and leaves out what turned out to be needless. It is offered only if
the last simulation passes; otherwise it says why it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..document import Document, Edit, unified_diff
from ..document.opening import open_document
from ..finding import Plan
from ..frontends.model import Outcome, Simulation
from ..manifest.model import ManifestProblem, UnreadTable
from .conda_environment import hybrid_in_environment, prebuilt_in_environment, staged_in_environment
from .declare import declare, declare_safely, declare_without, mending
from .hybrid import hybrid
from .install_commands import is_environment
from .pixi_mending import Route
from .prebuilt import prebuilt
from .staged import staged
from .two_steps import staged_by_uv, staged_in_two_steps
from .uv_declare import declare_for_pip, declare_for_uv, no_hybrid, prebuilt_by_requirements, safe_mend
from .workbench import Simulate, Workbench, with_recommendation

__all__ = ["Simulate", "plan_tiers", "plan_without_rejected", "safe_fix", "without_comments"]

Tier = Callable[[Workbench], Plan]

TIERS: Mapping[str, tuple[Tier, ...]] = {
    "pixi": (prebuilt, declare, hybrid, staged),
    "uv": (prebuilt_by_requirements, declare_for_uv, no_hybrid, staged_by_uv),
    "uv pip": (prebuilt_by_requirements, declare_for_uv, no_hybrid, staged_in_two_steps),
    "pip": (prebuilt_by_requirements, declare_for_pip, no_hybrid, staged_in_two_steps),
    "conda": (prebuilt_in_environment, declare_for_pip, hybrid_in_environment, staged_in_environment),
}
"""The tiers by what reads the manifest."""


def plan_tiers(
    documents: Mapping[str, Document],
    simulations: Sequence[Simulation],
    simulate: Simulate,
    *,
    every: bool = True,
    unread: Sequence[UnreadTable] = (),
) -> tuple[Plan, ...]:
    """The tiers for a workspace of which some environment fails, the first one that passes recommended.

    One by which builds leave something out comes behind the others. Empty where nothing fails. With `every` false,
    tiers behind the recommended one are not tried. `documents` are the user's files by path, the manifest first;
    `simulate` simulates edited texts of them for the same environments and platforms; `unread` is what the tool does
    not read of them.
    """
    if all(o in {Outcome.OK, Outcome.UNKNOWN} for s in simulations for o in s.outcomes.values()):
        return ()
    bench = Workbench(documents, simulations, simulate, unread)
    plans: list[Plan] = []
    for tier in TIERS["conda" if is_environment(bench) else _interface(simulations)]:
        plans.append(tier(bench))
        if plans[-1].passes and not plans[-1].leaves_out and not every:
            break
    return with_recommendation(plans)


def plan_without_rejected(
    documents: Mapping[str, Document], problems: Sequence[ManifestProblem], simulate: Simulate
) -> tuple[Plan, ...]:
    """The plan for a manifest with keys that the tool does not know: without them, and with what then fails mended.

    Empty where something else is wrong with it, which only its user can put right.
    """
    refused = [p for p in problems if p.kind in {"unknown-key", "invalid"}]
    if not refused or any(p.kind == "invalid" for p in refused):
        return ()
    bench = Workbench(documents, (), simulate)
    return with_recommendation([declare_without(bench, [p.place.key for p in refused])])


def safe_fix(
    documents: Mapping[str, Document], simulations: Sequence[Simulation], simulate: Simulate, plans: Sequence[Plan]
) -> Plan | None:
    """What of the tiers may be applied without a second look: nothing removed, no version changed, less that fails.

    None where there is nothing of the kind.
    """
    recommended = next((p for p in plans if p.recommended), None)
    if recommended is not None and recommended.safe:
        return recommended
    bench = Workbench(documents, simulations, simulate)
    mend = mending(bench, Route.CONDA) if _interface(simulations) == "pixi" else safe_mend(bench)
    fix = declare_safely(bench, mend)
    return fix if fix is not None and fix.safe else None


def _interface(simulations: Sequence[Simulation]) -> str:
    installer = next((s.environment.installer for s in simulations), None)
    return "pixi" if installer is None else installer.interface


def without_comments(plan: Plan, documents: Mapping[str, Document]) -> Plan:
    """The same plan for these files (the manifest first), with nothing written beside its entries."""
    path, manifest = next(iter(documents.items()))
    edits = _bare(plan.edits)
    text = manifest.apply(edits)
    diff = unified_diff(manifest.text, text, path)
    beside = []
    for change in plan.beside:
        document = documents.get(change.path) or open_document("", change.path)
        bare = replace(change, edits=_bare(change.edits), text=document.apply(_bare(change.edits)))
        diff += unified_diff(document.text, bare.text, change.path)
        beside.append(bare)
    return replace(plan, edits=edits, text=text, diff=diff, beside=tuple(beside))


def _bare(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    return tuple(replace(edit, comment="") for edit in edits)
