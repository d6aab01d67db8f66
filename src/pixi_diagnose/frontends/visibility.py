"""What one run of a build misses, given what it can see: shared by all frontends."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..build_needs.model import IF_FOUND, BuildNeeds, ImportNeed, Phase, RemovedApi, Stop, Strength, ToolNeed
from ..build_needs.tables import newest_setuptools, vendored_by_setuptools
from ..evidence import Evidence
from ..index.model import PypiResolution
from ..lazy_dataclass import dataclass
from ..names import candidates
from ..pep508 import canonicalize_name
from .model import Build, BuildPhase, BuildSubject, Missing, Outcome, Refusal, Visible
from .toolchain import refused_toolchain

if TYPE_CHECKING:
    from packaging.version import Version

__all__ = [
    "JUDGED_TOOLS",
    "Late",
    "compiles_through_torch",
    "exact_version",
    "judge",
    "left_out_here",
    "own_requirements",
    "requirement_names",
]

JUDGED_TOOLS = frozenset({"nvcc"})
"""Tools whose absence is predicted as a failure. The others (compilers, cmake, git) usually come with the machine."""

Late = Callable[[tuple[str, ...]], str]
"""Where a project of the resolution exists although this build does not see it, in words; "" where it is nowhere."""


@dataclass(frozen=True, slots=True)
class _Verdicts:
    hard: list[Missing]
    conditional: list[tuple[Missing, str]]
    guarded: list[Missing]


def judge(
    phase: str,
    subject: BuildSubject,
    visible: Visible,
    *,
    isolated: bool,
    late: Late = lambda _: "",
    requirements: Sequence[Build] = (),
) -> BuildPhase:
    """Predict one run of a build ("lock": its metadata hooks; "install": all of them) from what it sees.

    `late` says of projects that are not visible where they come too late. `requirements` are the builds of its build
    requirements: those of declared ones run before its first hook, those of its hook's answer after that one.
    """
    declared = [r for r in requirements if r.project not in visible.later]
    asked = [r for r in requirements if r.project in visible.later]
    stopped = _stopped(phase, declared, visible, {Outcome.FAILS})
    if stopped is not None:
        return stopped
    run = _judge_alone(phase, subject, visible, isolated=isolated, late=late)
    if run.outcome is Outcome.FAILS and not _reaches_answer(subject.needs, run):
        return run
    worse = {Outcome.FAILS} if run.outcome is Outcome.FAILS else {Outcome.FAILS, Outcome.AT_RISK, Outcome.UNKNOWN}
    return _stopped(phase, [*asked, *declared], visible, worse) or run


def _stopped(
    phase: str, requirements: Sequence[Build], visible: Visible, outcomes: Collection[Outcome]
) -> BuildPhase | None:
    """The run that one of these builds keeps from going on, None where none of them does."""
    ended = {r.phases[-1].outcome: r for r in reversed(requirements) if r.phases[-1].outcome in outcomes}
    if not ended:
        return None
    stopping = ended[Outcome.worst(list(ended))]
    run = stopping.phases[-1]
    reason = f"its build requirement {stopping.project} {run.reason}" if run.requirement else _cannot(stopping, run)
    return BuildPhase(phase, run.outcome, run.missing, (), reason, visible, requirement=stopping)


def _cannot(requirement: Build, run: BuildPhase) -> str:
    ends = {Outcome.FAILS: "cannot be built", Outcome.AT_RISK: "may not be built", Outcome.UNKNOWN: "was not read"}
    return f"its build requirement {requirement.project} {ends[run.outcome]}: {run.reason}"


def _reaches_answer(needs: BuildNeeds | None, run: BuildPhase) -> bool:
    """Whether a run that fails has installed its hook's answer before."""
    if needs is None or not run.missing:
        return False
    first = run.missing[0]
    return first.phase is Phase.WHEEL or any(
        n.after_setup_requires and n.evidence == first.evidence for n in needs.imports
    )


def _judge_alone(phase: str, subject: BuildSubject, visible: Visible, *, isolated: bool, late: Late) -> BuildPhase:
    needs = subject.needs
    if subject.circular:
        name = subject.distribution.project
        return BuildPhase(phase, Outcome.FAILS, reason=f"{name} is needed to build {name}", visible=visible)
    if needs is None:
        reason = subject.unknown.reason if subject.unknown else "its source was not read"
        return BuildPhase(phase, Outcome.UNKNOWN, reason=reason, visible=visible)
    if isolated and subject.build_environment is not None and (failure := subject.build_environment.failure):
        if failure.kind == "index":  # it could not be asked: nothing is known of what it has
            return BuildPhase(phase, Outcome.UNKNOWN, reason=failure.message, visible=visible)
        return _unresolvable(phase, needs, visible, failure.projects, failure.message)
    phases = {Phase.METADATA} if phase == "lock" else {Phase.METADATA, Phase.WHEEL}
    verdicts = _Verdicts([], [], [])
    for need in sorted(needs.imports, key=lambda n: n.order):
        if need.phase in phases and not _is_needless(need, visible) and not _is_visible(need, visible):
            _sort_in(verdicts, _missing_import(need, needs, late), need.strength, need.condition)
    for removed in needs.removed:
        if removed.unless and _any_visible(removed.unless, visible):
            continue
        if removed.phase in phases and (where := _removed_here(removed, needs, visible)):
            _sort_in(verdicts, _missing_removed(removed, where), removed.strength, "")
    for tool in needs.tools:
        unreached = _hangs_on_absent(tool, verdicts.guarded)
        if tool.phase in phases and tool.name in JUDGED_TOOLS and tool.name not in visible.tools and not unreached:
            _sort_in(verdicts, _missing_tool(tool), tool.strength, tool.condition)
    stop = next((s for s in needs.stops if s.phase in phases), None)
    refused = (*_refused_versions(needs, phases, visible), *_refused_toolchain(needs, phases, visible))
    return _phase(phase, verdicts, visible, stop, refused)


def _phase(
    phase: str, verdicts: _Verdicts, visible: Visible, stop: Stop | None, refused: tuple[Refusal, ...]
) -> BuildPhase:
    missing = tuple(verdicts.hard)
    guarded = tuple(verdicts.guarded)
    if missing:
        return BuildPhase(phase, Outcome.FAILS, missing, guarded, _lack(missing[0]), visible, stop)
    if stop is not None:
        return BuildPhase(phase, Outcome.FAILS, (), guarded, stop.reason, visible, stop)
    if refused:
        return BuildPhase(phase, Outcome.FAILS, (), guarded, refused[0].reason, visible, None, refused)
    if verdicts.conditional:
        first, condition = verdicts.conditional[0]
        reason = _lack(first) + (f" if {condition}" if condition else "")
        return BuildPhase(phase, Outcome.AT_RISK, tuple(m for m, _ in verdicts.conditional), guarded, reason, visible)
    return BuildPhase(phase, Outcome.OK, (), guarded, "", visible)


def _lack(missing: Missing) -> str:
    if missing.kind == "removed":
        return f"it uses {missing.name}, which {missing.late} no longer has"
    return f"{missing.name} is missing"


def _sort_in(verdicts: _Verdicts, missing: Missing, strength: Strength, condition: str) -> None:
    if strength is Strength.HARD:
        verdicts.hard.append(missing)
    elif strength is Strength.CONDITIONAL:
        verdicts.conditional.append((missing, condition))
    else:
        verdicts.guarded.append(missing)


def _is_needless(need: ImportNeed, visible: Visible) -> bool:
    """Whether the import is not reached: something it stands in for is there, or something it goes with is not."""
    there = visible.projects.keys() | (visible.later.keys() if need.after_setup_requires else set())
    return any(there & set(candidates(name)) for name in need.unless) or any(
        not there & set(candidates(name)) for name in need.only_with
    )


def _any_visible(modules: Iterable[str], visible: Visible) -> bool:
    """Whether one of these modules is there, in a version that its bound accepts ("Cython>=3.0.5")."""
    from packaging.requirements import Requirement

    there = {**visible.later, **visible.projects}
    for asked in map(Requirement, modules):
        versions = [exact_version(there[name]) for name in candidates(asked.name) if name in there]
        if any(v is None or asked.specifier.contains(v, prereleases=True) for v in versions):
            return True
    return False


def _hangs_on_absent(tool: ToolNeed, absent: Iterable[Missing]) -> bool:
    """Whether an undecided condition asks for a module that the build goes on without, as deepspeed's for torch."""
    if tool.strength is not Strength.CONDITIONAL:
        return False
    return any(re.search(rf"(?<!not )\b{re.escape(m.name)}", tool.condition) for m in absent if m.kind == "import")


def _is_visible(need: ImportNeed, visible: Visible) -> bool:
    if need.in_tree:
        return False
    there = {*visible.projects, *visible.later} if need.after_setup_requires else visible.projects
    if any(p in there for p in need.projects):
        return True
    if "setuptools" not in visible.projects:
        return False
    vendored = vendored_by_setuptools(visible.projects["setuptools"] or newest_setuptools(()))
    return any(p in vendored for p in need.projects)


def _refused_versions(needs: BuildNeeds, phases: Collection[Phase], visible: Visible) -> Iterator[Refusal]:
    """What is visible in a version that the script itself does not accept."""
    from packaging.specifiers import SpecifierSet

    seen = {**visible.later, **visible.projects}
    for need in needs.versions:
        version = exact_version(seen.get(need.project, ""))
        if need.phase in phases and version and version not in SpecifierSet(need.specifier, prereleases=True):
            yield Refusal("version", need.project, str(version), need.specifier, evidence=need.evidence)


def _refused_toolchain(needs: BuildNeeds, phases: Collection[Phase], visible: Visible) -> Iterator[Refusal]:
    """What does not fit together for a build that is sure to compile CUDA code."""
    nvcc = next((t for t in needs.tools if t.name == "nvcc" and t.strength is Strength.HARD), None)
    if nvcc is not None and nvcc.phase in phases:
        for refusal in refused_toolchain(visible.toolchain, through_torch=compiles_through_torch(needs)):
            # versions are compared when the compiler is started, a toolkit is looked for when the extension is made
            if Phase.WHEEL in phases or refusal.name == "torch":
                yield replace(refusal, evidence=nvcc.evidence)


def compiles_through_torch(needs: BuildNeeds) -> bool:
    """Whether the script imports torch.utils.cpp_extension, which checks CUDA and compilers before it compiles."""
    return any("cpp_extension" in e.text for n in needs.imports if "torch" in n.projects for e in n.evidence)


def left_out_here(needs: BuildNeeds | None, visible: Visible | None) -> ToolNeed | None:
    """The tool, judged by its absence, without which a build leaves something out here; None where it has them."""
    if visible is None:
        return None
    for tool in needs.tools if needs is not None else ():
        if tool.condition == IF_FOUND and tool.name in JUDGED_TOOLS and tool.name not in visible.tools:
            return tool
    return None


def exact_version(text: str) -> Version | None:
    """A visible version where it is known exactly."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def own_requirements(
    needs: BuildNeeds | None, resolved: PypiResolution | None, extra: Iterable[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """What an isolated build sees of Python projects: from the start, and after its hook's answer was installed.

    `resolved` are its build requirements and that answer together; empty where either is not known. `extra` are the
    projects that the user's configuration adds to the declared ones.
    """
    if resolved is None or needs is None:
        return {}, {}
    chosen = {d.project: d for d in resolved.distributions}
    declared = (requirement_names(needs.build_system.requires) | set(extra)) & chosen.keys()
    size = -1
    while len(declared) != size:
        size = len(declared)
        declared |= {name for name, d in chosen.items() if declared & set(d.required_by)}
    own = {name: chosen[name].version for name in sorted(declared)}
    return own, {name: d.version for name, d in chosen.items() if name not in declared}


def requirement_names(lines: Iterable[str]) -> set[str]:
    """The canonical project names of requirement strings; unreadable ones are left out (others report them)."""
    from packaging.requirements import InvalidRequirement, Requirement

    names: set[str] = set()
    for line in lines:
        try:
            names.add(canonicalize_name(Requirement(line).name))
        except InvalidRequirement:
            continue
    return names


def _missing_import(need: ImportNeed, needs: BuildNeeds, late: Late) -> Missing:
    declared = requirement_names(needs.build_system.requires)
    return Missing(
        kind="import",
        # the tool's own message names the top-level package: nothing of it is there
        name=need.import_name if need.in_tree else need.import_name.partition(".")[0],
        projects=need.projects,
        phase=need.phase,
        evidence=need.evidence,
        backend=need.order == 0,
        late="" if need.in_tree else late(need.projects),
        declared=bool(set(need.projects) & declared),
        in_tree=need.in_tree,
    )


def _removed_here(removed: RemovedApi, needs: BuildNeeds, visible: Visible) -> str:
    """The visible project that no longer has the API ("setuptools 82.0"), else ""."""
    from packaging.version import InvalidVersion, Version

    if removed.name.partition(".")[0] == "distutils" and any("setuptools" in n.projects for n in needs.imports):
        return ""  # setuptools brings its own copy once it is imported
    for owner, version in removed.removed_in:
        seen = visible.projects.get(owner, "")
        try:
            if seen and Version(seen) >= Version(version):
                return f"{owner} {seen}"
        except InvalidVersion:
            continue
    return ""


def _missing_removed(removed: RemovedApi, where: str) -> Missing:
    return Missing("removed", removed.name, (), removed.phase, removed.evidence, late=where)


def _missing_tool(tool: ToolNeed) -> Missing:
    return Missing("tool", tool.name, (), tool.phase, tool.evidence)


def _unresolvable(
    phase: str, needs: BuildNeeds, visible: Visible, projects: tuple[str, ...], message: str
) -> BuildPhase:
    line = needs.build_system.line
    evidence = (Evidence("pyproject.toml", line),) if line else ()
    wanted = dict.fromkeys(projects or needs.build_system.requires)
    missing = tuple(Missing("requirement", p, (p,), Phase.METADATA, evidence, declared=True) for p in wanted)
    return BuildPhase(phase, Outcome.FAILS, missing, (), message, visible)
