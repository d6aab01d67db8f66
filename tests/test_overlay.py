"""The overlay index as a server, the uv that asks it, and the tripwire that keeps uv from building anything."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.errors import IndexAccessError, ResolverError
from pixi_diagnose.index import uv as uv_module
from pixi_diagnose.index.overlay import SIDE_BY_SIDE, Overlay, Shown, render_metadata
from pixi_diagnose.index.releases import offer_conda
from pixi_diagnose.index.uv import compile_requirements, default_index, private_cache
from pixi_diagnose.metadata import MetadataSource, StaticMetadata
from support.packages import make_sdist

ALL = (("pixi", True), ("uv", True), ("pip", True))


def metadata(project: str, version: str, *requires: str) -> StaticMetadata:
    return StaticMetadata(project, version, requires, None, (), MetadataSource.WHEEL, ALL)


class OneProject:
    """A view with one project that has one version."""

    def show(self, index: int, project: str) -> Shown:
        if project == "broken":
            raise IndexAccessError("the server is on fire", url="")
        if project == "buggy":
            raise KeyError("a fault of ours")
        page = offer_conda("pack", "1.5").page if project == "pack" and index == 0 else None
        return Shown(page, lasting=True)

    def show_metadata(self, index: int, project: str, filename: str) -> tuple[StaticMetadata, bool] | None:
        known = (index, project, filename) == (0, "pack", "pack-1.5-0conda-py3-none-any.whl")
        return (metadata("pack", "1.5"), True) if known else None


@pytest.fixture
def overlay() -> Iterator[Overlay]:
    with Overlay() as overlay, overlay.showing("v1", OneProject()):
        yield overlay


def ask(overlay: Overlay, url: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", overlay.port, timeout=5)
    connection.request(method, url, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, {k.lower(): v for k, v in answer.getheaders()}


def test_a_page_and_its_metadata_are_served(overlay: Overlay) -> None:
    status, page, headers = ask(overlay, f"{overlay.base('v1', 0)}/pack/")
    assert (status, headers["content-type"]) == (200, "application/vnd.pypi.simple.v1+json")
    assert b'"pack-1.5-0conda-py3-none-any.whl"' in page
    status, text, _ = ask(overlay, f"{overlay.base('v1', 0)}/pack/pack-1.5-0conda-py3-none-any.whl.metadata")
    assert (status, text) == (200, b"Metadata-Version: 2.1\nName: pack\nVersion: 1.5\n\n")


def test_an_unchanged_page_is_not_sent_again(overlay: Overlay) -> None:
    url = f"{overlay.base('v1', 0)}/pack/"
    etag = ask(overlay, url)[2]["etag"]
    assert ask(overlay, url, if_none_match=etag)[:2] == (304, b"")


@pytest.mark.parametrize(
    "url",
    [
        "http://overlay.v1.invalid/0/other/",
        "http://overlay.v1.invalid/1/pack/",
        "http://overlay.v2.invalid/0/pack/",
        "http://overlay.v1.invalid/0/pack/pack-1.5-0conda-py3-none-any.whl",
        "http://overlay.v1.invalid/0/pack/pack-9-py3-none-any.whl.metadata",
        "http://overlay.v1.invalid/x/pack/",
        "http://overlay.v1.invalid/",
        "http://index.example/simple/pack/",
        "/0/pack/",
    ],
)
def test_there_is_nothing_else(overlay: Overlay, url: str) -> None:
    assert ask(overlay, url)[0] == 404


def test_it_is_no_way_out(overlay: Overlay) -> None:
    assert ask(overlay, "index.example:443", "CONNECT")[0] == 403
    assert ask(overlay, f"{overlay.base('v1', 0)}/pack/", "POST")[0] == 403


def test_an_index_that_fails_is_an_answer(overlay: Overlay) -> None:
    assert ask(overlay, f"{overlay.base('v1', 0)}/broken/")[:2] == (502, b"the server is on fire")


def test_a_fault_of_ours_is_raised_where_the_view_was_shown(overlay: Overlay) -> None:
    with pytest.raises(KeyError), overlay.showing("v2", OneProject()):
        assert ask(overlay, f"{overlay.base('v2', 0)}/buggy/")[0] == 500
    assert ask(overlay, f"{overlay.base('v2', 0)}/pack/")[0] == 404


def test_views_of_one_name_are_shown_side_by_side_under_labels_of_their_own(overlay: Overlay) -> None:
    class Empty(OneProject):
        def show(self, index: int, project: str) -> Shown:  # noqa: ARG002  # as the protocol has them
            return Shown(None, lasting=True)

    with overlay.showing("v2", OneProject()) as first, overlay.showing("v2", Empty()) as second:
        assert first == "v2"
        assert ask(overlay, f"{overlay.base(first, 0)}/pack/")[0] == 200
        assert ask(overlay, f"{overlay.base(second, 0)}/pack/")[0] == 404
    with overlay.showing("v2", Empty()) as again:
        assert again == "v2"  # what uv has kept under it is used again


def test_a_view_waits_while_too_many_of_its_name_are_shown(overlay: Overlay) -> None:
    order: list[str] = []

    def second() -> None:
        with overlay.showing("v2", OneProject()):
            order.append("second")

    thread = threading.Thread(target=second)
    with contextlib.ExitStack() as shown:
        for _ in range(SIDE_BY_SIDE):
            shown.enter_context(overlay.showing("v2", OneProject()))
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_requirements_by_url_are_shown_as_plain_names() -> None:
    text = render_metadata(metadata("pack", "1.0", "a[x] @ https://index.example/a.zip ; os_name == 'nt'", "b>=1"))
    assert b'Requires-Dist: a[x]; os_name == "nt"\nRequires-Dist: b>=1\n' in text


# --- uv ---


def test_uv_reads_the_overlay(overlay: Overlay, tmp_path: Path) -> None:
    answer = compile_requirements(
        ["pack>=1"], indexes=[overlay.base("v1", 0)], port=overlay.port, cache_dir=private_cache(tmp_path)
    )
    assert answer.status == 0
    assert 'version = "1.5"' in answer.output


def test_the_users_settings_do_not_reach_uv(overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CONSTRAINT", "/nowhere/constraints.txt")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    answer = compile_requirements(
        ["pack"], indexes=[overlay.base("v1", 0)], port=overlay.port, cache_dir=private_cache(tmp_path)
    )
    assert answer.status == 0


def test_the_default_index_is_what_uvs_configuration_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://index.example/simple")
    assert default_index() == "https://index.example/simple"


# --- the tripwire: uv.md U6.9 ---


def hostile_project(folder: Path, marker: Path) -> None:
    folder.mkdir()
    (folder / "setup.py").write_text(f"open({str(marker)!r}, 'w').close()\n")


def in_tree_backend(folder: Path, marker: Path) -> None:
    hostile_project(folder, marker)
    (folder / "backend.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )


@pytest.mark.parametrize("make", [hostile_project, in_tree_backend])
@pytest.mark.parametrize("editable", [False, True])
def test_a_real_uv_that_may_build_runs_no_package_code_with_our_cache(
    tmp_path: Path, make: object, editable: bool
) -> None:
    marker = tmp_path / "executed"
    make(tmp_path / "project", marker)  # type: ignore[operator]
    cache = private_cache(tmp_path / "cache")
    line = ("-e " if editable else "") + str(tmp_path / "project")
    environment = {**os.environ, "UV_CACHE_DIR": str(cache), "UV_OFFLINE": "1"}
    run = subprocess.run(
        [uv_module.uv_program(), "pip", "compile", "-", "--no-config", "--python", sys.executable],
        input=line,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert run.returncode != 0
    assert "builds-v0" in run.stderr
    assert not marker.exists()


def test_a_real_uv_that_may_build_runs_no_code_of_an_sdist(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    sdist = make_sdist("pack", "1.0", {"setup.py": f"open({str(marker)!r}, 'w').close()\n"})
    (tmp_path / sdist.filename).write_bytes(sdist.data)
    environment = {**os.environ, "UV_CACHE_DIR": str(private_cache(tmp_path / "cache")), "UV_OFFLINE": "1"}
    run = subprocess.run(
        [
            *(uv_module.uv_program(), "pip", "install", "--dry-run", "--target", str(tmp_path / "t"), "--no-config"),
            *("--python", sys.executable, "--find-links", str(tmp_path), "--no-index", "pack"),
        ],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert "builds-v0" in run.stderr
    assert not marker.exists()


def test_a_tripwire_that_uv_walks_over_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later uv may keep its builds elsewhere; it is then not used at all."""
    monkeypatch.setattr(uv_module, "BUILDS", "builds-of-another-version")
    with pytest.raises(ResolverError, match="could not be kept from running"):
        private_cache(tmp_path)


def test_the_proof_is_made_once_for_each_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private_cache(tmp_path)
    monkeypatch.setattr(uv_module, "_prove_tripwire", lambda _: pytest.fail("proved again"))
    assert (private_cache(tmp_path) / "builds-v0").is_file()


def test_another_process_may_be_faster_with_the_tripwire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch = Path.touch

    def touched_meanwhile(path: Path, *, exist_ok: bool = True) -> None:
        touch(path)
        touch(path, exist_ok=exist_ok)

    monkeypatch.setattr(Path, "touch", touched_meanwhile)
    assert (private_cache(tmp_path) / "builds-v0").is_file()


def test_a_folder_in_the_tripwires_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "uv" / "builds-v0").mkdir(parents=True)
    with pytest.raises(ResolverError):
        private_cache(tmp_path)
