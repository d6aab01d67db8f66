"""What a project's page offers one target: for each release the one file that would be used, and why."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from ..lazy_dataclass import dataclass
from ..metadata import usable_specifier
from ..pep508 import canonicalize_name
from .pages import IndexFile, ListedFile, split_sdist, split_wheel
from .tags import Target, describe_misfits

__all__ = [
    "WHEELS_FIRST",
    "Offer",
    "OfferList",
    "Selection",
    "cutoff",
    "offer_conda",
    "offer_index_versions",
    "offer_local",
    "select",
    "synthetic_filename",
]


WHEELS_FIRST = "it would be built, and --prefer-binary takes a release with a wheel"
"""Why a release is withheld at first."""
CONDA_BUILD = "0conda"
LOCAL_BUILD = "0local"


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules by which a file is chosen: equal `key`s choose equally.

    `before` limits upload times. Where there are `hashes` (sha256), only files with one of them count. With
    `wheels_first` a project that has a usable wheel is offered without its sources.
    """

    target: Target
    no_build: bool = False
    no_binary: bool = False
    prereleases: bool = True
    before: datetime | None = None
    hashes: frozenset[str] = frozenset()
    wheels_first: bool = False

    @property
    def key(self) -> str:
        """The rules as text."""
        before = self.before.isoformat() if self.before else ""
        hashes = " ".join(sorted(self.hashes))
        rules = f"{self.target.key} {self.no_build:d}{self.no_binary:d}{self.prereleases:d} {before} {hashes}".rstrip()
        return f"{rules} wheels first" if self.wheels_first else rules


@dataclass(frozen=True, slots=True)
class Offer:
    """One release for one target. `kind` is "wheel", "sdist" or "conda", or a local project's kind.

    `filename`, `url`, `sha256` and `size` are the real file's. For an sdist, `wheel_url` is any wheel of the release:
    its metadata counts for the sdist too (uv.md U2, step 1). `core_metadata` is the wheel's PEP 658 hash.
    """

    version: str
    kind: str
    filename: str = ""
    url: str = ""
    sha256: str = ""
    size: int | None = None
    why_built: str = ""
    requires_python: str | None = None
    yanked: str | None = None
    wheel_url: str = ""
    core_metadata: str | None = None


@dataclass(frozen=True, slots=True)
class OfferList:
    """All offers of a page, in the form in which the overlay serves them (PEP 691).

    The page is the record: it is what is cached, and single offers are read back from it without parsing the whole.
    """

    page: bytes

    @classmethod
    def of(
        cls, project: str, offers: Iterable[Offer], withheld: dict[str, str] | None = None, *, build: str = ""
    ) -> OfferList:
        """A page of these offers; `withheld` says for the other releases why they cannot be used.

        A `build` tag keeps the files apart from an index's: uv may never take the one's metadata for the other's.
        """
        head = {"meta": {"api-version": "1.1"}, "name": project, "withheld": withheld or {}}
        return cls(_encode({**head, "files": [_line(project, offer, build) for offer in offers]}).encode())

    def find(self, filename: str) -> Offer | None:
        """The offer that is served under this synthetic file name."""
        start = self.page.find(_START + _encode(filename).encode() + b",")
        if start < 0:
            return None
        stop = self.page.find(_START, start + 1)
        line, _ = _decode(self.page[start : stop if stop > 0 else None].decode())
        return Offer(**line["offer"])

    def __iter__(self) -> Iterator[Offer]:
        return iter(Offer(**line["offer"]) for line in json.loads(self.page)["files"])

    @property
    def has_wheel(self) -> bool:
        """Whether a wheel is offered of any release."""
        return b'"kind":"wheel"' in self.page

    def withheld(self) -> dict[str, str]:
        """The releases that are not offered, with the reason."""
        found: dict[str, str]
        found, _ = _decode(self.page[self.page.find(b'"withheld":') + 11 : self.page.find(b'"files":[')].decode())
        return found


_START = b'{"filename":'  # of a file's entry, and of nothing else: quotes within strings are escaped
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode


def _line(project: str, offer: Offer, build: str) -> dict[str, object]:
    filename = synthetic_filename(project, offer.version, build)
    given = {name: value for name in Offer.__slots__ if (value := getattr(offer, name)) or value == 0}
    if offer.yanked is not None:
        given["yanked"] = offer.yanked
    line: dict[str, object] = {
        "filename": filename,
        "url": filename.replace("+", "%2B"),
        # uv downloads a file that has no hash (uv.md U6.1), and takes files of one hash for one file: what has no hash
        # of its own (a folder, a conda package) gets one that nothing else has
        "hashes": {"sha256": offer.sha256 or hashlib.sha256(f"{project} {filename}".encode()).hexdigest()},
        "core-metadata": True,
        "offer": given,
    }
    if offer.requires_python:
        line["requires-python"] = offer.requires_python
    if offer.yanked is not None:
        line["yanked"] = offer.yanked or True
    return line


def synthetic_filename(project: str, version: str, build: str = "") -> str:
    """The wheel name under which any release is offered: it fits every target, as the choice is made here."""
    parts = (project.replace("-", "_"), version, *([build] if build else []), "py3-none-any.whl")
    return "-".join(parts)


def select(project: str, files: Iterable[ListedFile], selection: Selection) -> OfferList:
    """For each release the wheel that fits best, else the sdist, else nothing with a reason.

    As uv 0.13.8 and pixi 0.77 choose (pixi.md P9, "What is chosen"); files after the exclude-newer limit, and those
    without a date when there is one, do not exist.
    """
    offers: list[tuple[Version, Offer]] = []
    withheld: dict[str, str] = {}
    for version, release in _releases(project, files, selection).items():
        if version.is_prerelease and not selection.prereleases:
            withheld[str(version)] = "a pre-release, and pre-releases are not allowed"
            continue
        outcome = release.choose(str(version), selection) if release.files else OTHER_HASHES
        if isinstance(outcome, Offer):
            offers.append((version, outcome))
        else:
            withheld[str(version)] = outcome
    if selection.wheels_first and any(
        o.kind == "wheel" and o.yanked is None and not v.is_prerelease for v, o in offers
    ):
        withheld |= {str(version): WHEELS_FIRST for version, offer in offers if offer.kind == "sdist"}
        offers = [(version, offer) for version, offer in offers if offer.kind == "wheel"]
    return OfferList.of(project, (offer for _, offer in sorted(offers, key=lambda pair: pair[0])), withheld)


def offer_local(project: str, version: str, kind: str) -> OfferList:
    """A project from a folder, a git checkout or an archive: exactly its version."""
    return OfferList.of(project, [Offer(version, kind)], build=LOCAL_BUILD)


def offer_conda(project: str, version: str) -> OfferList:
    """A project that conda provides: one version, no file (pixi.md P7)."""
    return OfferList.of(project, [Offer(version, "conda")], build=CONDA_BUILD)


def offer_index_versions(project: str, files: Iterable[ListedFile], specifier: str) -> OfferList:
    """A project that conda provides in a version not known yet: all of the index's versions that may stand for it.

    Where the index has none, the version that the specifier starts from does.
    """
    allowed = _specifiers(specifier)
    versions = {v for file in files if (text := _version_text(project, file.filename)) and (v := _version(text))}
    fitting = sorted(v for v in versions if allowed.contains(v, prereleases=True))
    if not fitting:
        start = re.search(r"\d+(?:\.\d+)*", specifier)
        fitting = [Version(start[0] if start else "0")]
    return OfferList.of(project, [Offer(str(v), "conda") for v in fitting], build=CONDA_BUILD)


def cutoff(text: str, now: datetime) -> datetime | None:
    """The moment that an exclude-newer setting names; None for a text that names none.

    It may be a date (its end, UTC), a time, or an age such as "7 days" or "P30D". Ages are counted from the full hour,
    so that answers can be kept.
    """
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return datetime.combine(date.fromisoformat(text), time(), UTC) + timedelta(days=1)
        except ValueError:
            return None
    age = re.fullmatch(r"P?(\d+)\s*(d|days?|w|weeks?|h|hours?)(?:\s+ago)?", text, re.IGNORECASE)
    if age:
        hours = {"d": 24, "w": 168, "h": 1}[age[2][0].lower()] * int(age[1])
        return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    return _moment(text)


# --- one release ----------------------------------------------------------------------------------------------------


OTHER_HASHES = "none of its files has a hash that is given for it"


@dataclass(slots=True)
class _Release:
    """The files of one version in the page's order; `fitting` are wheels with their rank for the target.

    All are known by name only, and those that decide are read: a page may hold thousands.
    """

    sdists: list[ListedFile] = field(default_factory=list)
    wheels: list[ListedFile] = field(default_factory=list)
    fitting: list[tuple[int, int, str, ListedFile]] = field(default_factory=list)

    @property
    def files(self) -> bool:
        """Whether anything may be chosen from."""
        return bool(self.sdists or self.wheels)

    def choose(self, version: str, selection: Selection) -> Offer | str:
        """The offer, or why there is none. A yanked wheel comes after an sdist that is not."""
        best = _first_kept(listed for *_, listed in sorted(self.fitting, key=lambda f: f[:3]))
        allowed = None if selection.no_binary else best
        if allowed is not None and (allowed.yanked is None or selection.no_build):
            return _offer(version, "wheel", allowed, allowed)
        sdist = _first_kept(self.sdists)
        if allowed is not None and (sdist is None or sdist.yanked is not None):
            return _offer(version, "wheel", allowed, allowed)
        if best is not None and selection.no_binary:
            why = "no-binary forbids its wheels"
        else:
            why = describe_misfits([w.filename for w in self.wheels], selection.target)
        if sdist is None:
            return f"{why} and it has no sdist" if best is not None and selection.no_binary else why
        if selection.no_build:
            return f"{why}, and no-build forbids building it"
        any_wheel = best or (self.wheels[0].read() if self.wheels else None)
        return _offer(version, "sdist", sdist, any_wheel, why)


def _first_kept(files: Iterable[ListedFile]) -> IndexFile | None:
    """The first file that is not yanked, else the first."""
    first = None
    for listed in files:
        file = listed.read()
        if file.yanked is None:
            return file
        first = first or file
    return first


def _offer(version: str, kind: str, file: IndexFile, wheel: IndexFile | None, why: str = "") -> Offer:
    return Offer(
        version,
        kind,
        file.filename,
        file.url,
        file.sha256,
        file.size,
        why,
        usable_specifier(file.requires_python) if file.requires_python else None,
        file.yanked,
        wheel.url if wheel and wheel is not file else "",
        wheel.core_metadata if wheel else None,
    )


def _releases(project: str, files: Iterable[ListedFile], selection: Selection) -> dict[Version, _Release]:
    found: dict[str, _Release | None] = {}
    releases: dict[Version, _Release] = {}
    rank_of = cache(selection.target.rank)
    is_mine = cache(lambda spelled: canonicalize_name(spelled) == project)

    def release_of(text: str) -> _Release | None:
        if text not in found:
            version = _version(text)
            found[text] = None if version is None else releases.setdefault(version, _Release())
        return found[text]

    def has_hash(listed: ListedFile) -> bool:
        return not selection.hashes or listed.read().sha256 in {"", *selection.hashes}

    for listed in files:
        if selection.before is not None and not _is_before(listed.read(), selection.before):
            continue
        name = listed.filename
        if name.endswith(".whl"):
            parts = split_wheel(name)
            if parts is None or not is_mine(parts[0]):
                continue
            _, spelled, build, tag = parts
            release = release_of(spelled)
            if release is None or not has_hash(listed):
                continue
            release.wheels.append(listed)
            rank = rank_of(tag)
            if rank is not None:
                release.fitting.append((rank, -int(_digits(build) or 0) if build else 0, name, listed))
        else:
            text = split_sdist(name, project)
            release = release_of(text) if text else None
            if release is not None and has_hash(listed):
                release.sdists.append(listed)
    return releases


def _digits(build_tag: str) -> str:
    return re.match(r"\d*", build_tag)[0]  # type: ignore[index]  # always matches


def _version_text(project: str, filename: str) -> str | None:
    if filename.endswith(".whl"):
        parts = split_wheel(filename)
        return parts[1] if parts and canonicalize_name(parts[0]) == project else None
    return split_sdist(filename, project)


def _version(text: str) -> Version | None:
    try:
        return Version(text.replace("_", "-"))
    except InvalidVersion:
        return None


def _specifiers(text: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return SpecifierSet()


def _is_before(file: IndexFile, limit: datetime) -> bool:
    moment = _moment(file.upload_time) if file.upload_time else None
    return moment is not None and moment < limit


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
