"""Conda packages: what a solve gives where the channels can be reached, else what the manifest declares.

The solver is py-rattler, which pixi is made of (imported only when a solve is really run: it costs 100 ms).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from .evidence import Place, Unknown
from .manifest.model import CondaSpec, NameMap, Platform
from .names import pypi_names

if TYPE_CHECKING:
    from rattler import RepoDataRecord

__all__ = [
    "CondaPackage",
    "CondaQuestion",
    "CondaResolution",
    "FactCache",
    "closure",
    "pypi_specifier",
    "python_version",
    "solve",
    "tools",
]

_TOOLS: Mapping[str, list[str]] = tomllib.loads(
    resources.files(__package__).joinpath("data/conda_tools.toml").read_text(encoding="utf-8")
)

KNOWN_MINORS = tuple(f"3.{minor}" for minor in range(14, 8, -1))
"""CPython series that conda channels offer, newest first: what a spec without a solve may stand for."""

SOLVE_TIMEOUT = timedelta(seconds=60)


class FactCache(Protocol):
    """Where answers are kept between runs: bytes by kind and key, no older than `max_age` seconds (None: any age)."""

    def get(self, kind: str, key: str, *, max_age: float | None = None) -> bytes | None:
        """The kept bytes, None if there are none or they are too old."""

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Keep the bytes."""


@dataclass(frozen=True, slots=True)
class CondaPackage:
    """One conda package of an environment.

    `version` and `build` are those of the record; for a declared spec that was not solved (`solved` False) `version` is
    the spec's ("3.12.*", "" for any). `projects` are the PyPI projects that it provides, canonical, with the version
    that pip would see ("" unknown).
    """

    name: str
    version: str
    build: str
    subdir: str
    channel: str
    solved: bool
    projects: tuple[tuple[str, str], ...] = ()
    depends: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class CondaResolution:
    """The packages by name; `solved` False where channels could not be reached (then only what is declared is listed).

    `failure` is the solver's explanation where the specs have no solution.
    """

    packages: tuple[CondaPackage, ...]
    solved: bool
    failure: str = ""
    unknowns: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class CondaQuestion:
    """What is asked of the channels for one environment (or one solve group) on one platform."""

    specs: tuple[CondaSpec, ...]
    channels: tuple[str, ...]
    platform: Platform
    channel_priority: str | None = None
    strategy: str | None = None
    exclude_newer: str | None = None
    constraints: tuple[CondaSpec, ...] = ()
    pypi_map: Mapping[str, NameMap] | None = None


def solve(question: CondaQuestion, cache: FactCache, *, max_age: float | None) -> CondaResolution:
    """Solve with py-rattler, or fall back to the declared specs where the channels cannot be reached.

    An answer younger than `max_age` seconds is taken from the cache. None means offline: an answer of any age is good,
    and no channel is asked that is not a local folder. Never raises for an unreachable channel: that is an unknown.
    """
    if not question.specs:
        return CondaResolution((), solved=True)
    key = _digest(question)
    kept = cache.get("conda", key, max_age=max_age)
    if kept is not None:
        return _resolution(json.loads(kept), question)
    remote = [c for c in question.channels if not c.startswith("file://")]
    if max_age is None and remote:
        return _declared(question, f"{_channels(remote)} not asked (offline)")
    answer = _ask(question)
    if "unreachable" in answer:
        return _declared(question, answer["unreachable"])
    cache.put("conda", key, json.dumps(answer).encode())
    return _resolution(answer, question)


def closure(packages: Sequence[CondaPackage], names: Iterable[str]) -> tuple[CondaPackage, ...]:
    """The packages that `names` reach through their dependencies: one environment's part of a solve group."""
    by_name = {p.name: p for p in packages}
    reached: dict[str, CondaPackage] = {}
    todo = list(names)
    while todo:
        package = by_name.get(todo.pop())
        if package is None or package.name in reached:
            continue
        reached[package.name] = package
        todo += [d.split()[0].lower() for d in package.depends]
    return tuple(sorted(reached.values(), key=lambda p: p.name))


def tools(packages: Iterable[CondaPackage]) -> dict[str, str]:
    """Build tools that the packages put on PATH: tool name → the package and version that gives it."""
    return {tool: f"{p.name} {p.version}".strip() for p in packages for tool in _TOOLS.get(p.name, ())}


def python_version(packages: Sequence[CondaPackage]) -> tuple[str, str]:
    """The environment's Python ("3.12.7" or "3.12", "" for none), and what was assumed to say so ("" for nothing)."""
    python = next((p for p in packages if p.name == "python"), None)
    if python is None:
        return "", ""
    if python.solved:
        return python.version, ""
    if exact := re.match(r"^(?:==?)?\s*(3\.\d+)(?:\.\*)?$", python.version):
        return exact[1], ""
    if exact := re.match(r"^(?:==?)?\s*(3\.\d+\.\d+)$", python.version):
        return exact[1], ""
    for minor in KNOWN_MINORS:
        if _conda_spec_allows(python.version, minor):
            return minor, f"Python {minor}, the newest that {python.version or '*'} allows"
    return KNOWN_MINORS[1], f"Python {KNOWN_MINORS[1]}: {python.version} was not understood"


def _conda_spec_allows(spec: str, minor: str) -> bool:
    """Whether a conda version spec allows some patch release of a Python series: `|` is or, `,` is and."""
    if spec in {"", "*"}:
        return True
    for alternative in spec.split("|"):
        try:
            allowed = SpecifierSet(_as_pep440(alternative))
        except InvalidSpecifier:
            continue
        if any(allowed.contains(f"{minor}.{patch}") for patch in range(30)):
            return True
    return False


def _as_pep440(spec: str) -> str:
    """Translate one conjunction of a conda version spec: `3.12.*`, `=3.12` → `==3.12.*`; `3.12` → `==3.12`."""
    parts = []
    for part in filter(None, (p.strip() for p in spec.split(","))):
        if part == "*":
            continue
        if part[0] in "<>!~" or part.startswith("=="):
            # conda's `>=3.9.*` means `>=3.9`; PEP 440 allows the star with == and != only
            parts.append(part if part.startswith(("==", "!=")) else part.removesuffix(".*"))
        elif part.startswith("="):
            parts.append("==" + part[1:].strip().removesuffix(".*") + ".*")
        else:
            parts.append("==" + part)
    return ",".join(parts)


def pypi_specifier(version: str) -> str:
    """A conda version spec as PEP 440 specifier, as far as one conjunction says it; "" (any) where it cannot."""
    if not version or version == "*" or "|" in version:
        return ""
    specifier = _as_pep440(version)
    try:
        return str(SpecifierSet(specifier))
    except InvalidSpecifier:
        return ""


def _declared(question: CondaQuestion, reason: str) -> CondaResolution:
    """Take the declared specs as they are: what an unreachable channel leaves (marked partial by the caller)."""
    packages = {}
    for spec in question.specs:
        # which channel has it is not known: the first whose names say that it provides a project
        channels = (spec.channel,) if spec.channel else question.channels
        named = ((c, n) for c in channels if (n := pypi_names(spec.name, c, question.pypi_map)))
        channel, names = next(named, (channels[0] if channels else "", ()))
        packages[spec.name] = CondaPackage(
            name=spec.name,
            version="" if spec.version == "*" else spec.version,
            build=spec.build or "",
            subdir=question.platform.subdir,
            channel=channel,
            solved=False,
            projects=tuple((project, "") for project in names),
            place=spec.place,
        )
    listed = tuple(sorted(packages.values(), key=lambda p: p.name))
    left = "conda packages count as declared, without the versions and the further packages that a solve would give"
    return CondaResolution(listed, solved=False, unknowns=(Unknown(f"{reason}; {left}", subject="conda channels"),))


def _digest(question: CondaQuestion) -> str:
    stamps = []
    for channel in question.channels:
        if channel.startswith("file://"):
            folder = Path(unquote(urlsplit(channel).path))
            stamps += [f"{p}{p.stat().st_mtime_ns}" for p in sorted(folder.glob("*/repodata.json"))]
    text = repr(
        (
            sorted((s.name, s.version, s.build, s.channel, s.subdir, s.url) for s in question.specs),
            question.channels,
            [(v.name, v.version, v.build) for v in question.platform.virtual_packages],
            question.platform.subdir,
            question.channel_priority,
            question.strategy,
            question.exclude_newer,
            sorted((c.name, c.version) for c in question.constraints),
            stamps,
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _match_spec(spec: CondaSpec) -> str:
    if spec.url:
        return spec.url
    brackets = [f"version='{spec.version}'"] if spec.version not in {"", "*"} else []
    brackets += [f"build='{spec.build}'"] if spec.build else []
    brackets += [f"channel='{spec.channel}'"] if spec.channel else []
    brackets += [f"subdir='{spec.subdir}'"] if spec.subdir else []
    return spec.name + (f"[{', '.join(brackets)}]" if brackets else "")


def _ask(question: CondaQuestion) -> dict[str, Any]:
    """Run the solver; {"records": …}, {"failure": …} or {"unreachable": …}."""
    import rattler
    from rattler.exceptions import (
        FetchRepoDataError,
        GatewayError,
        InvalidChannelError,
        InvalidMatchSpecError,
        InvalidVersionSpecError,
        SolverError,
    )
    from rattler.package import BuildString

    try:
        records = asyncio.run(
            rattler.solve(
                sources=[rattler.Channel(c) for c in question.channels],
                specs=[rattler.MatchSpec(_match_spec(s)) for s in question.specs if not (s.path or s.git)],
                platforms=[question.platform.subdir, "noarch"],  # type: ignore[list-item]  # any declared subdir
                virtual_packages=[
                    rattler.GenericVirtualPackage(
                        rattler.PackageName(v.name), rattler.Version(v.version or "0"), BuildString(v.build or "0")
                    )
                    for v in question.platform.virtual_packages
                ],
                channel_priority=(
                    rattler.ChannelPriority.Disabled
                    if question.channel_priority == "disabled"
                    else rattler.ChannelPriority.Strict
                ),
                strategy=question.strategy or "highest",  # type: ignore[arg-type]  # the manifest reader checked it
                exclude_newer=_moment(question.exclude_newer),
                constraints=[rattler.MatchSpec(_match_spec(s)) for s in question.constraints],
                timeout=SOLVE_TIMEOUT,
            )
        )
    except (GatewayError, FetchRepoDataError) as error:
        return {"unreachable": f"{_channels(question.channels)} could not be read ({_cause(str(error))})"}
    except (SolverError, InvalidMatchSpecError, InvalidVersionSpecError, InvalidChannelError) as error:
        return {"failure": str(error).strip()}
    return {"records": [_fact(r) for r in records]}


def _fact(record: RepoDataRecord) -> dict[str, Any]:
    data = json.loads(record.to_json())
    return {k: data.get(k) for k in ("name", "version", "build", "subdir", "channel", "depends", "purls")}


def _resolution(answer: Mapping[str, Any], question: CondaQuestion) -> CondaResolution:
    if "failure" in answer:
        return replace(_declared(question, "the conda solve has no solution"), failure=answer["failure"], solved=True)
    places = {s.name: s.place for s in question.specs}
    packages = []
    for record in answer["records"]:
        names = pypi_names(record["name"], record["channel"] or "", question.pypi_map, purls=record["purls"])
        version = _pep440(record["version"])
        packages.append(
            CondaPackage(
                name=record["name"],
                version=record["version"],
                build=record["build"],
                subdir=record["subdir"],
                channel=record["channel"] or "",
                solved=True,
                projects=tuple((n, version) for n in names) if version else (),
                depends=tuple(record["depends"] or ()),
                place=places.get(record["name"]),
            )
        )
    return CondaResolution(tuple(sorted(packages, key=lambda p: p.name)), solved=True)


def _pep440(version: str) -> str:
    """The version as PyPI tools see it; "" where it is not PEP 440 and so is never offered (uv.md U6.11)."""
    try:
        return str(Version(version))
    except InvalidVersion:
        return ""


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _channels(channels: Sequence[str]) -> str:
    """Channel names for people, without user, password or token."""
    clean = [re.sub(r"//[^/@]*@", "//", re.sub(r"/t/[^/]+", "", c)) for c in channels]
    return ("channel " if len(clean) == 1 else "channels ") + ", ".join(clean)


def _cause(message: str) -> str:
    """The innermost cause of a gateway error, one line, without addresses that could hold credentials."""
    last = message.strip().splitlines()[-1].removeprefix("Caused by: ")
    return re.sub(r"https?://\S+", "…", last)
