"""Requirements as strings, and edits of them: a pyproject.toml's lists, a requirements file's lines, a pip section."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..evidence import KeyPath
from ..frontends.model import Simulation
from ..manifest.model import PypiSpec
from .changes import Change, Enlist, NewEnvironment, Put, Unlist, Why
from .placing import chain_to, conda_bounds, conda_spec, pypi_specs
from .uv_settings import setting, workspace_file
from .workbench import Workbench

__all__ = ["RequirementEntries", "lines_of", "respecified"]

_HEAD = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?")
_TAIL = re.compile(r"\s*;.*$", re.DOTALL)


def lines_of(bench: Workbench) -> KeyPath | None:
    """The list whose items are pip's lines: () for a text of lines, an environment.yml's pip section; None for TOML."""
    suffix = PurePath(bench.path).suffix
    if suffix in {".txt", ".in"}:
        return ()
    if suffix not in {".yml", ".yaml"}:
        return None
    dependencies = bench.document.value_at(("dependencies",)) or ()
    found = (n for n, item in enumerate(dependencies) if isinstance(item, dict) and isinstance(item.get("pip"), list))
    number = next(found, None)
    return None if number is None else ("dependencies", number, "pip")


def respecified(text: str, specifier: str) -> str:
    """A requirement with another specifier ("==1.9", " @ https://…"); name, extras and marker as they are spelled."""
    head, tail = _HEAD.match(text), _TAIL.search(text)
    marker = tail[0] if tail else ""
    space = " " if specifier.startswith(" @") and marker and not marker.startswith(" ") else ""
    return f"{(head[0] if head else text).rstrip()}{specifier}{space}{marker}"


class RequirementEntries:
    """See `Entries`: for uv (projects, and requirements files for `uv pip`), for pip and for conda's pip sections."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.lines = lines_of(bench)

    def without_a_build(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """See `Entries`."""
        if self.lines is not None:
            return (Enlist(self.lines, f"--only-binary {project}"),)
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
        if self.lines is not None:
            return (_enlisted(self.lines, f"{project}=={version}", why),)
        key = ("tool", "uv", "constraint-dependencies")
        return (_enlisted(key, f"{project}=={version}", why, workspace_file(self.bench)),)

    def addressed(self, simulation: Simulation, project: str, url: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`. In a uv project a declared one gets a source, another one is overridden."""
        own = self._own(simulation, project)
        if self.lines is not None:
            if own:
                return tuple(self._put(s, f" @ {url}", why) for s in own)
            return (_enlisted(self.lines, f"{project} @ {url}", why),)
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

    def conda_package(
        self,
        simulation: Simulation,
        beside: str,  # noqa: ARG002 -- there is one list of them
        name: str,
        specifier: str,
        why: Why,
    ) -> tuple[Change, ...]:
        """See `Entries`: only an environment.yml has conda packages."""
        bounds = conda_bounds(specifier)
        written = f"{name}={bounds.removesuffix('.*')}" if bounds.endswith(".*") else f"{name}{bounds}"
        own = conda_spec(simulation, name)
        if own is not None and own.place.key:
            return (Put(own.place.key, written, why.note, why.comment, why.cost, firm=True),) if specifier else ()
        return (_enlisted(("dependencies",), written, why),) if self.lines else ()

    def given_up(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """See `Entries`."""
        own = [s for s in self._own(simulation, project) if not s.extras]
        return tuple(Unlist(s.place.key[:-1], self._text(s), file=s.place.file) for s in own)

    def for_python(self, simulation: Simulation, python: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`: a uv project's requires-python where it decides; what commands fill is made with them."""
        installer = simulation.environment.installer
        own = conda_spec(simulation, "python")
        if own is not None and own.place.key:
            return (Put(own.place.key, f"python={python}", why.note, why.comment, why.cost, firm=True),)
        if self.lines:
            return ()
        if installer is not None and installer.interface != "uv":
            return (NewEnvironment(python, why.note, why.cost),)
        if installer is None or installer.python.source != "requires-python":
            return ()
        key = ("project", "requires-python")
        return (Put(key, f"=={python}.*", why.note, why.comment, why.cost, firm=True),)

    @staticmethod
    def _is_project(simulation: Simulation) -> bool:
        return simulation.environment.installer is not None and simulation.environment.installer.interface == "uv"

    def added(self, simulation: Simulation, requirement: str, beside: str, why: Why) -> tuple[Change, ...]:
        """Ask for a further project where the one `beside` comes from: in its list, or as a line."""
        if self.lines is not None:
            return (Enlist(self.lines, requirement, why.note, why.comment, why.cost),)
        declared = {s.name: s for s in reversed(simulation.environment.pypi)}
        root = next((declared[name] for name in chain_to(simulation, beside) if name in declared), None)
        file, key = (root.place.file, root.place.key[:-1]) if root is not None else (self.bench.path, ())
        if not _is_list(key):
            file, key = self.bench.path, ("project", "dependencies")
        return (Enlist(key, requirement, why.note, why.comment, why.cost, file=file),)

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
