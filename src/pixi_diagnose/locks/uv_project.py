"""The uv.lock of a uv project: what it answers for each platform, and why not where it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from ..environment import Environment
from ..errors import LockError
from ..evidence import Place, Unknown
from ..index.model import Distribution, PypiFailure
from ..index.tags import Target
from ..lazy_dataclass import dataclass
from ..manifest.installer import Installer
from ..manifest.model import GitSource, PathSource, PypiSpec
from .answers import LockAnswer, unread
from .model import Staleness
from .origins import git_parts
from .uv_freshness import uv_staleness
from .uv_lock import Selection, UvLock, locked_distributions, read_uv_lock

__all__ = ["UvProjectLock"]

NAME = "uv.lock"


@dataclass(frozen=True, slots=True)
class UvProjectLock:
    """A uv.lock judged against its project; without a file it answers nothing."""

    installer: Installer
    lock: UvLock | None = None
    stale: Mapping[str, Staleness] = field(default_factory=dict)
    unknowns: tuple[Unknown, ...] = ()

    @classmethod
    def beside(cls, environments: Sequence[Environment], installer: Installer) -> UvProjectLock:
        """The lock in the project's folder, or in that of its workspace. Never raises."""
        root = Path(environments[0].root if environments else ".")
        path = next((p for p in _candidates(root, installer) if p.is_file()), None)
        if path is None:
            return cls(installer)
        try:
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
            return cls(installer, unknowns=(unread(NAME, reason),))
        return cls.of(text, str(path), environments, installer)

    @classmethod
    def of(cls, text: str, path: str, environments: Sequence[Environment], installer: Installer) -> UvProjectLock:
        """The same for a lock's text."""
        try:
            lock = read_uv_lock(text, path)
        except LockError as error:
            return cls(installer, unknowns=(unread(NAME, error.message),))
        stale = {}
        for environment in environments:
            reason = uv_staleness(lock, installer, environment.options, environment.pypi_exclude_newer)
            if reason is not None:
                stale[environment.platform.name] = replace(reason, lock=NAME)
        return cls(installer, lock, stale)

    def staleness(self, environment: Environment) -> Staleness | None:
        """Why uv would write another lock, None where it would not."""
        return self.stale.get(environment.platform.name)

    def answer(self, environment: Environment) -> LockAnswer | None:
        """What a sync installs on the environment's platform; None without a lock, or where it is stale.

        What may be built or taken as a wheel counts when the lock is installed, not when it is written: as in uv 0.13,
        the settings of now decide, whatever those were under which it was made.
        """
        python = self.installer.python.version
        if self.lock is None or self.staleness(environment) is not None or not python:
            return None
        project = self.installer.project
        options = environment.options
        selection = Selection(
            # a workspace without a project of its own installs its members
            roots=(project.name,) if project.name else tuple(m.name for m in project.members),
            target=Target.of(environment.platform, python),
            extras=project.extras,
            groups=project.groups,
            forbids_build=options.forbids_build,
            forbids_wheel=options.forbids_wheel,
        )
        assumed = self.installer.python.assumption
        unknowns = (Unknown(f"assumed: {assumed}", subject="python"),) if assumed else ()
        try:
            distributions = locked_distributions(self.lock, selection)
        except LockError as error:
            return LockAnswer(python, (), (), unknowns=unknowns, failure=PypiFailure("lock", error.message))
        sources = tuple(s for d in distributions if (s := _source(d)) is not None)
        return LockAnswer(python, (), distributions, sources, unknowns)


def _candidates(root: Path, installer: Installer) -> list[Path]:
    """The manifest's folder, and those above it that hold members of its workspace."""
    ups = max((m.path.split("/").count("..") for m in installer.project.members), default=0)
    return [root / NAME, *(root.joinpath(*[".."] * (n + 1), NAME) for n in range(ups))]


def _source(distribution: Distribution) -> PypiSpec | None:
    """A locked folder or repository as the dependency that it is, at the locked commit."""
    if distribution.kind == "directory":
        source: PathSource | GitSource = PathSource(distribution.url)
    elif distribution.kind == "git":
        repository, parameters, commit = git_parts(distribution.url)
        source = GitSource(repository, rev=commit or None, subdirectory=parameters.get("subdirectory"))
    else:
        return None
    return PypiSpec(distribution.project, distribution.project, "", Place(NAME, ()), source=source)
