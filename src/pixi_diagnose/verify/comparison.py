"""Prediction and observation, item by item: agreed, on one side only, or not judged because the run ended before."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement

from ..build_needs.model import BuildNeeds, BuildTarget, ImportNeed, Phase, Strength
from ..build_needs.providers import applicable_projects, undeclared
from ..build_needs.tables import backend_entry
from ..pep508 import canonicalize_name
from .model import Comparison, Item, ObservedBuild, ObservedImport, Plan, Standing, StopKind

__all__ = ["compare"]


def compare(needs: BuildNeeds, observed: ObservedBuild, plan: Plan, target: BuildTarget) -> Comparison:
    """Everything that was predicted or seen, of the phases that the plan runs.

    An import behind an undecided condition agrees with whatever is seen of it. What would have come after the place
    where the run ended, and tools behind a stand-in, are not judged.
    """
    done = {
        phase: all(hook in observed.passed for hook in plan.hooks if (hook == "build_wheel") is (phase is Phase.WHEEL))
        for phase in Phase
        if phase is Phase.METADATA or "build_wheel" in plan.hooks
    }
    if observed.stopped is None:  # a hook that the backend does not have is no end
        done = dict.fromkeys(done, True)
    items = [
        *_imports(undeclared(needs, target=target), observed, done),
        *_answers(needs, observed, target),
        *_pins(needs, observed, done),
        *_tools(needs, observed, done),
        *_stops(needs, observed, done),
    ]
    return Comparison(tuple(items))


def _imports(predicted: tuple[ImportNeed, ...], observed: ObservedBuild, done: dict[Phase, bool]) -> Iterator[Item]:
    rest = list(observed.imports)
    for need in predicted:
        if need.phase not in done:
            continue
        seen = next((o for o in rest if _same(need, o)), None)
        said = f"{need.strength} for {need.phase}"
        if seen is not None:
            rest = [o for o in rest if not _same(need, o)]
            agreed = need.strength is Strength.CONDITIONAL or (
                need.strength is seen.strength and (need.phase is seen.phase or need.strength is Strength.GUARDED)
            )
            # Not the same strength or phase: each side says something that the other one does not.
            standing = Standing.AGREED if agreed else Standing.OBSERVED
            yield Item("import", need.projects[0], standing, said, _said(seen), seen.evidence or need.evidence)
        else:
            judged = done[need.phase] and need.strength is not Strength.CONDITIONAL
            standing = Standing.PREDICTED if judged else Standing.UNJUDGED
            yield Item("import", need.projects[0], standing, said, "", need.evidence)
    for seen in rest:
        yield Item("import", seen.projects[0], Standing.OBSERVED, "", _said(seen), seen.evidence)


def _same(need: ImportNeed, seen: ObservedImport) -> bool:
    roots = need.import_name.partition(".")[0] == seen.import_name.partition(".")[0]
    return roots or bool({*need.projects} & {*seen.projects[:1]})


def _said(seen: ObservedImport) -> str:
    return f"{seen.strength} for {seen.phase}" + (", a stand-in was put in" if seen.stubbed else "")


def _answers(needs: BuildNeeds, observed: ObservedBuild, target: BuildTarget) -> Iterator[Item]:
    predicted = applicable_projects(needs.hook_requirements, target) - applicable_projects(
        needs.build_system.requires, target
    )
    if observed.answer is None:
        for name in sorted(predicted):
            yield Item("hook answer", name, Standing.UNJUDGED, "asked for", "", needs.hook_evidence)
        return
    declared = applicable_projects(needs.build_system.requires, target)
    seen = applicable_projects(observed.answer, target) - declared
    entry = backend_entry(needs.build_system.backend)
    # What a backend asks for only where a tool is missing hangs on the machine that it ran on.
    of_machine = applicable_projects([text for _tool, text in entry.asks_if_missing] if entry else (), target)
    for name in sorted(predicted | seen):
        standing = (
            Standing.AGREED
            if name in predicted & seen
            else Standing.UNJUDGED
            if name in predicted & of_machine
            else Standing.PREDICTED
            if name in predicted
            else Standing.OBSERVED
        )
        yield Item(
            "hook answer",
            name,
            standing,
            "asked for" if name in predicted else "",
            "asked for" if name in seen else "",
            needs.hook_evidence if name in predicted else (),
        )


def _pins(needs: BuildNeeds, observed: ObservedBuild, done: dict[Phase, bool]) -> Iterator[Item]:
    predicted = {_project(p.requirement): p for p in needs.pins if p.phase in done}
    seen = {_project(text): text for text in observed.pins}
    for name in sorted(predicted.keys() | seen.keys()):
        pin = predicted.get(name)
        if pin is None:
            yield Item("pin", name, Standing.OBSERVED, "", seen[name])
            continue
        standing = Standing.AGREED if name in seen else Standing.PREDICTED if done[pin.phase] else Standing.UNJUDGED
        yield Item("pin", name, standing, pin.requirement, seen.get(name, ""), pin.evidence)


def _project(requirement: str) -> str:
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return requirement


def _tools(needs: BuildNeeds, observed: ObservedBuild, done: dict[Phase, bool]) -> Iterator[Item]:
    """Programs that were started are seen; a library, or a tool that is only looked for, is not, and not judged."""
    foreseen = {tool.name: tool for tool in reversed(needs.tools)}
    started = {p.tool: p for p in observed.programs if p.tool}
    for name in sorted(started.keys() | {t.name for t in needs.tools if t.phase in done}):
        tool, program = foreseen.get(name), started.get(name)
        if program is None and tool is not None:
            yield Item("tool", name, Standing.UNJUDGED, f"{tool.strength} for {tool.phase}", "", tool.evidence)
        elif program is not None:
            standing = Standing.AGREED if tool is not None else Standing.OBSERVED
            said = f"{tool.strength} for {tool.phase}" if tool is not None else ""
            yield Item("tool", name, standing, said, f"{program.program} started", program.evidence)


def _stops(needs: BuildNeeds, observed: ObservedBuild, done: dict[Phase, bool]) -> Iterator[Item]:
    predicted = next((s for s in needs.stops if s.phase in done), None)
    stopped = observed.stopped
    if stopped is None:
        if predicted is not None:
            yield Item("stop", "the build script", Standing.PREDICTED, predicted.reason, "", predicted.evidence)
        return
    name = f"{stopped.hook}"
    if predicted is not None and predicted.phase is stopped.phase and stopped.kind is StopKind.SCRIPT:
        yield Item("stop", name, Standing.AGREED, predicted.reason, stopped.reason, predicted.evidence)
        return
    # An end by time, by an install or behind a stand-in says nothing about the script, nor does a compiler's.
    judged = stopped.kind is StopKind.SCRIPT and not observed.stubs and stopped.phase is Phase.METADATA
    named = any(o.strength is Strength.HARD for o in observed.imports) and "No module named" in stopped.reason
    # A script that needs a tool says in its own words that it is not there.
    foretold = any(t.strength is Strength.HARD and t.phase is stopped.phase for t in needs.tools)
    standing = Standing.OBSERVED if judged and not named and not foretold else Standing.UNJUDGED
    yield Item("stop", name, standing, "", stopped.reason)
