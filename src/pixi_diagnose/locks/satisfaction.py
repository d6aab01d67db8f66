"""Do the locked packages of one environment and platform satisfy what it asks for? As pixi 0.77 walks them (P9).

Imitated from `verify_package_platform_satisfiability` in pixi's source at 0.77.0: conda specs and what they lead to
first, then PyPI requirements; every locked package has to be reached. Metadata of folders is read statically only:
nothing is built to find out whether a lock is good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TypeVar

from ..environment import Environment, marker_environment
from ..errors import UsageError
from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass
from ..manifest.model import CondaSpec, PathSource, PypiSpec
from ..names import is_conda_forge, pypi_names
from ..pep508 import allows
from .conda_matching import build_meets, depends_name, meets, selected, version_meets
from .model import CondaRecord, LockedPackages, PypiRecord, Staleness
from .origins import Origin, origin_mismatch
from .pypi_matching import MarkerReader, Wanted, needs_other_extra, python_fits, read_requirement

__all__ = ["Satisfied", "UnsatisfiedError", "provided_projects", "satisfy"]

UNKNOWN_VERSION = "0a0.dev0"
"""What pixi takes for the version of a folder that does not say it statically."""
ENVIRONMENT = "<environment>"

Record = TypeVar("Record", CondaRecord, PypiRecord)


class UnsatisfiedError(Exception):
    """The lock does not satisfy the environment: `staleness` says why, in pixi's terms."""

    def __init__(self, reason: str, place: Place | None = None) -> None:
        super().__init__(reason)
        self.staleness = Staleness(reason, place)


@dataclass(slots=True)
class Satisfied:
    """What the walk found: who requires each project ("" the manifest), and which conda packages are there for what.

    `conda_expected` are wanted by the manifest or by a conda package, `conda_for_pypi` stand for a PyPI requirement.
    `unknowns` is what only pixi's build backends could tell.
    """

    required_by: dict[str, dict[str, None]] = field(default_factory=dict)
    conda_expected: set[str] = field(default_factory=set)
    conda_for_pypi: set[str] = field(default_factory=set)
    unknowns: list[Unknown] = field(default_factory=list)


def provided_projects(record: CondaRecord) -> tuple[str, ...]:
    """The projects that a locked conda package provides: by its purls, without any by its name on conda-forge (P7)."""
    if record.purls is not None:
        return pypi_names(record.name, record.channel, purls=record.purls)
    return (record.name.replace("_", "-").replace(".", "-"),) if is_conda_forge(record.channel) else ()


def satisfy(
    environment: Environment,
    packages: LockedPackages,
    indexes: tuple[str, ...],
    is_default_index: Callable[[str], bool],
) -> Satisfied:
    """Walk one environment's locked packages. Raises UnsatisfiedError for the first reason to write another lock.

    `indexes` are those that the lock was resolved against, find-links included; `is_default_index` tells pixi's own.
    """
    return _Walk(environment, packages, indexes, is_default_index).run()


class _Walk:
    def __init__(
        self,
        environment: Environment,
        packages: LockedPackages,
        indexes: tuple[str, ...],
        is_default_index: Callable[[str], bool],
    ) -> None:
        self.environment = environment
        self.root = Path(environment.root)
        self.indexes = indexes
        self.is_default_index = is_default_index
        self.found = Satisfied()
        self.conda = self._once((c.name, c) for c in packages.conda)
        self.pypi = self._once((p.name, p) for p in packages.pypi)
        self.provided = {project: c for c in packages.conda for project in provided_projects(c)}
        self.python = next((c.version for c in packages.conda if c.name == "python"), "")
        self.virtual = {v.name: v for v in environment.platform.virtual_packages}
        self.overrides = {s.name: s for s in environment.options.dependency_overrides or ()}
        self.markers = self._markers()
        self.conda_seen: set[str] = set()
        self.pypi_seen: set[str] = set()
        self.delayed: UnsatisfiedError | None = None

    def _once(self, named: Iterable[tuple[str, Record]]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for name, record in named:
            if name in found:
                raise UnsatisfiedError(f"there was a duplicate entry for '{name}'")
            found[name] = record
        return found

    def _markers(self) -> MarkerReader | None:
        if not self.python:
            return None
        try:
            return MarkerReader(marker_environment(self.environment.platform, self.python))
        except (UsageError, ValueError):
            return None

    def run(self) -> Satisfied:
        wanted = [s for s in self.environment.pypi if self.markers is None or self.markers.holds(s.marker, s.extras)]
        if self.environment.pypi and not self.pypi and all(c.purls is None for c in self.conda.values()):
            raise UnsatisfiedError("missing purls")
        if not wanted and self.pypi:
            raise UnsatisfiedError(_too_many("pypi", self.pypi))
        self._check_constraints()
        self._check_folders()
        if not self.environment.conda and self.conda:
            raise UnsatisfiedError(_too_many("conda", ()))
        for spec in self.environment.conda:
            self._want_conda(spec)
        unsure = any(c.source for c in self.conda.values())
        if unsure:
            names = ", ".join(c.name for c in self.conda.values() if c.source)
            self.found.unknowns.append(
                Unknown(
                    f"whether the lock is still good for {names} is for pixi's build backends to say", subject=names
                )
            )
        for project in reversed(wanted):
            self._want_project(project)
        if len(self.conda_seen) != len(self.conda) and not unsure:
            raise UnsatisfiedError(_too_many("conda", [n for n in self.conda if n not in self.conda_seen]))
        if self.delayed is not None:
            raise self.delayed
        if len(self.pypi_seen) != len(self.pypi):
            raise UnsatisfiedError(_too_many("pypi", [n for n in self.pypi if n not in self.pypi_seen]))
        return self.found

    def _check_constraints(self) -> None:
        for spec in self.environment.constraints:
            locked = self.conda.get(spec.name)
            if locked is not None and not locked.source and not _spec_met(spec, locked):
                said = f"the locked package '{locked.name}={locked.version}' violates the constraint '{_shown(spec)}'"
                raise UnsatisfiedError(said, spec.place)

    def _check_folders(self) -> None:
        for record in self.pypi.values():
            if record.is_path and (self.root / record.location).is_dir():
                if record.is_distribution:
                    raise UnsatisfiedError(f"locked package '{record.name}' should be a source and is a distribution")
                if not self.python:
                    raise UnsatisfiedError("the lock file does not contain a Python interpreter")

    def _want_conda(self, spec: CondaSpec) -> None:
        is_source = spec.git is not None or (spec.path is not None and not spec.path.endswith((".conda", ".tar.bz2")))
        locked = self.conda.get(spec.name)
        asked = f"the requirement '{_shown(spec)}' could not be satisfied (required by '{ENVIRONMENT}')"
        if locked is None:
            virtual = self.virtual.get(spec.name)
            if virtual is None or not version_meets(spec.version, virtual.version):
                raise UnsatisfiedError(asked, spec.place)
            return
        if is_source and not locked.source:
            raise UnsatisfiedError(f"required source package '{spec.spelled}' is locked as binary", spec.place)
        if locked.source and not is_source:
            said = f"package '{spec.spelled}' is locked as source, but is only required as binary"
            raise UnsatisfiedError(said, spec.place)
        if not is_source and not _spec_met(spec, locked):
            raise UnsatisfiedError(asked, spec.place)
        self._see_conda(locked)

    def _see_conda(self, first: CondaRecord) -> None:
        todo = [first]
        self.found.conda_expected.add(first.name)
        while todo:
            record = todo.pop()
            if record.name in self.conda_seen:
                continue
            self.conda_seen.add(record.name)
            for depends in record.depends:
                name = depends_name(depends)
                if "[when=" in depends or "[extras=" in depends:
                    self._see_conditional(depends, name, todo)
                    continue
                locked = self.conda.get(name)
                if locked is not None and (locked.source or meets(depends, locked.version, locked.build)):
                    self.found.conda_expected.add(name)
                    todo.append(locked)
                    continue
                virtual = self.virtual.get(name)
                if virtual is None or not meets(depends, virtual.version, virtual.build):
                    said = f"the requirement '{depends}' could not be satisfied (required by '{record.name}')"
                    raise UnsatisfiedError(said)

    def _see_conditional(self, depends: str, name: str, todo: list[CondaRecord]) -> None:
        """A dependency with a condition or extras (repodata revision 3): taken as the solver took it."""
        locked = self.conda.get(name)
        if locked is not None:
            self.found.conda_expected.add(name)
            todo.append(locked)
            extras = depends.partition("[extras=")[2].partition("]")[0]
            for extra, more in locked.extra_depends.items():
                if extra in extras:
                    todo += [self.conda[n] for d in more if (n := depends_name(d)) in self.conda]

    def _want_project(self, spec: PypiSpec) -> None:
        wanted = Wanted(spec.name, tuple(sorted(spec.extras)), spec.specifier, spec.marker, "")
        index = spec.index or ""
        self._follow([(wanted, Origin(spec.source, index, is_manifest=True), "", spec.place)])

    def _follow(self, todo: list[tuple[Wanted, Origin, str, Place | None]]) -> None:
        visited: set[tuple[object, str]] = set()
        while todo:
            wanted, origin, by, place = todo.pop()
            self.found.required_by.setdefault(wanted.name, {})[by] = None
            conda = self.provided.get(wanted.name)
            if conda is not None:
                self._meet_conda(wanted, origin, conda, by, place)
                continue
            override = self.overrides.get(wanted.name)
            if override is not None:
                wanted = Wanted(override.name, tuple(sorted(override.extras)), override.specifier, "", "")
                origin = Origin(override.source, override.index or "", is_manifest=origin.is_manifest)
            record = self.pypi.get(wanted.name)
            if record is None:
                self._delay(
                    f"the requirement '{wanted}' could not be satisfied (required by '{by or ENVIRONMENT}')", place
                )
                continue
            problem = origin_mismatch(wanted, origin, record, self.root, self.indexes, self.is_default_index)
            version = record.version or UNKNOWN_VERSION
            checked = origin.is_registry(wanted) and not (record.is_path and not origin.is_manifest)
            if problem:
                self._delay(problem, place)
            elif checked and not allows(wanted.specifier, version):
                said = (
                    f"'{wanted.name}' has version {version} in the lock file, which does not fit '{wanted.specifier}'"
                )
                self._delay(said, place)
            todo += self._requirements(record, wanted.extras, visited)

    def _requirements(
        self, record: PypiRecord, extras: tuple[str, ...], visited: set[tuple[object, str]]
    ) -> list[tuple[Wanted, Origin, str, Place | None]]:
        """What a locked project requires here, as far as that was not followed yet."""
        if self.markers is None:
            raise UnsatisfiedError("the lock file does not contain a Python interpreter")
        if record.name not in self.pypi_seen:
            self.pypi_seen.add(record.name)
            self._check_record(record)
        found: list[tuple[Wanted, Origin, str, Place | None]] = []
        if (extras, record.name) in visited:  # all of them were followed for another project
            return found
        visited.add((extras, record.name))
        for text in record.requires_dist:
            if needs_other_extra(text, extras):
                continue
            wanted = read_requirement(text)
            if wanted is None:
                self._delay(f"the requirement '{text}' of '{record.name}' failed to parse", None)
            elif self.markers.holds(wanted.marker, extras) and (wanted, record.name) not in visited:
                visited.add((wanted, record.name))
                found.append((wanted, Origin(None, "", is_manifest=False), record.name, None))
        return found

    def _check_record(self, record: PypiRecord) -> None:
        folder = self.root / record.location if record.is_path else None
        if folder is not None and folder.is_dir():
            from .local_metadata import metadata_mismatch  # few locks have folders

            problem = metadata_mismatch(record, folder)
            if problem:
                self._delay(f"the metadata of '{record.name}' has changed: {problem}", self._place(record.name))
        if record.requires_python and not python_fits(record.requires_python, self.python):
            said = f"'{record.name}' requires Python {record.requires_python}, but the lock file has {self.python}"
            self._delay(said, None)

    def _meet_conda(self, wanted: Wanted, origin: Origin, conda: CondaRecord, by: str, place: Place | None) -> None:
        self.found.conda_for_pypi.add(conda.name)
        if origin.source is not None or wanted.url:
            how = "an editable" if isinstance(origin.source, PathSource) and origin.source.editable else "a direct"
            self._delay(f"'{wanted.name}' is {how} dependency, and a conda package provides it already", place)
            return
        override = self.overrides.get(wanted.name)
        specifier = override.specifier if override is not None else wanted.specifier
        if not allows(specifier, conda.version):
            who = by or ENVIRONMENT
            said = f"the conda package does not satisfy the pypi requirement '{wanted}' (required by '{who}')"
            self._delay(said, place)
        self._see_conda_for_pypi(conda)

    def _see_conda_for_pypi(self, conda: CondaRecord) -> None:
        expected = set(self.found.conda_expected)
        self._see_conda(conda)
        if conda.name not in expected:
            self.found.conda_expected.discard(conda.name)

    def _delay(self, reason: str, place: Place | None) -> None:
        """PyPI's reasons count after conda's; the first one is told."""
        if self.delayed is None:
            self.delayed = UnsatisfiedError(reason, place)

    def _place(self, project: str) -> Place | None:
        return next((s.place for s in self.environment.pypi if s.name == project), None)


def _spec_met(spec: CondaSpec, locked: CondaRecord) -> bool:
    if spec.url is not None and spec.url != locked.location:
        return False
    if spec.path is not None and Path(spec.path).name != Path(locked.location).name:
        return False
    has: Mapping[str, str] = {"build_number": "0", "fn": locked.location.rpartition("/")[2], **locked.selectors}
    asked = dict(spec.selectors)
    number = asked.pop("build_number", "")
    return (
        version_meets(spec.version, locked.version)
        and build_meets(spec.build, locked.build)
        and (not number or version_meets(number, _build_number(locked)))
        and selected({k: v for k, v in asked.items() if k != "fn"}, has)
    )


def _build_number(record: CondaRecord) -> str:
    """Left out of a lock where the build string ends in it."""
    given = record.selectors.get("build_number")
    if given is not None:
        return given
    digits = record.build[len(record.build.rstrip("0123456789")) :]
    return digits or "0"


def _shown(spec: CondaSpec) -> str:
    return " ".join(filter(None, (spec.spelled, spec.version, spec.build or "")))


def _too_many(kind: str, names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"there are more {kind} packages in the lock file than are used by the environment" + (
        f": {listed}" if listed else ""
    )
