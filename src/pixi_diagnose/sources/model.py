"""What is asked of path, git and URL dependencies, and what comes back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field

from ..evidence import Unknown
from ..index.model import LocalProject, PypiFailure
from ..lazy_dataclass import dataclass
from ..manifest.model import GitSource, PathSource, UrlSource

__all__ = ["UNKNOWN_VERSION", "Gathered", "Source", "Wanted"]

Source = GitSource | PathSource | UrlSource

UNKNOWN_VERSION = "0"
"""Stands for a version that only a build tells; the resolver takes it for any."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project from a source: canonical name, the extras that are asked for, who asks ("" is the manifest).

    Where it is `nameless`, the name is a reader's, and what the source calls itself counts.
    """

    project: str
    source: Source
    extras: frozenset[str] = frozenset()
    required_by: str = ""
    nameless: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """All projects that do not come from an index, and what their sources say beyond that.

    `indexes` are (project, index URL) where a source names an index, `extras` those that were asked for, `members` the
    members of a uv workspace on disk that another project (the value) requires as such. `failure` is what the tool
    itself would stop at; a project that it is about stands among `projects` all the same, unread. `called` is what
    nameless ones call themselves, by the name that they were taken for.
    """

    projects: tuple[LocalProject, ...] = ()
    indexes: tuple[tuple[str, str], ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    failure: PypiFailure | None = None
    extras: Mapping[str, frozenset[str]] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each project."""
        return {p.project: p.version for p in self.projects}

    def any_version(self, overridden: Collection[str]) -> Iterator[str]:
        """Overrides by which a version that only a build tells fits all who want one; `overridden` have their own."""
        for project in self.projects:
            if project.version == UNKNOWN_VERSION and project.project not in overridden:
                extras = ",".join(sorted(self.extras.get(project.project, ())))  # uv takes those of the override alone
                yield (
                    f"{project.project}[{extras}]=={UNKNOWN_VERSION}"
                    if extras
                    else f"{project.project}=={UNKNOWN_VERSION}"
                )
