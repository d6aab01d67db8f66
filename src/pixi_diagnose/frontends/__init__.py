"""The build frontends pixi, uv and pip as simulators: settings and a resolution in, ordered stages and outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from ..environment import Environment
from ..resolve import Resolution
from .machine import Machine
from .model import BuildSubject, Simulation

__all__ = ["VERSIONS", "Simulator", "simulator"]

Simulator = Callable[[Environment, Resolution, Sequence[BuildSubject], Machine, str], Simulation]
"""The last argument is the frontend's version to imitate."""

VERSIONS: Mapping[str, str] = {"pixi": "0.77", "uv": "0.13.8", "pip": "26.0"}
"""The frontends, each a file of this folder, and the version of each that is imitated where no other is known."""


def simulator(frontend: str) -> Simulator:
    """The simulator of a frontend: only the one that is asked for is imported."""
    found: Simulator = import_module(f".{frontend}", __name__).simulate
    return found
