"""Run a project's real build hooks in a throwaway environment and compare them with what reading it had said.

The only part of this program that runs package code, and only when asked to.
"""

from .comparison import compare
from .model import (
    Comparison,
    Item,
    ObservedBuild,
    ObservedImport,
    ObservedProgram,
    Plan,
    Standing,
    Stopped,
    Verification,
)
from .observing import plan_verification, verify_source

__all__ = [
    "Comparison",
    "Item",
    "ObservedBuild",
    "ObservedImport",
    "ObservedProgram",
    "Plan",
    "Standing",
    "Stopped",
    "Verification",
    "compare",
    "plan_verification",
    "verify_source",
]
