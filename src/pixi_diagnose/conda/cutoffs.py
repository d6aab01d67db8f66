"""`exclude-newer`: which records are too new to count, in general and by package or channel.

As pixi 0.77 does it (seen): a date counts to the end of its day in UTC, a record of exactly the moment still counts,
one without a time always does; a package's own cut-off goes before its channel's, and that before the general one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from ..lazy_dataclass import dataclass
from .model import CondaQuestion

if TYPE_CHECKING:
    from rattler import Channel, Gateway, PackageName, RepoDataRecord, Subdir

__all__ = ["CutChannel", "moment"]

_UNITS = {
    **dict.fromkeys(("nanos", "nanosecond", "nanoseconds", "nsec", "ns"), 1e-9),
    **dict.fromkeys(("usec", "us"), 1e-6),
    **dict.fromkeys(("millis", "msec", "ms"), 1e-3),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), 1.0),
    **dict.fromkeys(("minutes", "minute", "mins", "min", "m"), 60.0),
    **dict.fromkeys(("hours", "hour", "hrs", "hr", "h"), 3600.0),
    **dict.fromkeys(("days", "day", "d"), 86400.0),
    **dict.fromkeys(("weeks", "week", "wks", "wk", "w"), 7 * 86400.0),
    **dict.fromkeys(("months", "month", "M"), 30.44 * 86400),
    **dict.fromkeys(("years", "year", "yrs", "yr", "y"), 365.25 * 86400),
}
"""The humantime crate's units, in which pixi writes durations."""
_PART = re.compile(r"\s*(\d+)\s*([A-Za-z]+)")


def moment(text: str, now: datetime) -> datetime | None:
    """The latest moment that still counts; None for a text that is neither a duration, a date nor a moment."""
    if re.fullmatch(rf"(?:{_PART.pattern})+\s*|0", text):
        parts = _PART.findall(text)
        if all(unit in _UNITS for _, unit in parts):
            return now - timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), datetime.min.time(), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CutChannel:
    """A channel without its too new records: what the solver itself cannot be told by package or channel."""

    channel: Channel
    gateway: Gateway
    general: datetime | None
    packages: Mapping[str, datetime]

    @classmethod
    def of(cls, channel: Channel, spelled: str, gateway: Gateway, question: CondaQuestion, now: datetime) -> CutChannel:
        """A channel of a question, with the cut-offs that hold for it."""
        general = question.exclude_newer_channels.get(spelled, question.exclude_newer)
        packages = {n: found for n, text in question.exclude_newer_packages.items() if (found := moment(text, now))}
        return cls(channel, gateway, moment(general, now) if general else None, packages)

    async def fetch_package_records(self, platform: Subdir, name: PackageName) -> list[RepoDataRecord]:
        """The solver's question: the records of one name (rattler's RepoDataSource)."""
        found = await self.gateway.query([self.channel], [platform], [name.normalized], recursive=False)
        limit = self.packages.get(name.normalized, self.general)
        records = [record for records in found for record in records]
        return [r for r in records if limit is None or r.timestamp is None or r.timestamp <= limit]

    def package_names(self, platform: Subdir) -> list[str]:
        """The solver's question for all names, which a solve never asks (rattler's RepoDataSource)."""
        raise NotImplementedError(f"the names of {self.channel} on {platform} are not listed")
