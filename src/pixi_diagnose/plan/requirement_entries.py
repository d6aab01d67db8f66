"""Requirements as strings, in the lists of a pyproject.toml or the lines of a requirements file, and edits of them."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..evidence import KeyPath
from ..frontends.model import Simulation
from ..manifest.model import PypiSpec
from .changes import Change, Enlist, Put, Why
from .placing import chain_to, pypi_specs
from .uv_settings import setting, workspace_file
from .workbench import Workbench

__all__ = ["RequirementEntries", "respecified"]

_HEAD = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?")
_TAIL = re.compile(r"\s*;.*$", re.DOTALL)


def respecified(text: str, specifier: str) -> str:
    """A requirement with another specifier ("==1.9", " @ https://…"); name, extras and marker as they are spelled."""
    head, tail = _HEAD.match(text), _TAIL.search(text)
    marker = tail[0] if tail else ""
    space = " " if specifier.startswith(" @") and marker and not marker.startswith(" ") else ""
    return f"{(head[0] if head else text).rstrip()}{specifier}{space}{marker}"


class RequirementEntries:
    """See `Entries`: for uv (projects, and requirements files for `uv pip`) and for pip."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def without_a_build(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """See `Entries`."""
        if self._in_lines:
            return (Enlist((), f"--only-binary {project}"),)
        at = setting(self.bench, simulation, "no-build-package")
        return (Enlist(at.key, project, file=at.file),)

    def rebounded(self, simulation: Simulation, project: str, specifier: str = "") -> tuple[Change, ...]:
        """See `Entries`."""
        return tuple(self._put(s, specifier, Why()) for s in self._own(simulation, project) if s.specifier)

    def pinned(self, simulation: Simulation, project: str, version: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`. A project that only others require is constrained, and in a requirements file named."""
        own = self._own(simulation, project)
        if any(s.hashes for s in pypi_specs(simulation, project)):
            return ()  # the hashes are those of other files
        if own:
            return tuple(self._put(s, f"=={version}", why) for s in own)
        if self._in_lines:
            return (_enlisted((), f"{project}=={version}", why),)
        key = ("tool", "uv", "constraint-dependencies")
        return (_enlisted(key, f"{project}=={version}", why, workspace_file(self.bench)),)

    def addressed(self, simulation: Simulation, project: str, url: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`. In a uv project a declared one gets a source, another one is overridden."""
        own = self._own(simulation, project)
        if self._in_lines:
            if own:
                return tuple(self._put(s, f" @ {url}", why) for s in own)
            return (_enlisted((), f"{project} @ {url}", why),)
        if own:
            source = ("tool", "uv", "sources", own[0].spelled, "url")
            file = own[0].place.file
            return (Put(source, url, why.note, why.comment, why.cost, firm=True, file=file, inline=True),)
        key = ("tool", "uv", "override-dependencies")
        return (_enlisted(key, f"{project} @ {url}", why, workspace_file(self.bench)),)

    def checked_out(
        self, simulation: Simulation, project: str, url: str, reference: str, why: Why
    ) -> tuple[Change, ...]:
        """See `Entries`. A uv project gets a source, other lists the address itself."""
        own = self._own(simulation, project)
        if self._is_project(simulation):
            table = ("tool", "uv", "sources", own[0].spelled) if own else ()
            file = own[0].place.file if own else ""
            puts = [Put((*table, "git"), url, why.note, why.comment, why.cost, firm=True, file=file, inline=True)]
            puts += [Put((*table, "rev"), reference, firm=True, file=file, inline=True)] if reference else []
            return tuple(puts) if own else ()
        address = f" @ git+{url}{f'@{reference}' if reference else ''}"
        return tuple(self._put(s, address, why) for s in own)

    def for_python(self, simulation: Simulation, python: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`: where requires-python is what decides (a command's `--python` is in no file)."""
        installer = simulation.environment.installer
        if not self._is_project(simulation) or installer is None or installer.python.source != "requires-python":
            return ()
        key = ("project", "requires-python")
        return (Put(key, f"=={python}.*", why.note, why.comment, why.cost, firm=True),)

    @staticmethod
    def _is_project(simulation: Simulation) -> bool:
        return simulation.environment.installer is not None and simulation.environment.installer.interface == "uv"

    def added(self, simulation: Simulation, requirement: str, beside: str, why: Why) -> tuple[Change, ...]:
        """Ask for a further project where the one `beside` comes from: in its list, or as a line."""
        if self._in_lines:
            return (Enlist((), requirement, why.note, why.comment, why.cost),)
        declared = {s.name: s for s in reversed(simulation.environment.pypi)}
        root = next((declared[name] for name in chain_to(simulation, beside) if name in declared), None)
        file, key = (root.place.file, root.place.key[:-1]) if root is not None else (self.bench.path, ())
        if not _is_list(key):
            file, key = self.bench.path, ("project", "dependencies")
        return (Enlist(key, requirement, why.note, why.comment, why.cost, file=file),)

    @property
    def _in_lines(self) -> bool:
        return PurePath(self.bench.path).suffix in {".txt", ".in"}

    def _own(self, simulation: Simulation, project: str) -> list[PypiSpec]:
        """The user's own requirements of a project that stand for themselves and name no source."""
        return [
            s
            for s in pypi_specs(simulation, project)
            if s.source is None and s.place.file in self.bench.documents and self._text(s)
        ]

    def _text(self, spec: PypiSpec) -> str:
        text = self.bench.document_of(spec.place.file).value_at(spec.place.key)
        return text if isinstance(text, str) and not text.startswith("-") else ""

    def _put(self, spec: PypiSpec, specifier: str, why: Why) -> Put:
        text = respecified(self._text(spec), specifier)
        return Put(spec.place.key, text, why.note, why.comment, why.cost, firm=True, file=spec.place.file)


def _is_list(key: KeyPath) -> bool:
    return key[:1] in {("project",), ("dependency-groups",)} and key != ("project",)


def _enlisted(key: KeyPath, requirement: str, why: Why, file: str = "") -> Enlist:
    return Enlist(key, requirement, why.note, why.comment, why.cost, firm=True, file=file)
