"""Tier 2, hybrid: conda gives the native stack in versions that fit each other, PyPI gives the rest.

The stack is the interpreter, torch, CUDA, compilers and build tools. Versions are those that the channels give where
they can be reached, else those of a dated table, said to be unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from ..build_needs.model import Strength
from ..finding import Plan
from ..frontends.build_tools import COMPILERS, build_tools
from ..frontends.model import Build, Simulation
from ..lazy_dataclass import dataclass
from .changes import Change, Drop, Put, distinct
from .declare import mending
from .failed_builds import builds_isolated
from .native_stack import Stack, conda_cuda, stack_of
from .pixi_mending import Route, nvcc_package
from .placing import Home, conda_spec, home, pypi_specs
from .workbench import Trial, Workbench, failing, failing_run

__all__ = ["hybrid"]

_FAMILY = {"torch": "pytorch", "torchvision": "torchvision", "torchaudio": "torchaudio"}
_TOOLKIT = ("cuda-toolkit", "cuda-nvcc", "cuda-compiler", "cuda", "cuda-version")
_CUDA_PLATFORMS = ("linux-64", "linux-aarch64", "win-64")
_PLATFORM_TABLES_SINCE = (0, 71)


def hybrid(bench: Workbench) -> Plan:
    """Move the native stack of what fails to conda; the rest is mended as in tier 1."""
    moves = [_Move.of(bench, s, b) for s, b in _against_the_stack(bench.before)]
    if not moves:
        none = "no build that fails is compiled against torch or CUDA: tier 1 says all there is"
        return bench.nothing(2, "hybrid", bench.unresolved or none)
    tried: list[Trial] = []
    for with_cuda, same_version in product((True, False), (True, False)):
        start = _start(bench, moves, with_cuda=with_cuda, same_version=same_version)
        if not start:
            break
        trial = bench.compose(mending(bench, Route.CONDA), start)
        if trial.passes:
            return bench.offer(2, "hybrid", trial)
        tried.append(trial)
        if bench.partial:
            break
    if not tried:
        return bench.nothing(2, "hybrid", "conda gives torch and CUDA already: tier 1 says all there is")
    return bench.offer(2, "hybrid", tried[0])


def _start(bench: Workbench, moves: Sequence[_Move], *, with_cuda: bool, same_version: bool) -> tuple[Change, ...]:
    """The moves of all environments. Where channels answer, the pytorch that they give says for which CUDA it is."""

    def changes(chosen: Sequence[_Move]) -> tuple[Change, ...]:
        return distinct(c for m in chosen for c in m.changes(with_cuda=with_cuda, same_version=same_version))

    if not with_cuda or bench.partial:
        return changes(moves)
    probe = bench.try_changes(distinct(c for m in moves for c in m.torch_alone(same_version=same_version)))
    given = {(s.environment.name, s.environment.platform.subdir): stack_of(s).cuda for s in probe.simulations}
    return changes([replace(m, given=given.get((m.simulation.environment.name, m.subdir), "")) for m in moves])


def _against_the_stack(simulations: Sequence[Simulation]) -> list[tuple[Simulation, Build]]:
    """The failing builds that import torch or call nvcc, and that are not only listed by mistake."""
    found = []
    for simulation in simulations:
        for build in failing(simulation):
            run, needs = failing_run(build), build.subject.needs
            if run is None or needs is None or (not build.isolated and builds_isolated(simulation, build, run)):
                continue
            if any("torch" in n.projects for n in needs.imports) or any(t.name == "nvcc" for t in needs.tools):
                found.append((simulation, build))
    return found


@dataclass(frozen=True, slots=True)
class _Move:
    """The move of one environment's stack, for one build that fails there."""

    bench: Workbench
    simulation: Simulation
    build: Build
    at: Home
    stack: Stack
    given: str = ""
    """The CUDA of the pytorch that the channels give, where they answered."""

    @classmethod
    def of(cls, bench: Workbench, simulation: Simulation, build: Build) -> _Move:
        at = home(bench, simulation, "torch" if stack_of(simulation).torch else build.project)
        return cls(bench, simulation, build, at, stack_of(simulation))

    @property
    def subdir(self) -> str:
        return self.simulation.environment.platform.subdir

    @property
    def platform_home(self) -> Home:
        """Where dependencies of this platform alone go: all have one table where it is the only platform."""
        alone = all(s.environment.platform.subdir == self.subdir for s in self.bench.before)
        return self.at if alone else Home(self.at.root, self.subdir)

    @property
    def cuda(self) -> str:
        """The CUDA to use, "" for none: the environment's torch has it, or this build calls nvcc."""
        needs = self.build.subject.needs
        compiles = needs is not None and any(t.name == "nvcc" and t.strength is Strength.HARD for t in needs.tools)
        has = self.stack.cuda[:1].isdigit()
        if self.subdir not in _CUDA_PLATFORMS or not (compiles or has):
            return ""
        if self.given[:1].isdigit():
            return self.given
        wanted = self.stack.cuda if has else ""
        return (conda_cuda(self.stack.minor, wanted) if self.stack.minor else "") or wanted or "12"

    def changes(self, *, with_cuda: bool, same_version: bool) -> Iterator[Change]:
        """The changes of this move: for CUDA where it is wanted, and with torch's present version or conda's newest."""
        cuda = self.cuda if with_cuda else ""
        if cuda:
            yield from self._toolkit(cuda)
            yield from self._driver(cuda)
        yield from self._torch(cuda, same_version=same_version)
        yield from self._tools(cuda)

    def torch_alone(self, *, same_version: bool) -> Iterator[Change]:
        """What is enough to see which pytorch the channels have."""
        if self.cuda:
            yield from self._driver(self.cuda)
        yield from self._torch(self.cuda, same_version=same_version)

    def _torch(self, cuda: str, *, same_version: bool) -> Iterator[Change]:
        """PyTorch and its kin from conda, in the version that the environment has now."""
        resolution = self.simulation.resolution
        for project, package in _FAMILY.items():
            chosen = resolution.distribution(project)
            if chosen is None or chosen.kind == "conda" or conda_spec(self.simulation, package) is not None:
                continue
            own = [s for s in pypi_specs(self.simulation, project) if "pypi-dependencies" in s.place.key]
            asked = any(s.specifier for s in own) or (project == "torch" and same_version)
            version = f"{'.'.join(chosen.version.split('+')[0].split('.')[:2])}.*" if asked else "*"
            note = f"{package} comes from conda, built for the same CUDA and compilers as the rest."
            comment = f"in place of {project} from PyPI"
            build = {"version": version, "build": "cuda*"} if cuda and project == "torch" else version
            general = self.platform_home == self.at or not isinstance(build, dict)
            cost = f"{project} {chosen.version} is replaced by conda's build, with other CUDA libraries."
            table = self.at.table("dependencies")
            yield Put((*table, package), build if general else version, note, comment, cost, firm=True)
            if not general:
                yield Put((*self.platform_home.table("dependencies"), package), build, "", "with CUDA", firm=True)
            for spec in own:
                yield Drop(spec.place.key, firm=True)

    def _toolkit(self, cuda: str) -> Iterator[Change]:
        """nvcc, and all of CUDA in one version."""
        bound = f"{cuda}.*"
        table = self.platform_home.table("dependencies")
        changed = False
        for name in _TOOLKIT:
            spec = conda_spec(self.simulation, name)
            if spec is not None and not spec.version.startswith((cuda, f"=={cuda}")):
                changed = True
                cost = f"{name} is {bound} in place of {spec.version}." if spec.version != "*" else ""
                note = f"conda-forge's PyTorch {self.stack.minor} is built for CUDA {cuda}: the toolkit has to fit."
                yield Put(
                    self.bench.version_key(spec.place.key),
                    bound,
                    note,
                    f"as pytorch {self.stack.minor}",
                    cost,
                    firm=True,
                )
        if conda_spec(self.simulation, "cuda-version") is None:
            note = f"cuda-version keeps all of CUDA at {cuda}, for which this pytorch is built."
            yield Put((*table, "cuda-version"), bound, note, "one CUDA for all", firm=True)
        if not any(conda_spec(self.simulation, n) for n in _TOOLKIT[:4]):
            package, what = nvcc_package(self.bench, self.platform_home, self.build, bound)
            note = f"{package} gives {what}, with the host compiler that this nvcc takes, to every build."
            yield Put((*table, package), bound, note, f"nvcc for {self.build.project}", firm=True)
        if changed:
            yield from self._channels()

    def _channels(self) -> Iterator[Change]:
        """NVIDIA's own channels would go before conda-forge's CUDA, which pytorch is built with."""
        key = (*self.bench.workspace, "channels")
        channels = self.bench.document.value_at(key)
        kept = tuple(c for c in channels or () if not (isinstance(c, str) and re.search(r"(^|/)nvidia(/|$)", c)))
        if channels is not None and kept and len(kept) < len(channels):
            note = "CUDA comes from conda-forge, with which its pytorch is built; NVIDIA's channel would go before it."
            yield Put(key, kept, note, "", "CUDA no longer comes from NVIDIA's own channel.", firm=True)

    def _driver(self, cuda: str) -> Iterator[Change]:
        """Tell pixi that there is a driver, without which it takes no CUDA build (pixi.md P7, P8)."""
        bench, major = self.bench, cuda.partition(".")[0]
        if self.simulation.environment.platform.virtual("__cuda") is not None:
            return
        note = f"pixi takes builds for CUDA {major} only where a driver is declared."
        cost = "It can be installed on machines with an NVIDIA driver only."
        if not _takes_platform_tables(bench):
            key = (*self.at.root, "system-requirements", "cuda")
            yield Put(key, major, note, "the driver that machines must have", cost, firm=True)
            return
        platforms = bench.document.value_at((*bench.workspace, "platforms")) or []
        if self.subdir in platforms:
            key = (*bench.workspace, "platforms", platforms.index(self.subdir))
            yield Put(key, {"platform": self.subdir, "cuda": major}, note, "", cost, firm=True)

    def _tools(self, cuda: str) -> Iterator[Change]:
        """Compilers and build tools; cuda-nvcc depends on the host compiler that it takes."""
        needs = self.build.subject.needs
        for tool in needs.tools if needs else ():
            known = build_tools().get(tool.name)
            if known is None or not known.conda or tool.strength is not Strength.HARD:
                continue
            if (cuda and tool.name in COMPILERS) or conda_spec(self.simulation, known.conda) is not None:
                continue
            note = f"{known.conda} gives {known.name} to every build, whatever the machine has."
            key = (*self.platform_home.table("dependencies"), known.conda)
            yield Put(key, "*", note, f"for the build of {self.build.project}", firm=True)


def _takes_platform_tables(bench: Workbench) -> bool:
    """Whether the manifest's pixi knows platforms as tables (0.71), and the manifest does not use the old way (P8)."""
    data = bench.document.data
    for part in bench.root:
        data = data.get(str(part), {})
    old = "system-requirements" in data or any("system-requirements" in f for f in data.get("feature", {}).values())
    required = str(bench.document.value_at((*bench.workspace, "requires-pixi"), ""))
    floor = re.search(r">=?\s*(\d+)\.(\d+)", required)
    enough = not required or (floor is not None and (int(floor[1]), int(floor[2])) >= _PLATFORM_TABLES_SINCE)
    return enough and not old
