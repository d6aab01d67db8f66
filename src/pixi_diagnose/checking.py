"""Manifest and simulations → findings: every rule asked, equal findings merged, and those that the user wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .errors import ManifestError
from .evidence import Place
from .finding import Finding, Severity
from .frontends.model import Simulation
from .manifest.model import Manifest, ManifestProblem
from .question import Question
from .report import Report
from .rules import rules_on
from .rules.cfg901_invalid_manifest import RULE as INVALID_MANIFEST
from .rules.reporting import about_problem
from .settings import Settings, suppressions

__all__ = ["check", "check_manifest", "chosen", "invalid_manifest"]


def check_manifest(manifest: Manifest) -> tuple[Finding, ...]:
    """What the rules find in the manifest itself; what the tool would refuse in the order in which it would name it."""
    order: dict[object, int] = {(p.place, p.message): i for i, p in enumerate(manifest.problems)}
    found = [f for r in rules_on("manifest") if r.check_manifest for f in r.check_manifest(manifest)]
    return tuple(sorted(found, key=lambda f: order.get((f.place, f.message), len(order))))


def check(simulations: Sequence[Simulation]) -> tuple[Finding, ...]:
    """What the rules find in the simulations; one finding for equal ones of several environments and platforms."""
    rules = rules_on("resolution", "build") if any(s.builds for s in simulations) else rules_on("resolution")
    found = [f for r in rules if r.check for s in simulations for f in r.check(s)]
    found += [f for r in rules if r.check_workspace for f in r.check_workspace(simulations)]
    merged: dict[object, Finding] = {}
    for finding in found:
        key = (finding.rule.code, finding.message, finding.explanation, finding.place, finding.environment)
        same = merged.get(key)
        if same is None:
            merged[key] = finding
        else:
            platforms = tuple(dict.fromkeys((*same.platforms, *finding.platforms)))
            merged[key] = replace(same, platforms=platforms)
    return tuple(merged.values())


def chosen(findings: Sequence[Finding], question: Question, settings: Settings, report: Report) -> tuple[Finding, ...]:
    """The findings that the command line, the settings and comments in the file leave, worst first."""
    selected, ignored = question.select or settings.select, (*question.ignore, *settings.ignore)
    silenced = suppressions(report.documents[report.path].text)

    def named(finding: Finding, given: Sequence[str]) -> bool:
        return any(finding.rule.code.startswith(g) or finding.rule.name == g for g in given)

    def wanted(finding: Finding) -> bool:
        location = report.locate(finding)
        here = [rule for line, rule in silenced if location is not None and line == location.start.line]
        return (
            (not selected or named(finding, selected))
            and not named(finding, ignored)
            and not ("*" in here or named(finding, here))
        )

    ranking = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return tuple(sorted(filter(wanted, findings), key=lambda f: ranking[f.severity]))


def invalid_manifest(error: ManifestError) -> Finding:
    """The finding for a text that is no manifest at all."""
    position = (error.line, error.column) if error.line else None
    problem = ManifestProblem("invalid", error.message, Place(error.path, ()), error.hint, position=position)
    return about_problem(INVALID_MANIFEST, problem, Severity.ERROR)
