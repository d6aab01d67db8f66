"""The solver itself: py-rattler's gateway and solve, and what is left when some channels cannot be read.

Imported only when a question has to be solved; rattler is imported here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import warnings
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import rattler
from rattler.exceptions import (
    ConfigError,
    FetchRepoDataError,
    GatewayError,
    GatewayWarning,
    InvalidChannelError,
    InvalidMatchSpecError,
    InvalidVersionSpecError,
    SolverError,
)
from rattler.package import BuildString

from ..lazy_dataclass import dataclass
from ..manifest.model import CondaSpec, VirtualPackage
from ..manifest.pixi_configuration import configuration_files
from .channels import repodata_directory, shown_channel
from .cutoffs import CutChannel, moment
from .failures import explained
from .model import CondaFailure, CondaQuestion

__all__ = ["Answer", "Solver"]

PATIENCE = 120.0
"""Seconds that fetching channel data and solving may take for one question."""
SOLVE_TIMEOUT = timedelta(seconds=60)
FIELDS = ("name", "version", "build", "subdir", "channel", "depends", "purls")
OFFERED = 25
"""Versions of a package that are named as what the channels have."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the channels said: `records` (the fields of `FIELDS`), or a `failure`.

    `unread` are channels that could not be read, with the cause; `unsolved` the names whose specs were left out for it.
    `aged` are channels whose data of an earlier run stood in.
    """

    records: tuple[dict[str, Any], ...] = ()
    failure: CondaFailure | None = None
    unread: tuple[tuple[str, str], ...] = ()
    aged: tuple[tuple[str, str], ...] = ()
    unsolved: tuple[str, ...] = field(default=())


class Solver:
    """Solves questions over one gateway, so that the data of a channel is read once for all of them.

    It is configured as pixi is: mirrors, TLS and authentication from pixi's configuration files (the workspace's
    `.pixi/config.toml` included), credentials from rattler's store, the keyring and netrc. With `offline`, only data
    that an earlier run of this program or of pixi has left counts, whatever its age.
    """

    def __init__(self, root: str, *, offline: bool) -> None:
        self._root = root
        self._offline = offline
        self._online_gateway: rattler.Gateway | None = None
        self._kept_gateway: rattler.Gateway | None = None

    def answer(self, question: CondaQuestion) -> Answer:
        """Solve; never raises for a channel that cannot be read or specs that cannot be met."""
        wrong = _channel_not_listed(question)
        if wrong is not None:
            return Answer(failure=wrong)
        gateway = self._kept if self._offline else self._online
        try:
            return self._solve(question, gateway)
        except _UNREADABLE as error:
            return self._without_the_unreadable(question, gateway, _cause(error))

    # --- gateways ---------------------------------------------------------------------------------------------------

    @property
    def _online(self) -> rattler.Gateway:
        if self._online_gateway is None:
            config = _configuration(self._root)
            if config.loaded_from:
                self._online_gateway = rattler.Gateway.from_config(config, repodata_directory())
            else:
                self._online_gateway = rattler.Gateway(repodata_directory(), client=_client(config))
        return self._online_gateway

    @property
    def _kept(self) -> rattler.Gateway:
        """A gateway that takes kept data whatever its age, and asks no server."""
        if self._kept_gateway is None:
            config = rattler.SourceConfig(cache_action="force-cache-only")
            self._kept_gateway = rattler.Gateway(repodata_directory(), default_config=config)
        return self._kept_gateway

    # --- solving ----------------------------------------------------------------------------------------------------

    def _solve(self, question: CondaQuestion, gateway: rattler.Gateway) -> Answer:
        now = datetime.now(UTC)
        cut = bool(question.exclude_newer_packages or question.exclude_newer_channels)
        channels = [rattler.Channel(c) for c in question.channels]
        sources: Sequence[Any] = channels
        limit = moment(question.exclude_newer, now) if question.exclude_newer and not cut else None
        if cut:
            pairs = zip(question.channels, channels, strict=True)
            sources = [CutChannel.of(channel, spelled, gateway, question, now) for spelled, channel in pairs]
        strict = question.channel_priority != "disabled"
        try:
            records = _run(
                rattler.solve(
                    sources=sources,
                    specs=[rattler.MatchSpec(_match_spec(s)) for s in question.specs if not (s.path or s.git)],
                    gateway=gateway,
                    platforms=_platforms(question),
                    virtual_packages=[_virtual(v) for v in question.platform.virtual_packages],
                    channel_priority=rattler.ChannelPriority.Strict if strict else rattler.ChannelPriority.Disabled,
                    strategy=question.strategy or "highest",  # type: ignore[arg-type]  # the manifest reader checked it
                    exclude_newer=limit,
                    timestamp_policy="allow-missing",
                    constraints=[rattler.MatchSpec(_match_spec(s)) for s in question.constraints],
                    timeout=SOLVE_TIMEOUT,
                )
            )
        except (SolverError, InvalidMatchSpecError, InvalidVersionSpecError, InvalidChannelError) as error:
            return Answer(failure=self._explained(str(error), question, gateway))
        return Answer(tuple(_fact(r) for r in records))

    def _explained(self, text: str, question: CondaQuestion, gateway: rattler.Gateway) -> CondaFailure:
        named = explained(text, question.specs, {}).packages
        offered: dict[str, list[str]] = {}
        try:
            for name in named:
                found = self._records(question, gateway, question.channels, [name])
                versions = {r.version for r in found}
                offered[name] = [str(v) for v in sorted(versions, reverse=True)[:OFFERED]]
        except _UNREADABLE:
            pass  # then the explanation goes without
        return explained(text, question.specs, offered)

    def _records(
        self, question: CondaQuestion, gateway: rattler.Gateway, channels: Iterable[str], names: Sequence[str]
    ) -> list[rattler.RepoDataRecord]:
        found = _run(
            gateway.query(
                [rattler.Channel(c) for c in channels],
                _platforms(question),
                list(names),
                recursive=False,
                channel_relations="disabled",
            )
        )
        return [record for records in found for record in records]

    # --- what is left when channels cannot be read ------------------------------------------------------------------

    def _without_the_unreadable(self, question: CondaQuestion, gateway: rattler.Gateway, cause: str) -> Answer:
        """Kept data of an earlier run stands in for an unreadable channel; without any, its packages stay declared."""
        names = sorted({s.name for s in question.specs if not s.url})
        if len(question.channels) == 1 and not any(s.url for s in question.specs):
            unread = [(question.channels[0], cause)]
        else:
            unread = [(c, why) for c in question.channels if (why := self._unreadable(question, gateway, c, names))]
        if not unread:  # no channel is at fault: a package that is given by its URL
            return self._without_the_urls(question, gateway, cause)
        # offline nobody expected an answer, so data of any age is as good as it gets
        aged = [] if self._offline else [c for c, _ in unread if not self._unreadable(question, self._kept, c, names)]
        lost = [(c, why) for c, why in unread if c not in aged]
        stand_in = self._standing_in(aged) if aged else gateway
        reached = tuple(c for c in question.channels if c not in dict(lost))
        found = {r.name.normalized for r in self._records(question, stand_in, reached, names)} if reached else set()
        gone = {c for c, _ in lost}
        specs = tuple(s for s in question.specs if s.name in found and s.channel not in gone)
        part = replace(question, specs=specs, channels=reached)
        every = tuple(dict.fromkeys(s.name for s in question.specs))
        notes = Answer(unread=tuple(lost), aged=tuple((c, why) for c, why in unread if c in aged), unsolved=every)
        if not specs:
            return notes
        try:
            answer = self._solve(part, stand_in)
        except _UNREADABLE:
            return notes
        if answer.failure is not None:
            # with every channel it is a failure; without some of them nobody can tell
            return notes if lost else replace(answer, aged=notes.aged)
        solved = {r["name"] for r in answer.records}
        return replace(notes, records=answer.records, unsolved=tuple(n for n in every if n not in solved))

    def _without_the_urls(self, question: CondaQuestion, gateway: rattler.Gateway, cause: str) -> Answer:
        urls = [s for s in question.specs if s.url]
        rest = replace(question, specs=tuple(s for s in question.specs if not s.url))
        unread = tuple((s.url or s.name, cause) for s in urls) or ((question.channels[0], cause),)
        if not urls or not rest.specs:
            return Answer(unread=unread, unsolved=tuple(dict.fromkeys(s.name for s in question.specs)))
        answer = self._solve(rest, gateway)
        return replace(answer, unread=unread, unsolved=tuple(dict.fromkeys(s.name for s in urls)))

    def _unreadable(self, question: CondaQuestion, gateway: rattler.Gateway, channel: str, names: Sequence[str]) -> str:
        """Why a channel cannot be read, "" where it can."""
        try:
            self._records(question, gateway, [channel], names)
        except (*_UNREADABLE, InvalidChannelError) as error:
            return _cause(error)
        return ""

    def _standing_in(self, aged: Iterable[str]) -> rattler.Gateway:
        """A gateway that takes kept data for these channels, and asks the others."""
        kept = rattler.SourceConfig(cache_action="force-cache-only")
        per_channel = {str(rattler.Channel(c).base_url): kept for c in aged}
        client = _client(_configuration(self._root))
        return rattler.Gateway(repodata_directory(), per_channel_config=per_channel, client=client)


_UNREADABLE = (GatewayError, FetchRepoDataError, TimeoutError)


def _run(task: Coroutine[Any, Any, Result]) -> Result:
    async def patient() -> Result:
        return await asyncio.wait_for(task, PATIENCE)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GatewayWarning)  # of a channel's relations, which are followed or not
        return asyncio.run(patient())


def _configuration(root: str) -> rattler.Config:
    """The configuration of pixi itself, the workspace's last; one that cannot be read counts as empty."""
    files = reversed(tuple(configuration_files(root, os.environ)))  # what wins comes last
    try:
        return rattler.Config.load_from_files([path for path in files if path.is_file()])
    except ConfigError:
        return rattler.Config()


def _client(config: rattler.Config) -> rattler.Client:
    """The client of a configuration; without one, rattler's own without its retries, which take seconds."""
    return rattler.Client.from_config(config) if config.loaded_from else rattler.Client.default_client(max_retries=0)


def _platforms(question: CondaQuestion) -> list[Any]:
    """The subdirs that records come from; the reader checked that it is one of conda's."""
    return list(dict.fromkeys((question.platform.subdir, "noarch")))


def _virtual(package: VirtualPackage) -> rattler.GenericVirtualPackage:
    """A virtual package for the solver: it sees a known architecture as version 1 (pixi 0.77, seen)."""
    version = "1" if package.name == "__archspec" else package.version
    return rattler.GenericVirtualPackage(
        rattler.PackageName(package.name), rattler.Version(version or "0"), BuildString(package.build or "0")
    )


def _match_spec(spec: CondaSpec) -> str:
    if spec.url:
        return spec.url
    brackets = [f"version='{spec.version}'"] if spec.version not in {"", "*"} else []
    brackets += [f"build='{spec.build}'"] if spec.build else []
    brackets += [f"channel='{spec.channel}'"] if spec.channel else []
    brackets += [f"{key}='{value}'" for key, value in spec.selectors]
    return spec.name + (f"[{', '.join(brackets)}]" if brackets else "")


def _channel_not_listed(question: CondaQuestion) -> CondaFailure | None:
    """A spec's own channel has to be one of the environment's (pixi 0.77, seen: "requested unavailable channel")."""
    urls = {rattler.Channel(c).base_url for c in question.channels}
    for spec in question.specs:
        if spec.channel and not spec.url and rattler.Channel(spec.channel).base_url not in urls:
            message = (
                f"{spec.spelled} asks for the channel {shown_channel(spec.channel)}, "
                "which is not among the channels of this environment."
            )
            return CondaFailure(message, (spec.name,))
    return None


def _fact(record: rattler.RepoDataRecord) -> dict[str, Any]:
    data = json.loads(record.to_json())
    return {key: data.get(key) for key in FIELDS}


def _cause(error: BaseException) -> str:
    """The innermost cause of an error, one line, without addresses that could hold credentials."""
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:.0f} s"
    text = str(error).strip()
    if text.startswith("no usable repodata cache"):
        return "no data of it on this machine"
    last = text.splitlines()[-1].removeprefix("Caused by: ")
    return re.sub(r"\w+://\S+", "…", last)
