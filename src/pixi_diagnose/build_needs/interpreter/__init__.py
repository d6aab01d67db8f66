"""A bounded abstract interpreter for build scripts: their syntax trees over known, partly known and unknown values.

Nothing of a package is executed. Calls into the tree are followed, calls out of it are modelled where they matter
(`outside`) and unknown elsewhere; undecided branches are taken both ways; steps, depth and memory are capped.
"""

from __future__ import annotations

from . import outside
from .expressions import evaluate
from .files import TreeIndex
from .machine import Limits, Machine, Surroundings
from .statements import execute

__all__ = ["Limits", "Machine", "Surroundings", "TreeIndex", "outside", "start"]


def start(index: TreeIndex, surroundings: Surroundings, limits: Limits | None = None) -> Machine:
    """An interpreter over a tree, ready to run its files."""
    machine = Machine(index, surroundings, limits)
    machine.evaluate = evaluate
    machine.execute = execute
    return machine
