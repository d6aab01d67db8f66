"""Source trees from archives and folders: what is kept, what is refused, and what hostile ones cannot do."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pixi_diagnose.errors import ArchiveError
from pixi_diagnose.evidence import Evidence, Unknown
from pixi_diagnose.source_tree import SourceTree, collecting, read_archive, read_directory, tar
from support.packages import (
    PackageFile,
    SdistFormat,
    compress,
    compress_zstd,
    make_sdist,
    make_tar,
    make_zip,
    write_files,
)

FILES = {
    "setup.py": "import torch\n",
    "pyproject.toml": "[build-system]\n",
    "PKG-INFO": "Name: pack\n",
    "pack.egg-info/requires.txt": "numpy\n",
    "pack/__init__.py": "",
    "pack/kernel.cu": "// not read\n",
    "pack/version.txt": "1.0\n",
    "csrc/CMakeLists.txt": "project(x)\n",
    "data/notes.md": "far below\n",
}
KEPT = {path: text.encode() for path, text in FILES.items() if not path.endswith((".cu", "notes.md"))}


class Pipe:
    """A body from the network: small pieces, no seeking, no length."""

    def __init__(self, data: bytes, piece: int = 1000) -> None:
        self.data = io.BytesIO(data)
        self.piece = piece
        self.given = 0

    def read(self, size: int, /) -> bytes:
        part = self.data.read(min(size, self.piece))
        self.given += len(part)
        return part


def read(file: PackageFile, sha256: str | None = None) -> SourceTree:
    return read_archive(Pipe(file.data), file.filename, location=f"file:///{file.filename}", expected_sha256=sha256)


def tar_of(*members: tuple[tarfile.TarInfo | str, str | bytes]) -> PackageFile:
    return PackageFile("pack-1.0.tar.gz", compress(make_tar(members), "gz"))


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def reasons(tree: SourceTree) -> str:
    return "\n".join(unknown.reason for unknown in tree.unknowns)


# Archives


@pytest.mark.parametrize("kind", ["tar.gz", "tgz", "tar.bz2", "tar.xz", "tar.zst", "tar", "zip"])
def test_every_kind_of_archive_gives_the_same_tree(kind: SdistFormat) -> None:
    file = make_sdist("pack", "1.0", FILES, format=kind)
    tree = read(file, file.sha256.upper())
    assert tree.files == KEPT
    assert tree.names == {path: len(text) for path, text in FILES.items()}
    assert (tree.kind, tree.location, tree.sha256) == ("sdist", f"file:///{file.filename}", file.sha256)
    assert tree.complete
    assert tree.unknowns == ()


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_dialect_of_tar_is_read(style: int) -> None:
    deep = "a" * 60 + "/" + "b" * 60 + "/setup.py"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=style, pax_headers={"comment": "global"}) as archive:
        for name in ("x/", f"x/{deep}", "./x//./y.py", "x/é.py"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = 0 if name.endswith("/") else 600
            archive.addfile(info, io.BytesIO(b"#" * info.size))
    tree = read(PackageFile("x-1.tar", out.getvalue()))
    assert tree.files == dict.fromkeys((deep, "y.py", "é.py"), b"#" * 600)


def test_packers_that_write_several_members_and_padding_are_read() -> None:
    plain = make_tar([("x/setup.py", "1"), ("x/setup.cfg", "2")])
    for pack, suffix in ((gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz"), (compress_zstd, "zst")):
        body = b"".join(bytes(pack(plain[i : i + 700])) for i in range(0, len(plain), 700))
        padding = b"" if suffix == "zst" else b"\0" * 5000
        assert set(read(PackageFile(f"x-1.tar.{suffix}", body + padding)).files) == {"setup.py", "setup.cfg"}


def test_an_sdist_without_one_top_folder_is_its_own_root() -> None:
    """As uv 0.13.8 and pip 26.0 take it: with two top folders they find no setup.py."""
    assert read(make_sdist("pack", "1.0", FILES, top="")).files == KEPT
    assert set(read(tar_of(("pack-1.0/setup.py", ""), ("other/setup.cfg", ""))).files) == {
        "pack-1.0/setup.py",
        "other/setup.cfg",
    }


def test_of_two_files_with_one_name_the_last_counts() -> None:
    tree = read(tar_of(("p/setup.py", "first"), ("p/setup.py", "last")))
    assert (tree.files, tree.names) == ({"setup.py": b"last"}, {"setup.py": 4})


def test_names_that_are_no_utf8_stay_distinct() -> None:
    plain = make_tar([("p/caf\udce9.py", "a"), ("p/caf\udce8.py", "b")])
    tree = read(PackageFile("p-1.tar", plain))
    assert tree.files == {"caf\\xe9.py": b"a", "caf\\xe8.py": b"b"}
    assert SourceTree.from_bytes(tree.to_bytes()) == tree


# Stopping and hashes


def test_reading_stops_when_it_is_told_to() -> None:
    file = make_sdist("pack", "1.0", {"PKG-INFO": "Name: pack\n", "zeros.bin": os.urandom(200_000), "setup.py": ""})
    pipe = Pipe(file.data)
    seen: list[list[str]] = []

    def stop(files: Mapping[str, bytes]) -> bool:
        seen.append(list(files))
        return "PKG-INFO" in files

    tree = read_archive(pipe, file.filename, location="x", expected_sha256="0" * 64, stop=stop)
    assert (seen, set(tree.files), tree.complete) == ([["PKG-INFO"]], {"PKG-INFO"}, False)
    assert tree.sha256 == "0" * 64  # not looked at
    assert pipe.given < len(file.data)


def test_a_wrong_hash_is_an_error_that_names_both() -> None:
    file = make_sdist("pack", "1.0", FILES)
    with pytest.raises(ArchiveError) as caught:
        read(file, "0" * 64)
    assert file.filename in caught.value.message
    assert file.sha256 in caught.value.message
    assert "0" * 64 in caught.value.message


@pytest.mark.parametrize("kind", ["tar.gz", "zip", "tar"])
def test_the_hash_covers_what_follows_the_archive(kind: SdistFormat) -> None:
    file = make_sdist("pack", "1.0", FILES, format=kind)
    longer = PackageFile(file.filename, file.data + (b"" if kind == "zip" else b"\0" * 100_000))
    assert read(longer).sha256 == hashlib.sha256(longer.data).hexdigest()


# Hostile and broken archives


@pytest.mark.parametrize(
    "name", ["/etc/setup.py", "p/../../setup.py", "..", "C:/setup.py", "p/" + "d/" * 80 + "setup.py"]
)
def test_names_that_lead_out_are_passed_over(name: str) -> None:
    for file in (
        tar_of(("p/setup.py", "good"), (name, "bad")),
        PackageFile("p-1.zip", make_zip([("p/setup.py", "good"), (name, "bad")])),
    ):
        tree = read(file)
        assert tree.files == {"setup.py": b"good"}
        assert list(tree.names) == ["setup.py"]
        assert "leads out of the tree" in reasons(tree)


def test_links_and_devices_are_not_followed() -> None:
    tree = read(
        tar_of(
            ("p/setup.py", "good"),
            (special("p/a.py", tarfile.SYMTYPE, "/etc/passwd"), ""),
            (special("p/b.py", tarfile.LNKTYPE, "p/setup.py"), ""),
            (special("p/c.py", tarfile.CHRTYPE), ""),
            (special("p/d.py", tarfile.FIFOTYPE), ""),
        )
    )
    assert list(tree.names) == list(tree.files) == ["setup.py"]
    assert "is a link out of the tree: p/a.py -> /etc/passwd" in reasons(tree)
    assert "is a hard link: p/b.py -> p/setup.py" in reasons(tree)
    assert "is a device or a pipe: p/c.py, p/d.py" in reasons(tree)


def test_links_in_a_zip_are_not_followed() -> None:
    link = zipfile.ZipInfo("p/setup.cfg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    tree = read(PackageFile("p-1.zip", make_zip([("p/setup.py", "good"), (link, "/etc/passwd")])))
    assert list(tree.names) == ["setup.py"]
    assert "is a link out of the tree: p/setup.cfg" in reasons(tree)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_a_bomb_is_refused_before_it_unpacks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "RATIO_FROM", 1 << 20)
    bomb = make_tar([("p/zeros.bin", b"\0" * (4 << 20))])
    with pytest.raises(ArchiveError, match=r"p-1\.tar\.\w+ unpacks to more than 250 times its size"):
        read(PackageFile(f"p-1.tar.{kind}", compress(bomb, kind)))


def test_a_bomb_in_a_zip_is_not_unpacked() -> None:
    """A zip says how large its files are; one that lies is cut at what it said."""
    data = make_zip([("p/setup.py", b"#" * (8 << 20)), ("p/lies.py", b"#" * 100_000)])
    size = struct.pack("<L", 100_000)
    lying = data.replace(size, struct.pack("<L", 10))
    assert lying.count(struct.pack("<L", 10)) >= 1
    tree = read(PackageFile("p-1.zip", data))
    assert tree.names["setup.py"] == 8 << 20
    assert set(tree.files) == {"lies.py"}
    assert "too large to be read" in reasons(tree)
    with pytest.raises(ArchiveError, match="is broken"):
        read(PackageFile("p-1.zip", lying))


def test_a_tree_too_large_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "UNPACKED", 1 << 20)
    parts = [("p/setup.py", b"good"), *((f"p/{i}.bin", os.urandom(200_000)) for i in range(20))]
    tree = read(PackageFile("p-1.tar", make_tar(parts)))
    assert set(tree.files) == {"setup.py"}
    assert not tree.complete
    assert "unpacks to more than 1 MB" in reasons(tree)


def test_names_without_end_are_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "ENTRIES", 50)
    for file in (
        tar_of(*((f"p/{i}.c", "") for i in range(60))),
        PackageFile("p-1.zip", make_zip([(f"p/{i}.c", "") for i in range(60)])),
    ):
        tree = read(file)
        assert len(tree.names) == 50
        assert not tree.complete
        assert "more than 50 files" in reasons(tree)


def test_build_files_without_end_are_named_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "KEPT", 100)
    tree = read(tar_of(*((f"p/{i}.py", "#" * 60) for i in range(3))))
    assert (set(tree.files), set(tree.names)) == ({"0.py"}, {"0.py", "1.py", "2.py"})
    assert "build files: 1.py, 2.py" in reasons(tree)


@pytest.mark.parametrize("kind", ["tar.gz", "tar.bz2", "tar.xz", "tar.zst", "tar", "zip"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_a_body_that_is_cut_off_is_an_error(kind: SdistFormat, part: float) -> None:
    file = make_sdist("pack", "1.0", FILES | {"more.bin": os.urandom(3000)}, format=kind)
    end = int(len(file.data.rstrip(b"\0")) * part)
    with pytest.raises(ArchiveError, match=r"pack-1\.0\.\w+.* is (cut off|empty)"):
        read(PackageFile(file.filename, file.data[:end]))


@pytest.mark.parametrize(
    ("filename", "data", "words"),
    [
        ("p-1.tar.gz", b"<!DOCTYPE html><p>Log in", "is a web page"),
        ("p-1.zip", b"\n<html>", "is a web page"),
        ("p-1.tar.gz", b"PK\3\4....", "not compressed in the way"),
        ("p-1.tar.gz", gzip.compress(b"x" * 5000, mtime=0), "is no tar archive"),
        ("p-1.tar.gz", b"\x1f\x8b\x08\x00" + b"garbage" * 50, "is broken"),
        ("p-1.tar.zst", b"\x28\xb5\x2f\xfd" + b"garbage" * 50, "is broken|is cut off"),
        ("p-1.tar", b"x" * 2000, "is no tar archive"),
        ("p-1.rar", b"", "no kind of archive"),
        ("p-1.zip", b"PK\5\6" + b"\xff" * 18, "impossible size"),
        ("p-1.zip", b"PK\5\6" + b"\0" * 4 + b"\1\0\1\0\x50\0\0\0\0\0\0\0\0\0", "is broken"),
    ],
)
def test_what_is_no_archive_is_an_error_that_names_the_file(filename: str, data: bytes, words: str) -> None:
    with pytest.raises(ArchiveError, match=words) as caught:
        read(PackageFile(filename, data))
    assert caught.value.message.startswith(filename)
    assert caught.value.location == f"file:///{filename}"


def header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """A tar header with a true checksum and whatever else."""
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    block[:100], block[124:136], block[156:157] = name.ljust(100, b"\0"), size.ljust(12, b"\0"), kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (header(b"p/setup.py", b"77777777777") + b"x" * 512, "is cut off"),
        (header(b"p/setup.py", b"\x80" + b"\xff" * 11), "is cut off"),
        (header(b"p/setup.py", b"\xff" * 12), "impossible size"),
        (header(b"p/setup.py", b"nonsense"), "impossible size"),
        (header(b"long", b"\x80" + b"\x7f" * 11, b"L"), "impossible size"),
        (header(b"long", b"nonsense", b"L"), "impossible size"),
        (header(b"pax", b"10", b"x") + b"9999999 ".ljust(512, b"\0"), "broken header|is cut off"),
        (header(b"pax", b"10", b"x") + b"0 a=b\n  ".ljust(512, b"\0"), "broken header"),
        (header(b"pax", b"20", b"x") + b"11 size=-1\n".ljust(512, b"\0") + header(b"p/a.py", b"1"), "impossible size"),
        (header(b"p/a.py", b"1") + b"x" * 512 + b"y" * 512, "broken header"),
    ],
)
def test_lying_headers_end_in_an_error(body: bytes, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        read(PackageFile("p-1.tar", body + b"\0" * 1024))


def test_every_damaged_byte_ends_in_a_tree_or_an_error() -> None:
    kinds: tuple[SdistFormat, ...] = ("tar", "tar.gz", "zip")
    for kind in kinds:
        file = make_sdist("p", "1", {"setup.py": "x = 1\n", "a/b.cfg": "y"}, format=kind)
        for at in range(0, len(file.data), 7):
            damaged = file.data[:at] + bytes([file.data[at] ^ 0xFF]) + file.data[at + 1 :]
            try:
                tree = read(PackageFile(file.filename, damaged))
            except ArchiveError:
                continue
            assert not any(name.startswith("/") or ".." in name.split("/") for name in tree.names)


# Folders


def test_a_folder_is_read_without_the_tools_own_folders(tmp_path: Path) -> None:
    extra = {
        ".git/config": "",
        "venv/x.py": "",
        "my-env/pyvenv.cfg": "",
        "my-env/x.py": "",
        "pack/__pycache__/x.py": "",
    }
    tree = read_directory(write_files(tmp_path, FILES | extra), location="./pack")
    assert (tree.kind, tree.location, tree.sha256, tree.complete) == ("directory", "./pack", "", True)
    assert tree.files == KEPT
    assert set(tree.names) == set(FILES)
    assert read_directory(tmp_path, kind="git").kind == "git"


def test_links_in_a_folder_are_followed_inside_of_it_only(tmp_path: Path) -> None:
    write_files(tmp_path, {"out/secret.py": "secret", "tree/setup.py": "good", "tree/pack/a.py": "a"})
    tree = tmp_path / "tree"
    (tree / "inside.py").symlink_to("setup.py")
    (tree / "outside.py").symlink_to("../out/secret.py")
    (tree / "nowhere.py").symlink_to("gone.py")
    (tree / "circle.py").symlink_to("circle.py")
    (tree / "folder").symlink_to("pack")
    os.mkfifo(tree / "pipe.py")
    (tmp_path / "link").symlink_to("tree")
    found = read_directory(tmp_path / "link")
    assert found.files == {"setup.py": b"good", "pack/a.py": b"a", "inside.py": b"good"}
    assert "is a link out of the tree: outside.py" in reasons(found)
    assert "leads nowhere: circle.py, nowhere.py" in reasons(found)
    assert "is a link to a folder: folder" in reasons(found)
    assert "is a device or a pipe: pipe.py" in reasons(found)


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("gone", "file"):
        with pytest.raises(ArchiveError, match=f"{name} is no folder that can be read"):
            read_directory(tmp_path / name)


# The tree itself


def test_text_is_decoded_whatever_it_is() -> None:
    tree = SourceTree("sdist", "x", "", {"a": b"\xef\xbb\xbfBOM", "b": b"caf\xe9"}, {})
    assert (tree.text("a"), tree.text("b"), tree.text("c")) == ("BOM", "caf�", None)


def test_a_tree_survives_the_cache() -> None:
    unknown = Unknown("why", (Evidence("setup.py", 3, "x = 1"),), "pack")
    tree = SourceTree("git", "https://index.example/é", "ab", KEPT, {"a": 1, "\udc80": 2}, False, (unknown,))
    assert SourceTree.from_bytes(tree.to_bytes()) == tree
    assert tree.to_bytes() == tree.to_bytes()


@pytest.mark.parametrize("data", [b"", b"tree1", b"tree1garbage", b"something else"])
def test_a_spoilt_cache_entry_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a source tree"):
        SourceTree.from_bytes(data)
