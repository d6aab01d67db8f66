"""Large pages, read by a second process: that is most of a cold run's work, and Python does one thing at a time."""

from __future__ import annotations

import contextlib
import gc
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

from .pages import PageBody, PageError, parse_page
from .releases import OfferList, Selection, select

__all__ = ["PageReader", "read_offers"]

WORTH_SENDING = 8 * 2**10
"""Bytes of a page as it came, from which on it is sent to the other process: fewer are read in a millisecond or two."""


def read_offers(page: PageBody, project: str, selection: Selection) -> OfferList:
    """What a page offers under a selection. Raises PageError."""
    return select(project, parse_page(page.unfolded(), page.url).files, selection)


class PageReader:
    """`read_offers` with a second process for the large pages. Safe between threads.

    Where that process cannot be started, or dies, pages are read in this one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._known: set[str] = set()
        self._given_up = False

    def offers(self, page: PageBody, project: str, selection: Selection) -> OfferList:
        """See `read_offers`."""
        answer = self._elsewhere(page, project, selection) if len(page.content) >= WORTH_SENDING else None
        if isinstance(answer, str):
            raise PageError(answer)
        if answer is not None:
            return answer
        # one at a time: large pages unfold to many times their size, and Python reads no two at once anyway
        with self._here:
            return read_offers(page, project, selection)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _elsewhere(self, page: PageBody, project: str, selection: Selection) -> OfferList | str | None:
        """The other process's answer: offers, or why it is no page; None where it has none, and while it starts."""
        with self._lock:
            if self._given_up:
                return None
            try:
                if self._process is None:
                    self._process = _started()  # it takes a while to get ready
                    return None
                return self._asked(self._process, page, project, selection)
            except (OSError, EOFError, pickle.PickleError):
                self._stop()
                return None

    def _asked(
        self, process: subprocess.Popen[bytes], page: PageBody, project: str, selection: Selection
    ) -> OfferList | str | None:
        stdin, stdout = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        key = selection.key
        # of equal selections one is sent: a target has thousands of tags
        selections = {} if key in self._known else {key: selection}
        pickle.dump((page, project, key, selections), stdin, pickle.HIGHEST_PROTOCOL)
        stdin.flush()
        self._known.add(key)
        return cast("OfferList | str | None", pickle.load(stdout))  # noqa: S301  # of our own process

    def _stop(self) -> None:
        self._given_up = True
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                cast("BinaryIO", pipe).close()
        process.terminate()
        process.wait()


def _started() -> subprocess.Popen[bytes]:
    if not sys.executable:
        raise OSError("there is no program that could be started")
    path = [str(Path(__file__).parents[2]), *sys.path]
    code = f"import sys; sys.path[:] = {path!r}; from {__name__} import serve; serve()"
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdin=pipe, stdout=pipe, stderr=nothing)


def serve() -> None:
    """The second process: pages from standard input, and for each an OfferList, or why it is no page."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    gc.disable()  # nothing here refers to itself
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    selections: dict[str, Selection] = {}
    while True:
        try:
            page, project, key, new = pickle.load(requests)  # noqa: S301  # of our own process
        except EOFError:
            return
        selections.update(cast("Mapping[str, Selection]", new))
        pickle.dump(_answer(page, project, selections[key]), answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _answer(page: PageBody, project: str, selection: Selection) -> OfferList | str | None:
    try:
        return read_offers(page, project, selection)
    except PageError as error:
        return str(error)
    except Exception:  # noqa: BLE001  # None: the first process reads the page itself, and tells what goes wrong
        return None
