"""What can be said of a build that fails, whoever reads the manifest: would isolation do, which bound, which switch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from ..build_needs.model import Knob
from ..frontends.model import Build, BuildPhase, BuildSubject, Missing, Simulation, Visible
from ..frontends.visibility import judge, own_requirements
from ..outcome import Outcome
from ..pep508 import canonicalize_name
from ..prose import and_list
from .workbench import Workbench, failing, failing_run

__all__ = [
    "FailedBuild",
    "bounded",
    "builds_isolated",
    "deciding_knobs",
    "gone_since",
    "knob_cost",
    "last_python_with",
    "last_with",
    "left_out",
    "not_by_settings",
    "replaceable",
]

_EXTENSION = re.compile(r"adds (\w*Extension|cythonize)(?: ([\w.]+))?")
"""In a knob's effect, what is compiled and to which module (build_needs.knobs)."""
_OTHER_VALUE = {"FALSE": "TRUE", "False": "True", "false": "true", "0": "1", "OFF": "ON", "off": "on", "NO": "YES"}
_OTHER_VALUE |= {other: value for value, other in _OTHER_VALUE.items()}


class FailedBuild:
    """One failing run of one build, and the bench on which it is to be mended."""

    def __init__(self, bench: Workbench, simulation: Simulation, build: Build, run: BuildPhase) -> None:
        self.bench = bench
        self.simulation = simulation
        self.build = build
        self.run = run
        self.project = build.project


def builds_isolated(simulation: Simulation, build: Build, run: BuildPhase) -> bool:
    """Whether the build would pass with isolation, seeing what its own environment would hold and the same tools."""
    tools = run.visible.tools if run.visible else {}

    def passes(subject: BuildSubject) -> bool:
        own, later = own_requirements(subject.needs, subject.build_environment, subject.extra_requirements)
        visible = Visible({**own, "python": simulation.resolution.python}, tools, later=later)
        alone = judge("install", subject, visible, isolated=True).outcome is Outcome.OK
        return alone and all(map(passes, subject.requirements))

    return passes(build.subject)


def replaceable(simulations: Sequence[Simulation]) -> list[tuple[Simulation, Build]]:
    """The failing builds of an index's projects, each once, but for those that only settings are in the way of."""
    return [(s, b) for s, b in not_by_settings(simulations) if b.subject.distribution.kind == "sdist"]


def not_by_settings(simulations: Sequence[Simulation]) -> list[tuple[Simulation, Build]]:
    """The failing builds, each once, but for those that only settings are in the way of.

    Where a build requirement does not build, it is the project that asks for it.
    """
    found: dict[str, tuple[Simulation, Build]] = {}
    for simulation in simulations:
        for failed in failing(simulation):
            build = simulation.build(failed.asked_for) or failed
            run = failing_run(build)
            if run is None or run.visible is None:
                continue
            if build.isolated or not builds_isolated(simulation, build, run):
                found.setdefault(build.project, (simulation, build))
    return list(found.values())


def deciding_knobs(build: Build, run: BuildPhase) -> Iterator[tuple[Knob, str]]:
    """The script's own switches on which hangs whether what this run misses is needed, each with its other value."""
    needs = build.subject.needs
    missing = {m.name for m in run.missing}
    for knob in needs.knobs if needs else ():
        decides = any(f"imports {name}" in knob.effect for name in missing)
        if "nvcc" in missing or run.stop is not None:
            decides |= any(text in knob.effect for text in ("CUDAExtension", "stops with", "runs a program"))
        if decides:
            yield knob, _OTHER_VALUE.get(knob.default or "0", "1")


def knob_cost(build: Build, knob: Knob, value: str) -> str:
    """What is lost by giving a script's own switch this value, in a sentence."""
    given = f"With {knob.variable}={value}"
    extensions = _EXTENSION.findall(knob.effect)
    unless = _unless_ready(build)
    if not extensions:
        return f"{given} the build may make less: the variable {knob.effect}{unless}."
    named = and_list(dict.fromkeys(f"{kind} {module}".rstrip() for kind, module in extensions))
    it = "them" if " and " in named else "it"
    cost = f"{given} the build leaves out its {named}{unless}: what imports {it} fails."
    has_cuda = "CUDAExtension" in named
    return f"{cost} A machine with nvcc compiles {it} without this variable." if has_cuda else cost


def left_out(build: Build, knob: Knob) -> str:
    """What a build does not make without a part that its script's own switch decides, "" where it does not say."""
    modules = [module for _, module in _EXTENSION.findall(knob.effect)]
    if not modules:
        return ""
    named = and_list(dict.fromkeys(filter(None, modules))) or "the compiled part"
    return f"{named} of {build.project}{_unless_ready(build)}"


def _unless_ready(build: Build) -> str:
    downloads = build.subject.needs.downloads if build.subject.needs else ()
    return f", unless the build fetches a ready wheel ({downloads[0].evidence[0]})" if downloads else ""


def gone_since(build: Build, removed: Missing) -> str:
    """The version from which an API is gone from what is visible of its owner, "" where that is not known."""
    needs, owner = build.subject.needs, removed.late.partition(" ")[0]
    api = next((r for r in needs.removed if r.name == removed.name), None) if needs else None
    return next((version for name, version in api.removed_in if name == owner), "") if api else ""


def last_with(build: Build, removed: Missing) -> str:
    """The bound under which an API is still there ("setuptools<81"), "" for one of Python itself."""
    owner = removed.late.partition(" ")[0]
    if (known := bounded(build, owner)) != owner and "<" in known:
        return known
    gone = gone_since(build, removed)
    return f"{owner}<{gone}" if gone and owner != "python" else ""


def last_python_with(build: Build, removed: Missing) -> str:
    """The newest Python in which an API of its own is still there ("3.10"), "" for one of a project."""
    major, _, minor = gone_since(build, removed).partition(".")
    return f"{major}.{int(minor) - 1}" if removed.late.startswith("python ") and minor.isdigit() else ""


def bounded(build: Build, project: str) -> str:
    """A project with the bounds that this build is known to need of it, or declares."""
    needs = build.subject.needs
    declared = needs.build_system.requires if needs and needs.build_system.table else ()
    for line in (*(p.requirement for p in needs.pins), *declared) if needs else ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) == project and requirement.specifier:
            return f"{project}{requirement.specifier}"
    return project
