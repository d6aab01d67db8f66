"""A pylock.toml that is the input itself: what it installs on each platform, or why it does not fit there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..environment import Environment
from ..errors import LockError
from ..evidence import Place, Unknown
from ..index.model import Distribution, PypiFailure
from ..index.tags import Target
from ..lazy_dataclass import dataclass
from ..manifest.installer import Installer
from ..manifest.model import Manifest, PypiSpec
from ..manifest.target_python import PATCHES
from .answers import LockAnswer
from .model import Staleness
from .pylock import Choice, locked_source, pylock_distributions, read_pylock

if TYPE_CHECKING:
    from packaging.pylock import Pylock

__all__ = ["PylockInput"]


@dataclass(frozen=True, slots=True)
class PylockInput:
    """A valid lock; nothing says what it was made of, so it is never stale."""

    path: str
    lock: Pylock
    installer: Installer
    unknowns: tuple[Unknown, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest, installer: Installer) -> PylockInput:
        """The lock that a manifest of the dialect "pylock" is. Raises LockError for one that its reader refused."""
        return cls(manifest.path, read_pylock(manifest.files[manifest.path], manifest.path), installer)

    def staleness(self, environment: Environment) -> Staleness | None:  # noqa: ARG002 -- of every lock
        """Never stale."""
        return None

    def answer(self, environment: Environment) -> LockAnswer:
        """What is installed on the environment's platform; a failure where uv would stop (`uv pip sync`, 0.13)."""
        python, project, options = self.installer.python, self.installer.project, environment.options
        assumed = (Unknown(f"assumed: {python.assumption}", subject="python"),) if python.assumption else ()
        choice = Choice(
            Target.of(environment.platform, self._covered(python.version)),
            project.extras,
            project.groups,
            forbids_build=options.forbids_build,
            forbids_wheel=options.forbids_wheel,
        )
        try:
            distributions = pylock_distributions(self.lock, choice, self.path)
        except LockError as error:
            failure = PypiFailure("lock", f"{Path(self.path).name}: {error.message}")
            return LockAnswer(python.version, (), (), (), assumed, failure)
        sources = tuple(s for d in distributions if (s := self._source(d, environment)) is not None)
        return LockAnswer(python.version, (), distributions, sources, assumed)

    def _covered(self, python: str) -> str:
        """The Python, for a series ("3.11") a release of it that the lock is for, if there is one."""
        limits = self.lock.requires_python
        if limits is None or python.count(".") > 1:
            return python
        return next((full for patch in range(PATCHES) if limits.contains(full := f"{python}.{patch}")), python)

    def _source(self, distribution: Distribution, environment: Environment) -> PypiSpec | None:
        package = next(p for p in self.lock.packages if p.name == distribution.project)
        source = locked_source(package, distribution)
        if source is None:
            return None
        place = next((s.place for s in environment.pypi if s.name == package.name), Place(self.path, ()))
        return PypiSpec(package.name, package.name, "", place, source=source)
