"""Environments × platforms with the same outcome, folded into one."""

from __future__ import annotations

from collections.abc import Sequence

from ...frontends.model import Build, Outcome, Simulation, Stage

__all__ = ["Group", "failing", "fold", "stands"]

Group = tuple[Simulation, ...]
"""Simulations that end alike; the first one stands for all."""


def fold(simulations: Sequence[Simulation]) -> tuple[Group, ...]:
    """The simulations in groups of equal outcome: those that fail first, else in the manifest's order."""
    groups: dict[object, list[Simulation]] = {}
    for simulation in simulations:
        groups.setdefault(_outcome(simulation), []).append(simulation)
    return tuple(sorted((tuple(g) for g in groups.values()), key=lambda group: stands(group[0])))


def stands(simulation: Simulation) -> bool:
    """Whether everything of it passes."""
    return all(outcome is Outcome.OK for outcome in simulation.outcomes.values())


def failing(simulation: Simulation, phase: str) -> list[Build]:
    """The builds that end a phase, in the order in which the frontend runs them."""
    worst = simulation.outcomes.get(phase, Outcome.OK)
    ordered: dict[str, Build] = {}
    for stage in simulation.stages:
        if stage.phase == phase:
            ordered |= {step.project: step.build for step in stage.steps if step.build is not None}
    if worst is Outcome.OK:
        return []
    return [b for b in ordered.values() if (p := b.phase(phase)) is not None and p.outcome is worst]


def _outcome(simulation: Simulation) -> object:
    return (
        simulation.resolution.python,
        tuple(sorted(simulation.outcomes.items())),
        tuple(sorted(simulation.reasons.items())),
        tuple(_stage(stage) for stage in simulation.stages),
    )


def _stage(stage: Stage) -> object:
    steps = []
    for step in stage.steps:
        phase = step.build.phase(stage.phase) if step.build else None
        steps.append(
            (
                step.project,
                step.outcome,
                step.build.subject.distribution.version if step.build else "",
                step.build.isolated if step.build else None,
                tuple(m.name for m in (*phase.missing, *phase.guarded)) if phase else (),
                tuple(layer for layer in phase.visible.layers if not layer[:1].isdigit())
                if phase and phase.visible
                else (),
            )
        )
    return (stage.name, tuple(steps))
