"""What uv answers to a request over the overlay index, and what its answer means on the real indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from urllib.parse import unquote, urlsplit

import tomli
from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..errors import ArchiveError, IndexAccessError, ResolverError
from ..evidence import Unknown
from ..metadata import StaticMetadata
from ..pep508 import canonicalize_name
from .asked_indexes import AskedIndexes
from .model import Distribution, PypiFailure, PypiRequest, PypiResolution
from .overlay import Overlay
from .releases import WHEELS_FIRST
from .session import IndexSession
from .uv import UvAnswer, compile_requirements, private_cache
from .view import RequestView

__all__ = ["ask_resolver"]

PATIENCE = 40
"""Lines of a resolver's explanation that are kept."""


def ask_resolver(
    request: PypiRequest,
    indexes: AskedIndexes,
    session: IndexSession,
    looked_at: Callable[[Distribution], None] | None = None,
) -> tuple[PypiResolution, bool]:
    """The answer of uv to a request, and whether it is final: whether another attempt would come to the same.

    For `looked_at` and errors see `resolutions.resolve_projects`.
    """
    while True:
        resolution, view = _asked(request, indexes, session, looked_at)
        more = _built_after_all(resolution, view) if request.indexes.wheels_first else ()
        if not more:
            return resolution, view.final and not view.failures
        excepted = (*request.indexes.built_too, *more)
        request = replace(request, indexes=replace(request.indexes, built_too=excepted))


def _asked(
    request: PypiRequest,
    indexes: AskedIndexes,
    session: IndexSession,
    looked_at: Callable[[Distribution], None] | None,
) -> tuple[PypiResolution, RequestView]:
    view = RequestView(request, indexes, session, looked_at)
    overlay = session.overlay()
    with overlay.showing(view.id, view) as label:
        bases = [Overlay.base(label, number) for number in range(len(view.indexes))]
        answer = _ask_uv(request, view, session, overlay.port, bases)
    if answer.status == 0:
        resolution = _translate(request, view, answer)
    else:
        failure = _failure(request, view, _cleaned(answer.message, view, bases))
        resolution = PypiResolution((), failure, tuple(view.unknowns))
    return replace(resolution, tried=tuple(_tried(view, answer, resolution))), view


def _built_after_all(resolution: PypiResolution, view: RequestView) -> tuple[str, ...]:
    """The projects without a solution of which releases were withheld only because others of them have wheels.

    pip 26 takes a release that must be built where no wheel does (seen).
    """
    if resolution.failure is None:
        return ()
    return tuple(
        project
        for project in resolution.failure.projects
        for known in (view.known(index, project) for index in range(len(view.indexes)))
        if known is not None and WHEELS_FIRST in known.withheld().values()
    )


def _ask_uv(
    request: PypiRequest, view: RequestView, session: IndexSession, port: int, bases: Sequence[str]
) -> UvAnswer:
    settings = request.indexes
    prerelease = "allow" if settings.prerelease_mode == "disallow" else settings.prerelease_mode
    arguments = ["--python-version", request.python_version, "--prerelease", prerelease]
    arguments += ["--index-strategy", settings.index_strategy, "--resolution", request.strategy]
    if request.universal is not None:
        arguments.append("--universal")
    if request.alone:
        arguments.append("--no-deps")
    if view.target.uv_platform is not None:
        arguments += ["--python-platform", view.target.uv_platform]
    for project in view.volatile:
        arguments += ["--refresh-package", project]
    return compile_requirements(
        request.requirements,
        indexes=bases,
        port=port,
        cache_dir=private_cache(session.cache.directory),
        arguments=arguments,
        constraints=request.constraints,
        overrides=request.overrides,
        excludes=request.excludes,
    )


# --- a solution -----------------------------------------------------------------------------------------------------


def _translate(request: PypiRequest, view: RequestView, answer: UvAnswer) -> PypiResolution:
    chosen: list[Distribution] = []  # a universal resolution may have a project several times
    unknowns: dict[Unknown, None] = dict(view.unknowns)
    for project, index, filename, marker in _locked(answer.output):
        distribution = _distribution(view, project, index, filename)
        chosen.append(replace(distribution, marker=marker) if request.universal is not None else distribution)
        if distribution.metadata is not None:
            unknowns |= dict.fromkeys(distribution.metadata.unknowns)
    requirers, by_url = _requirers(request, view, chosen)
    distributions = tuple(
        replace(distribution, required_by=tuple(sorted(requirers.get(distribution.project, ()))))
        for distribution in sorted(chosen, key=lambda d: d.project)
    )
    failure = _unhashed(request, distributions)
    for project, line in by_url:
        # uv 0.13 and pixi 0.77 follow the URLs of what is given by URL itself, and of nothing on an index
        name = canonicalize_name(Requirement(line).name)
        message = f"{project} requires {line}: a URL may only be required by the manifest, or by what is given by URL"
        failure = failure or PypiFailure("conflict", message, (project, name))
    return PypiResolution(distributions, failure, tuple(unknowns))


def _tried(view: RequestView, answer: UvAnswer, resolution: PypiResolution) -> Iterator[Distribution]:
    """The source releases of indexes that uv took up and that are not in the solution."""
    chosen = {d.project: d for d in resolution.distributions}
    for filename in answer.selected:
        project = canonicalize_name(filename.partition("-")[0])
        if project in view.local or project in view.provided:
            continue
        for index in range(len(view.indexes)):
            offers = view.known(index, project)
            offer = offers.find(filename) if offers is not None else None
            if offer is None or offer.kind != "sdist":
                continue
            took = chosen.get(project)
            if took is None or took.version != offer.version:
                asked_by = took.required_by if took is not None else ()
                yield replace(_distribution(view, project, index, filename), required_by=asked_by)
            break


def _unhashed(request: PypiRequest, distributions: Iterable[Distribution]) -> PypiFailure | None:
    """With --require-hashes pip 26 and uv 0.13.8 stop at what has no hash, whoever requires it."""
    if not request.indexes.hashes_required:
        return None
    hashed = {project for project, _ in request.indexes.hashes}
    projects = tuple(d.project for d in distributions if d.kind in {"wheel", "sdist"} and d.project not in hashed)
    projects = tuple(p for p in projects if p not in {canonicalize_name(local.project) for local in request.local})
    message = f"hashes are required, and no exact version with a hash is given for {', '.join(projects)}"
    return PypiFailure("hashes", message, projects) if projects else None


def _locked(text: str) -> Iterator[tuple[str, int, str, str]]:
    """(canonical project, number of the index, synthetic file name, marker) of each package in uv's pylock.toml."""
    try:
        packages = tomli.loads(text).get("packages", [])
        for package in packages:
            path = unquote(urlsplit(package["wheels"][0]["url"]).path).strip("/").split("/")
            yield canonicalize_name(package["name"]), int(path[0]), path[2], str(package.get("marker", ""))
    except (tomli.TOMLDecodeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ResolverError(f"uv's answer cannot be read: {error!r}") from None


def _distribution(view: RequestView, project: str, index: int, filename: str) -> Distribution:
    try:
        offers = view.offers(index, project)
    except (IndexAccessError, ArchiveError):
        offers = None
    offer = offers.find(filename) if offers else None
    if offer is None:
        raise ResolverError(f"uv chose {filename}, which is no longer offered")
    metadata, final = view.metadata(project, offer)
    view.final &= final
    if project in view.local:
        return _local_distribution(view, project, metadata)
    if offer.kind == "conda":
        return Distribution(project, offer.version, "conda")
    return Distribution(
        project,
        offer.version,
        offer.kind,
        offer.filename,
        offer.url,
        offer.sha256,
        view.index_of(index, project),
        offer.size,
        metadata.requires,
        why_built=offer.why_built,
        metadata=metadata,
        yanked=offer.yanked,
        never_a_wheel=offers is not None and len(view.indexes) == 1 and not offers.has_wheel,
    )


def _local_distribution(view: RequestView, project: str, metadata: StaticMetadata) -> Distribution:
    local = view.local[project]
    why = {"directory": "it is a folder", "git": "it is a git checkout", "sdist": "it is given as an sdist"}
    return Distribution(
        project,
        local.version,
        local.kind,
        url=local.tree.location,
        sha256=local.tree.sha256,
        requires=metadata.requires,
        why_built=why.get(local.kind, ""),
        metadata=metadata,
    )


def _requirers(
    request: PypiRequest, view: RequestView, distributions: Iterable[Distribution]
) -> tuple[dict[str, set[str]], list[tuple[str, str]]]:
    """Who requires whom for this target ("" is the request), and the applying requirements by URL: (project, line)."""
    chosen: dict[str, tuple[str, ...]] = {}
    for distribution in distributions:
        chosen[distribution.project] = (*chosen.get(distribution.project, ()), *distribution.requires)
    environment = tuple(view.target.markers().items())
    overrides: dict[str, list[Requirement]] = {}
    for line in request.overrides:
        requirement = _parsed(line)
        if requirement is not None:
            overrides.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    requirers: dict[str, set[str]] = {}
    by_url: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()
    todo: list[tuple[str, str]] = [("", "")]
    while todo:
        project, extra = todo.pop()
        lines: Sequence[str] = request.requirements if not project else chosen[project]
        for line in lines:
            requirement = _parsed(line) if _may_apply(line, extra) else None
            if requirement is None or not _applies(requirement, extra, environment):
                continue
            if requirement.url is not None and _is_refused(project, requirement, overrides, view):
                by_url.append((project, line))
            for effective in overrides.get(canonicalize_name(requirement.name), [requirement]):
                name = canonicalize_name(effective.name)
                # an override holds for whoever's requirement it replaces, an extra's included
                if name not in chosen or (effective.marker and not _holds(str(effective.marker), extra, environment)):
                    continue
                requirers.setdefault(name, set()).add(project)
                for wanted in ("", *map(canonicalize_name, sorted({*effective.extras, *requirement.extras}))):
                    if (name, wanted) not in seen:
                        seen.add((name, wanted))
                        todo.append((name, wanted))
    return requirers, by_url


def _is_refused(
    project: str, requirement: Requirement, overrides: Mapping[str, Sequence[Requirement]], view: RequestView
) -> bool:
    """Whether a requirement by URL is one that was not read beforehand: a release of an index has no say in that."""
    name = canonicalize_name(requirement.name)
    return bool(project) and project not in view.local and name not in overrides and name not in view.local


EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]*)['"]""")


def _may_apply(line: str, extra: str) -> bool:
    """Decides the usual `…; extra == 'x'` without parsing: a project's optional requirements are many."""
    wanted = EXTRA.findall(line)
    return not wanted or " or " in line or all(canonicalize_name(w) == extra for w in wanted)


@lru_cache(maxsize=8192)
def _parsed(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _applies(requirement: Requirement, extra: str, environment: tuple[tuple[str, str], ...]) -> bool:
    if requirement.marker is None:
        return extra == ""  # with an extra, the line was followed for the bare project already
    holds = _holds(str(requirement.marker), extra, environment)
    return holds and (extra == "" or "extra" in str(requirement.marker))


@lru_cache(maxsize=8192)
def _holds(marker: str, extra: str, environment: tuple[tuple[str, str], ...]) -> bool:
    """Whether a marker holds; without an environment (a universal resolution), whether the extra lets it."""
    if not environment:
        wanted = EXTRA.findall(marker)
        return not wanted or any(canonicalize_name(w) == extra for w in wanted)
    try:
        return Marker(marker).evaluate({**dict(environment), "extra": extra})
    except (InvalidMarker, UndefinedEnvironmentName, ValueError):
        return False


# --- no solution ----------------------------------------------------------------------------------------------------

NAMED = re.compile(
    r"(?<![\w./-])([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?:\[[^\]]*\])?"
    r"(?=[<>=!~]|\s(?:was not found|depends? on|is available|are available|cannot be used|has no|have no|were? found))"
)
WANTED = re.compile(r"(?:require|depends? on|versions? of)\s+([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
NOT_PROJECTS = frozenset({"python", "versions", "that", "requirements", "and", "your", "you", "it", "this", "which"})


def _failure(request: PypiRequest, view: RequestView, message: str) -> PypiFailure:
    named = _named(message, request, view)
    if view.failures:
        problems = "; ".join(error.message for _, error in sorted(view.failures.items()))
        return PypiFailure("index", problems, tuple(sorted(view.failures)))
    forbidden, missing = _withheld(named, message, request, view)
    if forbidden:
        projects = tuple(dict.fromkeys((*forbidden, *named)))
        return PypiFailure("no-build", "\n".join((*forbidden.values(), message)), projects)
    absent = [p for p in named if p not in view.provided and re.search(ABSENT.format(_spelled(p)), message)]
    if missing or absent:
        projects = tuple(dict.fromkeys((*missing, *absent, *named)))
        return PypiFailure("not-found", "\n".join((*missing.values(), message)), projects)
    return PypiFailure("conflict", message, named)


ABSENT = (
    r"\b{0}(?:\[[^\]]*\])? was not found in|no versions? of {0}\b|\b{0}==\S+ was yanked"
    r"|^Because only {0}\S* (?:is|are) available and you require {0}\b"
)


def _spelled(project: str) -> str:
    return re.escape(project).replace(r"\-", "[-_.]+")


def _withheld(
    named: Iterable[str], message: str, request: PypiRequest, view: RequestView
) -> tuple[dict[str, str], dict[str, str]]:
    """Why releases that were asked for cannot be used, by project: those forbidden by no-build, and the others."""
    forbidden: dict[str, str] = {}
    missing: dict[str, str] = {}
    for project in named:
        wanted = _wanted(project, request)
        pinned = set(re.findall(rf"\b{_spelled(project)}==([\w.!+]*\w)", message))
        for index in range(len(view.indexes)):
            offers = view.known(index, project)
            withheld = offers.withheld() if offers is not None else {}
            fitting = [v for v in withheld if wanted.contains(v, prereleases=True)]
            # the version that the explanation is about, else the newest that was asked for
            version = next((v for v in fitting if v in pinned), None if pinned else next(iter(fitting[::-1]), None))
            if version is not None:
                why = withheld[version]
                line = f"{project} {version} cannot be used: {why}."
                (forbidden if "no-build" in why else missing).setdefault(project, line)
    return forbidden, missing


def _wanted(project: str, request: PypiRequest) -> SpecifierSet:
    """What the request itself asks of a project."""
    parsed = [r for line in request.requirements if (r := _parsed(line)) and canonicalize_name(r.name) == project]
    try:
        return SpecifierSet(",".join(str(r.specifier) for r in parsed if r.specifier))
    except InvalidSpecifier:
        return SpecifierSet()


def _named(message: str, request: PypiRequest, view: RequestView) -> tuple[str, ...]:
    """The projects that an explanation is about: those it says something of, those asked for first."""
    found = [m[1] for m in NAMED.finditer(message)] + [m[1] for m in WANTED.finditer(message)]
    names = dict.fromkeys(canonicalize_name(name) for name in found if name.lower() not in NOT_PROJECTS)
    asked = {canonicalize_name(r.name) for line in request.requirements if (r := _parsed(line))}
    known = [name for name in names if name in asked or name in view.failures or view.is_seen(name)]
    return tuple(known)


def _cleaned(message: str, view: RequestView, bases: Sequence[str]) -> str:
    """The words of uv without the overlay's addresses and its advice on options that are not the user's.

    One sentence of the explanation a line, whatever way this uv decorates and wraps them (0.11.1 to 0.13.8 differ).
    """
    lines = [DECORATION.sub("", line).strip() for line in message.splitlines() if not line.startswith("warning:")]
    paragraphs = (" ".join(group) for empty, group in groupby(lines, key=lambda line: not line) if not empty)
    text = "\n".join(paragraphs)
    for base, url in zip(bases, view.indexes, strict=True):
        text = text.replace(base, url)
    for advice in ADVICE:
        text = advice.sub("", text)
    return "\n".join(re.sub(r" (?=And because )", "\n", text).strip().splitlines()[:PATIENCE])


DECORATION = re.compile(r"^\s*(?:[×│├╰─▶]+\s*)*(?:error: |cause: )?")
ADVICE = (
    re.compile(r"No solution found when resolving dependencies:?\s*"),
    re.compile(r" If all indexes are equally trusted, use `--index-strategy[^`]*`[^.]*\."),
    re.compile(r" \(try: `--prerelease=[^`]*`\)"),
)
