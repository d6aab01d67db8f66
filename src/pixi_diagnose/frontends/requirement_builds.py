"""Build requirements that have no wheel: the builds that run before the one that asks for them (pixi.md P5)."""

from __future__ import annotations

from collections.abc import Callable

from .model import Build, BuildPhase, BuildSubject, Outcome, Visible
from .visibility import judge

__all__ = ["requirement_builds"]


def requirement_builds(
    phase: str,
    subject: BuildSubject,
    isolated: Callable[[str], bool],
    view: Callable[[BuildSubject], Visible],
    refused: Callable[[str], str] = lambda _: "",
) -> tuple[Build, ...]:
    """What an isolated build of the subject has to build first, each with its own requirements in turn.

    A name for which isolation is off is built without it here as well (seen with pixi 0.77 and uv 0.13.8): `isolated`
    says for which names it is on, `view` what such a build sees, `refused` why a name is not built at all.
    """

    def builds(requirements: tuple[BuildSubject, ...], needed_for: tuple[str, ...]) -> tuple[Build, ...]:
        found = []
        for requirement in requirements:
            project = requirement.distribution.project
            reason = refused(project)
            if reason:
                run = BuildPhase("install", Outcome.FAILS, reason=reason)
            else:
                before = builds(requirement.requirements, (*needed_for, project)) if isolated(project) else ()
                seen = view(requirement)
                run = judge("install", requirement, seen, isolated=isolated(project), requirements=before)
            found.append(Build(requirement, isolated(project), (run,), needed_for[-1:], needed_for))
        return tuple(found)

    first = subject.requirements_at_lock if phase == "lock" else subject.requirements
    return builds(first, (subject.distribution.project,))
