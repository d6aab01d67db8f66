"""A uv project → its universal lock: what `uv lock` would write, resolved without building anything (uv.md U3, U6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from .environment import Environment, marker_environment
from .evidence import Unknown
from .index.model import LocalProject, PypiFailure, PypiRequest, PypiResolution
from .manifest.installer import Installer
from .manifest.model import Platform, PypiSpec
from .sources.model import Gathered
from .universal_lock import Side, UniversalLock, narrowed, one_source_each, python_range, sides, united

__all__ = ["Asking", "lock_universally"]


ANY_PLATFORM = Platform("any", "", ())


class Asking(Protocol):
    """What is needed of a resolver."""

    def gathered(
        self, specs: Iterable[PypiSpec], environment: Environment, python: str, provided: set[str]
    ) -> Gathered:
        """What dependencies by path, git or URL lead to."""

    def request(
        self, environment: Environment, wanted: Iterable[PypiSpec], gathered: Gathered, python: str
    ) -> PypiRequest:
        """The question for some dependencies."""

    def ask(self, request: PypiRequest) -> PypiResolution:
        """The answer to a question."""


def lock_universally(
    environment: Environment, installer: Installer, python: str, resolver: Asking
) -> tuple[UniversalLock, tuple[LocalProject, ...], tuple[Unknown, ...]]:
    """The lock of an environment's project, the sources that it reads for it, and what is not known of it.

    `python` is the environment's. A project without an index entry of its own counts as it is read here; one that comes
    from several places, as it comes to this environment.
    """
    pythons = python_range(installer, python)
    if pythons is None:
        requires = installer.resolution.requires_python
        return UniversalLock((), PypiFailure("conflict", f"no Python fits requires-python {requires}")), (), ()
    answers: list[tuple[Side, PypiResolution]] = []
    local: dict[str, LocalProject] = {}
    unknowns: dict[Unknown, None] = {}
    here = marker_environment(environment.platform, python)
    for side in sides(installer.project):
        specs = narrowed(one_source_each(side.specs, here), installer, pythons)
        gathered = _all_sources(specs, environment, python, resolver)
        request = resolver.request(environment, specs, gathered, pythons.lowest)
        answer = resolver.ask(replace(request, universal=pythons.requires, platform=ANY_PLATFORM))
        if gathered.failure is not None:
            answer = replace(answer, failure=gathered.failure)
        answers.append((side, answer))
        local |= {p.project: p for p in gathered.projects}
        unknowns |= dict.fromkeys((*gathered.unknowns, *answer.unknowns))
    return united(installer.project, answers), tuple(local.values()), tuple(unknowns)


def _all_sources(specs: Sequence[PypiSpec], environment: Environment, python: str, resolver: Asking) -> Gathered:
    """The sources of all of them: a universal lock reads those of other platforms, too."""
    overrides = environment.options.dependency_overrides or ()
    return resolver.gathered([replace(s, marker="") for s in (*specs, *overrides)], environment, python, set())
