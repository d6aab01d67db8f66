"""The signs of outcomes, with their styles."""

from __future__ import annotations

from ...outcome import Outcome

__all__ = ["MARKS"]

MARKS = {
    Outcome.OK: ("✓", "green"),
    Outcome.FAILS: ("✗", "bold red"),
    Outcome.AT_RISK: ("!", "bold yellow"),
    Outcome.UNKNOWN: ("?", "bold yellow"),
}
