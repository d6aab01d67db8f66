"""What is asked: which manifest's environments, under which frontend, with which rules, and what may be changed."""

from __future__ import annotations

from dataclasses import field

from .frontends.machine import Machine
from .lazy_dataclass import dataclass
from .manifest.invocation import Invocation

__all__ = ["Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a manifest: which frontend, environments, platforms and rules (empty: all), and if for plans.

    `frontend` "" is the one that the manifest suggests, "all" means that one, and the others beside it.
    `frontend_version` is the one to imitate; "" is the installed one, or what the manifest requires. `python` and what
    follows are what a uv or pip command would be given, up to `every_tier`: plans behind the first one that passes,
    too; and `fix`: what may be changed without a second look.
    """

    frontend: str = ""
    frontend_version: str = ""
    environments: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    plans: bool = True
    machine: Machine = field(default_factory=Machine.here)
    python: str = ""
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    no_build_isolation: bool = False
    no_build_isolation_packages: tuple[str, ...] = ()
    every_tier: bool = False
    fix: bool = False

    @property
    def invocation(self) -> Invocation:
        """What the command line adds to a manifest that is uv's or pip's."""
        return Invocation(
            frontend=self.frontend,
            platforms=self.platforms or (self.machine.subdir,),
            python=self.python,
            groups=self.groups,
            extras=self.extras,
            no_build_isolation=self.no_build_isolation,
            no_build_isolation_packages=self.no_build_isolation_packages,
        )
