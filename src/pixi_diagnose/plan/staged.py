"""Tier 3, staged: pixi keeps what it can lock and install, and tasks install the rest in order.

They use uv, in the same environment, and check the versions of the stack at the end. One command starts them all, and
may be repeated.

The part that stays with pixi is simulated as any other manifest. What a task builds is judged by the same rules, from
what the environment holds at that moment: all that pixi installed, and what the tasks before put beside it. That uv
finds what they put there is known from isolated builds, or simulated as dependencies of the manifest.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import pairwise

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from ..conda import tools
from ..evidence import KeyPath
from ..finding import Plan
from ..frontends.model import Build, Outcome, Simulation, Visible
from ..frontends.toolchain import conda_toolchain, with_torch
from ..frontends.visibility import exact_version, judge
from ..lazy_dataclass import dataclass
from ..manifest.model import GitSource, PathSource, UrlSource
from ..pep508 import canonicalize_name
from ..prose import and_list
from .changes import Change, Drop, Put, Unlist
from .declare import mending
from .failed_builds import builds_isolated
from .pixi_mending import Route, nvcc_for, nvcc_package
from .placing import Home, chain_to, conda_spec, home, option_entry, pypi_specs
from .workbench import Trial, Workbench, failing, failing_run

__all__ = ["staged"]

_IN_PLACE = '--python "$CONDA_PREFIX"'


def staged(bench: Workbench) -> Plan:
    """Take what cannot be built by pixi out of its hands, one environment's feature at a time."""
    groups = _to_stage(bench)
    if isinstance(groups, str):
        return bench.nothing(3, "staged", groups)
    changes: list[Change] = [c for stage in groups for c in stage.withdrawal()]
    trial = bench.compose(mending(bench, Route.CONDA), changes)
    if trial.reason:
        return bench.offer(3, "staged", trial)
    for stage in groups:
        after = next((s for s in trial.simulations if _same(s, stage.simulation)), None)
        if after is None:
            return bench.nothing(3, "staged", "the environment is gone after the edit")
        steps = stage.steps(trial, after)
        if isinstance(steps, str):
            return bench.nothing(3, "staged", steps)
        changes = [*trial.changes, *steps]
        trial = bench.try_changes(changes)
        if trial.reason:
            break
    return bench.offer(3, "staged", trial)


def _same(one: Simulation, other: Simulation) -> bool:
    return one.environment.name == other.environment.name and one.environment.platform == other.environment.platform


def _to_stage(bench: Workbench) -> list[_Stage] | str:
    """The builds that fail for another reason than a mistake, by the feature that brings them in; or why none."""
    found: dict[KeyPath, _Stage] = {}
    for simulation in bench.before:
        for build in failing(simulation):
            run = failing_run(build)
            if run is None or (not build.isolated and builds_isolated(simulation, build, run)):
                continue
            if any(m.in_tree for m in run.missing) or run.stop is not None:
                return f"{build.project}: {run.reason}; uv would meet that, too"
            at = home(bench, simulation, build.project)
            stage = found.setdefault(at.root, _Stage(bench, simulation, at, ()))
            if build.project not in {b.project for b in stage.builds}:
                found[at.root] = replace(stage, builds=(*stage.builds, build))
    if not found:
        at_fault = "nothing that fails has to be taken out of pixi's hands: the manifest's settings are at fault"
        return bench.unresolved or at_fault
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Stage:
    """The builds that one feature brings in, to be run by tasks of that feature."""

    bench: Workbench
    simulation: Simulation
    at: Home
    builds: tuple[Build, ...]

    # What pixi no longer gets

    @property
    def roots(self) -> dict[str, str]:
        """Projects that the tasks install, in order, with how they are asked for: a build, then what requires it."""
        found: dict[str, str] = {}
        for build in self.builds:
            chain = chain_to(self.simulation, build.project)
            kept = _extra_asking(self.simulation, chain)
            for project in reversed(chain if kept is None else chain[chain.index(kept) + 1 :]):
                found.setdefault(project, self._requirement(project))
        return found

    def _requirement(self, project: str) -> str:
        """How uv is asked for a project: from where the manifest has it, else in the version of the resolution."""
        own = pypi_specs(self.simulation, project)
        asked = ",".join(dict.fromkeys(e for s in own for e in s.extras))
        extras = f"[{asked}]" if asked else ""
        source = next((s.source for s in own if s.source is not None), None)
        if isinstance(source, PathSource):
            # with its name: uv 0.13.8 does not know it when it begins to build, and would isolate the build
            path = source.path if source.path.startswith((".", "/")) else f"./{source.path}"
            return f"{'-e ' if source.editable else ''}{shlex.quote(f'{project}{extras} @ {path}')}"
        index = next((f"--index {shlex.quote(s.index)} " for s in own if s.index), "")
        chosen = self.simulation.resolution.distribution(project)
        version = f"=={chosen.version}" if chosen else ""
        return index + shlex.quote(f"{project}{extras}{version if source is None else f' @ {_address(source)}'}")

    def _named_by_others(self) -> str:
        """A root whose source is not in the manifest but in what requires it, else ""."""
        for project in self.roots:
            chosen = self.simulation.resolution.distribution(project)
            local = chosen is not None and chosen.kind in {"directory", "git"}
            if local and not any(s.source is not None for s in pypi_specs(self.simulation, project)):
                return project
        return ""

    def withdrawal(self) -> Iterator[Change]:
        """Take the roots out of pixi's hands, their own entries or the extra that asks for them, and ask for uv."""
        if conda_spec(self.simulation, "uv") is None:  # first of all: it keeps a feature that loses its last entry
            note = "uv installs what the tasks name, with the Python of this environment."
            yield Put((*self.at.table("dependencies"), "uv"), "*", note, "installs what the tasks name", firm=True)
        names = list(self.roots)
        for project in names:
            note = f"{project} is installed by a task, not by pixi."
            for spec in pypi_specs(self.simulation, project):
                if "pypi-dependencies" in spec.place.key:
                    yield Drop(spec.place.key, note, firm=True)
            entry = option_entry(self.simulation, "no_build_isolation", project)
            if entry is not None:
                yield Unlist(entry.place.key[:-1], entry.spelled)
        for build in self.builds:
            chain = chain_to(self.simulation, build.project)
            kept = _extra_asking(self.simulation, chain)
            if kept is not None:
                yield from self._without_extra(kept, chain[chain.index(kept) + 1])

    def _without_extra(self, owner: str, wanted: str) -> Iterator[Change]:
        """Ask for the owner without the extras that want a project, and for what else these extras wanted."""
        for spec in pypi_specs(self.simulation, owner):
            asking = _extras_for(self.simulation, owner, wanted)
            kept = tuple(e for e in spec.extras if canonicalize_name(e) not in asking)
            note = f"{owner} is asked for without its extra {and_list(asking)}, so that {wanted} is left to a task."
            key = (*spec.place.key, "extras")
            yield (
                Put(key, kept, note, f"{wanted} is installed by a task", firm=True)
                if kept
                else Drop(key, note, firm=True)
            )
            for requirement in _only_through(self.simulation, owner, asking, map(canonicalize_name, kept)):
                project = canonicalize_name(requirement.name)
                if project not in self.roots:
                    value = str(requirement.specifier) or "*"
                    comment = f"as {owner}'s extra {and_list(asking)} asks"
                    yield Put((*self.at.table("pypi-dependencies"), project), value, "", comment, firm=True)

    # What the tasks do

    def steps(self, trial: Trial, after: Simulation) -> list[Change] | str:
        """The tasks, after what they will build was judged; or why it would fail. `trial` is what pixi does before."""
        elsewhere = self._named_by_others()
        if elsewhere:
            return f"where {elsewhere} comes from is named by what requires it alone, and a task would ask an index"
        requirements = _build_requirements(self.builds, after)
        known = all(map(_requirements_are_resolved, self.builds))
        installed = dict.fromkeys(requirements, "")
        changes: dict[KeyPath, Put] = {}
        for build in self.builds:
            seen = _visible(after, installed)
            for item in judge("install", build.subject, seen, isolated=False).missing:
                if item.kind == "import" and item.projects and not item.in_tree:
                    installed[item.projects[0]] = ""
                    requirements[item.projects[0]] = item.projects[0]
                    known = False
                elif item.name == "nvcc":
                    version = nvcc_for(self.simulation)
                    package, what = nvcc_package(self.bench, self.at, build, version)
                    key = (*self.at.table("dependencies"), package)
                    note = f"{package} gives {what}."
                    changes[key] = Put(key, version, note, "nvcc for the builds", firm=True)
            seen = _visible(after, installed)
            given = {**seen.tools, **({"nvcc": "cuda-nvcc"} if changes else {})}
            run = judge("install", build.subject, replace(seen, tools=given), isolated=False)
            if run.outcome not in {Outcome.OK, Outcome.UNKNOWN}:
                return f"{build.project}, built by a task: {run.reason}"
            installed[build.project] = build.subject.distribution.version
        reason = "" if known else self._simulated(requirements, trial, after)
        if reason:
            return f"what the tasks would install before the builds cannot be had: {reason}"
        return [*changes.values(), *self._tasks(list(requirements.values()), after)]

    def _simulated(self, requirements: Mapping[str, str], trial: Trial, after: Simulation) -> str:
        """Why these would fail as dependencies of the manifest, beside what pixi installs; "" where they do not."""
        there = _visible(after, {}).projects
        table = self.at.table("pypi-dependencies")
        wanted = [_as_dependency(table, Requirement(r)) for p, r in requirements.items() if p not in there]
        return self.bench.try_changes((*trial.changes, *wanted)).reason if wanted else ""

    def _tasks(self, requirements: Sequence[str], after: Simulation) -> Iterator[Change]:
        taken = set(self.bench.document.value_at(self.at.table("tasks")) or {})
        name = next(n for n in ("setup", "setup-builds", "setup-staged") if n not in taken)
        uv = f"uv pip install {_IN_PLACE}{_index_options(after)}"
        last = ""
        named = self.builds[0].project
        if requirements:
            last = "install-build-requirements"
            command = f"{uv} {' '.join(map(shlex.quote, requirements))}"
            note = (
                "The tasks install with uv into the environment that pixi made; they may be started again at any time."
            )
            yield self._task(last, command, "", note, f"what the build of {named} needs")
        for project, requirement in self.roots.items():
            task = f"install-{project}"
            alone = f" --no-build-isolation-package {project}" if project in {b.project for b in self.builds} else ""
            yield self._task(task, f"{uv}{alone} {requirement}", last, self._without(project))
            last = task
        yield self._task("check-stack", self._check(after), last)
        root = (*self.at.table("tasks"), name)
        run = f"pixi run{'' if after.environment.name == 'default' else f' -e {after.environment.name}'} {name}"
        note = f"One command does it all: {run}"
        cost = f"`pixi install` alone is not enough: {run} comes after it, and again after every change."
        yield Put(root, {"depends-on": ["check-stack"]}, note, run, cost, firm=True)

    def _without(self, project: str) -> str:
        """What a build declares and does not get, in a sentence."""
        absent = [p for b in self.builds if b.project == project for p in _declared(b) if p in _cannot_be_had(b)]
        its = f"its build requirement{'' if len(absent) == 1 else 's'} {and_list(absent)}"
        return f"{project} is built without {its}, which cannot be had: nobody asks for it then." if absent else ""

    def _task(self, name: str, command: str, after: str, note: str = "", comment: str = "") -> Put:
        value: dict[str, object] = {"cmd": command}
        if after:
            value["depends-on"] = [after]
        needs = "they need" if len(self.roots) > 1 else "it needs"
        cost = f"pixi.lock does not hold {and_list(self.roots)}: uv chooses what {needs} in addition."
        return Put((*self.at.table("tasks"), name), value, note, comment, cost, firm=True)

    def _check(self, after: Simulation) -> str:
        """Compare the versions that are there with those that the plan was made for."""
        stack = {p: d for p in ("torch",) if (d := after.resolution.distribution(p)) and d.version}
        stack |= {p: d for p in self.roots if (d := self.simulation.resolution.distribution(p)) and d.version}
        checks = (f"assert v('{name}').split('+')[0] == '{d.version.split('+')[0]}'" for name, d in stack.items())
        return f'python -c "from importlib.metadata import version as v; {"; ".join(checks)}"'


# --- extras ---------------------------------------------------------------------------------------------------------


def _extra_asking(simulation: Simulation, chain: Sequence[str]) -> str | None:
    """The first of a chain that asks for the next one through extras alone, and is declared with them."""
    for owner, wanted in pairwise(chain):
        if _extras_for(simulation, owner, wanted) and wanted not in _names(_requirements(simulation, owner, "")):
            return owner
    return None


def _extras_for(simulation: Simulation, owner: str, wanted: str) -> list[str]:
    """The extras that a project is asked for with and that lead straight to another project."""
    extras = dict.fromkeys(canonicalize_name(e) for s in pypi_specs(simulation, owner) for e in s.extras)
    return [extra for extra in extras if wanted in _names(_requirements(simulation, owner, extra))]


def _only_through(
    simulation: Simulation, owner: str, extras: Iterable[str], besides: Iterable[str]
) -> Iterator[Requirement]:
    """What these extras ask for and neither the project itself does nor the extras `besides`."""
    others = {name for extra in ("", *besides) for name in _names(_requirements(simulation, owner, extra))}
    for extra in extras:
        for requirement in _requirements(simulation, owner, extra):
            if canonicalize_name(requirement.name) not in others:
                yield requirement


def _requirements(simulation: Simulation, owner: str, extra: str) -> tuple[Requirement, ...]:
    chosen = simulation.resolution.distribution(owner)
    return _added_by(chosen.requires, extra) if chosen else ()


@cache
def _added_by(lines: tuple[str, ...], extra: str) -> tuple[Requirement, ...]:
    """The requirements that an extra adds, "" for those without any."""
    found = []
    for line in lines:
        try:
            requirement = Requirement(line)
            marker = requirement.marker
            plain = marker is None or marker.evaluate({"extra": ""})
            applies = plain if not extra else not plain and marker is not None and marker.evaluate({"extra": extra})
        except (InvalidRequirement, UndefinedEnvironmentName):
            continue
        if applies:
            found.append(requirement)
    return tuple(found)


def _names(requirements: Iterable[Requirement]) -> set[str]:
    return {canonicalize_name(r.name) for r in requirements}


# --- what a task's build sees ---------------------------------------------------------------------------------------


def _build_requirements(builds: Sequence[Build], after: Simulation) -> dict[str, str]:
    """What these builds declare and what their hooks ask for, by project.

    Left out are what would change the versions that pixi gave, and what cannot be had.
    """
    there = _visible(after, {}).projects
    lines: dict[str, str] = {}
    for build in builds:
        absent = _cannot_be_had(build)
        for name, line in _declared(build).items():
            version = exact_version(there.get(name, ""))
            fits = version is None or Requirement(line).specifier.contains(version, prereleases=True)
            if fits and name not in absent:
                lines.setdefault(name, line)
    return lines


def _declared(build: Build) -> dict[str, str]:
    """What a build declares and what its hooks ask for, by project."""
    needs = build.subject.needs
    found: dict[str, str] = {}
    for line in (*needs.build_system.requires, *needs.hook_requirements) if needs else ():
        with suppress(InvalidRequirement):
            found.setdefault(canonicalize_name(Requirement(line).name), line)
    return found


def _cannot_be_had(build: Build) -> frozenset[str]:
    """The projects for which its build requirements have no solution."""
    resolved = build.subject.build_environment
    failure = resolved.failure if resolved is not None else None
    return frozenset(failure.projects) if failure is not None and failure.kind != "index" else frozenset()


def _requirements_are_resolved(build: Build) -> bool:
    """Whether an isolated build would get all that it declares without building anything for that."""
    resolved = build.subject.build_environment
    return resolved is not None and resolved.failure is None and not build.subject.requirements


def _as_dependency(table: KeyPath, requirement: Requirement) -> Put:
    """A requirement as an entry of [pypi-dependencies]."""
    value: dict[str, object] = {"url": requirement.url} if requirement.url else {}
    if not requirement.url:
        value["version"] = str(requirement.specifier) or "*"
    if requirement.extras:
        value["extras"] = tuple(sorted(requirement.extras))
    if requirement.marker is not None:
        value["env-markers"] = str(requirement.marker)
    return Put((*table, requirement.name), value)


def _visible(after: Simulation, installed: Mapping[str, str]) -> Visible:
    """The whole environment as pixi leaves it, and what tasks have installed since."""
    resolution = after.resolution
    projects = {project: version for p in resolution.conda for project, version in p.projects}
    projects |= {d.project: d.version for d in resolution.distributions} | {"python": resolution.python, **installed}
    toolchain = with_torch(conda_toolchain(resolution.conda), resolution.distributions)
    given = next((p.visible.tools for b in after.builds for p in b.phases if p.visible), {})
    return Visible(projects, {**given, **tools(resolution.conda)}, toolchain=toolchain)


def _address(source: GitSource | UrlSource) -> str:
    """A source as it stands behind the @ of a requirement."""
    fragment = f"#subdirectory={source.subdirectory}" if source.subdirectory else ""
    if isinstance(source, UrlSource):
        return f"{source.url}{fragment}"
    reference = source.branch or source.tag or source.rev
    return f"git+{source.url.removeprefix('git+')}{f'@{reference}' if reference else ''}{fragment}"


def _index_options(after: Simulation) -> str:
    """The manifest's own indexes, which uv would not know of otherwise."""
    options = after.environment.options
    words = [f"--default-index {shlex.quote(options.index_url)}"] if options.index_url else []
    words += [f"--index {shlex.quote(url)}" for url in options.extra_index_urls or ()]
    words += [f"--find-links {shlex.quote(link.url or link.path or '')}" for link in options.find_links or ()]
    return "".join(f" {word}" for word in words)
