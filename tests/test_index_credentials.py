"""Who one is to an index: where credentials come from, whom they are sent to, and that nobody else sees them."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from pixi_diagnose.errors import IndexAccessError
from pixi_diagnose.index import client as client_module
from pixi_diagnose.index.client import IndexClient
from pixi_diagnose.index.credentials import Credentials
from pixi_diagnose.manifest.pixi_configuration import pixi_configuration
from support.server import Response, Server


def told(credentials: Credentials, url: str) -> str | None:
    """User and password that are sent to a URL."""
    header = credentials.header(url)
    return None if header is None else base64.b64decode(header.removeprefix("Basic ")).decode()


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    return {"NETRC": str(tmp_path / "netrc"), "PATH": str(tmp_path / "bin"), **variables}


def keyring(tmp_path: Path, *known: tuple[str, str, str]) -> Path:
    """A program keyring that knows (service, user, password) and notes what it is asked."""
    program, log = tmp_path / "bin" / "keyring", tmp_path / "asked"
    program.parent.mkdir()
    cases = "".join(f'"{service} {user}") echo "{password}";;\n' for service, user, password in known)
    program.write_text(f'#!/bin/sh\necho "$*" >> "{log}"\ncase "$2 $3" in\n{cases}*) exit 1;;\nesac\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return log


def test_each_index_of_a_host_has_its_own(tmp_path: Path) -> None:
    credentials = Credentials(environment(tmp_path))
    for group in ("one", "two"):
        assert credentials.from_url(f"https://{group}:pw@index.example/{group}/simple") == (
            f"https://index.example/{group}/simple"
        )
    assert told(credentials, "https://index.example/one/simple/pack/") == "one:pw"
    assert told(credentials, "https://index.example/two/simple/pack/") == "two:pw"
    assert told(credentials, "https://index.example/files/pack-1.0.tar.gz") == "two:pw"
    assert told(credentials, "https://index.example:8443/one/simple/") is None
    assert told(credentials, "http://index.example/one/simple/") is None


def test_a_path_is_a_path_and_not_a_beginning(tmp_path: Path) -> None:
    credentials = Credentials(environment(tmp_path))
    credentials.from_url("https://long:pw@index.example/team")
    credentials.from_url("https://other:pw@index.example/b")
    assert told(credentials, "https://index.example/teams/pack/") == "other:pw"


def test_variables_win_over_the_url(tmp_path: Path) -> None:
    variables = {"UV_INDEX_MY_INDEX_USERNAME": "env", "UV_INDEX_MY_INDEX_PASSWORD": "secret"}
    credentials = Credentials(environment(tmp_path, **variables))
    credentials.from_url("https://me:pw@index.example/simple")
    credentials.from_variables("https://me:pw@index.example/simple", "my-index")
    assert told(credentials, "https://index.example/simple/pack/") == "env:secret"


def test_netrc_gives_what_the_url_leaves_open_but_not_for_another_user(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine index.example login me password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    for user, expected in (("me", "me:secret"), ("you", "you:"), ("", "me:secret")):
        credentials = Credentials(environment(tmp_path))
        credentials.from_url(f"https://{user}@index.example/simple" if user else "https://index.example/simple")
        assert told(credentials, "https://index.example/simple/pack/") == expected


def test_keyring_is_asked_once_for_the_index_then_for_its_host(tmp_path: Path) -> None:
    """As uv 0.13.8 asks: the index by its root, the host, and for http the host with its scheme."""
    log = keyring(tmp_path, ("http://index.example:8080", "me", "secret"))
    credentials = Credentials(environment(tmp_path))
    credentials.keyring = True
    credentials.from_url("http://me@index.example:8080/team/simple")
    for project in ("a", "b"):
        assert told(credentials, f"http://index.example:8080/team/simple/{project}/") == "me:secret"
    assert log.read_text().splitlines() == [
        "get http://index.example:8080/team me",
        "get index.example:8080 me",
        "get http://index.example:8080 me",
    ]


@pytest.mark.parametrize("url", ["https://me@index.example/simple", "https://index.example/simple"])
def test_keyring_is_left_alone_unless_it_is_configured_and_a_user_known(tmp_path: Path, url: str) -> None:
    log = keyring(tmp_path, ("https://index.example/", "me", "secret"))
    credentials = Credentials(environment(tmp_path))
    credentials.keyring = "me@" not in url
    credentials.from_url(url)
    assert told(credentials, "https://index.example/simple/pack/") == ("me:" if "me@" in url else None)
    assert not log.exists()


def test_without_the_program_keyring_the_user_alone_is_sent(tmp_path: Path) -> None:
    credentials = Credentials(environment(tmp_path))
    credentials.keyring = True
    credentials.from_url("https://token@index.example/simple")
    assert told(credentials, "https://index.example/simple/") == "token:"


# --- whether keyring is configured ---


@pytest.mark.parametrize(
    ("own", "users", "expected"),
    [
        (None, None, False),
        (None, "subprocess", True),
        ("disabled", "subprocess", False),
        ("subprocess", None, True),
    ],
)
def test_pixis_configuration_is_read_the_workspaces_own_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str | None, users: str | None, expected: bool
) -> None:
    monkeypatch.delenv("PIXI_NO_CONFIG")
    monkeypatch.setenv("PIXI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for folder, value in ((tmp_path / "work" / ".pixi", own), (tmp_path / "home", users)):
        folder.mkdir(parents=True)
        text = "broken =" if value is None else f'[pypi-config]\nkeyring-provider = "{value}"\n'
        (folder / "config.toml").write_text(text)
    assert pixi_configuration(str(tmp_path / "work")).keyring is expected


# --- proxies ---


@pytest.fixture
def only_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client_module, "ATTEMPTS", 1)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("only_proxy")
def test_an_index_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server({"http://index.example/simple/pack/": Response(b"<a>")}) as proxy, IndexClient() as client:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert client.page("http://index.example/simple/pack/").body == b"<a>"
        assert proxy.paths == ["http://index.example/simple/pack/"]


@pytest.mark.usefixtures("only_proxy")
def test_what_no_proxy_names_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as proxy, Server({"/pack/": Response(b"direct")}) as index, IndexClient() as client:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert client.page(f"{index.url}/pack/").body == b"direct"
        assert proxy.requests == []


@pytest.mark.usefixtures("only_proxy")
def test_a_proxys_credentials_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cret@127.0.0.1:9")
    with IndexClient() as client, pytest.raises(IndexAccessError) as caught:
        client.page("http://index.example/simple/pack/")
    assert "s3cret" not in repr(caught.value.args)
