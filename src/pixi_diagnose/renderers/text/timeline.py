"""What is built, in the frontend's own order, and what each build sees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...finding import Finding, Severity
from ...frontends.model import Build, BuildPhase, Outcome, Simulation, Stage
from ...lazy_dataclass import dataclass
from ...prose import and_list
from .groups import Group
from .marks import MARKS
from .page import Content, Page, glued, styled
from .wording import problem, scope, title

__all__ = ["print_passing", "print_reasons", "print_timeline"]

PLAIN = 3
"""How many uneventful builds are listed by name; more are folded into a number."""
SAID = 28
"""The room that is wanted for what is said of a build, with the gaps before it."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One build in one stage (or several uneventful ones), with the findings that explain how it ends there."""

    outcome: Outcome
    name: str
    said: str = ""
    codes: str = ""

    def cells(self, widths: Sequence[int]) -> list[Content]:
        """What stands in the columns; that of the codes is left out where nothing has one."""
        name = styled(MARKS[self.outcome], " ", self.name)
        return [name, (self.codes, "dim"), self.said] if widths[1] else [name, self.said]


@dataclass(frozen=True, slots=True)
class _Sight:
    """What some builds of a stage see alike, in words, and those builds."""

    seen: str
    rows: tuple[_Row, ...]


def print_timeline(
    page: Page, group: Group, findings: Sequence[Finding], *, named: bool = False, verbose: bool = False
) -> None:
    """The stages of a group, each with its builds under what they see; `named` says which environments it is about."""
    simulation = group[0]
    stages = [(stage, _sights(stage, findings, verbose=verbose)) for stage in simulation.stages]
    widths = _widths(row for _, sights in stages for sight in sights for row in sight.rows)
    label = max((len(f"{stage.number} {stage.name}") for stage, _ in stages), default=0)
    indent = label + 5 if label + 5 + sum(widths) + SAID <= page.width else 4
    page.blank()
    about = f" ({scope(group)})" if named else ""
    page.paragraph((f"What is built, in {simulation.frontend}'s order, and what it sees{about}", "bold"), hang=2)
    for stage, sights in stages:
        name = f" {stage.number} {stage.name}".ljust(label + 1)
        first = sights[0].seen if sights else "nothing to build"
        page.columns([((name, "bold"), (first, "dim"))])
        for number, sight in enumerate(sights):
            if number:
                page.columns([(" " * len(name), (sight.seen, "dim"))])
            page.columns([row.cells(widths) for row in sight.rows], indent=indent, least=widths)


def print_reasons(page: Page, simulation: Simulation) -> None:
    """Why each of them is built at all, and whose requirements no static metadata promises."""
    if not simulation.builds:
        return
    target = f"Python {simulation.resolution.python} on {simulation.environment.platform.name}"
    page.blank()
    page.paragraph((f"Why they are built: no wheel fits {target}", "bold"))
    reasons: dict[str, list[str]] = {}
    read: dict[str, list[str]] = {}
    for build in simulation.builds:
        distribution = build.subject.distribution
        reasons.setdefault(distribution.why_built or "a source tree", []).append(title(build))
        metadata = distribution.metadata
        if metadata is not None and metadata.approximate:
            read.setdefault(metadata.source.value, []).append(distribution.project)
    for why, names in reasons.items():
        page.paragraph(f"{why}: ", ", ".join(map(glued, names)), indent=2, hang=2)
    for source, names in read.items():
        said = f"{and_list(names)} (their metadata promises none; a build may give others)"
        page.paragraph((f"requirements read from {source}: ", "dim"), (said, "dim"), indent=2, hang=2)


def print_passing(page: Page, simulation: Simulation) -> None:
    """What is built where all of it passes: one sentence."""
    if not simulation.builds:
        return
    isolated = [title(b) for b in simulation.builds if b.isolated]
    others = [title(b) for b in simulation.builds if not b.isolated]
    said = [f"isolated: {', '.join(isolated)}"] if isolated else []
    said += [f"without isolation: {', '.join(others)}"] if others else []
    page.blank()
    page.paragraph(("Built from source, ", "bold"), "; ".join(said), hang=2)


def _widths(rows: Iterable[_Row]) -> tuple[int, int]:
    """The widths of the columns for names and codes, so that they are the same in all stages."""
    listed = [(len(row.name) + 2, len(row.codes)) for row in rows]
    return max((name for name, _ in listed), default=0), max((codes for _, codes in listed), default=0)


def _sights(stage: Stage, findings: Sequence[Finding], *, verbose: bool) -> list[_Sight]:
    """The builds of a stage, grouped by what they see, in order."""
    groups: dict[tuple[bool, tuple[str, ...]], list[tuple[Build, BuildPhase]]] = {}
    for step in stage.steps:
        phase = step.build.phase(stage.phase) if step.build else None
        if step.build is not None and phase is not None:
            layers = phase.visible.layers if phase.visible else ()
            groups.setdefault((step.build.isolated, layers), []).append((step.build, phase))
    return [
        _Sight(_seen(isolated, layers, runs), tuple(_rows(runs, findings, verbose=verbose)))
        for (isolated, layers), runs in groups.items()
    ]


def _seen(isolated: bool, layers: Sequence[str], runs: Sequence[tuple[Build, BuildPhase]]) -> str:
    """What builds see, in words: "isolated: its own build requirements, nvcc"."""
    said = [f"conda's {layer.removeprefix('conda: ')}" if layer.startswith("conda: ") else layer for layer in layers]
    tools: dict[str, None] = {}
    for build, phase in runs:
        needs = build.subject.needs
        wanted = needs.tools if needs and phase.visible else ()
        tools |= {tool.name: None for tool in wanted if phase.visible and tool.name in phase.visible.tools}
    kind = "isolated" if isolated else "no isolation"
    return f"{kind}: {and_list([*said, *tools])}" if said else kind


def _rows(runs: Sequence[tuple[Build, BuildPhase]], findings: Sequence[Finding], *, verbose: bool) -> list[_Row]:
    """Failing builds first, then those with something to say; uneventful ones are folded unless they are few."""
    ranking = (Outcome.FAILS, Outcome.AT_RISK, Outcome.UNKNOWN, Outcome.OK)
    rows = [
        _Row(phase.outcome, title(build), _outcome(build, phase, findings), _codes(build, phase, findings))
        for build, phase in runs
    ]
    rows.sort(key=lambda row: (ranking.index(row.outcome), not row.codes))
    alike: dict[tuple[Outcome, str], list[_Row]] = {}
    for row in rows:
        if not row.codes:
            alike.setdefault((row.outcome, row.said), []).append(row)
    many = [same for same in alike.values() if len(same) > PLAIN and not verbose]
    folded = [row for row in rows if not any(row in same for same in many)]
    folded += [_Row(same[0].outcome, _number(len(same), len(rows)), same[0].said) for same in many]
    return sorted(folded, key=lambda row: ranking.index(row.outcome))


def _number(some: int, all_of_them: int) -> str:
    return f"all {some}" if some == all_of_them else f"{some} more"


def _outcome(build: Build, phase: BuildPhase, findings: Sequence[Finding]) -> str:
    if phase.outcome is not Outcome.OK:
        return problem(phase)
    lines = {e for f in findings if f.project == build.project for e in f.evidence}
    without = [m.name for m in phase.guarded if lines & set(m.evidence)]
    return f"passes without {and_list(without)}" if without else ""


def _codes(build: Build, phase: BuildPhase, findings: Sequence[Finding]) -> str:
    """The findings that explain how a build ends: they rest on a line at which it misses something.

    Errors explain a failure, warnings what may happen or is left out.
    """
    missing = phase.guarded if phase.outcome is Outcome.OK else phase.missing
    lines = {e for m in missing for e in m.evidence}
    wanted = Severity.ERROR if phase.outcome is Outcome.FAILS else Severity.WARNING
    about = (f for f in findings if f.project == build.project and f.severity is wanted)
    return ", ".join(sorted({f.rule.code for f in about if lines & set(f.evidence)}))
