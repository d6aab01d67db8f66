"""Conda channels: what a solve gives, what is kept of it, and what an unreadable channel leaves (pixi.md P4, P7)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pixi_diagnose.conda import (
    CondaPackage,
    CondaQuestion,
    CondaResolution,
    CondaSession,
    channel_url,
    closure,
    pypi_specifier,
    python_version,
    reached_through,
    shown_channel,
    tools,
)
from pixi_diagnose.evidence import Place
from pixi_diagnose.index.cache import FactCache
from pixi_diagnose.manifest.model import CondaSpec, Platform, VirtualPackage
from support.packages import channel_files, channel_routes, compress, conda_record, write_channel, write_files
from support.server import Response, Server
from support.worlds import CONDA, world

LINUX = Platform("linux-64", "linux-64", (VirtualPackage("__glibc", "2.28"),))
FRESH = 600.0


@pytest.fixture(autouse=True)
def channel_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Channel data of these tests lives in a folder of their own, and nobody's pixi configuration counts."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "pixi-cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PIXI_HOME", str(tmp_path / "pixi-home"))
    return tmp_path / "pixi-cache" / "repodata"


@pytest.fixture
def cache(tmp_path: Path) -> FactCache:
    return FactCache(tmp_path / "cache")


def spec(name: str, version: str = "*", **more: Any) -> CondaSpec:
    return CondaSpec(name, name, version, Place("pixi.toml", ("dependencies", name)), **more)


def question(channels: str | tuple[str, ...], *specs: CondaSpec, **more: Any) -> CondaQuestion:
    channels = (channels,) if isinstance(channels, str) else channels
    return CondaQuestion(specs, channels, more.pop("platform", LINUX), **more)


def solve(asked: CondaQuestion, cache: FactCache, *, max_age: float | None = FRESH) -> CondaResolution:
    """Ask in a session of its own, as another run of the program would."""
    return CondaSession(cache, max_age=max_age).solve(asked)


def chosen(found: CondaResolution) -> dict[str, str]:
    return {p.name: p.version for p in found.packages}


# --- solving --------------------------------------------------------------------------------------------------------


def test_a_solve_gives_versions_and_projects(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    found = solve(question(channel, spec("python", "3.11.*"), spec("pytorch", "<2.6")), cache)
    assert found.solved
    assert [(p.name, p.version, p.projects) for p in found.packages] == [
        ("python", "3.11.7", ()),
        ("pytorch", "2.5.0", (("torch", "2.5.0"),)),
    ]


def gpu(name: str, version: str, build: str, depends: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    return conda_record(name, version, build, subdir="linux-64", depends=depends, **more)


PYTORCH = (
    *(gpu("python", v, "h0_0_cpython", purls=[]) for v in ("3.11.9", "3.12.7")),
    *(
        gpu("pytorch", "2.7.1", f"{kind}_py{minor}_h1_0", depends, build_number=number, purls=["pkg:pypi/torch"])
        for minor in ("311", "312")
        for python in (f"python >=3.{minor[1:]},<3.{int(minor[1:]) + 1}.0a0",)
        for kind, number, depends in (
            ("cpu_generic", 1, (python, "setuptools")),
            ("cuda126_generic", 301, (python, "setuptools", "__cuda", "cuda-version >=12.6,<13")),
            ("cuda129_generic", 300, (python, "setuptools", "__cuda", "cuda-version >=12.9,<13")),
        )
    ),
    conda_record("setuptools", "80.9.0", depends=["python >=3.9"], purls=["pkg:pypi/setuptools"]),
    *(
        conda_record("cuda-version", v, constrains=[f"__cuda >={v.partition('.')[0]}"], noarch="generic", purls=[])
        for v in ("12.6", "12.9", "13.0")
    ),
    gpu("cuda-nvcc", "12.6.85", "h1_0", ["cuda-version >=12.6,<12.7.0a0"], purls=[]),
    gpu("cuda-nvcc", "12.9.86", "h1_0", ["cuda-version >=12.9,<12.10.0a0"], purls=[]),
)
"""The native stack as conda-forge names it: builds for CPU and for CUDA, which need `__cuda` and a `cuda-version`."""


def with_cuda(version: str) -> Platform:
    return Platform("gpu", "linux-64", (*LINUX.virtual_packages, VirtualPackage("__cuda", version)))


def build_of(found: CondaResolution, name: str) -> str:
    return next(p.build for p in found.packages if p.name == name)


def test_without_a_declared_cuda_pytorch_is_built_for_the_cpu(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "c", PYTORCH)
    found = solve(question(channel, spec("python", "3.12.*"), spec("pytorch")), cache)
    assert build_of(found, "pytorch") == "cpu_generic_py312_h1_0"
    assert "setuptools" in chosen(found)


def test_a_declared_cuda_gives_its_build(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "c", PYTORCH)
    asked = question(channel, spec("python", "3.11.*"), spec("pytorch"), platform=with_cuda("12.4"))
    found = solve(asked, cache)
    assert build_of(found, "pytorch") == "cuda126_generic_py311_h1_0"
    assert chosen(found)["cuda-version"] == "12.9"


def test_the_compiler_and_pytorch_agree_on_the_cuda_version(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "c", PYTORCH)
    specs = (spec("python", "3.12.*"), spec("pytorch"), spec("cuda-nvcc", "12.6.*"))
    found = solve(question(channel, *specs, platform=with_cuda("12.8")), cache)
    assert (chosen(found)["cuda-version"], build_of(found, "pytorch")) == ("12.6", "cuda126_generic_py312_h1_0")
    assert tools(found.packages) == {"nvcc": "cuda-nvcc 12.6.85"}


def test_a_pinned_build_is_the_one_that_is_taken(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "c", PYTORCH)
    specs = (spec("python"), spec("pytorch", build="cpu*"))
    assert build_of(solve(question(channel, *specs, platform=with_cuda("12.8")), cache), "pytorch").startswith("cpu")
    numbered = spec("pytorch", selectors=(("build_number", ">=301"),))
    found = solve(question(channel, spec("python"), numbered, platform=with_cuda("12.8")), cache)
    assert build_of(found, "pytorch").startswith("cuda126")


def test_a_strict_priority_keeps_to_the_first_channel_and_a_disabled_one_does_not(
    tmp_path: Path, cache: FactCache
) -> None:
    first = write_channel(tmp_path / "first", [conda_record("lib", "1.0")])
    second = write_channel(tmp_path / "second", [conda_record("lib", "2.0")])
    assert chosen(solve(question((first, second), spec("lib")), cache)) == {"lib": "1.0"}
    assert chosen(solve(question((first, second), spec("lib"), channel_priority="disabled"), cache)) == {"lib": "2.0"}
    assert chosen(solve(question((first, second), spec("lib", channel=second)), cache)) == {"lib": "2.0"}


def test_the_solve_strategy_decides_between_versions(tmp_path: Path, cache: FactCache) -> None:
    records = [conda_record("app", v, depends=["lib"]) for v in ("1.0", "2.0")]
    channel = write_channel(tmp_path / "c", [*records, *(conda_record("lib", v) for v in ("1.0", "2.0"))])
    found = {s: chosen(solve(question(channel, spec("app"), strategy=s), cache)) for s in ("lowest", "lowest-direct")}
    assert found == {"lowest": {"app": "1.0", "lib": "1.0"}, "lowest-direct": {"app": "1.0", "lib": "2.0"}}


def test_constraints_limit_what_nobody_asks_for_by_name(tmp_path: Path, cache: FactCache) -> None:
    records = [conda_record("app", "1.0", depends=["lib"]), *(conda_record("lib", v) for v in ("1.0", "2.0"))]
    channel = write_channel(tmp_path / "c", records)
    assert chosen(solve(question(channel, spec("app"), constraints=(spec("lib", "<2"),)), cache))["lib"] == "1.0"
    assert "lib" not in chosen(solve(question(channel, constraints=(spec("lib", "<2"),)), cache))


def test_pixi_p8_virtual_packages_are_those_of_the_declared_platform(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "c", [conda_record("needs-glibc", "1.0", depends=["__glibc >=2.30"])])
    newer = Platform("new", "linux-64", (VirtualPackage("__glibc", "2.34"),))
    failure = solve(question(channel, spec("needs-glibc")), cache).failure
    assert failure is not None
    assert "__glibc" in failure.message
    assert solve(question(channel, spec("needs-glibc"), platform=newer), cache).failure is None


def test_pixi_p8_an_architecture_is_version_1_for_the_solver(tmp_path: Path, cache: FactCache) -> None:
    """Seen with pixi 0.77: `__archspec >=1` holds on any platform whose architecture is known, the build must match."""
    records = [
        conda_record("any", "1.0", depends=["__archspec >=1"]),
        conda_record("fast", "1.0", "plain"),
        conda_record("fast", "1.0", "v3", depends=["__archspec * x86_64_v3"], build_number=1),
    ]
    channel = write_channel(tmp_path / "c", records)
    built = {}
    for architecture in ("x86_64", "x86_64_v3"):
        platform = Platform("p", "linux-64", (VirtualPackage("__archspec", "0", architecture),))
        built[architecture] = build_of(
            solve(question(channel, spec("any"), spec("fast"), platform=platform), cache), "fast"
        )
    assert built == {"x86_64": "plain", "x86_64_v3": "v3"}


def test_track_features_weigh_a_build_down(tmp_path: Path, cache: FactCache) -> None:
    records = [conda_record("lib", "1.0", "debug", track_features="debug", build_number=9), conda_record("lib", "1.0")]
    assert build_of(solve(question(write_channel(tmp_path / "c", records), spec("lib")), cache), "lib") == "0"


def test_another_platform_has_its_own_records_and_noarch(tmp_path: Path, cache: FactCache) -> None:
    records = [
        conda_record("app", "1.0", depends=["lib"]),
        conda_record("lib", "1.0", subdir="osx-arm64"),
        conda_record("lib", "2.0", subdir="linux-64"),
    ]
    channel = write_channel(tmp_path / "c", records)
    mac = Platform("osx-arm64", "osx-arm64", (VirtualPackage("__osx", "13.0"),))
    assert chosen(solve(question(channel, spec("app"), platform=mac), cache)) == {"app": "1.0", "lib": "1.0"}


def test_an_environment_of_a_group_is_what_its_own_specs_reach(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    group = solve(question(channel, spec("numpy"), spec("cuda-nvcc")), cache)
    assert [p.name for p in closure(group.packages, ["numpy"])] == ["numpy", "python"]


def test_the_chain_to_a_package_starts_at_one_that_is_asked_for(tmp_path: Path, cache: FactCache) -> None:
    records = [
        conda_record("app", "1.0", depends=["middle"]),
        conda_record("middle", "1.0", depends=["lib >=1"]),
        conda_record("lib", "1.0"),
    ]
    packages = solve(question(write_channel(tmp_path / "c", records), spec("app")), cache).packages
    assert [p.name for p in reached_through(packages, "lib")] == ["app", "middle", "lib"]
    assert reached_through(packages, "nothing") == ()


# --- specs without a solution -----------------------------------------------------------------------------------------


def failing(tmp_path: Path, cache: FactCache, records: Iterable[dict[str, Any]], *specs: CondaSpec, **more: Any) -> Any:
    found = solve(question(write_channel(tmp_path / "c", records), *specs, **more), cache)
    assert found.solved
    assert found.failure is not None
    return found.failure


def test_a_version_that_no_channel_has_is_said_with_those_it_has(tmp_path: Path, cache: FactCache) -> None:
    failure = failing(tmp_path, cache, PYTORCH, spec("pytorch"), spec("python", "3.9.*"))
    assert failure.message == "There is no python 3.9.*. The channels have python 3.12.7, 3.11.9."
    assert failure.packages == ("python",)


def test_a_package_that_no_channel_has_is_said(tmp_path: Path, cache: FactCache) -> None:
    failure = failing(tmp_path, cache, CONDA, spec("cuda-tolkit"))
    assert failure.message.startswith("There is no cuda-tolkit. No channel of this environment has a package called")


def test_a_missing_virtual_package_is_the_platforms_affair(tmp_path: Path, cache: FactCache) -> None:
    failure = failing(tmp_path, cache, PYTORCH, spec("pytorch", build="cuda*"))
    assert "requires __cuda, and there is none." in failure.message
    assert "__cuda is a virtual package: the platform has to declare it." in failure.message
    assert failure.packages == ("pytorch",)


def test_what_the_manifest_itself_rules_out_is_named(tmp_path: Path, cache: FactCache) -> None:
    specs = (spec("pytorch"), spec("python"), spec("cuda-version", "13.*"))
    failure = failing(tmp_path, cache, PYTORCH, spec("pytorch", build="cuda*"), *specs[1:], platform=with_cuda("13.0"))
    assert "cuda-version >=12" in failure.message
    assert "The manifest itself asks for cuda-version 13.*." in failure.message
    assert set(failure.packages) >= {"pytorch", "cuda-version"}


def test_two_specs_that_exclude_each_other_are_told_as_two_chains(tmp_path: Path, cache: FactCache) -> None:
    records = [
        conda_record("one", "1.0", depends=["lib <2"]),
        conda_record("two", "1.0", depends=["lib >=2"]),
        *(conda_record("lib", v) for v in ("1.0", "2.0")),
    ]
    failure = failing(tmp_path, cache, records, spec("one"), spec("two"))
    assert sorted(failure.packages) == ["one", "two"]
    assert "one → one 1.0 requires lib <2" in failure.message
    assert "two 1.0 requires lib >=2" in failure.message
    assert "└" not in failure.message


def test_a_constraint_that_excludes_a_package_is_named(tmp_path: Path, cache: FactCache) -> None:
    failure = failing(tmp_path, cache, [conda_record("lib", "2.0")], spec("lib"), constraints=(spec("lib", "<2"),))
    assert "The constraint lib <2 excludes it." in failure.message


def test_a_channel_that_is_not_listed_is_said_before_anything_is_solved(tmp_path: Path, cache: FactCache) -> None:
    """Seen with pixi 0.77: "requested unavailable channel"."""
    asked = spec("python", channel="https://someone:pass@mirror.example/t/tk-1/private")
    failure = failing(tmp_path, cache, CONDA, asked)
    assert "asks for the channel https://mirror.example/private, which is not among the channels" in failure.message


# --- exclude-newer ----------------------------------------------------------------------------------------------------

# 2017-07-14T02:40:00Z and 2023-11-14T22:13:20Z
DATED = (
    conda_record("lib", "1.0", timestamp=1_500_000_000_000),
    conda_record("lib", "2.0", timestamp=1_700_000_000_000),
    {k: v for k, v in conda_record("undated", "1.0").items() if k != "timestamp"},
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2023-12-01", "2.0"),
        ("2023-11-14", "2.0"),
        ("2023-11-13", "1.0"),
        ("2023-11-14T22:13:20Z", "2.0"),
        ("2023-11-14T22:13:19Z", "1.0"),
        ("7d", "2.0"),
        ("1h 30min", "2.0"),
        ("1year", "2.0"),
    ],
)
def test_pixi_a_cut_off_is_a_date_a_moment_or_a_duration(
    text: str, version: str, tmp_path: Path, cache: FactCache
) -> None:
    """Seen with pixi 0.77: a date counts to its end, the very moment is allowed, a record without a time always is."""
    asked = question(write_channel(tmp_path / "c", DATED), spec("lib"), spec("undated"), exclude_newer=text)
    assert chosen(solve(asked, cache)) == {"lib": version, "undated": "1.0"}


def test_pixi_a_packages_own_cut_off_goes_before_its_channels_and_that_before_the_general_one(
    tmp_path: Path, cache: FactCache
) -> None:
    channel = write_channel(tmp_path / "c", DATED)
    old, new = "2018-01-01", "2024-01-01"

    def version(**cutoffs: Any) -> str:
        return chosen(solve(question(channel, spec("lib"), spec("undated"), **cutoffs), cache))["lib"]

    assert version(exclude_newer=old, exclude_newer_packages={"lib": new}) == "2.0"
    assert version(exclude_newer_channels={channel: old}) == "1.0"
    assert version(exclude_newer=old, exclude_newer_channels={channel: new}) == "2.0"
    assert version(exclude_newer_channels={channel: new}, exclude_newer_packages={"lib": old}) == "1.0"


def test_cut_channels_keep_their_priority(tmp_path: Path, cache: FactCache) -> None:
    first = write_channel(tmp_path / "first", DATED)
    second = write_channel(tmp_path / "second", [conda_record("lib", "9.0")])
    cut = {"exclude_newer_channels": {first: "2018-01-01"}}
    assert chosen(solve(question((first, second), spec("lib"), **cut), cache)) == {"lib": "1.0"}
    free = question((first, second), spec("lib"), channel_priority="disabled", **cut)
    assert chosen(solve(free, cache)) == {"lib": "9.0"}


# --- channels that cannot be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["http://user:secret@127.0.0.1:9/t/secret/channel", "file:///nowhere/at/all"])
def test_an_unreachable_channel_leaves_the_declared_specs(channel: str, cache: FactCache) -> None:
    found = solve(question(channel, spec("python", "3.12.*"), spec("setuptools")), cache)
    assert not found.solved
    assert [(p.name, p.version, p.solved) for p in found.packages] == [
        ("python", "3.12.*", False),
        ("setuptools", "", False),
    ]
    (unknown,) = found.unknowns
    assert "could not be read" in unknown.reason
    assert "secret" not in unknown.reason
    assert not unknown.fault


def test_one_unreadable_channel_leaves_the_others_to_be_solved(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    lost = "http://127.0.0.1:9/nvidia"
    specs = (spec("python", "3.11.*"), spec("cuda-toolkit", "12.4.*"), spec("numpy", channel=lost), spec("pytorch"))
    found = solve(question((lost, channel), *specs), cache)
    assert not found.solved
    assert {p.name: (p.version, p.solved) for p in found.packages} == {
        "python": ("3.11.7", True),
        "pytorch": ("2.6.0", True),
        "cuda-toolkit": ("12.4.*", False),
        "numpy": ("", False),
    }
    (unknown,) = found.unknowns
    assert "channel http://127.0.0.1:9/nvidia could not be read (Connection refused" in unknown.reason
    assert "cuda-toolkit, numpy count as declared" in unknown.reason
    assert tools(found.packages) == {"nvcc": "cuda-toolkit 12.4.*"}


def test_without_every_channel_a_contradiction_is_no_verdict(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    found = solve(question(("http://127.0.0.1:9/more", channel), spec("python", "3.9.*")), cache)
    assert found.failure is None
    assert not found.solved


@pytest.mark.parametrize("body", [b"{", b"<html>", b'{"packages": {"a": 3}}', b"[]"])
def test_a_channel_that_answers_garbage_is_not_reached(body: bytes, cache: FactCache) -> None:
    routes = {f"/c/{s}/repodata.json": Response(body, content_type="application/json") for s in ("linux-64", "noarch")}
    with Server(routes) as server:
        found = solve(question(f"{server.url}/c", spec("python", "3.11.*")), cache)
    assert not found.solved
    assert found.failure is None


def test_compressed_channel_data_is_read(cache: FactCache) -> None:
    routes = {f"/c/{path}.zst": Response(compress(data, "zst")) for path, data in channel_files(CONDA).items()}
    with Server(routes) as server:
        assert solve(question(f"{server.url}/c", spec("python")), cache).solved


def test_a_protected_channel_is_read_with_the_users_credentials(
    tmp_path: Path, cache: FactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(channel_routes(CONDA, "/c"), credentials=("me", "pass-word")) as server:
        refused = solve(question(f"{server.url}/c", spec("python")), cache)
        assert not refused.solved
        assert "401" in refused.unknowns[0].reason
        in_url = server.url.replace("//", "//me:pass-word@")
        found = solve(question(f"{in_url}/c", spec("python")), cache)
        assert found.solved
        assert "pass-word" not in repr(found)
        write_files(tmp_path, {"netrc": "machine 127.0.0.1\nlogin me\npassword pass-word\n"})
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        assert solve(question(f"{server.url}/c", spec("python"), spec("numpy")), cache).solved


def test_a_mirror_of_pixis_configuration_is_asked(tmp_path: Path, cache: FactCache) -> None:
    with Server(channel_routes(CONDA, "/mirror")) as server:
        config = f'[mirrors]\n"https://conda.example/channel" = ["{server.url}/mirror"]\n'
        write_files(tmp_path / "workspace", {".pixi/config.toml": config})
        session = CondaSession(cache, str(tmp_path / "workspace"), max_age=FRESH)
        assert session.solve(question("https://conda.example/channel", spec("python"))).solved


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_offline_takes_an_old_answer_and_asks_no_channel(cache: FactCache) -> None:
    with Server(channel_routes(CONDA, "/conda-forge")) as server:
        asked = question(f"{server.url}/conda-forge", spec("python", "3.11.*"))
        online = solve(asked, cache)
        assert online.solved
        server.routes.clear()
        seen = len(server.requests)
        assert solve(asked, cache, max_age=None) == online
        assert len(server.requests) == seen


def test_offline_another_question_is_solved_with_the_data_that_is_there(cache: FactCache) -> None:
    with Server(channel_routes(CONDA, "/c")) as server:
        channel = f"{server.url}/c"
        solve(question(channel, spec("python", "3.11.*")), cache)
        seen = len(server.requests)
        found = solve(question(channel, spec("numpy")), cache, max_age=None)
        assert chosen(found) == {"numpy": "1.26.0", "python": "3.11.7"}
        assert len(server.requests) == seen


def test_offline_without_any_data_the_manifest_is_all_there_is(cache: FactCache, channel_data: Path) -> None:
    asked = question("https://conda.example/channel", spec("python", "3.11.*"))
    for _ in range(2):
        found = solve(asked, cache, max_age=None)
        assert not found.solved
        assert "not asked (offline)" in found.unknowns[0].reason
        channel_data.mkdir(parents=True, exist_ok=True)


def test_the_data_of_an_earlier_run_stands_in_for_a_channel_that_is_down(cache: FactCache) -> None:
    with Server(channel_routes(CONDA, "/c")) as server:
        channel = f"{server.url}/c"
        solve(question(channel, spec("python", "3.11.*")), cache)
    found = solve(question(channel, spec("numpy")), cache)
    assert found.solved
    assert chosen(found)["numpy"] == "1.26.0"
    assert "the data of an earlier run stands in" in found.unknowns[0].reason


def test_an_answer_is_asked_for_anew_when_it_is_too_old(cache: FactCache) -> None:
    with Server(channel_routes([conda_record("lib", "1.0")], "/c")) as server:
        asked = question(f"{server.url}/c", spec("lib"))
        assert chosen(solve(asked, cache)) == {"lib": "1.0"}
        server.routes |= channel_routes([conda_record("lib", "2.0")], "/c")
        assert chosen(solve(asked, cache)) == {"lib": "1.0"}
        assert chosen(solve(asked, cache, max_age=0.0)) == {"lib": "2.0"}


def test_a_changed_channel_in_a_folder_is_noticed_at_once(tmp_path: Path, cache: FactCache) -> None:
    asked = question(write_channel(tmp_path / "c", [conda_record("lib", "1.0")]), spec("lib"))
    assert chosen(solve(asked, cache)) == {"lib": "1.0"}
    write_channel(tmp_path / "c", [conda_record("lib", "2.0.1")])
    assert chosen(solve(asked, cache)) == {"lib": "2.0.1"}


@pytest.mark.parametrize(
    "change",
    [
        {"exclude_newer": "2018-01-01"},
        {"strategy": "lowest"},
        {"channel_priority": "disabled"},
        {"constraints": (spec("lib", "<2"),)},
        {"platform": with_cuda("12.4")},
        {"exclude_newer_packages": {"lib": "2018-01-01"}},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_kept_answer_is_to_this_question_only(change: Any, tmp_path: Path, cache: FactCache) -> None:
    records = [*DATED, conda_record("lib", "3.0", "0", depends=["__cuda"])]
    channel = write_channel(tmp_path / "c", records)
    before = solve(question(channel, spec("lib")), cache)
    after = solve(question(channel, spec("lib"), **change), cache)
    fresh = solve(question(channel, spec("lib"), **change), FactCache(tmp_path / "empty"))
    assert after == fresh
    assert before.packages != after.packages or "channel_priority" in change


def test_a_kept_answer_needs_no_solver(tmp_path: Path) -> None:
    channel = write_channel(tmp_path / "c", CONDA)
    code = (
        "import sys; from pathlib import Path\n"
        "from test_conda import *\n"
        f"cache = FactCache(Path({str(tmp_path)!r}))\n"
        f"found = solve(question({channel!r}, spec('python')), cache)\n"
        "cache.close()\n"
        "print(found.solved, 'rattler' in sys.modules, 'asyncio' in sys.modules)"
    )
    ran = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert ran[0][:2] == ["True", "True"]
    assert ran[1][:2] == ["True", "False"]


def test_one_session_asks_equal_questions_once(cache: FactCache) -> None:
    with Server(channel_routes(CONDA, "/c")) as server:
        session = CondaSession(cache, max_age=0.0)
        asked = question(f"{server.url}/c", spec("python"))
        first = session.solve(asked)
        seen = len(server.requests)
        elsewhere = CondaSpec("python", "Python", "*", Place("pixi.toml", ("feature", "x", "dependencies", "Python")))
        second = session.solve(question(f"{server.url}/c", elsewhere))
        assert len(server.requests) == seen
        assert chosen(first) == chosen(second)
        assert second.packages[0].place == elsewhere.place


# --- what is assumed of unsolved specs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec_version", "version", "assumed"),
    [
        ("3.12.*", "3.12", False),
        ("3.12", "3.12", False),
        ("==3.12.4", "3.12.4", False),
        (">=3.10,<3.12", "3.11", True),
        ("3.10.*|3.11.*", "3.11", True),
        ("", "3.14", True),
        (">=3.9.*,!=3.14.*", "3.13", True),
    ],
)
def test_the_python_of_an_unsolved_spec(spec_version: str, version: str, assumed: bool, cache: FactCache) -> None:
    found = solve(question("file:///nowhere", spec("python", spec_version or "*")), cache)
    python, assumption = python_version(found.packages)
    assert (python, bool(assumption)) == (version, assumed)


@pytest.mark.parametrize(
    ("conda", "pep440"),
    [("24.2.*", "==24.2.*"), (">=2,<3", "<3,>=2"), ("=1.2", "==1.2.*"), ("1.2", "==1.2"), ("1.*|2.*", ""), ("*", "")],
)
def test_conda_specs_as_pep_440(conda: str, pep440: str) -> None:
    assert pypi_specifier(conda) == pep440


def test_an_archives_url_says_its_version(cache: FactCache) -> None:
    url = "https://conda.example/conda-forge/linux-64/pytorch-2.5.0-cpu_generic_py312_h1_0.conda"
    (package,) = solve(question("file:///nowhere", spec("pytorch", url=url)), cache).packages
    assert (package.version, package.build) == ("2.5.0", "cpu_generic_py312_h1_0")


def test_an_archive_that_cannot_be_had_leaves_the_rest_to_be_solved(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "c", CONDA)
    url = "http://127.0.0.1:9/c/noarch/gone-1.5-0.conda"
    found = solve(question(channel, spec("python"), spec("gone", url=url)), cache)
    assert {p.name: (p.version, p.solved) for p in found.packages} == {
        "python": ("3.11.7", True),
        "gone": ("1.5", False),
    }


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("2.7.*", True), (">=2.5", True), ("", True), ("2.4.1", False), ("<2.5", False), ("==2.3.0", False)],
)
def test_pixi_p7_what_a_declared_pytorch_would_bring_is_expected_and_not_counted(
    declared: str, expected: bool, cache: FactCache
) -> None:
    found = solve(question("http://127.0.0.1:9/conda-forge", spec("pytorch", declared or "*")), cache)
    assert [p.name for p in found.packages] == ["pytorch"]
    setuptools = next((e for e in found.expected if e.package == "setuptools"), None)
    assert (setuptools is not None) is expected
    if setuptools is not None:
        assert (setuptools.projects, setuptools.because) == (("setuptools",), "pytorch")
        assert setuptools.date


def test_another_channels_pytorch_is_not_expected_to_bring_anything(cache: FactCache) -> None:
    assert solve(question("http://127.0.0.1:9/pytorch", spec("pytorch")), cache).expected == ()


# --- how channels are spelled -----------------------------------------------------------------------------------------


def test_a_channel_is_a_name_a_url_or_a_path_below_the_workspace(tmp_path: Path) -> None:
    assert channel_url("conda-forge", "/somewhere") == "conda-forge"
    assert channel_url("nvidia/label/cuda-12.4.1", "/somewhere") == "nvidia/label/cuda-12.4.1"
    assert channel_url("https://conda.example/c", "/somewhere") == "https://conda.example/c"
    assert channel_url("./local", str(tmp_path)) == (tmp_path / "local").as_uri()
    assert channel_url("../beside", str(tmp_path / "x")) == (tmp_path / "beside").as_uri()


def test_a_channel_is_shown_without_credentials() -> None:
    assert shown_channel("https://me:pw@conda.example/t/tk-12/private") == "https://conda.example/private"


def test_a_conda_version_that_is_not_pep_440_is_no_project(tmp_path: Path, cache: FactCache) -> None:
    records = [conda_record("odd", "2024_1x", purls=["pkg:pypi/odd"])]
    (package,) = solve(question(write_channel(tmp_path / "c", records), spec("odd")), cache).packages
    assert package == CondaPackage(
        "odd", "2024_1x", "0", "noarch", f"{(tmp_path / 'c').as_uri()}/", solved=True, place=package.place
    )


# --- in a whole diagnosis ---------------------------------------------------------------------------------------------


def test_a_partial_environment_says_what_it_leaves_unchecked(tmp_path: Path) -> None:
    manifest = """
[workspace]
channels = ["http://127.0.0.1:9/conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
plain = "*"

[pypi-options]
no-build-isolation = ["plain"]
"""
    sdist = {"plain-1.0/setup.py": "from setuptools import setup\nsetup(name='plain', version='1.0')\n"}
    with world(tmp_path, sdist) as packages:
        report = packages.diagnose({"pixi.toml": manifest})
    (simulation,) = report.simulations
    assert simulation.resolution.source == "partial"
    assert simulation.outcomes == {"lock": "ok", "install": "ok"}
    assert any(u.subject == "conda channels" for u in report.unknowns)
    assert report.exit_status == 0


HEAD = """
[workspace]
channels = ["{channel}"]
platforms = ["linux-64"]
{map}
[dependencies]
python = "3.11.*"
pytorch = "*"
"""
IMPORTS_TORCH = {"kernels-1.0/setup.py": "import torch\nfrom setuptools import setup\nsetup(name='kernels')\n"}


def provided(tmp_path: Path, name_map: str, document: str | None = None) -> list[str]:
    """The projects that conda gives to a workspace with a channel beside it, and a conda-pypi-map."""
    records = [{k: v for k, v in record.items() if k != "purls"} for record in CONDA]
    with world(tmp_path) as packages:
        write_channel(packages.root / "private", records)
        packages.server.routes["/map.json"] = Response((document or "{}").encode(), content_type="application/json")
        text = HEAD.format(channel="../private", map=name_map.replace("@MAP@", f"{packages.server.url}/map.json"))
        files = {"pixi.toml": text + '[pypi-dependencies]\ntorch = "*"\n', "names/map.json": document or "{}"}
        (simulation,) = packages.diagnose(files, plans=False).simulations
    return [d.project for d in simulation.resolution.distributions if d.kind == "conda"]


@pytest.mark.parametrize(
    ("name_map", "projects"),
    [
        ("", []),
        ('conda-pypi-map = { "../private" = "@MAP@" }', ["torch"]),
        ('conda-pypi-map = { "../private" = "names/map.json" }', ["torch"]),
        ('conda-pypi-map = { "../private" = { mapping = { pytorch = "torch" } } }', ["torch"]),
        ('conda-pypi-map = { "../private" = { location = "@MAP@", mapping = { pytorch = [] } } }', []),
        ('conda-pypi-map = { "../private" = false }', []),
        ("conda-pypi-map = false", []),
    ],
)
def test_pixi_p7_a_workspaces_own_map_says_what_a_channel_beside_it_provides(
    name_map: str, projects: list[str], tmp_path: Path
) -> None:
    assert provided(tmp_path, name_map, '{"pytorch": "torch"}') == projects


def test_what_a_channel_would_probably_bring_lowers_the_confidence(tmp_path: Path) -> None:
    tables = '[pypi-dependencies]\nkernels = "*"\n[pypi-options]\nno-build-isolation = ["kernels"]\n'
    with world(tmp_path, IMPORTS_TORCH) as packages:
        report = packages.diagnose(
            {"pixi.toml": HEAD.format(channel="http://127.0.0.1:9/conda-forge", map="") + tables}, plans=False
        )
    (found,) = [f for f in report.findings if f.rule.code == "ISO102"]
    assert found.confidence == "low"
    assert any("conda-forge's pytorch brings setuptools along (as of 2026-08)" in s for s in found.explanation)


def test_a_failure_of_the_solve_points_to_the_spec(tmp_path: Path) -> None:
    with world(tmp_path) as packages:
        text = HEAD.format(channel="conda-forge", map="") + 'cuda-tolkit = "*"\n[pypi-dependencies]\nplain = "*"\n'
        report = packages.diagnose({"pixi.toml": text}, plans=False)
    (found,) = report.findings
    assert found.message == "conda cannot give cuda-tolkit as it is asked for"
    assert found.place is not None
    assert found.place.key == ("dependencies", "cuda-tolkit")
