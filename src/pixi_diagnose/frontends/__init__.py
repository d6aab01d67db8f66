"""The build frontends pixi, uv and pip as simulators: settings and a resolution in, ordered stages and outcomes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..environment import Environment
from ..resolve import Resolution
from . import pip, pixi, uv
from .machine import Machine
from .model import BuildSubject, Simulation

__all__ = ["FRONTENDS", "VERSIONS", "Simulator"]

Simulator = Callable[[Environment, Resolution, Sequence[BuildSubject], Machine, str], Simulation]
"""The last argument is the frontend's version to imitate."""


FRONTENDS: Mapping[str, Simulator] = {pixi.NAME: pixi.simulate, uv.NAME: uv.simulate, pip.NAME: pip.simulate}
VERSIONS: Mapping[str, str] = {pixi.NAME: pixi.VERSION, uv.NAME: uv.VERSION, pip.NAME: pip.VERSION}
"""The version of each frontend that is imitated where no other is known."""
