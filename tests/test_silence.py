"""A server that was not reached is asked again after a minute, and not by every run and every plan before."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.conda import CondaQuestion, CondaSession
from pixi_diagnose.errors import IndexAccessError
from pixi_diagnose.evidence import Place
from pixi_diagnose.index.cache import FactCache
from pixi_diagnose.index.session import SILENT, IndexSession
from pixi_diagnose.manifest.model import CondaSpec, Platform, UrlSource
from pixi_diagnose.sources.silence import note_silence, silence

SOURCE = UrlSource("https://user:secret@files.example/wheel-1.0-py3-none-any.whl")
URL = "https://files.example/wheel-1.0-py3-none-any.whl"


def question(cache_name: str) -> CondaQuestion:
    spec = CondaSpec(cache_name, cache_name, "*", Place("pixi.toml", ("dependencies", cache_name)))
    return CondaQuestion((spec,), ("http://127.0.0.1:9/forge",), Platform("linux-64", "linux-64", ()))


def test_a_channel_that_was_not_reached_is_not_asked_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FactCache(tmp_path)
    first = CondaSession(cache, max_age=600).solve(question("python"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was asked")

    monkeypatch.setattr(CondaSession, "_ask", refuse)
    assert CondaSession(cache, max_age=600).solve(question("python")) == first
    other = CondaSession(cache, max_age=600).solve(question("numpy"))
    assert [u.reason for u in other.unknowns] == [u.reason for u in first.unknowns]
    cache.close()


def test_an_archive_that_was_not_reached_is_asked_again_after_a_minute(tmp_path: Path) -> None:
    with IndexSession(cache_dir=tmp_path) as session:
        note_silence(SOURCE, IndexAccessError("unreachable", url=URL, absent=True), session)
        known = silence(SOURCE, session)
        assert known is not None
        assert (known.message, known.url, known.absent, known.refused) == ("unreachable", URL, True, False)
        ((kind, key),) = session.cache._pending
        assert "secret" not in key
        value, packed, written = session.cache._pending[kind, key]
        session.cache._pending[kind, key] = (value, packed, written - SILENT - 1)
        assert silence(SOURCE, session) is None


def test_who_refuses_is_asked_again_at_once(tmp_path: Path) -> None:
    with IndexSession(cache_dir=tmp_path) as session:
        note_silence(SOURCE, IndexAccessError("401", url=URL, refused=True), session)
        assert silence(SOURCE, session) is None
