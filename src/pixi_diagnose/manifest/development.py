"""`[dev]`: packages of which an environment gets the build, host and run dependencies, and not they themselves.

pixi 0.77 asks the package's build backend for them (preview pixi-build). Here its `[package]` table is read: what the
backend adds of its own (python for a Python package, compilers) is not known.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..document import Document
from ..errors import ManifestError
from ..evidence import Unknown
from ..lazy_dataclass import dataclass
from .conda_specs import CondaEntry, read_conda_table, resolve_conda_table
from .fields import Node, Problems
from .model import CondaSpec, TargetTable
from .surroundings import Surroundings

__all__ = ["Developed", "Development"]

_TABLES = ("build-dependencies", "host-dependencies", "run-dependencies")
_MANIFESTS = (("pixi.toml", ()), ("pyproject.toml", ("tool", "pixi")), ("mojoproject.toml", ()))


@dataclass(frozen=True, slots=True)
class Developed:
    """An entry of `[dev]`: `path` is "" for one that is no folder of this machine."""

    name: str
    path: str
    node: Node


class Development:
    """Reads the packages; `files` collects the texts that were read by path, `unknowns` what is not known of them.

    `document` is the workspace's own manifest, in `folder`.
    """

    def __init__(self, document: Document, surroundings: Surroundings, folder: str) -> None:
        self.files: dict[str, str] = {}
        self.unknowns: list[Unknown] = []
        self._document = document
        self._surroundings = surroundings
        self._folder = folder

    def tables(
        self, packages: Iterable[Developed], selector: str | None, pool: Mapping[str, CondaEntry]
    ) -> Iterator[TargetTable]:
        """What the packages bring where they stand under `selector`; the first table is for all its platforms.

        Dependencies that have to be built, the packages of `[dev]` among them, are left out: pixi builds them.
        """
        listed = tuple(packages)
        names = {package.name for package in listed}
        everywhere: list[CondaSpec] = []
        targets: list[TargetTable] = []
        for package in listed:
            found = self._package(package)
            if found is None:
                continue
            problems, table = found
            own = [s for s in self._specs(package.name, problems, table, pool) if s.name not in names]
            everywhere += own
            for target, node in _child(table, "target").items() if selector is None else ():
                more = self._specs(package.name, problems, node, pool)
                known = {*names, *(spec.name for spec in own)}
                targets.append(TargetTable(target, tuple(spec for spec in more if spec.name not in known)))
        yield TargetTable(selector, tuple(everywhere))
        yield from targets

    def _package(self, package: Developed) -> tuple[Problems, Node] | None:
        """The `[package]` table of one of them, None after noting why it is not known."""
        reason = "is not read: only packages in folders are"
        if package.path:
            reason = f"is not read: there is no [package] table in {package.path}"
            for name, keys in _MANIFESTS:
                document = self._manifest(posixpath.join(package.path, name))
                node = Node({} if document is None else document.data, ())
                for key in (*keys, "package"):
                    node = _child(node, key)
                if document is not None and node.value:
                    added = f"what the build backend of {package.name} adds to [dev] is not known"
                    self.unknowns.append(Unknown(added, subject=package.name))
                    return Problems(document.path), node
        self.unknowns.append(Unknown(f"{package.name} in [dev] {reason}", subject=package.name))
        return None

    def _manifest(self, path: str) -> Document | None:
        shown = posixpath.normpath(posixpath.join(self._folder, path))
        if shown == posixpath.normpath(self._document.path):
            return self._document
        try:
            text = self._surroundings.text(path)
            document = None if text is None else Document(text, shown)
            if document is not None and document.data:
                self.files[shown] = document.text
        except ManifestError as error:
            self.unknowns.append(Unknown(f"{error.path}: {error.message}", subject=path))
            return None
        return document

    def _specs(
        self, package: str, problems: Problems, node: Node, pool: Mapping[str, CondaEntry]
    ) -> Iterator[CondaSpec]:
        for name in _TABLES:
            table = _child(node, name)
            entries = tuple(e for e in read_conda_table(problems, table) if not e.is_source) if table.value else ()
            specs = resolve_conda_table(problems, entries, pool, sources_allowed=True)
            yield from (replace(spec, brought_by=package) for spec in specs)
        for problem in (p for p in problems.found if p.kind in {"invalid", "unknown-key"}):
            self.unknowns.append(Unknown(f"{problem.place.file}: {problem.message}", subject="[dev]"))
        problems.found.clear()


def _child(node: Node, key: str) -> Node:
    value = node.value.get(key) if isinstance(node.value, dict) else None
    return Node(value if isinstance(value, dict) else {}, (*node.key, key))
