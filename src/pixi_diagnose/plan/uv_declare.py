"""Tier 1, declare, for uv and pip: the least edit that gives each build what it needs, where the tool reads it.

For uv: extra build requirements, variables, constraints, and what else uv.md U5 recommends. pip reads no file that adds
to an isolated build: an edit mends there what forbids or bounds a release, and the command is told the rest. Isolation
that the command line switches off stays on where everything passes so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..finding import Plan
from ..prose import and_list
from .changes import Change, Drop
from .failed_builds import last_python_with, replaceable
from .install_commands import commands_for, install_commands, is_environment
from .pip_mending import pip_mending, pip_mending_by_command
from .prebuilt import without_builds
from .requirement_entries import RequirementEntries
from .uv_mending import UvRoute, isolation_is_given, uv_mending
from .workbench import Mend, Workbench, failing, failing_run

__all__ = ["declare_for_pip", "declare_for_uv", "no_hybrid", "prebuilt_by_requirements", "safe_mend"]

ISOLATED = "The command leaves isolation on: a build gets what it declares, and what the settings add."

NO_SETTING = "pip gives an isolated build what it declares and nothing else, and reads no setting that would add to it"
NO_PYTHON = "Python {} still has it: make the environment with that one"
NO_TOOL = "no package of an index puts {} on PATH: the machine has to, or conda{}"


def declare_for_uv(bench: Workbench) -> Plan:
    """The plan of the first route that passes; where none does, the first route's with its reason."""
    plan = _first_that_passes(bench, [uv_mending(bench, route) for route in UvRoute])
    return plan if plan.passes or plan.hinges_on else _given_up(bench, plan, "")


def declare_for_pip(bench: Workbench) -> Plan:
    """What an edit of the file mends, and what the command can be told, or not."""
    plan = _first_that_passes(bench, [pip_mending(bench), pip_mending_by_command(bench)])
    return plan if plan.passes or plan.hinges_on else _given_up(bench, plan, NO_SETTING)


def _given_up(bench: Workbench, plan: Plan, no_setting: str) -> Plan:
    """The plan that fails without its edits, and with what would help but no edit can do."""
    missed = [(b, m) for s in bench.before for b in failing(s) if (run := failing_run(b)) for m in run.missing]
    pythons = {last_python_with(b, m) for b, m in missed if m.kind == "removed"} - {""}
    tools = dict.fromkeys(m.name for _, m in missed if m.kind == "tool")
    others = [m for _, m in missed if m.kind != "tool" and not m.late.startswith("python ")]
    where = "" if is_environment(bench) else " in a pixi workspace"
    reasons = [plan.reason, no_setting if others else "", NO_TOOL.format(and_list(tools), where) if tools else ""]
    reasons += [NO_PYTHON.format(min(pythons, key=lambda p: int(p.partition(".")[2])))] if pythons else []
    return bench.nothing(1, "declare", "; ".join(filter(None, reasons))) if any(reasons[1:]) else plan


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
    return pip_mending(bench) if is_pip else uv_mending(bench, UvRoute.ISOLATED)


def _first_that_passes(bench: Workbench, mends: Sequence[Mend]) -> Plan:
    given = any(isolation_is_given(s) for s in bench.before)
    start = tuple(_without_what_spoils_settings(bench))
    trial = bench.compose(mends[0], start, isolated=given)
    for mend in mends[1:]:
        if trial.passes:
            break
        other = bench.compose(mend, start, isolated=given)
        trial = other if other.passes else trial
    commands = commands_for(bench, trial.changes) or (install_commands(bench, bench.before[0]) if given else ())
    return bench.offer(1, "declare", trial, commands, [ISOLATED] if given else [])


def _without_what_spoils_settings(bench: Workbench) -> Iterator[Change]:
    """Remove a setting that uv refuses: it goes on without all others of the table (uv 0.13.8)."""
    for unread in bench.unread:
        if "and with it every setting" in unread.reason and unread.place.file in bench.documents:
            note = f"uv refuses {unread.name}, and reads no other setting of the table as long as it is there."
            yield Drop(unread.place.key, note, firm=True, file=unread.place.file)
