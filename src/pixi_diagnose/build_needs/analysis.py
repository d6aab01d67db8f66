"""SourceTree → BuildNeeds: which runs are made for a build system, and how what they saw is put together."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..evidence import Evidence, Unknown
from ..names import candidates
from ..source_tree import SourceTree
from .build_system import pyproject_evidence, read_build_system
from .c_sources import removed_c_api
from .declarative import backend_scripts, metadata_providers, version_plugin
from .hooks import Entry, Run, run_backend_script, run_once, settle
from .interpreter import Machine, Surroundings, TreeIndex
from .interpreter.values import Choice, Opaque, Value
from .merging import Merged
from .model import (
    IF_FOUND,
    BuildNeeds,
    BuildSystem,
    BuildTarget,
    Phase,
    Pin,
    RemovedApi,
    Stop,
    Strength,
)
from .native import absent_sources, backend_needs, extension_tools
from .observations import ImportSeen
from .providers import applicable_projects, named_after, possible_projects
from .setup_arguments import refusals
from .setuptools_configuration import read_configuration
from .tables import (
    RemovedApiEntry,
    backend_entry,
    brought_with,
    newest_setuptools,
    removed_api,
    removed_api_named,
    setuptools_makes_wheels,
    setuptools_runs_on,
    vendored_by_setuptools,
)

__all__ = ["analyse_build"]

_ALWAYS_THERE = frozenset({"setuptools", "distutils"})
"""Where setuptools' hooks run, they could be imported: a script's fallback for these is never taken."""
_PLACES = 8
"""Lines that are told of one unknown."""
_NVCC = "nvcc"
_MANY_STEPS = 8_000
"""Beyond these, what would happen without a module or a tool that is there is not tried as well."""
_RANK = {Strength.HARD: 0, Strength.CONDITIONAL: 1, Strength.GUARDED: 2}


def analyse_build(
    tree: SourceTree,
    target: BuildTarget,
    *,
    project: str = "",
    version: str = "",
    available: frozenset[str] = frozenset(),
) -> BuildNeeds:
    """All that a source tree needs to be built on a target, without running anything of it.

    `available` are the canonical names of projects that the declared requirements are known to bring along.
    Never raises for what the tree contains: what cannot be read or followed is among `unknowns`.
    """
    with _collection_put_off():
        return _needs(tree, target, project, version, available)


def _needs(tree: SourceTree, target: BuildTarget, project: str, version: str, available: frozenset[str]) -> BuildNeeds:
    """A function of its own: what it leaves behind is gone before garbage is collected again."""
    analysis = _Analysis(tree, target, read_build_system(tree), project, version, available)
    try:
        return analysis.needs()
    finally:
        analysis.index.release()


@contextmanager
def _collection_put_off() -> Iterator[None]:
    """Syntax trees are many small objects that live on: looking through them for garbage takes a third of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Analysis:
    """The runs of one tree and their sum."""

    def __init__(
        self,
        tree: SourceTree,
        target: BuildTarget,
        system: BuildSystem,
        project: str,
        version: str,
        available: frozenset[str],
    ) -> None:
        self.tree = tree
        self.index = TreeIndex(tree)
        self.target = target
        self.system = system
        self.project = project
        self.version = version
        self.declared = applicable_projects(system.requires, target) | available
        self.setuptools = newest_setuptools(system.requires, target.python)
        self.module = system.backend.partition(":")[0]
        self.legacy = system.backend == "setuptools.build_meta:__legacy__"
        self.in_tree = bool(system.backend_path)
        self.configuration = read_configuration(tree)
        self.merged = Merged()
        self.hook: list[str] = []
        self.hook_evidence: list[Evidence] = []
        self.unknowns: list[Unknown] = [*system.unknowns, *tree.unknowns]
        self.stops: list[Stop] = []
        self.compiled: tuple[RemovedApi, ...] = ()

    # -- surroundings -------------------------------------------------------------------------------------------------

    def _provides(self, hook: Iterable[str]) -> frozenset[str]:
        """The projects that are there once the hook's answer is installed."""
        asked = applicable_projects(hook, self.target)
        named = self.declared | asked
        return named | {b for name in named for b in brought_with(name)}

    def _surroundings(self, argv: tuple[str, ...], hook: Iterable[str], *, stop: bool = False) -> Surroundings:
        projects = self._provides(hook)
        vendored = vendored_by_setuptools(self.setuptools) if "setuptools" in projects else frozenset()
        return Surroundings(
            target=self.target,
            argv=argv,
            provides=_Provided(projects, vendored),
            lacks=self._lacks,
            root_on_path=(self.legacy and not self.in_tree) or _from_working_directory(self.target),
            stop_at_setup_requires=stop,
        )

    def _lacks(self, api: RemovedApiEntry) -> bool:
        """Whether this build's versions lack something."""
        for owner, version in api.gone:
            numbers = tuple(int(part) for part in version.split("."))
            if owner == "python":
                shim = api.name == "distutils" and setuptools_runs_on(self.setuptools, self.target.python)
                return self.target.python >= numbers[:2] and not shim
            if owner == "setuptools":
                return tuple(int(p) for p in self.setuptools.split(".")) >= numbers
        return api.pin != ""

    # -- runs ---------------------------------------------------------------------------------------------------------

    def needs(self) -> BuildNeeds:
        """Make the runs that this build system calls for, and sum them up."""
        self._backend_import()
        uses_setuptools = self.module == "setuptools.build_meta" or self.in_tree
        if uses_setuptools:
            self._setuptools_runs()
        else:
            self._declarative()
        return self._assemble()

    def _backend_import(self) -> None:
        if self.in_tree:
            return
        if self.module == "setuptools.build_meta" and not setuptools_runs_on(self.setuptools, self.target.python):
            version = ".".join(map(str, self.target.python))
            reason = f"setuptools {self.setuptools}, the newest that is allowed, does not run on Python {version}"
            self.stops.append(Stop(reason, Phase.METADATA, pyproject_evidence(self.tree, "requires", "[build-system]")))
        evidence = pyproject_evidence(self.tree, "build-backend", "[build-system]")
        if not evidence and "setup.py" in self.tree.names:
            evidence = (Evidence("setup.py", 1),)
        seen = ImportSeen(
            self.module,
            self.module.partition(".")[0],
            Phase.METADATA,
            Strength.HARD,
            evidence[0] if evidence else Evidence("pyproject.toml", 1),
        )
        self.merged.add_import(seen, projects=self._backend_projects())

    def _backend_projects(self) -> tuple[str, ...]:
        entry = backend_entry(self.system.backend)
        return (entry.project,) if entry else candidates(self.module)

    def _declarative(self) -> None:
        answers, tools = backend_needs(self.tree, self.system, self.declared)
        self.hook += [*answers, *metadata_providers(self.tree, self.module)]
        self.merged.tools.extend(tools)
        plugin = version_plugin(self.tree, self.module)
        if plugin:
            evidence = pyproject_evidence(self.tree, "[tool.hatch.version]", "[tool.hatch")
            place = evidence[0] if evidence else Evidence("pyproject.toml", 1)
            self.merged.add_import(ImportSeen(plugin, plugin, Phase.METADATA, Strength.HARD, place))
        for script in backend_scripts(self.tree, self.module):
            run = run_backend_script(self.index, self._surroundings((script.file,), self.hook), script)
            self.merged.add_run(run, after_answer=True)
            self.stops += [run.stop] if run.stop else []

    def _setuptools_runs(self) -> None:
        entry = self._entry()
        first = settle(self.index, self._surroundings(("setup.py", "egg_info"), (), stop=True), entry, wheel=True)
        asked = self._asked(first)
        self.merged.add_run(first, after_answer=False)
        last = first
        if (asked or first.seen.tells_apart("egg_info", "dist_info")) and not first.given_up:
            around = replace(self._surroundings(("setup.py", "dist_info"), asked), assumed=first.assumed)
            last = settle(self.index, around, entry, wheel=True, first=first.following)
            self.merged.add_run(last, after_answer=True)
        if last.seen.tells_the_wheel_apart and not last.given_up:
            argv = ("setup.py", "bdist_wheel")
            around = replace(self._surroundings(argv, asked), assumed=last.assumed)
            wheel = settle(self.index, around, entry, wheel=False, phase=Phase.WHEEL)
            self.merged.add_run(wheel, after_answer=True)
            last = wheel
        self.compiled = self._removed_c_api(last)
        self._other_worlds(last, entry, asked)
        for run in (first, last):
            found = [
                Stop(f"it reads {f}, which is not in the source tree", run.phase, (e,))
                for f, e in run.seen.absent.items()
            ]
            known = {(s.reason, s.evidence) for s in self.stops}
            self.stops += [
                s for s in [*found, *([run.stop] if run.stop else [])] if (s.reason, s.evidence) not in known
            ]
        self.stops += self._refusals(last)
        self.stops += absent_sources(self.tree, last)
        self.merged.tools.extend(extension_tools(self.tree, last, self.merged))
        self._without_nvcc(last, entry, asked)
        if not setuptools_makes_wheels(self.setuptools):
            self.hook.append("wheel")

    def _refusals(self, run: Run) -> Iterator[Stop]:
        """What setuptools refuses of the arguments of the one setup() that is surely reached."""
        numbers = tuple(int(part) for part in self.setuptools.split("."))
        calls = [call for call in run.seen.setup_calls if call.path.endswith(".setup") and call.certain]
        if len(calls) == 1:
            yield from refusals(calls[0], numbers, Phase.METADATA)

    def _entry(self) -> Entry:
        configuration = self.configuration
        if self.in_tree:
            return Entry(
                backend=self.system.backend, backend_path=self.system.backend_path, on_setup=configuration.on_setup
            )
        return Entry(
            on_setup=configuration.on_setup,
            asks_for=lambda keywords: (
                bool(_requirements(keywords.get("setup_requires"))[0]) or bool(configuration.setup_requires)
            ),
            answered=self._answered,
        )

    def _answered(self, m: Machine) -> Surroundings | None:
        """The surroundings of the hook after get_requires, if all that the script asked so far has the same answer."""
        before = m.around.provides
        if m.seen.tells_apart("egg_info", "dist_info") or m.argv != list(m.around.argv) or m.cleanups:
            return None
        if not isinstance(before, _Provided):
            return None
        asked = list(self.configuration.setup_requires)
        for call in m.seen.setup_calls:
            asked += _requirements(call.keywords.get("setup_requires"))[0]
        after = replace(self._surroundings(("setup.py", "dist_info"), asked), assumed=m.around.assumed)
        return after if all(after.provides(root) is given for root, given in before.answers.items()) else None

    def _asked(self, run: Run) -> list[str]:
        """What get_requires_for_build_wheel answers, from setup_requires, setup.cfg and a backend of the tree."""
        found: list[str] = list(self.configuration.setup_requires)
        for call in run.seen.setup_calls:
            listed, unknown = _requirements(call.keywords.get("setup_requires"))
            found += listed
            if listed:
                self.hook_evidence.append(call.evidence)
            if unknown:
                self.unknowns.append(Unknown("setup_requires is computed", (call.evidence,)))
        if self.in_tree:
            listed, unknown = _requirements(run.hook_answer)
            found += listed
            if unknown:
                evidence = pyproject_evidence(self.tree, "build-backend", "[build-system]")
                self.unknowns.append(Unknown("what the backend of the tree asks for is computed", evidence))
        self.hook += [text for text in dict.fromkeys(found) if text not in self.hook]
        return self.hook

    def _as_in(self, run: Run, asked: list[str]) -> tuple[Surroundings, bool]:
        """The surroundings of a run once more, and whether its script goes on to the wheel by itself."""
        wheel = not run.seen.tells_the_wheel_apart
        argv = ("setup.py", "egg_info" if wheel else "bdist_wheel")
        return replace(self._surroundings(argv, asked), assumed=run.assumed), wheel

    def _other_worlds(self, last: Run, entry: Entry, asked: list[str]) -> None:
        """What happens where missed modules are there, and where declared but guarded ones are not."""
        if last.given_up:
            return
        missed = tuple(last.seen.missed)
        around, wheel = self._as_in(last, asked)
        if missed:
            other = run_once(self.index, replace(around, everything=True), entry, wheel=wheel, phase=Phase.METADATA)
            self.merged.add_other_world(other, last, missed)
            if "Cython" in missed and not other.given_up:
                kept = {api.name for api in self._removed_c_api(other)}
                self.compiled = tuple(
                    api if api.name in kept else replace(api, unless=("Cython",)) for api in self.compiled
                )
        guarded = {n.root for n in self.merged.imports if n.strength is Strength.GUARDED} - set(missed) - _ALWAYS_THERE
        if guarded and self.index.steps < _MANY_STEPS:
            bare = settle(
                self.index,
                replace(around, provides=lambda root: root not in guarded and around.provides(root)),
                entry,
                wheel=wheel,
                whole=(frozenset(guarded), last),
            )
            for need in self.merged.imports:
                if need.root in bare.assumed and need.strength is Strength.GUARDED:
                    need.strength = Strength.HARD

    def _without_nvcc(self, last: Run, entry: Entry, asked: list[str]) -> None:
        """A need of nvcc that could not be decided may hang on nvcc itself (`if CUDA_HOME:`): run where it is absent.

        Where nothing comes to ask for it there, and nothing ends that did not before, the build does without it: it is
        guarded, on the condition IF_FOUND.
        """
        asking = {t for t in self.merged.tools if t.name == _NVCC}
        doubtful = {t for t in asking if t.strength is Strength.CONDITIONAL}
        if not doubtful or any(t.strength is Strength.HARD for t in asking):
            return
        if last.given_up or last.stop is not None or self.index.steps >= _MANY_STEPS:
            return
        around, wheel = self._as_in(last, asked)
        around = replace(around, everything=bool(last.seen.missed), absent_tools=frozenset({_NVCC}))
        bare = run_once(self.index, around, entry, wheel=wheel, phase=Phase.METADATA)
        strengths = {t.strength for t in bare.seen.tools if t.name == _NVCC}
        strengths |= {t.strength for t in extension_tools(self.tree, bare, Merged()) if t.name == _NVCC}
        ends = bare.stop is not None or bare.given_up or not {*bare.seen.unknowns} <= {*self.merged.unknowns}
        if strengths <= {Strength.GUARDED} and not ends:
            self.merged.tools[:] = [
                replace(t, strength=Strength.GUARDED, condition=IF_FOUND) if t in doubtful else t
                for t in self.merged.tools
            ]

    def _removed_c_api(self, run: Run) -> tuple[RemovedApi, ...]:
        return removed_c_api(self.tree, run, (*self.system.requires, *self.hook), self.target)

    # -- the sum ------------------------------------------------------------------------------------------------------

    def _assemble(self) -> BuildNeeds:
        merged = self.merged
        pins, removed = self._removed()
        return BuildNeeds(
            project=self.project,
            version=self.version,
            build_system=self.system,
            hook_requirements=tuple(dict.fromkeys(self.hook)),
            hook_evidence=tuple(dict.fromkeys(self.hook_evidence)),
            imports=merged.import_needs(),
            tools=merged.tool_needs(),
            pins=pins,
            removed=removed,
            knobs=merged.knob_values(self.index),
            downloads=tuple(dict.fromkeys(merged.downloads)),
            unknowns=_told_once([*self.unknowns, *merged.unknowns]),
            stops=tuple(self.stops),
            versions=tuple(merged.versions),
        )

    def _removed(self) -> tuple[tuple[Pin, ...], tuple[RemovedApi, ...]]:
        grouped: dict[tuple[str, Phase], RemovedApi] = {}
        pins: dict[str, Pin] = {}
        for seen in self.merged.removed:
            entry = removed_api(seen.key) or removed_api_named(seen.key)
            if entry is None:
                continue
            key = (entry.name, seen.phase)
            before = grouped.get(key)
            strength = (
                seen.strength if before is None or _RANK[seen.strength] < _RANK[before.strength] else before.strength
            )
            evidence = (*(before.evidence if before else ()), seen.evidence)
            grouped[key] = RemovedApi(entry.name, entry.gone, seen.phase, strength, tuple(dict.fromkeys(evidence)))
            if entry.pin and self._lacks(entry) and seen.strength is not Strength.GUARDED and entry.pin not in pins:
                pins[entry.pin] = Pin(entry.pin, entry.reason, seen.phase, (seen.evidence,))
        return tuple(pins.values()), (*grouped.values(), *self.compiled)


class _Provided:
    """Whether modules are there, by their first name; `answers` is what was asked so far."""

    __slots__ = ("_projects", "_vendored", "answers")

    def __init__(self, projects: frozenset[str], vendored: frozenset[str]) -> None:
        self._projects = projects
        self._vendored = vendored
        self.answers: dict[str, bool] = {}

    def __call__(self, root: str) -> bool:
        found = self.answers.get(root)
        if found is None:
            found = self.answers[root] = self._has(root)
        return found

    def _has(self, root: str) -> bool:
        if root in {"pkg_resources", "_distutils_hack"}:
            return "setuptools" in self._projects
        if root in self._vendored or not self._projects.isdisjoint(possible_projects(root, candidates(root))):
            return True
        return named_after(root, self._projects)


def _from_working_directory(target: BuildTarget) -> bool:
    """Hooks run in the source's own folder, which "." on PYTHONPATH makes importable (pixi 0.77, seen)."""
    return "." in target.variables.get("PYTHONPATH", "").replace(";", ":").split(":")


def _told_once(unknowns: Iterable[Unknown]) -> tuple[Unknown, ...]:
    """Each reason once, with all its places as far as a reader wants them."""
    found: dict[tuple[str, str], Unknown] = {}
    for unknown in unknowns:
        known = found.setdefault((unknown.reason, unknown.subject), unknown)
        evidence = tuple(dict.fromkeys([*known.evidence, *unknown.evidence]))[:_PLACES]
        found[unknown.reason, unknown.subject] = replace(known, evidence=evidence, fault=known.fault or unknown.fault)
    return tuple(found.values())


def _requirements(value: Value) -> tuple[list[str], bool]:
    """The requirement strings of a `setup_requires` value, and whether some of it is not known."""
    if value is None:
        return [], False
    if isinstance(value, str):
        lines = [line.partition("#")[0].strip() for line in value.splitlines()]
        return [line for line in lines if line], False
    if isinstance(value, Choice):
        parts = [_requirements(option) for option in value.options]
        return [text for texts, _ in parts for text in texts], any(unknown for _, unknown in parts)
    if isinstance(value, list | tuple | set):
        parts = [_requirements(item) for item in value]
        return [text for texts, _ in parts for text in texts], any(unknown for _, unknown in parts)
    return [], isinstance(value, Opaque)
