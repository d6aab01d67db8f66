"""The cache of facts: kept between runs and processes, and never a reason to fail."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pixi_diagnose.index.cache import FactCache, default_directory


def test_what_is_put_is_there_at_once_and_in_the_next_run(tmp_path: Path) -> None:
    first = FactCache(tmp_path)
    first.put("page", "a", b"x" * 5000)
    assert first.get("page", "a") == b"x" * 5000
    assert first.get("tree", "a") is None
    first.close()
    assert FactCache(tmp_path).get("page", "a") == b"x" * 5000


def test_age_is_asked_for_by_the_reader(tmp_path: Path) -> None:
    cache = FactCache(tmp_path)
    cache.put("page", "a", b"old", written=time.time() - 1000)
    assert cache.get("page", "a", max_age=600) is None
    assert cache.get("page", "a") == b"old"
    cache.put("page", "a", b"new")
    assert cache.get("page", "a", max_age=600) == b"new"


def test_a_value_from_the_future_is_not_fresh(tmp_path: Path) -> None:
    cache = FactCache(tmp_path)
    cache.put("page", "a", b"?", written=time.time() + 10_000)
    assert cache.get("page", "a", max_age=600) is None


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_corrupt_file_is_made_anew(tmp_path: Path, garbage: bytes) -> None:
    FactCache(tmp_path).close()
    (path,) = tmp_path.glob("facts-*.sqlite3")
    path.write_bytes(garbage)
    cache = FactCache(tmp_path)
    cache.put("page", "a", b"1")
    cache.close()
    assert FactCache(tmp_path).get("page", "a") == b"1"


def test_corruption_while_in_use_costs_only_the_content(tmp_path: Path) -> None:
    cache = FactCache(tmp_path)
    for n in range(50):
        cache.put("page", str(n), bytes([n]) * 400)
    cache.flush()
    (path,) = tmp_path.glob("facts-*.sqlite3")
    for extra in tmp_path.glob("facts-*-wal"):
        extra.write_bytes(b"")
    path.write_bytes(b"\xff" * path.stat().st_size)
    for n in range(50):
        cache.get("page", str(n))
    cache.put("page", "after", b"1")
    cache.flush()
    assert cache.get("page", "after") == b"1"
    cache.close()


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = FactCache(blocked / "cache")
    cache.put("page", "a", b"1")
    cache.flush()
    assert cache.get("page", "a") == b"1"


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pixi_diagnose.index.cache import FactCache\n"
        "c = FactCache(Path(sys.argv[1]))\n"
        "for n in range(200): c.put('page', sys.argv[2] + str(n), b'x' * 2000); c.flush()\n"
        "c.close()"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [run.wait() for run in runs] == [0, 0, 0]
    cache = FactCache(tmp_path)
    assert all(cache.get("page", f"{name}{n}") == b"x" * 2000 for name in "abc" for n in range(200))


def test_a_writer_with_pending_facts_blocks_nobody(tmp_path: Path) -> None:
    slow, quick = FactCache(tmp_path), FactCache(tmp_path)
    slow.put("page", "a", b"1")
    start = time.monotonic()
    quick.put("page", "b", b"2")
    quick.close()
    assert time.monotonic() - start < 2
    slow.close()
    assert FactCache(tmp_path).get("page", "b") == b"2"


def test_the_usual_place_respects_the_xdg_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert default_directory() == tmp_path / "pixi-diagnose"
