"""How a build, or a command as a whole, ends."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Outcome"]


class Outcome(StrEnum):
    """AT_RISK: the tool itself leaves it undefined, or it hangs on a condition; UNKNOWN: we could not tell."""

    OK = "ok"
    FAILS = "fails"
    AT_RISK = "at-risk"
    UNKNOWN = "unknown"

    @staticmethod
    def worst(outcomes: list[Outcome]) -> Outcome:
        """The one that decides a whole: a failure, then a risk, then not knowing; OK for none."""
        ranking = (Outcome.FAILS, Outcome.AT_RISK, Outcome.UNKNOWN)
        return next((o for o in ranking if o in outcomes), Outcome.OK)
