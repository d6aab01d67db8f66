"""A run's connection to conda channels: each question is answered once, and answers are kept between runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evidence import Unknown
from ..index.session import SILENT
from ..manifest.model import CondaSpec
from ..names import pypi_names
from .channels import channel_folder, repodata_directory, shown_channels
from .declared import declared_packages, expected_packages
from .model import CondaFailure, CondaPackage, CondaQuestion, CondaResolution, FactCache
from .versions import pep440

if TYPE_CHECKING:
    from .solving import Answer, Solver

__all__ = ["CondaSession"]

REPODATA = ("repodata.json", "repodata.json.zst", "repodata.json.bz2", "repodata_shards.msgpack.zst")
_NO_ANSWER = r"(?i)lookup address|dns error|error trying to connect|connection refused|timed out|unreachable"
"""What rattler says of a server that was not reached."""
DECLARED = "conda packages count as declared, without the versions and the further packages that a solve would give"


class CondaSession:
    """`CondaSession(cache, root, max_age=…).solve(question)`; equal questions are asked once.

    An answer younger than `max_age` seconds is taken from the cache as it is; an older one is asked for anew, of
    channel data that rattler revalidates with the server. None means offline: an answer of any age is good, and else
    data that an earlier run or pixi itself has left. A channel in a folder is looked at each time. `root` is the
    workspace's folder.
    """

    def __init__(self, cache: FactCache, root: str = ".", *, max_age: float | None) -> None:
        self._cache = cache
        self._root = root
        self._max_age = max_age
        self._solver: Solver | None = None
        self._answers: dict[str, Answer] = {}
        self._stamps: dict[tuple[Path, str], tuple[str, ...]] = {}
        self._resolutions: dict[tuple[str, object], CondaResolution] = {}

    def solve(self, question: CondaQuestion) -> CondaResolution:
        """The packages, or what the manifest declares of them where channels cannot be read (then an unknown says so).

        Never raises for an unreachable channel or specs without a solution.
        """
        if not question.specs:
            return CondaResolution((), solved=True)
        key = _digest(question, self._times(question))
        # places and names are the question's own: equal solves of two features differ in them
        shown = (key, (question.specs, repr(question.pypi_map)))
        if shown not in self._resolutions:
            self._resolutions[shown] = self._resolution(key, question)
        return self._resolutions[shown]

    def _times(self, question: CondaQuestion) -> list[str]:
        """When the data of the channels in folders changed, looked at once for a run."""
        times: list[str] = []
        for folder in filter(None, map(channel_folder, question.channels)):
            for subdir in (question.platform.subdir, "noarch"):
                if (folder, subdir) not in self._stamps:
                    self._stamps[folder, subdir] = tuple(_stamps(folder / subdir))
                times += self._stamps[folder, subdir]
        return times

    def _resolution(self, key: str, question: CondaQuestion) -> CondaResolution:
        kept = self._kept(key)
        if kept is not None:
            return _resolution(question, kept["records"], _failure(kept["failure"]))
        offline = self._max_age is None
        if offline and any(channel_folder(c) is None for c in question.channels) and not repodata_directory().is_dir():
            return _declared(question, f"{shown_channels(_remote(question))} not asked (offline)")
        unread = () if offline else self._silent(question)
        if unread:
            return _declared(question, _could_not_be_read(unread))
        answer = self._ask(key, question, offline=offline)
        partial = _partial(question, answer, offline=offline) if answer.unread else None
        return partial or _resolution(question, answer.records, answer.failure, _aged(answer))

    def _kept(self, key: str) -> dict[str, Any] | None:
        found = self._cache.get("conda", key, max_age=self._max_age)
        return json.loads(found) if found is not None else None

    def _silent(self, question: CondaQuestion) -> tuple[tuple[str, str], ...]:
        """The channels with the reasons for which none of them could be read a moment ago; () where one may answer."""
        found = []
        for channel in question.channels:
            cause = self._cache.get("unread-channel", _silent_key(channel, question), max_age=SILENT)
            if cause is None:
                return ()
            found.append((channel, cause.decode()))
        return tuple(found)

    def _ask(self, key: str, question: CondaQuestion, *, offline: bool) -> Answer:
        from .solving import Solver

        if key in self._answers:
            return self._answers[key]
        if self._solver is None:
            self._solver = Solver(self._root, offline=offline)
        answer = self._solver.answer(question)
        self._answers[key] = answer
        for channel, cause in () if offline else answer.unread:
            if re.search(_NO_ANSWER, cause):  # one that refuses may be asked with credentials the next moment
                self._cache.put("unread-channel", _silent_key(channel, question), cause.encode())
        if not (answer.unread or answer.aged or offline):
            failure = asdict(answer.failure) if answer.failure else None
            self._cache.put("conda", key, json.dumps({"records": answer.records, "failure": failure}).encode())
        return answer


def _resolution(
    question: CondaQuestion,
    records: Sequence[Mapping[str, Any]],
    failure: CondaFailure | None,
    unknowns: tuple[Unknown, ...] = (),
) -> CondaResolution:
    if failure is not None:
        return CondaResolution(declared_packages(question), solved=True, failure=failure, unknowns=unknowns)
    packages = sorted(_packages(question, records), key=lambda p: p.name)
    return CondaResolution(tuple(packages), solved=True, unknowns=unknowns)


def _packages(question: CondaQuestion, records: Sequence[Mapping[str, Any]]) -> list[CondaPackage]:
    places = {s.name: s.place for s in reversed(question.specs)}
    packages = []
    for record in records:
        names = pypi_names(record["name"], record["channel"] or "", question.pypi_map, purls=record["purls"])
        version = pep440(record["version"])
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
    return packages


def _declared(question: CondaQuestion, reason: str) -> CondaResolution:
    packages = declared_packages(question)
    unknown = Unknown(f"{reason}; {DECLARED}", subject="conda channels")
    return CondaResolution(packages, solved=False, unknowns=(unknown,), expected=expected_packages(packages))


def _partial(question: CondaQuestion, answer: Answer, *, offline: bool) -> CondaResolution:
    """What could be solved, and the declared specs for the rest."""
    channels = shown_channels(channel for channel, _ in answer.unread)
    said = f"{channels} not asked (offline)" if offline else _could_not_be_read(answer.unread)
    if not answer.records:
        return _declared(question, said)
    declared = declared_packages(question, frozenset(answer.unsolved))
    packages = tuple(sorted((*_packages(question, answer.records), *declared), key=lambda p: p.name))
    others = "the other packages were solved without it" if len(answer.unread) == 1 else "the others were solved alone"
    left = f"; {', '.join(p.name for p in declared)} count as declared" if declared else ""
    unknown = Unknown(f"{said}: {others}{left}", subject="conda channels")
    expected = expected_packages(packages)
    return CondaResolution(packages, solved=False, unknowns=(unknown, *_aged(answer)), expected=expected)


def _could_not_be_read(unread: Sequence[tuple[str, str]]) -> str:
    causes = "; ".join(dict.fromkeys(cause for _, cause in unread))
    return f"{shown_channels(channel for channel, _ in unread)} could not be read ({causes})"


def _silent_key(channel: str, question: CondaQuestion) -> str:
    return f"{__version__} {channel} {question.platform.subdir}"


def _aged(answer: Answer) -> tuple[Unknown, ...]:
    if not answer.aged:
        return ()
    channels = shown_channels(channel for channel, _ in answer.aged)
    reason = f"{channels} could not be read ({answer.aged[0][1]}): the data of an earlier run stands in"
    return (Unknown(reason, subject="conda channels"),)


def _failure(kept: Mapping[str, Any] | None) -> CondaFailure | None:
    return CondaFailure(kept["message"], tuple(kept["packages"])) if kept else None


def _remote(question: CondaQuestion) -> list[str]:
    return [c for c in question.channels if channel_folder(c) is None]


def _stamps(folder: Path) -> Iterator[str]:
    for path in (folder / name for name in REPODATA):
        if path.is_file():
            status = path.stat()
            yield f"{path} {status.st_mtime_ns} {status.st_size}"


def _digest(question: CondaQuestion, times: Sequence[str]) -> str:
    """A key for all that decides on the answer."""
    import hashlib

    text = repr(
        (
            __version__,
            sorted(_identity(s) for s in question.specs),
            question.channels,
            [(v.name, v.version, v.build) for v in question.platform.virtual_packages],
            question.platform.subdir,
            question.channel_priority,
            question.strategy,
            question.exclude_newer,
            sorted(question.exclude_newer_packages.items()),
            sorted(question.exclude_newer_channels.items()),
            sorted(_identity(c) for c in question.constraints),
            times,
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _identity(spec: CondaSpec) -> str:
    return repr((spec.name, spec.version, spec.build, spec.channel, spec.selectors, spec.url, spec.path, spec.git))
