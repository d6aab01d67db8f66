"""Bad input through the command line: a clear message that names the place, no traceback, exit status 2.

What can still be answered is answered: where one project of several is bad, the others are diagnosed all the same.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.packages import PackageFile, PackageIndex, compress, make_sdist, make_tar, pkg_info, write_channel
from support.server import Response, Server
from support.worlds import CONDA, WHEELS

GOOD = make_sdist(
    "good",
    "1.0",
    {
        "setup.py": "import torch\nfrom setuptools import setup\nsetup(name='good', version='1.0')\n",
        "PKG-INFO": pkg_info("good", "1.0", dynamic=["requires-dist"]),
    },
)
MANIFEST = """
[workspace]
channels = ["{channel}"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
good = "*"
{more}

[pypi-options]
index-url = "{index}"
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIXI_", "UV_", "PIP_"))}
        environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "200"}
        command = [sys.executable, "-m", "pixi_diagnose", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(PackageIndex([*WHEELS, GOOD]).routes()) as running:
        yield running


def manifest(tmp_path: Path, index: str, more: str = "") -> str:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    (tmp_path / "pixi.toml").write_text(MANIFEST.format(channel=channel, index=index, more=more))
    return str(tmp_path)


def offer(server: Server, file: PackageFile, page: bytes | None = None) -> None:
    """Offer one more sdist, of the project `bad`."""
    link = f'<a href="/files/{file.filename}#sha256={file.sha256}">{file.filename}</a>'.encode()
    server.routes["/simple/bad/"] = Response(page or link, content_type="text/html")
    server.routes[f"/files/{file.filename}"] = Response(file.data)


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def reasons(document: dict[str, Any]) -> str:
    return "\n".join(u["reason"] for u in document["unknowns"])


def outcome(document: dict[str, Any], project: str, phase: str) -> str:
    (environment,) = document["environments"]
    (build,) = (b for b in environment["builds"] if b["project"] == project)
    return str(next(p["outcome"] for p in build["phases"] if p["phase"] == phase))


def test_no_manifest(run: Run) -> None:
    done = run("check", "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr


def test_a_folder_without_a_manifest(run: Run) -> None:
    done = run()
    assert done.returncode == 2
    assert "pixi.toml" in done.stderr


def test_broken_toml_is_placed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_text('[workspace]\nname = "x\nchannels = []\n')
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert "pixi.toml:2:10" in done.stdout


def test_an_unknown_key_is_placed_and_the_near_one_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_text(
        '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n[pypi-options]\nno-build-isolatoin = ["a"]\n'
    )
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert "pixi.toml:5:1" in done.stdout
    assert "no-build-isolation" in done.stdout


def test_a_manifest_that_is_not_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_bytes(b"\xff\xfe\x00")
    assert run(str(tmp_path)).returncode == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Response(b"oops", 500), "500", id="answers 500"),
        pytest.param(Response(b"\x00\xff garbage", content_type="text/html"), "good", id="answers garbage"),
        pytest.param(Response(b'{"files": 7}', content_type="application/json"), "good", id="answers wrong JSON"),
        pytest.param(Response(b"", 401), "credentials", id="needs credentials"),
    ],
)
def test_an_index_page_that_cannot_be_used(
    run: Run, server: Server, tmp_path: Path, answer: Response, said: str
) -> None:
    server.routes["/simple/good/"] = answer
    done = run("--json", manifest(tmp_path, f"{server.url}/simple"))
    document = report(done)
    assert done.returncode == 2
    assert document["environments"][0]["outcomes"]["lock"] == "unknown"
    assert said in reasons(document)


def test_an_unreachable_index(run: Run, tmp_path: Path) -> None:
    done = run("--json", manifest(tmp_path, "http://user:secret@127.0.0.1:9/simple"))
    assert done.returncode == 2
    assert "127.0.0.1:9" in reasons(report(done))
    assert "secret" not in done.stdout + done.stderr


def bad_sdist(*members: tuple[tarfile.TarInfo | str, str | bytes]) -> PackageFile:
    info = pkg_info("bad", "1.0", metadata_version="2.1")
    data = make_tar([("bad-1.0/PKG-INFO", info), *members])
    return PackageFile("bad-1.0.tar.gz", compress(data, "gz"))


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def bomb() -> bytes:
    """Two gigabytes of zeros in a few kilobytes: gzip members one after the other are one stream."""
    header = tarfile.TarInfo("bad-1.0/data.bin")
    header.size = 2**31
    start = bad_sdist(("bad-1.0/setup.py", SETUP)).data
    tar = gzip.decompress(start).rstrip(b"\0")
    tar += b"\0" * (-len(tar) % 512)
    return gzip.compress(tar + header.tobuf()) + gzip.compress(bytes(2**20)) * 2**11


SETUP = "from setuptools import setup\nsetup(name='bad', version='1.0')\n"
PYTHON_2 = "from setuptools import setup\nprint 'hello'\nsetup(name='bad', version='1.0')\n"
TRUNCATED = bad_sdist(("bad-1.0/setup.py", SETUP), ("bad-1.0/data.bin", os.urandom(200_000)))


@pytest.mark.parametrize(
    ("sdist", "said"),
    [
        pytest.param(
            bad_sdist(("bad-1.0/setup.py", SETUP), ("bad-1.0/../../evil.py", "")), "evil.py", id="dot-dot names"
        ),
        pytest.param(
            bad_sdist(("bad-1.0/setup.py", SETUP), (link("bad-1.0/key", "/etc/shadow"), "")),
            "key",
            id="a link out of it",
        ),
        pytest.param(bad_sdist(("bad-1.0/setup.py", PYTHON_2)), "Python 2", id="Python 2 syntax"),
        pytest.param(
            PackageFile("bad-1.0.tar.gz", TRUNCATED.data[: len(TRUNCATED.data) // 2]), "bad-1.0.tar.gz", id="truncated"
        ),
        pytest.param(PackageFile("bad-1.0.tar.gz", b"no archive at all"), "bad-1.0.tar.gz", id="no archive"),
        pytest.param(PackageFile("bad-1.0.tar.gz", bomb()), "unpacks to more than", id="a bomb"),
    ],
)
def test_a_bad_sdist_beside_a_good_one(run: Run, server: Server, tmp_path: Path, sdist: PackageFile, said: str) -> None:
    offer(server, sdist)
    done = run("--json", manifest(tmp_path, f"{server.url}/simple", more='bad = "*"'))
    document = report(done)
    assert done.returncode == 2
    assert said in reasons(document)
    assert outcome(document, "good", "install") == "fails"


def test_a_lying_hash(run: Run, server: Server, tmp_path: Path) -> None:
    sdist = bad_sdist(("bad-1.0/setup.py", SETUP))
    page = f'<a href="/files/{sdist.filename}#sha256={"0" * 64}">{sdist.filename}</a>'
    offer(server, sdist, page.encode())
    done = run("--json", manifest(tmp_path, f"{server.url}/simple", more='bad = "*"'))
    document = report(done)
    assert done.returncode == 2
    assert "bad-1.0.tar.gz" in reasons(document)
    assert "0" * 64 in reasons(document)
    assert outcome(document, "good", "install") == "fails"
