"""What the manifest alone says of its conda packages, where no channel answers for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache

from ..data import read_table
from ..lazy_dataclass import dataclass
from ..manifest.model import CondaSpec, NameMap
from ..names import is_conda_forge, pypi_names
from .model import CondaPackage, CondaQuestion, Expected
from .versions import pypi_specifier

__all__ = ["declared_packages", "expected_packages"]

_ARCHIVE = r"/(?P<name>[^/]+)-(?P<version>[^-/]+)-(?P<build>[^-/]+)(?:\.conda|\.tar\.bz2)$"


def declared_packages(question: CondaQuestion, names: Collection[str] | None = None) -> tuple[CondaPackage, ...]:
    """The declared specs as packages, of these names only where `names` is given; an archive's URL says its version."""
    packages: dict[str, CondaPackage] = {}
    for spec in question.specs:
        if names is not None and spec.name not in names:
            continue
        channel, projects = _provided(spec, question.channels, question.pypi_map)
        archive = re.search(_ARCHIVE, spec.url or spec.path or "")
        package = CondaPackage(
            name=spec.name,
            version=archive["version"] if archive else "" if spec.version == "*" else spec.version,
            build=archive["build"] if archive else spec.build or "",
            subdir=question.platform.subdir,
            channel=channel,
            solved=False,
            projects=tuple((project, "") for project in projects),
            place=spec.place,
        )
        # several features may ask for one package: the spec that says most stands for it
        if spec.name not in packages or not packages[spec.name].version:
            packages[spec.name] = package
    return tuple(sorted(packages.values(), key=lambda p: p.name))


def expected_packages(packages: Sequence[CondaPackage]) -> tuple[Expected, ...]:
    """What the declared ones among these packages were seen to bring along, as far as the dated table knows."""
    there = {p.name for p in packages}
    found: dict[str, Expected] = {}
    todo = [(p.name, p.version, p.channel) for p in packages if not p.solved]
    for name, version, channel in todo:  # grows while it is read
        for entry in _table():
            if entry.package != name or not _same_channel(entry.channel, channel) or not entry.covers(version):
                continue
            for brought in entry.packages:
                if brought not in there and brought not in found:
                    projects = pypi_names(brought, entry.channel)
                    found[brought] = Expected(brought, projects, name, entry.channel, entry.date)
                    todo.append((brought, "", channel))
    return tuple(found[name] for name in sorted(found))


def _provided(
    spec: CondaSpec, channels: Sequence[str], pypi_map: Mapping[str, NameMap] | None
) -> tuple[str, tuple[str, ...]]:
    """Which channel has a spec is not known: the first whose names say that it provides a project."""
    candidates = (spec.channel,) if spec.channel else channels
    named = ((c, n) for c in candidates if (n := pypi_names(spec.name, c, pypi_map)))
    return next(named, (candidates[0] if candidates else "", ()))


def _same_channel(known: str, channel: str) -> bool:
    return known == channel or (known == "conda-forge" and is_conda_forge(channel))


@dataclass(frozen=True, slots=True)
class _Brings:
    channel: str
    package: str
    since: str
    packages: tuple[str, ...]
    date: str

    def covers(self, spec: str) -> bool:
        """Whether a declared version spec can only mean releases that the entry is about, or usually would."""
        if not self.since or not spec:
            return True
        specifier = pypi_specifier(spec)
        lower = re.findall(r"(?:==|>=|~=|>)([\d.]+)", specifier)
        upper = re.findall(r"<=?([\d.]+)", specifier)
        since = _numbers(self.since)
        # the newest that is allowed is what a solve takes
        return max(map(_numbers, lower)) >= since if lower and not upper else all(_numbers(u) > since for u in upper)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


@cache
def _table() -> tuple[_Brings, ...]:
    data = read_table("conda_brings")
    return tuple(
        _Brings(e["channel"], e["package"], e["since"], tuple(e["packages"]), data["date"]) for e in data["brings"]
    )
