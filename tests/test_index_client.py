"""The HTTP client: every way in which a server can misbehave is an error that names the URL and keeps secrets."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from pixi_diagnose.errors import ArchiveError, IndexAccessError
from pixi_diagnose.index import client as client_module
from pixi_diagnose.index.client import IndexClient, without_credentials
from pixi_diagnose.index.wheel_files import fetch_wheel_metadata
from support.packages import make_wheel, make_zip, wheel_metadata
from support.server import Response, Route, Server, redirect


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[IndexClient]:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setattr(client_module, "ATTEMPTS", 2)
    with IndexClient() as client:
        yield client


def failure(client: IndexClient, url: str, cap: int = 1000) -> IndexAccessError:
    with pytest.raises(IndexAccessError) as caught:
        client.get(url, cap=cap)
    assert without_credentials(url) == caught.value.url
    return caught.value


def test_a_body_arrives_and_is_counted(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = Response(b"hello")
    assert client.get(f"{server.url}/page", cap=10).body == b"hello"
    assert (client.requests, client.received) == (1, 5)


def test_the_network_library_is_not_imported_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, pixi_diagnose.index; print('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_nobody_listening(client: IndexClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert "is unreachable" in failure(client, f"http://127.0.0.1:{port}/simple").message


def test_server_errors_are_asked_again_then_told(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = Response(status=500)
    assert "answers with status 500" in failure(client, f"{server.url}/page").message
    assert server.paths == ["/page", "/page"]


def test_a_passing_error_passes(client: IndexClient, server: Server) -> None:
    answers = iter([Response(status=503), Response(b"ok")])
    server.routes["/page"] = lambda _: next(answers)
    assert client.get(f"{server.url}/page", cap=10).body == b"ok"


@pytest.mark.parametrize("status", [401, 403])
def test_missing_credentials_are_named_with_a_way_out(client: IndexClient, server: Server, status: int) -> None:
    server.routes["/page"] = Response(status=status)
    error = failure(client, f"{server.url}/page")
    assert "needs credentials" in error.message
    assert "netrc" in error.hint
    assert len(server.requests) == 1


def test_credentials_of_the_url_are_sent_and_never_shown(client: IndexClient, server: Server) -> None:
    server.credentials = ("me", "pa ss@word")
    server.routes["/page"] = Response(b"private")
    server.routes["/gone"] = Response(status=404)
    url = server.url.replace("//", "//me:pa%20ss%40word@")
    assert client.get(f"{url}/page", cap=10).body == b"private"
    error = failure(client, f"{url}/gone")
    assert "pa" not in error.message.replace(server.url, "")
    assert "word" not in repr(error.args) + error.url + error.hint


def test_credentials_come_from_netrc(client: IndexClient, server: Server, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    server.credentials = ("me", "secret")
    server.routes["/page"] = Response(b"private")
    assert client.get(f"{server.url}/page", cap=10).body == b"private"


def test_credentials_do_not_follow_a_redirect_to_another_host(client: IndexClient, server: Server) -> None:
    with Server({"/page": Response(b"elsewhere")}) as other:
        server.routes["/page"] = redirect(f"{other.url}/page")
        url = server.url.replace("//", "//me:secret@")
        assert client.get(f"{url}/page", cap=10).body == b"elsewhere"
        assert "authorization" in server.requests[0].headers
        assert "authorization" not in other.requests[0].headers


def test_redirects_end(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = redirect("/page")
    assert "redirects too often" in failure(client, f"{server.url}/page").message


def test_a_redirect_that_leaves_https_is_refused() -> None:
    with pytest.raises(IndexAccessError, match="not https"):
        client_module._redirected("https://index.example/simple", "http://index.example/simple")


def endless() -> Iterator[bytes]:
    return repeat(b"x" * 1000)


def drip() -> Iterator[bytes]:
    while True:
        time.sleep(0.05)
        yield b"x"


def test_an_endless_body_is_cut(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = Response(endless)
    assert "larger than" in failure(client, f"{server.url}/page", cap=100_000).message


def test_a_dripping_body_is_cut_in_time(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = Response(drip)
    with pytest.raises(IndexAccessError, match="not read to its end"):
        client.get(f"{server.url}/page", cap=1000, seconds=0.2)


def test_a_body_announced_as_too_large_is_not_read(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = Response(b"x" * 2000)
    failure(client, f"{server.url}/page")
    assert client.received == 0


def test_a_body_that_ends_early_is_an_error(client: IndexClient, server: Server) -> None:
    server.routes["/page"] = Response(b"x" * 500, truncate_at=100)
    assert "is unreachable" in failure(client, f"{server.url}/page").message


@pytest.mark.parametrize("url", ["ftp://index.example/simple", "http://[broken/simple", "nonsense", ""])
def test_a_url_of_no_use_is_told(client: IndexClient, url: str) -> None:
    with pytest.raises(IndexAccessError):
        client.get(url, cap=10)


def test_offline_nothing_is_asked(server: Server) -> None:
    with IndexClient(offline=True) as client, pytest.raises(IndexAccessError, match="network must not be used"):
        client.get(f"{server.url}/page", cap=10)
    assert server.requests == []


# --- the metadata of a wheel ---

WHEEL = make_wheel("pack", "1.0", {"pack/data.bin": b"\x00" + bytes(range(256)) * 4000}, ["numpy"])


def served(server: Server, **routes: Route) -> str:
    for suffix, route in routes.items():
        server.routes["/pack.whl" + {"wheel": "", "metadata": ".metadata"}[suffix]] = route
    return f"{server.url}/pack.whl"


def incompressible() -> bytes:
    import random

    noise = random.Random(0).randbytes(300_000)
    return make_wheel("pack", "1.0", {"pack/data.bin": noise, **{f"pack/m{n}.py": "" for n in range(2000)}}).data


def test_the_indexs_own_copy_is_taken(client: IndexClient, server: Server) -> None:
    url = served(server, metadata=Response(b"Name: pack\n"))
    assert fetch_wheel_metadata(client, url, "") == b"Name: pack\n"
    assert server.paths == ["/pack.whl.metadata"]


@pytest.mark.parametrize("answer", [Response(status=404), Response(b"another body")])
def test_a_copy_that_is_missing_or_lies_is_replaced_by_the_wheels_own(
    client: IndexClient, server: Server, answer: Response
) -> None:
    url = served(server, metadata=answer, wheel=Response(WHEEL.data))
    assert fetch_wheel_metadata(client, url, "0" * 64) == wheel_metadata(WHEEL)


def test_only_the_end_of_a_large_wheel_is_read(client: IndexClient, server: Server) -> None:
    data = incompressible()
    url = served(server, wheel=Response(data))
    assert b"Name: pack" in fetch_wheel_metadata(client, url, None)
    assert client.received < len(data) / 2


def test_a_server_without_ranges_gives_the_whole_wheel(client: IndexClient, server: Server) -> None:
    url = served(server, wheel=Response(WHEEL.data, ranges=False))
    assert fetch_wheel_metadata(client, url, None) == wheel_metadata(WHEEL)


@pytest.mark.parametrize("data", [b"", b"no zip", WHEEL.data[:-30], make_zip([("pack/x.py", "")])])
def test_a_file_that_is_no_wheel_is_told(client: IndexClient, server: Server, data: bytes) -> None:
    url = served(server, wheel=Response(data))
    with pytest.raises(ArchiveError) as caught:
        fetch_wheel_metadata(client, url, None)
    assert caught.value.location == url


def test_wheels_on_disk_are_read_too(client: IndexClient, tmp_path: Path) -> None:
    path = tmp_path / WHEEL.filename
    path.write_bytes(WHEEL.data)
    assert fetch_wheel_metadata(client, path.as_uri(), None) == wheel_metadata(WHEEL)
