"""What the command line of uv or pip adds to a manifest."""

from __future__ import annotations

from ..lazy_dataclass import dataclass

__all__ = ["FRONTEND_NAMES", "Invocation"]

FRONTEND_NAMES = ("pixi", "uv", "pip")


@dataclass(frozen=True, slots=True)
class Invocation:
    """The target and the choices that a uv or pip command would be given beside its input; pixi takes none of them.

    `frontend` is one of FRONTEND_NAMES, "" for the one that the manifest itself suggests. `platforms` are conda subdirs
    (an environment each). `python` is the fresh environment's ("3.11", "3.11.7"), "" for what the input implies.
    """

    frontend: str = ""
    platforms: tuple[str, ...] = ("linux-64",)
    python: str = ""
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    no_build_isolation: bool = False
    no_build_isolation_packages: tuple[str, ...] = ()
