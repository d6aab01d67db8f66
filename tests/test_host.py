"""Which of an environment's platforms pixi would pick here, and what `check --json` says of its dependencies then."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pixi_diagnose.environment import supported_platforms
from pixi_diagnose.frontends.host import Detected, Host
from pixi_diagnose.manifest import read_manifest

HEAD = '[workspace]\nname = "w"\nchannels = []\n'
SERVER = {
    "__unix": "0",
    "__linux": "5.14",
    "__glibc": "2.34",
    "__archspec": "1",
    "__cuda": "12.2",
    "__cuda_arch": "8.6",
}
LAPTOP = {name: version for name, version in SERVER.items() if not name.startswith("__cuda")}


def best(
    platforms: str,
    rest: str = "",
    *,
    variables: Mapping[str, str] | None = None,
    detected: Mapping[str, str] = LAPTOP,
    native: str = "linux-64",
    environment: str = "default",
) -> str | None:
    manifest = read_manifest(f"{HEAD}platforms = [{platforms}]\n{rest}", "pixi.toml")
    host = Host(native, variables or {}, detected)
    found = host.best_platform(supported_platforms(manifest, environment), alone=len(manifest.platforms) == 1)
    return None if found is None else found.name


GPU = '{name = "gpu", platform = "linux-64", cuda = "12"}'


@pytest.mark.parametrize(
    ("platforms", "variables", "picked"),
    [
        ('"osx-arm64", "linux-64"', {}, "linux-64"),
        ('"osx-arm64"', {}, None),
        ('"osx-64"', {"PIXI_OVERRIDE_PLATFORM": "osx-arm64"}, "osx-64"),
        ('"osx-64", "osx-arm64"', {"PIXI_OVERRIDE_PLATFORM": "osx-arm64"}, "osx-arm64"),
        ('"osx-arm64"', {"PIXI_OVERRIDE_PLATFORM": "osx-64"}, None),
        ('"win-64"', {"PIXI_OVERRIDE_PLATFORM": "win-arm64"}, "win-64"),
        ('"win-32"', {"PIXI_OVERRIDE_PLATFORM": "win-64"}, "win-32"),
        ('"win-64"', {"PIXI_OVERRIDE_PLATFORM": "win-32"}, "win-64"),
        ('"linux-64"', {"PIXI_OVERRIDE_PLATFORM": "somewhere"}, "linux-64"),
        ('"emscripten-wasm32"', {}, "emscripten-wasm32"),
        ('"emscripten-wasm32", "osx-64"', {}, None),
        (f'{GPU}, "linux-64"', {}, "linux-64"),
        (f'{GPU}, "linux-64"', {"CONDA_OVERRIDE_CUDA": "12.4"}, "gpu"),
        (f'"linux-64", {GPU}', {"CONDA_OVERRIDE_CUDA": "12.4"}, "linux-64"),
        (GPU, {"CONDA_OVERRIDE_CUDA": "11.8"}, None),
        (GPU, {"CONDA_OVERRIDE_CUDA": "12.4 or so"}, None),
        ('{name = "new", platform = "linux-64", glibc = "2.35"}', {}, None),
        ('{name = "new", platform = "linux-64", glibc = "2.35"}', {"CONDA_OVERRIDE_GLIBC": "2.39"}, "new"),
        ('{name = "old", platform = "linux-64", glibc = "2.17"}', {"CONDA_OVERRIDE_GLIBC": ""}, None),
        ('{name = "usual", platform = "linux-64", glibc = "2.28"}', {"CONDA_OVERRIDE_GLIBC": ""}, "usual"),
        ('{name = "new", platform = "linux-64", linux = "6.1"}', {"CONDA_OVERRIDE_LINUX": "6.2"}, "new"),
        ('{name = "v4", platform = "linux-64", archspec = "x86_64_v4"}', {}, "v4"),
        ('{name = "v4", platform = "linux-64", archspec = "x86_64_v4"}', {"CONDA_OVERRIDE_ARCHSPEC": ""}, None),
        ('{name = "own", platform = "linux-64", __own = "1"}', {}, None),
        (
            '{name = "m15", platform = "osx-arm64", macos = "15.0"}',
            {"PIXI_OVERRIDE_PLATFORM": "osx-arm64", "CONDA_OVERRIDE_OSX": "15.2"},
            "m15",
        ),
        ('{name = "m15", platform = "osx-arm64", macos = "15.0"}', {"CONDA_OVERRIDE_OSX": "15.2"}, None),
    ],
)
def test_the_first_platform_that_runs_here_is_picked(
    platforms: str, variables: dict[str, str], picked: str | None
) -> None:
    assert best(platforms, variables=variables) == picked


@pytest.mark.parametrize(
    ("detected", "variables", "picked"),
    [
        (SERVER, {}, "gpu"),
        (LAPTOP, {}, None),
        (SERVER, {"CONDA_OVERRIDE_CUDA": ""}, None),  # and no __cuda_arch without __cuda
        (LAPTOP, {"CONDA_OVERRIDE_CUDA_ARCH": "9.0"}, None),
        (LAPTOP, {"CONDA_OVERRIDE_CUDA": "12", "CONDA_OVERRIDE_CUDA_ARCH": "9.0"}, "gpu"),
        (LAPTOP, {"CONDA_OVERRIDE_CUDA": "12", "CONDA_OVERRIDE_CUDA_ARCH": "9"}, None),
        (SERVER, {"CONDA_OVERRIDE_CUDA_ARCH": "7.5"}, None),
    ],
)
def test_a_compute_capability_counts_with_a_driver_only(
    detected: dict[str, str], variables: dict[str, str], picked: str | None
) -> None:
    platform = '{name = "gpu", platform = "linux-64", cuda = {driver = "12", arch = "8.0"}}'
    assert best(platform, detected=detected, variables=variables) == picked


def test_system_requirements_of_a_feature_decide_for_its_environments_only() -> None:
    rest = '[feature.gpu.system-requirements]\ncuda = "12"\n[environments]\ngpu = ["gpu"]\n'
    assert best('"linux-64"', rest) == "linux-64"
    assert best('"linux-64"', rest, environment="gpu") is None
    assert best('"linux-64"', rest, environment="gpu", detected=SERVER) == "linux-64-cuda-12"


def test_musl_goes_where_a_glibc_is_given() -> None:
    rest = '[system-requirements]\nlibc = {family = "musl", version = "1.2"}\n'
    alpine = {"__linux": "6.1", "__musl": "1.2.5"}
    assert best('"linux-64"', rest, detected=alpine) == "linux-64-musl-1-2"
    assert best('"linux-64"', rest, detected=alpine, variables={"CONDA_OVERRIDE_GLIBC": "2.28"}) is None


def test_this_machine_is_described_as_rattler_describes_it() -> None:
    import rattler

    theirs = {p.name.normalized: str(p.version) for p in (v.into_generic() for v in rattler.VirtualPackage.detect())}
    names = [*SERVER, "__osx", "__win", "__musl"]
    assert {name: Detected().get(name) for name in names} == {name: theirs.get(name) for name in names}


MANIFEST = """\
[workspace]
name = "w"
channels = []
platforms = ["linux-64", "win-64"]
[system-requirements]
cuda = "12"
[dependencies]
Everywhere = "*"
[target.linux-64.dependencies]
linux-only = "*"
[target.win-64.pypi-dependencies]
windows-only = "*"
"""


def checked(folder: Path, **variables: str) -> list[dict[str, object]]:
    (folder / "pixi.toml").write_text(MANIFEST)
    run = subprocess.run(
        [sys.executable, "-m", "pixi_diagnose", "check", "--json", "--offline", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={"XDG_CACHE_HOME": str(folder / "cache"), "PIXI_OVERRIDE_PLATFORM": "linux-64", **variables},
    )
    return json.loads(run.stdout)["environments"]  # type: ignore[no-any-return]


def test_where_a_platform_runs_here_each_entry_has_the_dependencies_of_its_own(tmp_path: Path) -> None:
    linux, windows = checked(tmp_path, CONDA_OVERRIDE_CUDA="12.4")
    assert [e["best_platform"] for e in (linux, windows)] == ["linux-64-cuda-12"] * 2
    assert linux["dependencies"] == linux["platform_dependencies"] == ["Everywhere", "linux-only"]
    assert windows["pypi_dependencies"] == windows["platform_pypi_dependencies"] == ["windows-only"]


def test_where_none_does_the_dependencies_are_those_that_hold_everywhere(tmp_path: Path) -> None:
    linux, windows = checked(tmp_path, CONDA_OVERRIDE_CUDA="")
    assert [e["best_platform"] for e in (linux, windows)] == [None, None]
    assert linux["dependencies"] == windows["dependencies"] == ["Everywhere"]
    assert windows["pypi_dependencies"] == []
    assert linux["platform_dependencies"] == ["Everywhere", "linux-only"]
    assert windows["platform_pypi_dependencies"] == ["windows-only"]


def test_a_plain_platform_is_judged_without_rattler() -> None:
    code = (
        "import sys; from pixi_diagnose.frontends.machine import Machine; "
        "from pixi_diagnose.manifest.platforms import bare_platform; "
        "assert Machine('linux-64').host.best_platform([bare_platform('linux-64')]); "
        "print('rattler' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
