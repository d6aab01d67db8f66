"""Files are rewritten all at once or not at all, and only where they are still what was read."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from pixi_diagnose.errors import UsageError
from pixi_diagnose.writing import Rewrite, rewrite


def folder(tmp_path: Path) -> tuple[Path, Path]:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("old one")
    two.write_text("old two")
    return one, two


def test_mode_and_links_are_kept_and_nothing_else_is_left(tmp_path: Path) -> None:
    one, two = folder(tmp_path)
    one.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(one)
    rewrite({str(link): Rewrite("old one", "new one"), str(two): Rewrite("old two", "new two")})
    assert (one.read_text(), two.read_text()) == ("new one", "new two")
    assert stat.S_IMODE(one.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.toml", "one.toml", "two.toml"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_file_keeps_its_encoding_and_its_mark(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_bytes("dé==1.0\r\n".encode(encoding))
    rewrite({str(file): Rewrite("dé==1.0\r\n", "dé==2.0\r\n")})
    assert file.read_bytes() == "dé==2.0\r\n".encode(encoding)


def test_a_file_that_was_changed_meanwhile_stops_all(tmp_path: Path) -> None:
    one, two = folder(tmp_path)
    with pytest.raises(UsageError, match="changed meanwhile"):
        rewrite({str(one): Rewrite("old one", "new one"), str(two): Rewrite("something else", "new two")})
    assert (one.read_text(), two.read_text()) == ("old one", "old two")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.toml", "two.toml"]


def test_a_file_that_is_new_is_written_only_where_there_is_still_none(tmp_path: Path) -> None:
    one, two = folder(tmp_path)
    new = tmp_path / "new.toml"
    rewrite({str(one): Rewrite("old one", "new one"), str(new): Rewrite(None, "new")})
    assert (one.read_text(), new.read_text()) == ("new one", "new")
    two.touch(0o666)
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(two.stat().st_mode)
    with pytest.raises(UsageError, match="already: nothing is written"):
        rewrite({str(two): Rewrite("old two", "new two"), str(new): Rewrite(None, "newer")})
    assert (two.read_text(), new.read_text()) == ("old two", "new")


def test_where_the_second_cannot_be_replaced_the_first_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = folder(tmp_path)
    replace = Path.replace

    def refuse(self: Path, target: Any) -> Path:
        if Path(target).name == "two.toml":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    new = tmp_path / "new.toml"
    changes = {str(new): Rewrite(None, "new"), str(one): Rewrite("old one", "new one")}
    with pytest.raises(UsageError, match="No space left"):
        rewrite({**changes, str(two): Rewrite("old two", "new two")})
    assert (one.read_text(), two.read_text()) == ("old one", "old two")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.toml", "two.toml"]
