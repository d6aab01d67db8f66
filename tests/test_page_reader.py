"""Large pages are read by a second process, with the same answers, and in this one where there is none."""

from __future__ import annotations

import gzip
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pixi_diagnose.index import page_reader
from pixi_diagnose.index.page_reader import PageReader, read_offers
from pixi_diagnose.index.pages import PAGE_CAP, PageBody, PageError
from pixi_diagnose.index.releases import Selection
from pixi_diagnose.index.tags import Target
from pixi_diagnose.manifest.model import Platform

SELECTION = Selection(Target.of(Platform("linux-64", "linux-64", ()), "3.12"))
OTHER = Selection(Target.of(Platform("win-64", "win-64", ()), "3.12"))
URL = "https://index.example/simple/pack/"


def page(versions: int, encoding: str = "") -> PageBody:
    names = (f"pack-{n}.0-{tag}.whl" for n in range(versions) for tag in ("cp312-cp312-win_amd64", "py3-none-any"))
    content = "".join(f'<a href="{name}#sha256={0:064}">{name}</a><br/>\n' for name in names).encode()
    return PageBody(gzip.compress(content) if encoding else content, URL, encoding)


LARGE = page(1500)
GARBAGE = PageBody(b"no page " * page_reader.WORTH_SENDING, URL)


@pytest.fixture
def reader() -> Iterator[PageReader]:
    reader = PageReader()
    reader.offers(LARGE, "pack", SELECTION)  # it starts the process
    yield reader
    reader.close()


@pytest.fixture
def only_there(reader: PageReader, monkeypatch: pytest.MonkeyPatch) -> PageReader:
    """Whatever is read in this process from now on is a failure."""
    monkeypatch.setattr(page_reader, "read_offers", lambda *_: pytest.fail("read in this process"))
    return reader


def test_the_second_process_answers_as_this_one_would(only_there: PageReader) -> None:
    for selection in (SELECTION, OTHER, SELECTION):
        assert only_there.offers(LARGE, "pack", selection) == read_offers(LARGE, "pack", selection)


def test_threads_share_it(only_there: PageReader) -> None:
    pages = [page(n) for n in range(200, 220)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda p: only_there.offers(p, "pack", SELECTION), pages))
    assert answers == [read_offers(p, "pack", SELECTION) for p in pages]


def test_what_is_no_page_is_said(only_there: PageReader) -> None:
    with pytest.raises(PageError, match="neither HTML nor JSON"):
        only_there.offers(GARBAGE, "pack", SELECTION)


def test_when_the_process_dies_pages_are_read_here(reader: PageReader) -> None:
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert reader.offers(LARGE, "pack", SELECTION) == read_offers(LARGE, "pack", SELECTION)
    with pytest.raises(PageError):
        reader.offers(GARBAGE, "pack", SELECTION)


def test_where_no_process_can_be_started_pages_are_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    reader = PageReader()
    for _ in range(2):
        assert reader.offers(LARGE, "pack", SELECTION) == read_offers(LARGE, "pack", SELECTION)


def test_small_pages_start_no_process() -> None:
    reader = PageReader()
    reader.offers(page(3), "pack", SELECTION)
    assert reader._process is None


def test_closing_ends_the_process(reader: PageReader) -> None:
    process = reader._process
    assert process is not None
    reader.close()
    assert process.poll() is not None


def test_a_folded_page_is_the_same_page() -> None:
    assert read_offers(page(5, "gzip"), "pack", SELECTION) == read_offers(page(5), "pack", SELECTION)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip at all", "broken"),
        (gzip.compress(os.urandom(2000))[:-900], "cut off"),
        (gzip.compress(bytes(PAGE_CAP + 1), 9), "more than 64 MB"),
    ],
    ids=["broken", "cut off", "too large"],
)
def test_a_folded_page_is_bounded_and_checked(content: bytes, message: str) -> None:
    with pytest.raises(PageError, match=message):
        PageBody(content, URL, "gzip").unfolded()
