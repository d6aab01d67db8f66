"""What is chosen under each setting of an index, and that uv itself chooses the same from the same loopback indexes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pixi_diagnose.conda import CondaSession
from pixi_diagnose.environment import environments
from pixi_diagnose.index import client as client_module
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.resolve import Resolution, Resolver
from support.packages import PackageFile, PackageIndex, make_wheel
from support.server import Response, Server

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HEADER = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'


def wheel(name: str, version: str, *requires: str) -> PackageFile:
    return make_wheel(name, version, {f"{name}.py": ""}, requires)


NO_VARIABLES: Mapping[str, str] = {}


class Bench:
    """Two indexes (`a`, and `b` with other releases) and a folder of links, and a session that asks them."""

    def __init__(self, root: Path, server: Server, session: IndexSession) -> None:
        self.root, self.server, self.session = root, server, session
        self.count = 0
        a, b = PackageIndex(json=True), PackageIndex(json=True)
        for version, moment in (("1.0", "2023"), ("2.0", "2024"), ("3.0rc1", "2025")):
            a.add(wheel("lib", version), upload_time=f"{moment}-06-01T00:00:00Z")
            a.add(wheel("app-lib", version, "lib"), upload_time=f"{moment}-06-01T00:00:00Z")
        a.add(wheel("pulled", "1.0")).add(wheel("pulled", "2.0"), yanked="broken")
        a.add(wheel("top", "1.0", "lib>=1", "side")).add(wheel("top", "2.0", "lib>=1", "side")).add(
            wheel("side", "1.0")
        )
        b.add(wheel("lib", "1.5"), upload_time="2023-07-01T00:00:00Z").add(wheel("only-b", "1.0"))
        for index, name in ((a, "a"), (b, "b")):
            server.routes |= index.routes(f"/{name}/simple", f"/{name}/files")
        links = root / "links"
        links.mkdir()
        for file in (wheel("lib", "9.0"), wheel("flat", "1.0")):
            (links / file.filename).write_bytes(file.data)

    def write(self, name: str, text: str) -> Path:
        """A file of its own folder with the addresses filled in."""
        self.count += 1
        folder = self.root / f"case{self.count}"
        folder.mkdir()
        given = {"@A@": f"{self.server.url}/a/simple", "@B@": f"{self.server.url}/b/simple"}
        given["@LINKS@"] = str(self.root / "links")
        for sign, value in given.items():
            text = text.replace(sign, value)
        (folder / name).write_text(text)
        return folder / name

    def ours(self, path: Path, frontend: str = "uv", platform: str = "linux-64") -> Resolution:
        invocation = Invocation(frontend=frontend, python=PYTHON, platforms=(platform,))
        manifest = read_manifest(path.read_text(), str(path), invocation)
        assert manifest.problems == ()
        every = environments(manifest)
        channels = CondaSession(self.session.cache, manifest.root, max_age=0)
        return Resolver(every, self.session, channels, ("linux-64",)).resolve(every[0])

    def uvs(self, path: Path, variables: Mapping[str, str] = NO_VARIABLES) -> dict[str, str]:
        """What `uv pip compile` says; empty where it finds nothing."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_", "VIRTUAL_ENV"))}
        environment = kept | {"UV_CACHE_DIR": str(self.root / "uv-cache"), "XDG_CONFIG_HOME": str(self.root / "none")}
        environment |= variables
        command = [
            uv_program(),
            "pip",
            "compile",
            path.name,
            "--no-header",
            "--no-annotate",
            "--python-version",
            PYTHON,
        ]
        run = subprocess.run(
            [*command, "--python-platform", "linux", "--python", sys.executable],
            cwd=path.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode in {0, 1}, run.stderr
        found = re.findall(r"^([\w-]+)==(\S+)", run.stdout, re.MULTILINE) if run.returncode == 0 else []
        return dict(found)


def chosen(resolution: Resolution) -> dict[str, str]:
    if resolution.failure is not None:
        return {}
    return {d.project: d.version for d in resolution.distributions if d.kind != "directory"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    root = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch, Server() as server, IndexSession(root / "cache") as session:
        patch.setattr(client_module, "ATTEMPTS", 1)
        patch.setenv("NETRC", str(root / "netrc"))
        yield Bench(root, server, session)


BOTH = '[[tool.uv.index]]\nurl = "@B@"\n[[tool.uv.index]]\nurl = "@A@"\ndefault = true\n'
ONE = '[[tool.uv.index]]\nurl = "@A@"\ndefault = true\n'
FLAT = '[[tool.uv.index]]\nname = "flat"\nurl = "@LINKS@"\nformat = "flat"\n'
B = '[[tool.uv.index]]\nname = "b"\nurl = "@B@"\n'

PROJECTS = {
    "the first index that knows it": ('["lib"]', BOTH, {"lib": "1.5"}),
    "the best of all indexes": ('["lib"]', f'[tool.uv]\nindex-strategy = "unsafe-best-match"\n{BOTH}', {"lib": "2.0"}),
    "the first index with one that fits": (
        '["lib>=2"]',
        f'[tool.uv]\nindex-strategy = "unsafe-first-match"\n{BOTH}',
        {"lib": "2.0"},
    ),
    "the first index that knows it, even if it does not fit": ('["lib>=2"]', BOTH, {}),
    "an explicit index is for those who name it": (
        '["lib", "app-lib"]',
        f'[tool.uv.sources]\nlib = {{ index = "b" }}\n{B}explicit = true\n{ONE}',
        {"lib": "1.5", "app-lib": "2.0"},
    ),
    "an explicit index that nobody names": ('["lib"]', f"{B}explicit = true\n{ONE}", {"lib": "2.0"}),
    "a flat index before others": ('["lib", "only-b"]', f"{FLAT}{B}{ONE}", {"lib": "9.0", "only-b": "1.0"}),
    "a flat index after others": ('["lib", "flat"]', f"{B}{FLAT}{ONE}", {"lib": "1.5", "flat": "1.0"}),
    "an explicit flat index": (
        '["lib"]',
        f'[tool.uv.sources]\nlib = {{ index = "flat" }}\n{FLAT}explicit = true\n{ONE}',
        {"lib": "9.0"},
    ),
    "find-links beside an index": ('["lib"]', f'[tool.uv]\nfind-links = ["@LINKS@"]\n{ONE}', {"lib": "9.0"}),
    "find-links are nothing to a named index": (
        '["lib"]',
        f'[tool.uv]\nfind-links = ["@LINKS@"]\n[tool.uv.sources]\nlib = {{ index = "b" }}\n{B}{ONE}',
        {"lib": "1.5"},
    ),
    "no index at all": ('["lib"]', f'[tool.uv]\nno-index = true\nfind-links = ["@LINKS@"]\n{ONE}', {"lib": "9.0"}),
    "no index, and it is not among the links": (
        '["side"]',
        f'[tool.uv]\nno-index = true\nfind-links = ["@LINKS@"]\n{ONE}',
        {},
    ),
    "pre-releases": ('["lib"]', f'[tool.uv]\nprerelease = "allow"\n{ONE}', {"lib": "3.0rc1"}),
    "the lowest": (
        '["app-lib>=2", "lib"]',
        f'[tool.uv]\nresolution = "lowest"\n{ONE}',
        {"app-lib": "2.0", "lib": "1.0"},
    ),
    "the lowest of what is asked for directly": (
        '["app-lib>=1"]',
        f'[tool.uv]\nresolution = "lowest-direct"\n{ONE}',
        {"app-lib": "1.0", "lib": "2.0"},
    ),
    "a yanked release is passed over": ('["pulled"]', ONE, {"pulled": "1.0"}),
    "a yanked release that is pinned": ('["pulled==2.0"]', ONE, {"pulled": "2.0"}),
    "a yanked release that alone would do": ('["pulled>1"]', ONE, {}),
    "nothing newer": (
        '["app-lib"]',
        f'[tool.uv]\nexclude-newer = "2023-12-01"\n{ONE}',
        {"app-lib": "1.0", "lib": "1.0"},
    ),
    "nothing newer, of one project": (
        '["app-lib"]',
        f'[tool.uv]\nexclude-newer-package = {{ lib = "2023-12-01" }}\n{ONE}',
        {"app-lib": "2.0", "lib": "1.0"},
    ),
    "nothing newer, but of one project": (
        '["app-lib"]',
        f'[tool.uv]\nexclude-newer = "2023-12-01"\nexclude-newer-package = {{ lib = "2024-12-01" }}\n{ONE}',
        {"app-lib": "1.0", "lib": "2.0"},
    ),
    "nothing newer, from one index": ('["lib"]', f'{ONE}exclude-newer = "2023-12-01"\n', {"lib": "1.0"}),
    "left out for all": ('["top"]', f'[tool.uv]\nexclude-dependencies = ["side"]\n{ONE}', {"top": "2.0", "lib": "2.0"}),
    "left out of one package": (
        '["top"]',
        f'[tool.uv]\nexclude-dependencies = [{{ package = {{ name = "top" }}, dependencies = ["side"] }}]\n{ONE}',
        {"top": "2.0", "lib": "2.0"},
    ),
    "overridden for one package": (
        '["top"]',
        f'[tool.uv]\noverride-dependencies = [{{ package = {{ name = "top" }}, dependencies = ["lib<2"] }}]\n{ONE}',
        {"top": "2.0", "lib": "1.0", "side": "1.0"},
    ),
    "overridden for another version only": (
        '["top"]',
        "[tool.uv]\n"
        'override-dependencies = [{ package = { name = "top", version = "1.0" }, dependencies = ["lib<2"] }]\n' + ONE,
        {"top": "2.0", "lib": "2.0", "side": "1.0"},
    ),
    "an override for one package may add": (
        '["side"]',
        f'[tool.uv]\noverride-dependencies = [{{ package = {{ name = "side" }}, dependencies = ["lib<2"] }}]\n{ONE}',
        {"side": "1.0", "lib": "1.0"},
    ),
}


@pytest.mark.parametrize("case", PROJECTS)
def test_a_project_gets_what_uv_gives_it(bench: Bench, case: str) -> None:
    dependencies, settings, expected = PROJECTS[case]
    path = bench.write("pyproject.toml", f"{HEADER}dependencies = {dependencies}\n{settings}")
    assert bench.uvs(path) == expected
    assert chosen(bench.ours(path)) == expected


VARIABLES = {
    "an extra one": ({"UV_EXTRA_INDEX_URL": "@B@"}, {"lib": "1.5"}),
    "one with a name": ({"UV_INDEX": "other=@B@"}, {"lib": "1.5"}),
    "another default": ({"UV_DEFAULT_INDEX": "@B@"}, {"lib": "1.5"}),
    "another default, the old way": ({"UV_INDEX_URL": "@B@"}, {"lib": "1.5"}),
}


@pytest.mark.parametrize("case", VARIABLES)
def test_variables_of_uv_go_before_the_file(bench: Bench, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, expected = VARIABLES[case]
    path = bench.write("pyproject.toml", f'{HEADER}dependencies = ["lib"]\n{ONE}')
    given = {name: value.replace("@B@", f"{bench.server.url}/b/simple") for name, value in variables.items()}
    assert bench.uvs(path, variables=given) == expected
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert chosen(bench.ours(path)) == expected


def test_uvs_settings_go_before_the_index_of_a_requirements_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bench.write("requirements.txt", "--index-url @A@\nlib\n")
    variables = {"UV_DEFAULT_INDEX": f"{bench.server.url}/b/simple"}
    assert bench.uvs(path, variables) == {"lib": "1.5"}
    monkeypatch.setenv("UV_DEFAULT_INDEX", variables["UV_DEFAULT_INDEX"])
    assert chosen(bench.ours(path)) == {"lib": "1.5"}
    assert chosen(bench.ours(path, "pip")) == {"lib": "2.0"}


# --- what files have: hashes ---

LIB = wheel("lib", "2.0").sha256
SIDE = wheel("side", "1.0").sha256
OTHER = "0" * 64


@pytest.mark.parametrize("frontend", ["uv", "pip"])
@pytest.mark.parametrize(
    ("lines", "kind", "said"),
    [
        (f"lib==2.0 --hash=sha256:{LIB}\n", None, ""),
        (f"lib==2.0 --hash=sha256:{OTHER} --hash=sha256:{LIB}\n", None, ""),
        (f"lib==2.0 --hash=sha256:{OTHER}\n", "not-found", "none of its files has a hash that is given for it"),
        (f"--require-hashes\nside==1.0 --hash=sha256:{SIDE}\n", None, ""),
        (
            f"--require-hashes\ntop==2.0 --hash=sha256:{wheel('top', '2.0', 'lib>=1', 'side').sha256}\n",
            "hashes",
            "no exact version with a hash is given for lib, side",
        ),
        (f"--require-hashes\nside --hash=sha256:{SIDE}\n", "hashes", "is given for side"),
    ],
)
def test_hashes_decide_which_files_there_are(
    bench: Bench, lines: str, kind: str | None, said: str, frontend: str
) -> None:
    """pip 26 and uv 0.13.8 refuse a file with another hash, and with --require-hashes what has none."""
    resolution = bench.ours(bench.write("requirements.txt", f"--index-url @A@\n{lines}"), frontend)
    failure = resolution.failure
    assert (failure.kind if failure else None) == kind
    assert said in (failure.message if failure else "")


@pytest.mark.parametrize(("frontend", "kind"), [("uv", None), ("pip", "hashes")])
def test_a_hash_without_an_exact_version_counts_for_nothing(bench: Bench, frontend: str, kind: str | None) -> None:
    """pip 26 refuses it (one hash makes it demand them all), uv 0.13.8 passes over the hash."""
    path = bench.write("requirements.txt", f"--index-url @A@\nlib --hash=sha256:{OTHER}\n")
    failure = bench.ours(path, frontend).failure
    assert (failure.kind if failure else None) == kind


def test_a_hash_of_another_kind_is_not_compared(bench: Bench) -> None:
    path = bench.write("requirements.txt", f"--index-url @A@\nlib==2.0 --hash=sha512:{OTHER * 2}\n")
    resolution = bench.ours(path, "pip")
    assert chosen(resolution) == {"lib": "2.0"}
    assert any("only sha256 is compared" in u.reason for u in resolution.unknowns)


# --- requirements files ---


@pytest.mark.parametrize("platform", ["linux-64", "osx-arm64", "win-64"])
def test_markers_hold_for_the_platform_asked_for(bench: Bench, platform: str) -> None:
    text = "--index-url @A@\nside; sys_platform == 'linux'\nlib; sys_platform == 'win32'\npulled; os_name == 'posix'\n"
    expected = {"linux-64": {"side", "pulled"}, "osx-arm64": {"pulled"}, "win-64": {"lib"}}[platform]
    assert set(chosen(bench.ours(bench.write("requirements.txt", text), "pip", platform))) == expected


@pytest.mark.parametrize(
    ("frontend", "lines", "expected"),
    [
        ("pip", "--pre\nlib\n", {"lib": "3.0rc1"}),
        ("uv", "lib\n", {"lib": "2.0"}),
        ("pip", "--extra-index-url @B@\nlib\nonly-b\n", {"lib": "2.0", "only-b": "1.0"}),
        ("uv", "--extra-index-url @B@\nlib\nonly-b\n", {"lib": "1.5", "only-b": "1.0"}),
        ("pip", "--no-index\n--find-links @LINKS@\nlib\n", {"lib": "9.0"}),
        ("uv", "--no-index\n--find-links @LINKS@\nlib\n", {"lib": "9.0"}),
    ],
)
def test_options_of_a_requirements_file(bench: Bench, frontend: str, lines: str, expected: dict[str, str]) -> None:
    path = bench.write("requirements.txt", f"--index-url @A@\n{lines}")
    assert chosen(bench.ours(path, frontend)) == expected
    if frontend == "uv":
        assert bench.uvs(path) == expected


# --- an index that one has no right to ---


@pytest.mark.parametrize(
    ("strategy", "expected"), [("first-index", {}), ("unsafe-best-match", {"side": "1.0"})], ids=["first", "unsafe"]
)
def test_an_index_that_refuses_ends_the_search_unless_all_are_trusted(
    bench: Bench, strategy: str, expected: dict[str, str]
) -> None:
    """uv 0.13.8: only the unsafe strategies pass over an index that answers 401 or 403."""
    bench.server.routes["/private/side/"] = Response(status=403)
    private = f'[[tool.uv.index]]\nurl = "{bench.server.url}/private"\n'
    settings = f'[tool.uv]\nindex-strategy = "{strategy}"\n{private}{ONE}'
    path = bench.write("pyproject.toml", f'{HEADER}dependencies = ["side"]\n{settings}')
    assert bench.uvs(path) == expected
    resolution = bench.ours(path)
    assert chosen(resolution) == expected
    if expected:
        assert any("refuses to say" in u.reason for u in resolution.unknowns)
    else:
        assert resolution.failure is not None
        assert resolution.failure.kind == "index"


def test_a_named_index_takes_its_credentials_from_variables(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv.md U6.10; the name in capitals, what is no letter or digit as `_`."""
    index = PackageIndex([wheel("secret", "1.0")])
    with Server(index.routes(), credentials=("me", "pass-word")) as private:
        settings = f'[[tool.uv.index]]\nname = "my-own.index"\nurl = "{private.url}/simple"\n{ONE}'
        path = bench.write("pyproject.toml", f'{HEADER}dependencies = ["secret"]\n{settings}')
        monkeypatch.setenv("UV_INDEX_MY_OWN_INDEX_USERNAME", "me")
        monkeypatch.setenv("UV_INDEX_MY_OWN_INDEX_PASSWORD", "pass-word")
        resolution = bench.ours(path)
    assert chosen(resolution) == {"secret": "1.0"}
    assert "pass-word" not in repr(resolution)
