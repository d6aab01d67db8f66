"""A pixi.lock that was read before is not read again, as long as its bytes are the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.errors import LockError
from pixi_diagnose.index.cache import FactCache
from pixi_diagnose.locks import pixi_lock
from pixi_diagnose.locks.kept_lock import KIND, read_kept_lock
from pixi_diagnose.locks.model import PixiLock
from support.locks import conda_entry, lock_text, pypi_entry

GPU = """\
  gpu:
    channels:
    - url: https://channel.example/forge/
    find-links:
    - path: ./wheels
    options:
      pypi-prerelease-mode: allow
    packages:
      linux-64:
      - conda: https://channel.example/forge/linux-64/python-3.12.7-h0_0.conda
"""
PLAIN = lock_text(
    [
        conda_entry("python", "3.12.7", depends=["zlib >=1.2"], purls=""),
        conda_entry("zlib", "1.3.1", purls="zlib-ng"),
        pypi_entry("app", "1.2", ["click>=8", "grün ; extra == 'ü'"]),
        pypi_entry("click", "8.1.7"),
    ]
)
LOCK = PLAIN.replace("\npackages:\n", f"\n{GPU}packages:\n").replace(
    "  license: MIT\n", "  license: MIT\n  extra_depends:\n    fast:\n    - zlib\n", 1
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[FactCache]:
    read_kept_lock.cache_clear()
    found = FactCache(tmp_path / "cache")
    yield found
    found.close()


def read(text: str, cache: FactCache, path: str = "/nowhere/pixi.lock") -> PixiLock:
    """As a next run asks: nothing is in memory."""
    read_kept_lock.cache_clear()
    return read_kept_lock(text.encode(), path, cache)


@pytest.mark.parametrize("text", [LOCK, LOCK.replace("\n", "\r\n")], ids=["as pixi writes it", "other line breaks"])
def test_what_is_kept_is_what_was_read(text: str, cache: FactCache, monkeypatch: pytest.MonkeyPatch) -> None:
    plainly = pixi_lock.read_pixi_lock(text, "pixi.lock")
    assert plainly.environments["default"].packages["linux-64"].pypi[0].requires_dist[1] == "grün ; extra == 'ü'"
    assert plainly.environments["gpu"].find_links == ("./wheels",)
    assert plainly.environments["gpu"].packages["linux-64"].conda[0].extra_depends == {"fast": ("zlib",)}
    assert read(text, cache) == plainly
    monkeypatch.setattr(pixi_lock, "read_pixi_lock", None)
    again = read(text, cache)
    assert again == plainly
    # equal values may still be lists where tuples are promised
    assert repr(again) == repr(plainly)


def test_a_record_of_two_environments_is_one(cache: FactCache) -> None:
    read(LOCK, cache)
    lock = read(LOCK, cache)
    default, gpu = (lock.environments[name].packages["linux-64"].conda[0] for name in ("default", "gpu"))
    assert default is gpu


@pytest.mark.parametrize(
    "changed",
    [LOCK.replace("3.12.7", "3.12.8"), LOCK.replace(GPU, GPU + GPU.replace("gpu", "cpu")), LOCK.replace(GPU, "")],
    ids=["of the same length", "longer", "shorter"],
)
def test_a_changed_lock_is_read_anew(changed: str, cache: FactCache) -> None:
    plainly = pixi_lock.read_pixi_lock(changed, "pixi.lock")
    assert read(LOCK, cache) != plainly
    assert read(changed, cache) == plainly
    assert read(LOCK, cache) != plainly


def test_a_lock_is_kept_for_its_place(cache: FactCache) -> None:
    one, other = LOCK, LOCK.replace("3.12.7", "3.11.9")
    first, second = read(one, cache, "/a/pixi.lock"), read(other, cache, "/b/pixi.lock")
    assert first != second
    assert read(one, cache, "/a/pixi.lock") == first
    assert read(other, cache, "/b/pixi.lock") == second


@pytest.mark.parametrize("kept", [b"", b"\n", b"[]", b"{}", b'[7,[],[["x"]],[],{}]', b"[7,[],[],[],{}", b"\xff"])
def test_what_was_not_written_here_does_not_count(kept: bytes, cache: FactCache, tmp_path: Path) -> None:
    data = LOCK.encode()
    path = str(tmp_path / "pixi.lock")
    right = read(LOCK, cache, path)
    key = next(key for kind, key in cache._pending if kind == KIND)
    assert os.fspath(tmp_path) in key
    cache.put(KIND, key, b"%d\n%b%b" % (len(data), data, kept))
    assert read(LOCK, cache, path) == right


def test_what_cannot_be_read_is_not_kept(cache: FactCache) -> None:
    for _ in range(2):
        with pytest.raises(LockError):
            read("version: 7\nenvironments: 3\n", cache)
        with pytest.raises(UnicodeDecodeError):
            read_kept_lock(b"version: 7\n\xff\n", "pixi.lock", cache)
    assert not cache._pending
