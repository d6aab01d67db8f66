"""Tier 1, declare: the least edit that shows each build what it needs, where pixi will see it in time.

Conda `[dependencies]` for what must be visible while locking, `no-build-isolation` with the right members in the right
order (pixi.md P4 to P6). Where that does not pass: the same with what PyPI gives, in order, or the build script's own
variable through `[activation.env]`, which reaches every build (P5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..evidence import KeyPath
from ..finding import Plan
from ..frontends.model import Outcome, Simulation
from .changes import Change, Drop
from .pixi_mending import Route, mend_builds
from .resolution_mending import mend_resolution
from .workbench import Mend, Workbench, failing

__all__ = ["declare", "declare_safely", "declare_without", "mending"]


def declare(bench: Workbench) -> Plan:
    """The plan of the first route that passes; where none does, the first route's with its reason."""
    trial = bench.compose(mending(bench, Route.CONDA))
    for route in (Route.INDEX, Route.VARIABLE):
        if trial.passes:
            break
        other = bench.compose(mending(bench, route))
        trial = other if other.passes else trial
    return bench.offer(1, "declare", trial)


def declare_safely(bench: Workbench, mend: Mend) -> Plan | None:
    """The part of tier 1 that removes nothing from the file: None where no fewer builds fail by it than before."""
    trial = bench.compose(lambda simulations: (c for c in mend(simulations) if not bench.removes([c])))
    before, after = _failures(bench.before), _failures(trial.simulations)
    if not trial.changes or not trial.simulations or not (trial.passes or after < before):
        return None
    return bench.offer(1, "declare", trial)


def declare_without(bench: Workbench, keys: Iterable[KeyPath]) -> Plan:
    """Tier 1 for a manifest that is refused because of these keys."""
    note = "pixi refuses the manifest because of {}, which it does not know."
    cost = "{} had no effect anyway."
    drops = [Drop(key, note.format(key[-1]), cost.format(key[-1]), firm=True) for key in keys]
    return bench.offer(1, "declare", bench.compose(mending(bench, Route.CONDA), drops))


def _failures(simulations: Sequence[Simulation]) -> set[tuple[str, str, str, str]]:
    return {
        (s.environment.name, s.environment.platform.name, b.project, p.phase)
        for s in simulations
        for b in failing(s)
        for p in b.phases
        if p.outcome in {Outcome.FAILS, Outcome.AT_RISK}
    }


def mending(bench: Workbench, route: Route) -> Mend:
    """What the failures of simulations call for by one route: resolutions first, then builds."""

    def mend(simulations: Sequence[Simulation]) -> Iterable[Change]:
        for simulation in simulations:
            yield from mend_resolution(bench, simulation, from_index=route is Route.INDEX)
            yield from mend_builds(bench, simulation, route)

    return mend
