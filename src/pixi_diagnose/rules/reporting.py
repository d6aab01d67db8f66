"""Findings with what most of them have in common filled in: where they hold, how sure they are, where they point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..evidence import Evidence, Place
from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Build, Missing, Simulation
from ..manifest.model import ManifestProblem
from .wording import requested_at

__all__ = ["about_build", "about_environment", "about_problem", "first_lines", "no_surer"]


def about_build(
    rule: Rule,
    simulation: Simulation,
    build: Build,
    message: str,
    explanation: Iterable[str],
    *,
    severity: Severity = Severity.ERROR,
    place: Place | None = None,
    evidence: Iterable[Evidence] = (),
) -> Finding:
    """A finding about one build: at `place`, else where the user asked for the project."""
    return Finding(
        rule=rule,
        severity=severity,
        confidence=certainty(simulation),
        message=message,
        explanation=tuple(explanation),
        environment=simulation.environment.name,
        platforms=(simulation.environment.platform.name,),
        project=build.asked_for,
        place=place or requested_at(simulation, build.asked_for),
        evidence=tuple(evidence),
    )


def about_environment(
    rule: Rule,
    simulation: Simulation,
    message: str,
    explanation: Iterable[str],
    *,
    projects: Sequence[str] = (),
    place: Place | None = None,
) -> Finding:
    """An error of an environment as a whole: at `place`, else where the user asked for the first of the projects."""
    asked = next((p for name in projects if (p := requested_at(simulation, name))), None)
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        confidence=certainty(simulation),
        message=message,
        explanation=tuple(explanation),
        environment=simulation.environment.name,
        platforms=(simulation.environment.platform.name,),
        project=projects[0] if projects else "",
        place=place or asked,
    )


def about_problem(
    rule: Rule, problem: ManifestProblem, severity: Severity, confidence: Confidence = Confidence.HIGH
) -> Finding:
    """What is wrong with the manifest itself, where its tool would point."""
    return Finding(
        rule=rule,
        severity=severity,
        confidence=confidence,
        message=problem.message,
        explanation=(problem.hint,) if problem.hint else (),
        place=problem.place,
        position=problem.position,
    )


def certainty(simulation: Simulation) -> Confidence:
    """High on a solved or locked environment; medium where conda's part is only what the manifest declares."""
    return Confidence.MEDIUM if simulation.resolution.source == "partial" else Confidence.HIGH


def no_surer(finding: Finding, confidence: Confidence) -> Finding:
    """The finding with at most this confidence: it is as sure as the weakest thing that it rests on."""
    return replace(finding, confidence=max(finding.confidence, confidence, key=list(Confidence).index))


def first_lines(missing: Iterable[Missing]) -> tuple[Evidence, ...]:
    """The first line of the package's files that wants each missing thing."""
    return tuple(m.evidence[0] for m in missing if m.evidence)
