"""The pipeline on one screen: a manifest's text in, a report out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from .build_subjects import build_subjects, reading_ahead
from .checking import check, check_manifest, chosen, invalid_manifest
from .conda import CondaSession
from .document import Document
from .document.opening import open_document
from .environment import Environment, environments, select
from .errors import ManifestError, UsageError
from .evidence import Unknown
from .finding import Plan, Severity
from .frontends import VERSIONS, simulator
from .frontends.installed import installed_version
from .frontends.model import Simulation
from .index.session import IndexSession
from .locks import lock_beside
from .manifest import find_manifest, frontend_for, read_manifest
from .manifest.encodings import decoded
from .manifest.model import Manifest
from .manifest.pixi_versions import imitated_version, unsupported
from .manifest.surroundings import Edited, OnDisk
from .manifest.uv_versions import as_of
from .outcome import Outcome
from .pep508 import canonicalize_name
from .prefix import read_prefix
from .question import Question
from .report import Report
from .resolve import Resolver
from .settings import read_settings
from .side_by_side import Elsewhere, given_to

if TYPE_CHECKING:
    from .plan import Simulate

__all__ = ["EVERY_FRONTEND", "Question", "diagnose"]

EVERY_FRONTEND = "all"
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


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
    compared = question.frontend == EVERY_FRONTEND
    question = replace(question, frontend="" if compared else question.frontend)
    file = find_manifest(Path(path or "."), os.environ, question.frontend)
    document = open_document(_read(file) if text is None else text, str(file))
    question = replace(question, frontend=frontend_for(document.text, str(file), question.frontend))
    version = VERSIONS[question.frontend]
    report = Report(str(file), question.frontend, version, None, {str(file): document}, offline=session.offline)
    try:
        manifest = read_manifest(document.text, str(file), question.invocation)
        settings = read_settings(document.data, str(file))
    except ManifestError as error:
        return replace(report, findings=(invalid_manifest(error),), rejected=True)
    documents = {**report.documents, **{name: open_document(read, name) for name, read in manifest.files.items()}}
    question = with_version(question, manifest, session)
    host = question.machine.host if question.frontend == "pixi" else None
    report = replace(report, frontend_version=question.frontend_version, documents=documents, host=host)
    if question.frontend == "pixi" and question.frontend_version != VERSIONS["pixi"]:
        older = unsupported(document.data, str(file), question.frontend_version)
        manifest = replace(manifest, problems=(*manifest.problems, *older))
    elif question.frontend == "uv":
        manifest = as_of(manifest, question.frontend_version)
    findings = check_manifest(manifest)
    channels = CondaSession(session.cache, manifest.root, max_age=session.max_age)

    def edited(
        texts: Mapping[str, str],
        *,
        isolated: bool = False,
        variables: Mapping[str, str] = NO_VARIABLES,
        python: str = "",
    ) -> tuple[Simulation, ...]:
        asked = replace(question, no_build_isolation=False, no_build_isolation_packages=()) if isolated else question
        asked = replace(asked, python=python or asked.python)
        return resimulate(texts, file, asked, session, channels, variables)

    if any(f.severity is Severity.ERROR for f in findings):
        report = replace(report, manifest=manifest, rejected=True)
        plans = _plans_for_rejected(documents, manifest, edited) if question.plans else ()
        return replace(report, findings=chosen(findings, question, settings, report), plans=plans)
    simulations = simulate(manifest, question, session, channels, progress)
    findings += check(simulations)
    plans = ()
    fix: Plan | None = None
    failing = any(o in {Outcome.FAILS, Outcome.AT_RISK} for s in simulations for o in s.outcomes.values())
    if question.plans and failing:
        from .plan import plan_tiers, safe_fix

        progress("looking for a configuration that passes")
        plans = plan_tiers(documents, simulations, edited, every=question.every_tier, unread=manifest.unread)
        fix = safe_fix(documents, simulations, edited, plans) if question.fix else None
    return replace(
        report,
        manifest=manifest,
        simulations=simulations,
        findings=chosen(findings, question, settings, report),
        plans=plans,
        fix=fix,
        elsewhere=elsewhere(document.text, file, simulations, question, session, channels) if compared else (),
        unknowns=tuple(dict.fromkeys((*unsaid(manifest, simulations), *(u for s in simulations for u in unknown(s))))),
        seconds=time.perf_counter() - start,
    )


def with_version(question: Question, manifest: Manifest, session: IndexSession) -> Question:
    """The question with the frontend's version to imitate: as asked, else the installed one, else as required."""
    if question.frontend == "pixi":
        given = question.frontend_version or installed_version(question.machine.pixi, session.cache)
        return replace(question, frontend_version=imitated_version(VERSIONS["pixi"], given, manifest.requires))
    installed = installed_version(question.machine.uv, session.cache) if question.frontend == "uv" else ""
    version = question.frontend_version or installed or VERSIONS[question.frontend]
    return replace(question, frontend_version=version)


def simulate(
    manifest: Manifest,
    question: Question,
    session: IndexSession,
    channels: CondaSession,
    progress: Callable[[str], None] = lambda _: None,
    *,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> tuple[Simulation, ...]:
    """Manifest → environments → resolutions → build needs → simulations, one per selected environment and platform.

    `variables` reach every build, as those of a command's environment do.
    """
    every = environments(manifest)
    if variables:
        every = tuple(replace(e, variables={**e.variables, **variables}) for e in every)
    locked = lock_beside(manifest, every, session.default_index, session.cache)
    resolver = Resolver(every, session, channels, question.machine.subdirs, locked)
    wanted = select(every, question.environments, question.platforms)
    return simulate_environments(wanted, resolver, question, progress)


def simulate_environments(
    wanted: Sequence[Environment],
    resolver: Resolver,
    question: Question,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Simulation, ...]:
    """Each of these environments resolved, its builds analysed, and both simulated under the question's frontend.

    Environments that differ in nothing but their names are one question.
    """
    simulate_one = simulator(question.frontend)
    answered: dict[tuple[str, str | None, tuple[str, ...]], Simulation] = {}
    simulations = []
    for environment in map(resolver.named, wanted):
        key = (environment.platform.name, environment.solve_group, environment.features)
        known = answered.get(key)
        if known is not None and resolver.is_one_question(known.environment, environment):
            simulation = replace(known, environment=environment)
        else:
            progress(f"resolving {environment.name} for {environment.platform.name}")
            resolution = resolver.resolve(environment, reading_ahead(environment, resolver))
            subjects = build_subjects(environment, resolution, resolver, progress)
            simulation = simulate_one(environment, resolution, subjects, question.machine, question.frontend_version)
            answered[key] = simulation
        left_over = read_prefix(environment.root, environment.name)
        simulations.append(replace(simulation, prefix=left_over) if left_over else simulation)
    return tuple(simulations)


def elsewhere(
    text: str,
    file: Path,
    simulations: Sequence[Simulation],
    question: Question,
    session: IndexSession,
    channels: CondaSession,
) -> tuple[Elsewhere, ...]:
    """The same under the other frontends: the file itself where they read it, else what they would be given of it.

    pip is always given what it is to install: its indexes and isolation stand on its command line, not in a project.
    """
    found = []
    for frontend in (name for name in VERSIONS if name != question.frontend):
        asked = replace(question, frontend=frontend, frontend_version=VERSIONS[frontend])
        given = ""
        ends = None if frontend == "pip" else _read_by(frontend, text, file, asked, session, channels)
        if ends is None:
            moved, given = given_to(frontend, simulations)
            resolver = Resolver(moved, session, channels, question.machine.subdirs)
            ends = simulate_environments(moved, resolver, asked)
        found.append(Elsewhere(frontend, asked.frontend_version, ends, given))
    return tuple(found)


def _read_by(
    frontend: str, text: str, file: Path, question: Question, session: IndexSession, channels: CondaSession
) -> tuple[Simulation, ...] | None:
    """The simulations of a file that another frontend reads, None where it does not."""
    try:
        frontend_for(text, str(file), frontend)
        return resimulate({str(file): text}, file, question, session, channels)
    except (UsageError, ManifestError):
        return None


def resimulate(
    texts: Mapping[str, str],
    file: Path,
    question: Question,
    session: IndexSession,
    channels: CondaSession,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> tuple[Simulation, ...]:
    """Simulate edited texts of the manifest and of files beside it, by path. ManifestError where the edit broke it.

    `variables` are what the environment of the command has in addition.
    """
    around = Edited(OnDisk(file.parent), str(file.parent), texts, variables)
    manifest = read_manifest(texts[str(file)], str(file), question.invocation, around)
    broken = next((p for p in manifest.problems if p.kind in {"invalid", "unknown-key"}), None)
    if broken is not None:
        raise ManifestError(broken.message, path=str(file))
    if question.frontend == "uv":
        manifest = as_of(manifest, question.frontend_version)
    return simulate(manifest, question, session, channels, variables=variables)


def unsaid(manifest: Manifest, simulations: Sequence[Simulation]) -> tuple[Unknown, ...]:
    """All that a manifest leaves open, but for the names that its sources said."""
    specs = (s for f in manifest.features.values() for t in f.targets for s in t.pypi)
    guessed = {s.name for s in specs if s.nameless} - {s.name for x in simulations for s in x.environment.pypi}
    return tuple(u for u in manifest.unknowns if canonicalize_name(u.subject) not in guessed)


def unknown(simulation: Simulation) -> tuple[Unknown, ...]:
    """All that a simulation does not know: of its resolution, and of the sources that must be built."""
    subjects = [b.subject for b in simulation.builds]
    unread = [s.unknown for s in subjects if s.unknown is not None]
    faults = [
        replace(u, subject=s.distribution.project) for s in subjects if s.needs for u in s.needs.unknowns if u.fault
    ]
    return (*simulation.unknowns, *unread, *faults)


def _plans_for_rejected(documents: Mapping[str, Document], manifest: Manifest, edited: Simulate) -> tuple[Plan, ...]:
    if manifest.dialect != "pixi":
        return ()
    from .plan import plan_without_rejected

    return plan_without_rejected(documents, manifest.problems, edited)


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()  # line breaks as they are: plans are written back
        return decoded(data) if file.suffix in {".txt", ".in"} else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ManifestError("the manifest is not UTF-8", path=str(file)) from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
