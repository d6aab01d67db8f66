"""The pixi.lock beside a manifest: what it answers for each environment, and why not where it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from ..conda import CondaPackage, channel_url
from ..conda.versions import pep440
from ..environment import Environment
from ..errors import LockError, PixiDiagnoseError
from ..evidence import Place, Unknown
from ..index.cache import FactCache
from ..index.model import Distribution
from ..lazy_dataclass import dataclass
from ..manifest.model import GitSource, PathSource, PypiSpec
from .answers import LockAnswer, unread
from .freshness import Judgement, judge
from .kept_lock import read_kept_lock
from .model import NEWEST, CondaRecord, LockedPackages, PixiLock, PypiRecord, Staleness
from .origins import git_parts, same_index
from .satisfaction import Satisfied, provided_projects

__all__ = ["WorkspaceLock"]

NAME = "pixi.lock"
DEFAULT_INDEX = "5a06749b2297be54ac5699f6f2761716adc5001a2d5f8b915ab2172922dd5706"
"""The sha256 of the address of the index that pixi 0.77 takes where nobody names one (no address is written here)."""
WHY_BUILT = f"{NAME} has it as a source"


@dataclass(frozen=True, slots=True)
class WorkspaceLock:
    """A pixi.lock judged against the environments of its manifest; without a file it answers nothing.

    `path` is the lock's, `unreadable` why pixi resolves as if there were none (it is of a newer format), `unknowns`
    why the file could not be read.
    """

    path: str
    judgement: Judgement
    unreadable: Staleness | None = None
    unknowns: tuple[Unknown, ...] = ()

    @classmethod
    def beside(
        cls, environments: Sequence[Environment], default_index: Callable[[], str], cache: FactCache
    ) -> WorkspaceLock:
        """The lock in the workspace's folder. Never raises: a lock that cannot be read is an unknown at fault.

        `default_index` asks for the index that is used where the manifest names none; it is asked only if the lock
        names another one than pixi's own. In `cache` is what an unchanged lock was read as before.
        """
        path = Path(environments[0].root if environments else ".") / NAME
        try:
            lock = read_kept_lock(path.read_bytes(), str(path), cache)
        except FileNotFoundError:
            return cls(str(path), Judgement())
        except LockError as error:
            if error.version is not None and error.version > NEWEST:
                # pixi 0.77 warns and resolves as if there were none
                return cls(str(path), Judgement(), unreadable=Staleness(error.message))
            return cls(str(path), Judgement(), unknowns=(unread(NAME, error.message),))
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
            return cls(str(path), Judgement(), unknowns=(unread(NAME, reason),))
        return cls.of(lock, str(path), environments, default_index)

    @classmethod
    def of(
        cls, lock: PixiLock, path: str, environments: Sequence[Environment], default_index: Callable[[], str]
    ) -> WorkspaceLock:
        """The same for a lock that was read."""
        root = environments[0].root if environments else "."
        judgement = judge(lock, environments, lambda c: channel_url(c, root), _default_index(default_index))
        return cls(path, judgement)

    def staleness(self, environment: Environment) -> Staleness | None:
        """Why pixi would write another lock on account of this environment, None where it would not."""
        key = (environment.name, environment.platform.name)
        return self.unreadable or self.judgement.stale.get(key) or self.judgement.removed

    def answer(self, environment: Environment) -> LockAnswer | None:
        """What the lock says of an environment; None where there is none, or where it is stale."""
        found = self.judgement.good.get((environment.name, environment.platform.name))
        return _answer(environment, *found) if found else None


def _default_index(ask: Callable[[], str]) -> Callable[[str], bool]:
    def check(url: str) -> bool:
        import hashlib  # OpenSSL comes with it

        if hashlib.sha256(url.rstrip("/").encode()).hexdigest() == DEFAULT_INDEX:
            return True
        try:
            return same_index(url, ask())
        except PixiDiagnoseError:
            return False

    return check


def _answer(environment: Environment, packages: LockedPackages, found: Satisfied) -> LockAnswer:
    places = {s.name: s.place for s in reversed(environment.conda)}
    conda = tuple(sorted((_conda(c, places.get(c.name)) for c in packages.conda), key=lambda p: p.name))
    distributions = [_distribution(p, tuple(sorted(found.required_by.get(p.name, ())))) for p in packages.pypi]
    distributions += [
        Distribution(project, version, "conda", required_by=tuple(sorted(found.required_by[project])))
        for package in conda
        for project, version in package.projects
        if project in found.required_by
    ]
    python = next((c.version for c in packages.conda if c.name == "python"), "")
    return LockAnswer(
        python=python,
        conda=conda,
        distributions=tuple(sorted(distributions, key=lambda d: d.project)),
        sources=tuple(s for p in packages.pypi if (s := _source(p, environment)) is not None),
        unknowns=tuple(found.unknowns),
    )


def _conda(record: CondaRecord, place: Place | None) -> CondaPackage:
    projects = provided_projects(record)
    version = pep440(record.version) if projects else ""
    return CondaPackage(
        name=record.name,
        version=record.version,
        build=record.build,
        subdir=record.subdir,
        channel=record.channel,
        solved=True,
        projects=tuple((project, version) for project in projects) if version else (),
        depends=record.depends,
        place=place,
    )


def _distribution(record: PypiRecord, required_by: tuple[str, ...]) -> Distribution:
    kind = _kind(record)
    url = record.location.removeprefix("direct+")
    return Distribution(
        project=record.name,
        version=record.version,
        kind=kind,
        filename="" if kind in {"directory", "git"} else unquote(url.partition("#")[0].rpartition("/")[2]),
        url=url,
        sha256=record.sha256,
        index=record.index,
        requires=record.requires_dist,
        required_by=required_by,
        why_built="" if kind == "wheel" else WHY_BUILT,
    )


def _kind(record: PypiRecord) -> str:
    if record.location.startswith("git+"):
        return "git"
    if record.is_directory:
        return "directory"
    return "wheel" if record.location.partition("#")[0].endswith(".whl") else "sdist"


def _source(record: PypiRecord, environment: Environment) -> PypiSpec | None:
    """A locked folder, local archive or repository as the dependency that it is, at the locked commit."""
    kind = _kind(record)
    if kind == "wheel" or not (kind == "git" or record.is_path):
        return None
    asked = next((s for s in environment.pypi if s.name == record.name), None)
    source: GitSource | PathSource
    if kind == "git":
        repository, parameters, commit = git_parts(record.location)
        lfs = parameters.get("lfs") == "true"
        source = GitSource(repository, rev=commit or None, subdirectory=parameters.get("subdirectory"), lfs=lfs)
    else:
        source = PathSource(record.location)
    place = asked.place if asked else Place(NAME, ())
    return PypiSpec(record.name, asked.spelled if asked else record.name, "", place, source=source)
