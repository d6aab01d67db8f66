"""The pylock dialect: a pylock.toml (PEP 751) as the input itself, which `uv pip sync` and `uv pip install -r` take.

What it locks stands for the dependencies, each at its place in the file; `locks/` says which of them are installed.
pip reads such a file since 26.1, and not in the version that is imitated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..document import Document
from ..errors import UsageError
from ..evidence import KeyPath
from ..pep508 import canonicalize_name
from .fields import Node, Problems
from .installer import Installer, ProjectLayout, ResolutionSettings
from .invocation import Invocation
from .model import EnvironmentDeclaration, Feature, Manifest, PypiSpec, TargetTable
from .platforms import bare_platform
from .problem_places import placed_problems
from .surroundings import Surroundings
from .target_python import target_python
from .uv_discovery import find_options
from .uv_installer import build_settings, connections_of, pypi_options

if TYPE_CHECKING:
    from packaging.pylock import Pylock

__all__ = ["read_pylock_manifest"]

DIALECT = "pylock"
ENVIRONMENT = "default"

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def read_pylock_manifest(text: str, path: str, invocation: Invocation, surroundings: Surroundings) -> Manifest:
    """Read a pylock.toml for `uv pip`.

    What makes it invalid is a problem at its place. Raises ManifestError for text that is no TOML, and UsageError for
    an extra or group that the lock does not have.
    """
    document = Document(text, path)
    problems = Problems(path)
    lock = _valid(document, problems)
    root = PurePath(path).parent
    found = find_options(surroundings, "", surroundings.text, lambda p: str(root / p), pip=True)
    extras = _chosen("extra", invocation.extras, lock.extras if lock else None)
    groups = _chosen("group", invocation.groups, lock.dependency_groups if lock else None)
    requires = str(lock.requires_python or "") if lock is not None else ""
    return Manifest(
        dialect=DIALECT,
        path=path,
        root=str(root),
        name="",
        channels=(),
        platforms=tuple(bare_platform(subdir) for subdir in invocation.platforms),
        features={"default": Feature("default", (TargetTable(None, pypi=tuple(_specs(lock, problems))),))},
        environments=(EnvironmentDeclaration(ENVIRONMENT),),
        options=pypi_options(found.options, invocation, ()),
        requires=requires or None,
        unread=found.unread,
        problems=(*placed_problems(document, problems.found), *found.problems),
        unknowns=found.unknowns,
        installer=Installer(
            interface="uv pip",
            python=target_python(
                invocation.python,
                requires,
                variable=surroundings.variable("UV_PYTHON"),
                version_file=surroundings.text(".python-version"),
            ),
            project=ProjectLayout(
                extras=extras,
                groups=groups or tuple((lock.default_groups if lock else None) or ()),
                all_extras=tuple((lock.extras if lock else None) or ()),
                all_groups=tuple((lock.dependency_groups if lock else None) or ()),
            ),
            resolution=ResolutionSettings(connections=connections_of(found.options, surroundings.variable)),
            building=build_settings(found.options, found.options.build_constraint_dependencies or ()),
            places=found.options.places,
        ),
        files={**dict(found.files), path: text},
    )


def _valid(document: Document, problems: Problems) -> Pylock | None:
    """The lock as packaging reads it, None after noting what is wrong with it."""
    from packaging.pylock import Pylock, PylockValidationError

    try:
        return Pylock.from_dict(document.data)
    except PylockValidationError as error:
        key = _existing(document.data, str(error.context or "lock-version"))
        at = f" at {error.context}" if error.context else ""
        problems.invalid(Node(None, key), f"{error.message.splitlines()[0]}{at}")
    except RecursionError:
        problems.invalid(Node(None, ()), "it is nested too deeply")
    return None


def _existing(data: object, context: str) -> KeyPath:
    """The place that packaging names, "packages[0].wheels[1].url", as far as there is something."""
    key: list[str | int] = []
    for name, index in _STEP.findall(context):
        step: str | int = int(index) if index else name
        inside = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not (inside or (isinstance(data, dict) and step in data)):
            break
        data = data[step]  # type: ignore[index]  # it is there
        key.append(step)
    return tuple(key)


def _specs(lock: Pylock | None, problems: Problems) -> Iterable[PypiSpec]:
    for number, package in enumerate(lock.packages if lock is not None else ()):
        specifier = f"=={package.version}" if package.version is not None else ""
        yield PypiSpec(package.name, package.name, specifier, problems.place(("packages", number, "name")))


def _chosen(kind: str, asked: Iterable[str], existing: Sequence[str] | None) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(canonicalize_name(name) for name in asked))
    unknown = next((name for name in chosen if existing is not None and name not in existing), None)
    if unknown is not None:
        raise UsageError(f"no {kind} '{unknown}' in the lock", hint=f"{kind}s that exist: {', '.join(existing or ())}")
    return chosen
