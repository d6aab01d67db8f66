"""The pipeline on one screen: a manifest's text in, a report out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from .build_needs import analyse_build, facts
from .build_needs.model import BuildNeeds, BuildTarget
from .document import Document
from .environment import Environment, environments, select
from .errors import ArchiveError, IndexAccessError, ManifestError, UsageError
from .evidence import Place, Unknown
from .finding import Confidence, Finding, Plan, Severity
from .frontends import FRONTENDS
from .frontends.machine import Machine
from .frontends.model import BuildSubject, Simulation
from .frontends.pixi import VERSION
from .index import IndexSession
from .index.model import Distribution
from .manifest import find_manifest, read_manifest
from .manifest.model import Manifest
from .plan import plan_tiers
from .report import Report
from .resolve import Resolution, Resolver
from .rules import RULES
from .rules.cfg901_invalid_manifest import RULE as INVALID_MANIFEST
from .settings import Settings, read_settings, suppressions
from .source_tree import SourceTree

__all__ = ["Question", "diagnose"]

SIDE_BY_SIDE = 6
"""How many archives or build environments are asked for at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a manifest: which frontend, environments, platforms and rules (empty: all), and if for plans."""

    frontend: str = "pixi"
    environments: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    plans: bool = True
    machine: Machine = field(default_factory=Machine.here)


def diagnose(
    path: str | None,
    question: Question,
    session: IndexSession,
    *,
    text: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Diagnose one manifest: `path` is the file or its folder (None searches upward), `text` an unsaved buffer of it.

    Raises UsageError where there is no manifest or no such environment. A manifest that its own tool would refuse gives
    a report with `rejected`; an index or a source that cannot be read is an unknown of the report.
    """
    start = time.perf_counter()
    file = find_manifest(Path(path or "."), os.environ)
    document = Document(_read(file) if text is None else text, str(file))
    report = Report(str(file), question.frontend, VERSION, None, {str(file): document}, offline=session.offline)
    try:
        manifest = read_manifest(document.text, str(file))
        settings = read_settings(document.data, str(file))
    except ManifestError as error:
        return replace(report, findings=(_invalid(error),), rejected=True)
    findings = check_manifest(manifest)
    if any(f.severity is Severity.ERROR for f in findings):
        return replace(report, manifest=manifest, findings=chosen(findings, question, settings, report), rejected=True)
    simulations = simulate(manifest, question, session, progress)
    findings += check(simulations)
    plans: tuple[Plan, ...] = ()
    if question.plans:
        progress("looking for a configuration that passes")
        plans = plan_tiers(document, simulations, lambda edited: resimulate(edited, file, question, session))
    return replace(
        report,
        manifest=manifest,
        simulations=simulations,
        findings=chosen(findings, question, settings, report),
        plans=plans,
        unknowns=tuple(dict.fromkeys(u for s in simulations for u in unknown(s))),
        seconds=time.perf_counter() - start,
    )


def simulate(
    manifest: Manifest, question: Question, session: IndexSession, progress: Callable[[str], None] = lambda _: None
) -> tuple[Simulation, ...]:
    """Manifest → environments → resolutions → build needs → simulations, one per selected environment and platform."""
    every = environments(manifest)
    wanted = select(every, question.environments, question.platforms)
    resolver = Resolver(every, session, question.machine.subdir)
    simulator = FRONTENDS[question.frontend]
    simulations = []
    for environment in wanted:
        progress(f"resolving {environment.name} for {environment.platform.name}")
        resolution = resolver.resolve(environment)
        subjects = build_subjects(environment, resolution, resolver, progress)
        simulations.append(simulator(environment, resolution, subjects, question.machine))
    return tuple(simulations)


def resimulate(text: str, file: Path, question: Question, session: IndexSession) -> tuple[Simulation, ...]:
    """Simulate an edited text of the same manifest. Raises ManifestError where the edit broke it."""
    manifest = read_manifest(text, str(file))
    broken = next((p for p in manifest.problems if p.kind in {"invalid", "unknown-key"}), None)
    if broken is not None:
        raise ManifestError(broken.message, path=str(file))
    return simulate(manifest, question, session)


def build_subjects(
    environment: Environment, resolution: Resolution, resolver: Resolver, progress: Callable[[str], None]
) -> list[BuildSubject]:
    """Read and analyse what must be built, and resolve what isolated builds of it would install.

    Archives and build environments are asked for side by side; scripts are read one after the other.
    """
    built = [d for d in resolution.distributions if d.built]
    if not built:
        return []
    target = BuildTarget(_minor(resolution.python), environment.platform.subdir, environment.variables)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        known = {d.project: known_needs(d, target, resolver) for d in built}
        trees = {d.project: pool.submit(resolver.source_tree, d, resolution) for d in built if not known[d.project]}
        subjects = []
        for distribution in built:
            progress(f"reading {distribution.project} {distribution.version}")
            needs = known[distribution.project]
            try:
                needs = needs or read_needs(distribution, trees[distribution.project].result(), target, resolver)
            except (IndexAccessError, ArchiveError) as error:
                unread = Unknown(error.message, subject=distribution.project, fault=not resolver.offline)
                subjects.append(BuildSubject(distribution, None, unread))
            else:
                subjects.append(BuildSubject(distribution, needs))
        progress("resolving build requirements")
        return list(pool.map(lambda s: with_build_environment(s, environment, resolution, resolver), subjects))


def with_build_environment(
    subject: BuildSubject, environment: Environment, resolution: Resolution, resolver: Resolver
) -> BuildSubject:
    """The subject with what an isolated build of it would install."""
    if subject.needs is None:
        return subject
    wanted = (*subject.needs.build_system.requires, *subject.needs.hook_requirements)
    return replace(subject, build_environment=resolver.build_environment(environment, resolution, wanted))


def known_needs(distribution: Distribution, target: BuildTarget, resolver: Resolver) -> BuildNeeds | None:
    """What an earlier run found in the same archive, None if none did."""
    kept = resolver.cache.get("needs", facts.key(distribution.sha256, target)) if distribution.sha256 else None
    with suppress(ValueError, TypeError):
        return facts.from_bytes(kept) if kept else None
    return None


def read_needs(distribution: Distribution, tree: SourceTree, target: BuildTarget, resolver: Resolver) -> BuildNeeds:
    """Analyse a source tree, and keep the answer for the next run of the same archive."""
    needs = analyse_build(tree, target, project=distribution.project, version=distribution.version)
    if distribution.sha256:
        resolver.cache.put("needs", facts.key(distribution.sha256, target), facts.to_bytes(needs))
    return needs


def check_manifest(manifest: Manifest) -> tuple[Finding, ...]:
    """What the rules find in the manifest itself; what the tool would refuse in the order in which it would name it."""
    order: dict[object, int] = {(p.place, p.message): i for i, p in enumerate(manifest.problems)}
    found = [f for r in RULES if r.check_manifest for f in r.check_manifest(manifest)]
    return tuple(sorted(found, key=lambda f: order.get((f.place, f.message), len(order))))


def check(simulations: Sequence[Simulation]) -> tuple[Finding, ...]:
    """What the rules find in the simulations; one finding for equal ones of several environments and platforms."""
    found = [f for r in RULES if r.check for s in simulations for f in r.check(s)]
    found += [f for r in RULES if r.check_workspace for f in r.check_workspace(simulations)]
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


def unknown(simulation: Simulation) -> tuple[Unknown, ...]:
    """All that a simulation does not know: of its resolution, and of the sources that must be built."""
    subjects = [b.subject for b in simulation.builds]
    unread = [s.unknown for s in subjects if s.unknown is not None]
    faults = [
        replace(u, subject=s.distribution.project) for s in subjects if s.needs for u in s.needs.unknowns if u.fault
    ]
    return (*simulation.unknowns, *unread, *faults)


def _invalid(error: ManifestError) -> Finding:
    return Finding(
        rule=INVALID_MANIFEST,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        message=error.message,
        explanation=(error.hint,) if error.hint else (),
        place=Place(error.path, ()),
        position=(error.line, error.column) if error.line else None,
    )


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")  # line breaks as they are: plans are written back
    except UnicodeDecodeError as error:
        raise ManifestError("the manifest is not UTF-8", path=str(file)) from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _minor(python: str) -> tuple[int, int]:
    major, minor, *_ = (*python.split("."), "0", "0")
    return int(major), int(minor)
