"""Tier 1, declare, for uv and pip: the least edit that gives each build what it needs, where the tool reads it.

For uv: extra build requirements, variables, constraints, and what else uv.md U5 recommends. pip reads no file that adds
to an isolated build: what an edit can mend there is what forbids or bounds a release. Isolation that the command line
switches off stays on where everything passes so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..finding import Plan
from .changes import Change, Drop
from .install_commands import install_commands
from .prebuilt import without_builds
from .requirement_entries import RequirementEntries
from .uv_mending import UvRoute, isolation_is_given, replaceable, uv_mending
from .workbench import Mend, Workbench, failing, failing_run

__all__ = ["declare_for_pip", "declare_for_uv", "no_hybrid", "prebuilt_by_requirements", "safe_mend"]

ISOLATED = "The command leaves isolation on: a build gets what it declares, and what the settings add."

NO_SETTING = "pip gives an isolated build what it declares and nothing else, and reads no setting that would add to it"
NO_TOOL = "an index has no package that puts it on PATH: the machine has to, or conda in a pixi workspace"


def declare_for_uv(bench: Workbench) -> Plan:
    """The plan of the first route that passes; where none does, the first route's with its reason."""
    plan = _first_that_passes(bench, [uv_mending(bench, route) for route in UvRoute])
    return (
        plan if plan.passes or not _misses(bench, "tool") else bench.nothing(1, "declare", f"{plan.reason}; {NO_TOOL}")
    )


def declare_for_pip(bench: Workbench) -> Plan:
    """What an edit of the file mends, or what leaving out an option of the command line does."""
    plan = _first_that_passes(bench, [_pip_mending(bench)])
    if plan.passes or not _misses(bench, "import", "removed", "requirement", "tool"):
        return plan
    return bench.nothing(1, "declare", f"{plan.reason}; {NO_TOOL if _misses(bench, 'tool') else NO_SETTING}")


def no_hybrid(bench: Workbench) -> Plan:
    """There are no conda packages to take the native stack from."""
    which = bench.before[0].frontend
    reason = f"{which} installs from package indexes only: conda packages need a pixi workspace"
    return bench.nothing(2, "hybrid", reason)


def prebuilt_by_requirements(bench: Workbench) -> Plan:
    """Tier 0 for uv and pip: other releases, and the wheels that projects publish themselves."""
    return without_builds(bench, replaceable(bench.before), RequirementEntries(bench), safe_mend(bench))


def safe_mend(bench: Workbench) -> Mend:
    """What failures call for by the first route."""
    is_pip = any(s.frontend == "pip" for s in bench.before)
    return _pip_mending(bench) if is_pip else uv_mending(bench, UvRoute.ISOLATED)


def _first_that_passes(bench: Workbench, mends: Sequence[Mend]) -> Plan:
    given = any(isolation_is_given(s) for s in bench.before)
    start = tuple(_without_what_spoils_settings(bench))
    trial = bench.compose(mends[0], start, isolated=given)
    for mend in mends[1:]:
        if trial.passes:
            break
        other = bench.compose(mend, start, isolated=given)
        trial = other if other.passes else trial
    commands = install_commands(bench, bench.before[0]) if given else ()
    return bench.offer(1, "declare", trial, commands, [ISOLATED] if given else [])


def _without_what_spoils_settings(bench: Workbench) -> Iterator[Change]:
    """Remove a setting that uv refuses: it goes on without all others of the table (uv 0.13.8)."""
    for unread in bench.unread:
        if "and with it every setting" in unread.reason and unread.place.file in bench.documents:
            note = f"uv refuses {unread.name}, and reads no other setting of the table as long as it is there."
            yield Drop(unread.place.key, note, firm=True, file=unread.place.file)


def _pip_mending(bench: Workbench) -> Mend:
    """Of uv's changes those of the requirements themselves: pip reads no settings of uv."""
    mend = uv_mending(bench, UvRoute.ISOLATED)

    def is_read(change: Change) -> bool:
        return (change.file or bench.path) in bench.documents and change.key[:2] != ("tool", "uv")

    return lambda simulations: filter(is_read, mend(simulations))


def _misses(bench: Workbench, *kinds: str) -> bool:
    runs = [failing_run(build) for simulation in bench.before for build in failing(simulation)]
    return any(m.kind in kinds for run in runs if run is not None for m in run.missing)
