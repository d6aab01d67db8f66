"""Requirements → distributions for a target: a real uv over the overlay, loopback indexes, and nothing executed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from pixi_diagnose.errors import ArchiveError, IndexAccessError
from pixi_diagnose.evidence import Unknown
from pixi_diagnose.index import client as client_module
from pixi_diagnose.index.model import (
    Distribution,
    IndexSettings,
    LocalProject,
    ProvidedProject,
    PypiRequest,
    PypiResolution,
)
from pixi_diagnose.index.resolutions import resolve_projects
from pixi_diagnose.index.session import FORMAT, IndexSession, unknown_from_json
from pixi_diagnose.manifest.model import FindLinks, Platform, VirtualPackage
from pixi_diagnose.metadata import MetadataSource, static_metadata
from pixi_diagnose.source_tree import SourceTree
from support.packages import PackageFile, PackageIndex, make_sdist, make_wheel, pkg_info
from support.server import Response, Server, redirect

LINUX = Platform("linux-64", "linux-64", (VirtualPackage("__glibc", "2.28"),))


class Indexes:
    """Two loopback indexes, `a` (the default) and `b`, and a session that asks them."""

    def __init__(self, server: Server, session: IndexSession) -> None:
        self.server = server
        self.session = session
        self.a = PackageIndex()
        self.b = PackageIndex()

    def publish(self) -> None:
        self.server.routes |= self.a.routes("/a", "/files/a") | self.b.routes("/b", "/files/b")

    def ask(
        self, *requirements: str, platform: Platform = LINUX, python: str = "3.12.7", **fields: object
    ) -> PypiResolution:
        names = ("provided", "local", "constraints", "overrides")
        question = {name: fields.pop(name) for name in names if name in fields}
        settings = IndexSettings(**{"index_url": f"{self.server.url}/a", **fields})  # type: ignore[arg-type]
        request = PypiRequest(requirements, python, platform, settings, **question)  # type: ignore[arg-type]
        return resolve_projects(request, self.session)

    def chosen(self, *requirements: str, **fields: object) -> dict[str, tuple[str, str]]:
        answer = self.ask(*requirements, **fields)  # type: ignore[arg-type]
        assert answer.failure is None, answer.failure
        return {d.project: (d.version, d.kind) for d in answer.distributions}


@pytest.fixture
def indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    monkeypatch.setattr(client_module, "ATTEMPTS", 1)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server() as server, IndexSession(tmp_path / "cache") as session:
        yield Indexes(server, session)


def of(answer: PypiResolution, project: str) -> Distribution:
    return next(d for d in answer.distributions if d.project == project)


def sdist(name: str, version: str, *requires: str, **files: str) -> PackageFile:
    return make_sdist(name, version, {"PKG-INFO": pkg_info(name, version, requires), **files})


# --- what is chosen, and what is said of it ---


def test_wheels_and_sdists_are_told_apart_with_their_real_addresses(indexes: Indexes) -> None:
    wheel, source = make_wheel("plain", "1.0", requires=["built>=1"]), sdist("built", "1.0", "leaf")
    indexes.a.add(wheel).add(source).add(make_wheel("leaf", "2.0"))
    indexes.publish()
    answer = indexes.ask("plain")
    base = indexes.server.url
    assert of(answer, "plain") == Distribution(
        "plain", "1.0", "wheel", wheel.filename, f"{base}/files/a/{wheel.filename}", wheel.sha256, f"{base}/a",
        requires=("built>=1",), required_by=("",), metadata=of(answer, "plain").metadata,
    )  # fmt: skip
    built = of(answer, "built")
    assert (built.kind, built.url, built.sha256) == ("sdist", f"{base}/files/a/{source.filename}", source.sha256)
    assert (built.built, built.why_built) == (True, "no wheel on the index")
    assert built.metadata is not None
    assert (built.metadata.source, built.metadata.is_static_for("uv")) == (MetadataSource.PKG_INFO, True)
    assert of(answer, "leaf").required_by == ("built",)


def test_the_highest_release_is_taken_even_if_only_an_older_one_has_a_wheel(indexes: Indexes) -> None:
    """pixi 0.77, P9 "What is chosen"."""
    indexes.a.add(make_wheel("pack", "1.0")).add(sdist("pack", "2.0"))
    indexes.publish()
    assert indexes.chosen("pack") == {"pack": ("2.0", "sdist")}


def test_a_release_whose_wheels_do_not_fit_is_built_with_their_metadata(indexes: Indexes) -> None:
    """uv.md U2, step 1: any wheel of the version, even one that does not fit."""
    indexes.a.add(make_wheel("pack", "1.0", tag="cp39-cp39-win_amd64", requires=["from-wheel"]))
    indexes.a.add(make_sdist("pack", "1.0", {"setup.py": ""})).add(make_wheel("from-wheel", "1.0"))
    indexes.publish()
    pack = of(indexes.ask("pack"), "pack")
    assert (pack.kind, pack.requires, pack.why_built) == (
        "sdist",
        ("from-wheel",),
        "its wheels are for Windows x86_64 only (cp39)",
    )
    assert pack.metadata is not None
    assert [pack.metadata.is_static_for(f) for f in ("pixi", "uv", "pip")] == [True, True, False]


@pytest.mark.parametrize(
    ("subdir", "project"),
    [
        ("linux-64", "on-linux"),
        ("linux-aarch64", "on-linux"),
        ("osx-arm64", "on-mac"),
        ("osx-64", "on-mac"),
        ("win-64", "on-windows"),
    ],
)
def test_markers_are_those_of_the_declared_platform(indexes: Indexes, subdir: str, project: str) -> None:
    """And platform_release is empty: pixi 0.77, P8."""
    lines = [
        "on-linux; sys_platform == 'linux'",
        "on-mac; platform_system == 'Darwin'",
        "on-windows; os_name == 'nt'",
        "released; platform_release != ''",
    ]
    indexes.a.add(make_wheel("pack", "1.0", requires=lines))
    for name in ("on-linux", "on-mac", "on-windows"):
        indexes.a.add(make_wheel(name, "1.0"))
    indexes.publish()
    answer = indexes.ask("pack", platform=Platform(subdir, subdir, ()))
    assert [d.project for d in answer.distributions] == [project, "pack"]
    assert of(answer, project).required_by == ("pack",)


def test_who_requires_whom_follows_extras_markers_and_overrides(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("app", "1.0", requires=["tool[fast]", "old; python_version < '3'", "lib>=2"]))
    indexes.a.add(
        make_wheel("tool", "1.0", requires=["ninja; extra == 'fast'", "slow; extra == 'slow'"], extras=["fast", "slow"])
    )
    for name in ("ninja", "slow", "old", "lib"):
        indexes.a.add(make_wheel(name, "1.0"))
    indexes.publish()
    answer = indexes.ask("app", "lib", overrides=("lib==1.0",))
    assert {d.project: d.required_by for d in answer.distributions} == {
        "app": ("",),
        "lib": ("", "app"),
        "ninja": ("tool",),
        "tool": ("app",),
    }


def test_an_unknown_extra_is_no_error(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0"))
    indexes.publish()
    assert indexes.chosen("pack[nothing]") == {"pack": ("1.0", "wheel")}


def test_constraints_hold_without_requiring(indexes: Indexes) -> None:
    for version in ("1.0", "2.0"):
        indexes.a.add(make_wheel("pack", version))
    indexes.publish()
    assert indexes.chosen("pack", constraints=("pack<2", "nobody==1")) == {"pack": ("1.0", "wheel")}


def test_local_versions_are_served(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0")).add(make_wheel("pack", "1.0+cu124"))
    indexes.publish()
    assert indexes.chosen("pack==1.0") == {"pack": ("1.0+cu124", "wheel")}


# --- several indexes: pixi 0.77, P9 ---


def test_extra_indexes_come_first_and_the_first_that_knows_a_project_is_the_only_one(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "2.0")).add(make_wheel("only-a", "1.0"))
    indexes.b.add(make_wheel("pack", "1.0"))
    indexes.publish()
    extra = (f"{indexes.server.url}/b",)
    answer = indexes.ask("pack", "only-a", extra_index_urls=extra)
    assert [(d.project, d.version, d.index[-2:]) for d in answer.distributions] == [
        ("only-a", "1.0", "/a"),
        ("pack", "1.0", "/b"),
    ]
    best = indexes.ask("pack", extra_index_urls=extra, index_strategy="unsafe-best-match")
    assert [(d.version, d.index[-2:]) for d in best.distributions] == [("2.0", "/a")]


def test_a_project_may_name_its_own_index(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "3.0")).add(make_wheel("other", "1.0"))
    indexes.b.add(make_wheel("pack", "2.0")).add(make_wheel("other", "2.0"))
    indexes.publish()
    own = (("pack", f"{indexes.server.url}/b"),)
    assert indexes.chosen("pack", "other", project_indexes=own) == {"pack": ("2.0", "wheel"), "other": ("1.0", "wheel")}


def test_find_links_add_to_an_index_and_stand_alone(indexes: Indexes, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    for file in (make_wheel("pack", "2.0", requires=["alone"]), sdist("alone", "1.0")):
        (folder / file.filename).write_bytes(file.data)
    indexes.a.add(make_wheel("pack", "1.0"))
    indexes.publish()
    answer = indexes.ask("pack", find_links=(FindLinks(path="links"),), root=str(tmp_path))
    assert {d.project: (d.version, d.kind) for d in answer.distributions} == {
        "pack": ("2.0", "wheel"),
        "alone": ("1.0", "sdist"),
    }
    assert indexes.session.source_tree(of(answer, "alone")).text("PKG-INFO")


@pytest.mark.parametrize("json", [False, True])
@pytest.mark.parametrize("core_metadata", [False, True])
def test_html_and_json_with_and_without_core_metadata_are_alike(
    indexes: Indexes, json: bool, core_metadata: bool
) -> None:
    indexes.a = PackageIndex(json=json, core_metadata=core_metadata)
    indexes.a.add(make_wheel("pack", "1.0", requires=["leaf"], requires_python=">=3.9")).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    assert indexes.chosen("pack") == {"pack": ("1.0", "wheel"), "leaf": ("1.0", "wheel")}


# --- options ---


def test_exclude_newer_needs_a_date(indexes: Indexes) -> None:
    indexes.a = PackageIndex(json=True)
    indexes.a.add(make_wheel("pack", "1.0"), upload_time="2023-01-01T00:00:00Z")
    indexes.a.add(make_wheel("pack", "2.0"), upload_time="2025-01-01T00:00:00Z")
    indexes.a.add(make_wheel("pack", "3.0"))
    indexes.publish()
    assert indexes.chosen("pack", exclude_newer="2024-01-01") == {"pack": ("1.0", "wheel")}


def test_no_build_takes_an_older_wheel_or_fails(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0")).add(sdist("pack", "2.0")).add(sdist("source-only", "1.0"))
    indexes.publish()
    assert indexes.chosen("pack", no_build=True) == {"pack": ("1.0", "wheel")}
    failure = indexes.ask("source-only", no_build=("Source_Only",)).failure
    assert failure is not None
    assert (failure.kind, failure.projects) == ("no-build", ("source-only",))
    assert "no-build forbids building it" in failure.message
    assert indexes.chosen("source-only", no_build=("pack",)) == {"source-only": ("1.0", "sdist")}


def test_disallowed_pre_releases_do_not_concern_conda(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "2.0rc1", requires=["torch"])).add(make_wheel("pack", "1.0", requires=["torch"]))
    indexes.publish()
    chosen = indexes.chosen("pack", prerelease_mode="disallow", provided=(ProvidedProject("torch", "2.6.0rc1"),))
    assert chosen == {"pack": ("1.0", "wheel"), "torch": ("2.6.0rc1", "conda")}


# --- what conda and the disk provide ---


def test_conda_provides_one_version_without_requirements(indexes: Indexes) -> None:
    """pixi 0.77, P7."""
    indexes.a.add(make_wheel("torch", "2.7.0", requires=["triton"])).add(make_wheel("pack", "1.0", requires=["torch"]))
    indexes.publish()
    provided = (ProvidedProject("torch", "2.6.0"),)
    assert indexes.chosen("pack", provided=provided) == {"pack": ("1.0", "wheel"), "torch": ("2.6.0", "conda")}
    failure = indexes.ask("pack", "torch>=2.7", provided=provided).failure
    assert failure is not None
    assert failure.kind == "conflict"
    assert "torch" in failure.projects


def test_a_change_of_what_conda_provides_is_seen_at_once(indexes: Indexes) -> None:
    """uv keeps pages for ten minutes and metadata for good; what is provided must never come from there."""
    indexes.a.add(make_wheel("torch", "2.7.0", requires=["triton"])).add(make_wheel("triton", "1.0"))
    indexes.publish()
    real = {"torch": ("2.7.0", "wheel"), "triton": ("1.0", "wheel")}
    assert indexes.chosen("torch") == real
    for version in ("2.6.0", "2.7.0", "2.5.0"):
        provided = (ProvidedProject("torch", version),)
        assert indexes.chosen("torch", provided=provided) == {"torch": (version, "conda")}
    # asked in another way, as the first answer itself is kept
    assert indexes.chosen("torch", "triton") == real


def test_questions_may_be_asked_at_the_same_time(indexes: Indexes) -> None:
    """Environments differ in what conda provides, and share all that uv keeps."""
    indexes.a.add(make_wheel("pack", "1.0", requires=["torch"])).add(make_wheel("torch", "2.0", requires=["leaf"]))
    indexes.a.add(make_wheel("leaf", "1.0"))
    indexes.publish()
    versions = ["1.0", "2.0", "3.0"] * 2

    def ask(version: str) -> dict[str, tuple[str, str]]:
        return indexes.chosen("pack", provided=(ProvidedProject("torch", version),))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, versions))
    assert answers == [{"pack": ("1.0", "wheel"), "torch": (version, "conda")} for version in versions]


def test_a_session_has_one_secret_whoever_asks_first(tmp_path: Path) -> None:
    """A second one would change the address of a view while uv asks it."""
    with IndexSession(tmp_path) as session, ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: session.secret, range(64)))) == 1


def test_conda_in_an_unknown_version_stands_for_what_others_need(indexes: Indexes) -> None:
    for version in ("2.5.0", "2.6.0", "2.7.0"):
        indexes.a.add(make_wheel("torch", version, requires=["triton"]))
    indexes.a.add(make_wheel("pack", "1.0", requires=["torch<2.7"]))
    indexes.publish()
    assert indexes.chosen("pack", provided=(ProvidedProject("torch", "", ">=2.5"),))["torch"] == ("2.6.0", "conda")


def test_a_conda_version_that_is_no_pypi_version_is_an_unknown(indexes: Indexes) -> None:
    """uv.md U6.11."""
    indexes.a.add(make_wheel("torch", "2.5.0"))
    indexes.publish()
    answer = indexes.ask("torch", provided=(ProvidedProject("torch", "2.5.0_custom~1"),))
    assert of(answer, "torch").kind == "conda"
    assert any("is no PyPI version" in u.reason for u in answer.unknowns)


def local(version: str, *requires: str, name: str = "mine") -> LocalProject:
    text = f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {list(requires)!r}\n'
    tree = SourceTree("directory", f"./{name}", "", {"pyproject.toml": text.encode()}, {"pyproject.toml": len(text)})
    return LocalProject(name, version, static_metadata(tree, name), tree, "directory")


def test_a_local_project_is_exactly_its_version_and_brings_its_requirements(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("mine", "9.0")).add(make_wheel("leaf", "1.0")).add(make_wheel("leaf", "2.0"))
    indexes.publish()
    answer = indexes.ask("mine", local=(local("0.1.dev0", "leaf<2"),))
    mine = of(answer, "mine")
    assert (mine.version, mine.kind, mine.url, mine.built) == ("0.1.dev0", "directory", "./mine", True)
    assert of(answer, "leaf").version == "1.0"
    edited = indexes.ask("mine", local=(local("0.1.dev0", "leaf>=2"),))
    assert of(edited, "leaf").version == "2.0"


# --- resolutions without a solution ---


def test_a_conflict_is_explained_without_the_overlay(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("one", "1.0", requires=["leaf<2"])).add(make_wheel("two", "1.0", requires=["leaf>=2"]))
    indexes.a.add(make_wheel("leaf", "1.0")).add(make_wheel("leaf", "2.0"))
    indexes.publish()
    failure = indexes.ask("one", "two").failure
    assert failure is not None
    assert failure.kind == "conflict"
    assert set(failure.projects) == {"one", "two", "leaf"}
    assert "leaf<2" in failure.message
    assert all(line.startswith(("Because ", "And because ")) for line in failure.message.splitlines())
    assert failure.message.endswith("we can conclude that your requirements are unsatisfiable.")


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("nobody", "nobody was not found"),
        ("pack==9", "no version of pack==9"),
        ("windows-only", "windows-only 1.0 cannot be used: its wheels are for Windows x86_64 only."),
    ],
)
def test_what_is_not_there_is_not_found(indexes: Indexes, requirement: str, said: str) -> None:
    indexes.a.add(make_wheel("pack", "1.0")).add(make_wheel("windows-only", "1.0", tag="py3-none-win_amd64"))
    indexes.publish()
    failure = indexes.ask(requirement).failure
    assert failure is not None
    assert (failure.kind, failure.projects[0]) == ("not-found", requirement.partition("=")[0])
    assert said in failure.message


def test_the_release_that_the_explanation_is_about_is_the_one_explained(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0", requires=["leaf==1.0"]))
    indexes.a.add(make_wheel("leaf", "1.0", tag="py3-none-win_amd64"))
    indexes.a.add(make_wheel("leaf", "2.0", tag="cp39-cp39-manylinux1_x86_64"))
    indexes.publish()
    failure = indexes.ask("pack").failure
    assert failure is not None
    assert failure.kind == "not-found"
    assert failure.message.startswith("leaf 1.0 cannot be used: its wheels are for Windows x86_64 only.\n")


def test_hints_name_the_real_index(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "2.0"))
    indexes.b.add(make_wheel("pack", "1.0"))
    indexes.publish()
    failure = indexes.ask("pack>=2", extra_index_urls=(f"{indexes.server.url}/b",)).failure
    assert failure is not None
    assert f"found on {indexes.server.url}/b" in failure.message
    assert ".invalid" not in failure.message


# --- indexes and files that are broken or hostile: each is named, the rest is kept ---


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Response(status=500), "answers with status 500"),
        (Response(b"<html>go away</html>", status=403), "needs credentials (403)"),
        (Response(b"Bad gateway"), "is not a project page"),
        (Response(b'{"files": 7}'), "is not a project page: JSON without a list of files"),
        (Response(b'{"files": [', content_type="text/html"), "broken JSON"),
        (Response(b"x" * 50, truncate_at=10), "is unreachable"),
        (redirect("/elsewhere/"), "redirects too often"),
    ],
)
def test_a_page_that_cannot_be_had_is_a_failure_that_names_it(indexes: Indexes, page: Response, said: str) -> None:
    indexes.publish()
    indexes.server.routes |= {"/a/pack/": page, "/elsewhere/": redirect("/elsewhere/")}
    failure = indexes.ask("pack").failure
    assert failure is not None
    assert (failure.kind, failure.projects) == ("index", ("pack",))
    assert said in failure.message
    assert f"{indexes.server.url}/" in failure.message


def test_a_failing_index_is_asked_again_the_next_time(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0"))
    indexes.server.routes["/a/pack/"] = Response(status=500)
    assert indexes.ask("pack").failure is not None
    indexes.publish()
    assert indexes.chosen("pack") == {"pack": ("1.0", "wheel")}


def test_an_unreachable_index_is_a_failure(indexes: Indexes) -> None:
    failure = indexes.ask("pack", index_url="http://127.0.0.1:9/simple").failure
    assert failure is not None
    assert failure.kind == "index"
    assert "http://127.0.0.1:9/simple/pack/ is unreachable" in failure.message


def test_a_missing_find_links_folder_is_a_failure(indexes: Indexes, tmp_path: Path) -> None:
    failure = indexes.ask("pack", find_links=(FindLinks(path="nowhere"),), root=str(tmp_path)).failure
    assert failure is not None
    assert "nowhere does not exist" in failure.message


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.parametrize(
    "answer", [Response(status=500), Response(status=404), Response(b"garbage"), Response(b"x" * 999, truncate_at=9)]
)
def test_one_bad_file_becomes_an_unknown_and_spoils_nothing(indexes: Indexes, kind: str, answer: Response) -> None:
    bad = make_wheel("bad", "1.0") if kind == "wheel" else sdist("bad", "1.0")
    indexes.a.add(bad).add(make_wheel("good", "1.0", requires=["leaf"])).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    indexes.server.routes[f"/files/a/{bad.filename}"] = answer
    resolution = indexes.ask("good", "bad")
    assert [d.project for d in resolution.distributions] == ["bad", "good", "leaf"]
    (unknown,) = resolution.unknowns
    assert (unknown.subject, bad.filename in unknown.reason) == ("bad", True)
    found = of(resolution, "bad").metadata
    assert found is not None
    assert found.source is MetadataSource.NONE


def test_what_could_not_be_read_is_tried_again_in_the_next_run(indexes: Indexes, tmp_path: Path) -> None:
    bad = make_wheel("bad", "1.0", requires=["leaf"])
    indexes.a.add(bad).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    indexes.server.routes[f"/files/a/{bad.filename}"] = Response(status=500)
    assert set(indexes.chosen("bad")) == {"bad"}
    indexes.session.close()
    indexes.publish()
    with IndexSession(tmp_path / "cache") as indexes.session:
        assert set(indexes.chosen("bad")) == {"bad", "leaf"}


@pytest.mark.parametrize("fault", [Response(status=503), Response(b"x" * 5000, truncate_at=2000)])
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_passing_fault_costs_no_requirement(
    indexes: Indexes, kind: str, fault: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One dropped connection among hundreds must not quietly make a project require nothing."""
    monkeypatch.setattr(client_module, "ATTEMPTS", 3)
    old = pkg_info("pack", "1.0", ["leaf"], metadata_version="2.1")  # not final: an sdist is read to its end
    sdist_files: dict[str, str | bytes] = {"PKG-INFO": old, "setup.py": "", "src/data.bin": os.urandom(200_000)}
    file = make_wheel("pack", "1.0", requires=["leaf"]) if kind == "wheel" else make_sdist("pack", "1.0", sdist_files)
    indexes.a.add(file).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    answers = iter([fault if fault.status != 200 else Response(file.data, truncate_at=len(file.data) // 2)])
    indexes.server.routes[f"/files/a/{file.filename}"] = lambda _: next(answers, Response(file.data))
    answer = indexes.ask("pack")
    assert [d.project for d in answer.distributions] == ["leaf", "pack"]
    assert answer.unknowns == ()


def test_a_wheel_that_could_not_be_read_does_not_settle_its_sdists_metadata(indexes: Indexes, tmp_path: Path) -> None:
    wheel = make_wheel("pack", "1.0", tag="py3-none-win_amd64", requires=["leaf"])
    indexes.a.add(wheel).add(sdist("pack", "1.0")).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    indexes.server.routes[f"/files/a/{wheel.filename}"] = Response(status=500)
    assert set(indexes.chosen("pack")) == {"pack"}
    indexes.session.close()
    indexes.publish()
    with IndexSession(tmp_path / "cache") as indexes.session:
        assert set(indexes.chosen("pack")) == {"pack", "leaf"}


def test_a_kept_answer_is_the_answer_with_its_faults(indexes: Indexes, tmp_path: Path) -> None:
    """The exit status hangs on them: a second run must not look better than the first."""
    tree = {"PKG-INFO": pkg_info("pack", "1.0", ["leaf", "broken>=>1"])}
    indexes.a.add(make_sdist("pack", "1.0", tree)).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    first = indexes.ask("pack")
    faulty = Unknown("an index at fault", (), "pack", fault=True)
    assert unknown_from_json(asdict(faulty)) == faulty
    indexes.session.close()
    with IndexSession(tmp_path / "cache", offline=True) as indexes.session:
        assert indexes.ask("pack") == first


def test_a_tree_kept_in_another_form_is_read_anew(indexes: Indexes) -> None:
    indexes.a.add(sdist("pack", "1.0", **{"setup.py": "import torch\n"}))
    indexes.publish()
    distribution = of(indexes.ask("pack"), "pack")
    tree = indexes.session.source_tree(distribution)
    indexes.session.cache.put("tree", f"{FORMAT} {distribution.sha256}", b"of another form")
    assert indexes.session.source_tree(distribution) == tree


def test_an_archive_that_a_cap_cut_short_says_so_in_its_metadata(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixi_diagnose.source_tree.collecting.ENTRIES", 3)
    old = pkg_info("pack", "1.0", ["leaf"], metadata_version="2.1")
    many = {f"a{n}.py": "" for n in range(9)}
    indexes.a.add(make_sdist("pack", "1.0", {"PKG-INFO": old, **many})).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    answer = indexes.ask("pack")
    assert ["not read to its end" in u.reason and u.subject == "pack" for u in answer.unknowns if u.fault] == [True]


def test_an_sdist_whose_hash_is_a_lie_is_known_when_it_is_read(indexes: Indexes) -> None:
    indexes.a.add(sdist("pack", "1.0", **{"setup.py": "import torch\n"}), sha256="0" * 64)
    indexes.publish()
    distribution = of(indexes.ask("pack"), "pack")
    with pytest.raises(ArchiveError, match=r"pack-1\.0\.tar\.gz"):
        indexes.session.source_tree(distribution)


def test_an_index_that_claims_anothers_hash_does_not_speak_for_it(indexes: Indexes) -> None:
    """Only a part of a file is read for its metadata, so what was kept for a hash holds for one address only."""
    honest = make_wheel("pack", "1.0", requires=["leaf"])
    indexes.a.add(honest).add(make_wheel("leaf", "1.0"))
    indexes.b.add(make_wheel("pack", "1.0", requires=["evil"]), sha256=honest.sha256).add(make_wheel("evil", "1.0"))
    indexes.publish()
    assert set(indexes.chosen("pack", index_url=f"{indexes.server.url}/b")) == {"pack", "evil"}
    assert set(indexes.chosen("pack")) == {"pack", "leaf"}


def test_an_invalid_requirement_spoils_nothing(indexes: Indexes) -> None:
    text = pkg_info("pack", "1.0", ["leaf", "broken>=>1", "-e ."])
    indexes.a.add(make_wheel("pack", "1.0", metadata=text)).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    answer = indexes.ask("pack")
    assert [d.project for d in answer.distributions] == ["leaf", "pack"]
    assert any("broken>=>1" in u.reason for u in answer.unknowns)


def test_a_release_that_requires_a_url_is_refused_as_uv_does(indexes: Indexes) -> None:
    line = "leaf @ https://files.index.example/leaf-9.zip"
    indexes.a.add(make_wheel("pack", "1.0", requires=[line])).add(make_wheel("leaf", "1.0"))
    indexes.publish()
    answer = indexes.ask("pack")
    assert answer.failure is not None
    assert answer.failure.kind == "conflict"
    assert line in answer.failure.message
    assert answer.failure.projects == ("pack", "leaf")
    assert of(answer, "leaf").version == "1.0"  # the rest is answered all the same


def test_a_release_may_require_a_url_that_the_request_gives_too(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0", requires=["leaf @ https://files.index.example/leaf-9.zip"]))
    indexes.publish()
    leaf = local("9", name="leaf")
    assert indexes.chosen("pack", local=(leaf,)) == {"pack": ("1.0", "wheel"), "leaf": ("9", "directory")}


def test_two_local_projects_are_not_taken_for_each_other(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("x", "1.0")).add(make_wheel("y", "1.0"))
    indexes.publish()
    both = (local("1.0", "x", name="one"), local("1.0", "y", name="two"))
    assert indexes.chosen("one", "two", local=both).keys() == {"one", "two", "x", "y"}


def test_credentials_reach_the_index_and_nothing_else(indexes: Indexes, tmp_path: Path) -> None:
    indexes.a.add(make_wheel("pack", "1.0"))
    indexes.publish()
    indexes.server.credentials = ("me", "s3cret")
    url = indexes.server.url.replace("//", "//me:s3cret@")
    answer = indexes.ask("pack", index_url=f"{url}/a")
    assert "s3cret" not in repr(answer)
    assert of(answer, "pack").index == f"{indexes.server.url}/a"
    failure = indexes.ask("nobody", index_url=f"{url}/a").failure
    assert failure is not None
    assert "s3cret" not in failure.message
    indexes.session.cache.flush()
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert b"s3cret" not in kept


# --- nothing is executed ---


def test_no_code_of_any_sdist_runs(indexes: Indexes, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    code = f"open({str(marker)!r}, 'w').close()\n"
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    dynamic = '[project]\nname = "third"\ndynamic = ["version", "dependencies"]\n'
    indexes.a.add(make_sdist("first", "1.0", {"setup.py": code}))
    indexes.a.add(make_sdist("second", "1.0", {"setup.py": code, "pyproject.toml": backend, "backend.py": code}))
    indexes.a.add(make_sdist("third", "1.0", {"pyproject.toml": backend + dynamic, "backend.py": code}))
    indexes.publish()
    answer = indexes.ask("first", "second", "third")
    assert [(d.project, d.kind) for d in answer.distributions] == [(n, "sdist") for n in ("first", "second", "third")]
    for distribution in answer.distributions:
        indexes.session.source_tree(distribution)
    assert not marker.exists()
    assert {u.subject for u in answer.unknowns} == {"first", "second", "third"}


# --- what is kept ---


def test_the_second_run_asks_nobody_and_says_the_same(indexes: Indexes, tmp_path: Path) -> None:
    indexes.a.add(make_wheel("plain", "1.0", requires=["built"])).add(sdist("built", "1.0"))
    indexes.publish()
    first = indexes.ask("plain")
    indexes.session.source_tree(of(first, "built"))
    indexes.session.close()
    asked = len(indexes.server.requests)
    with IndexSession(tmp_path / "cache", offline=True) as indexes.session:
        assert indexes.ask("plain") == first
        assert indexes.session.source_tree(of(first, "built")).text("PKG-INFO")
        another = indexes.ask("built")  # another question, answered from the same pages
        assert [d.project for d in another.distributions] == ["built"]
        assert indexes.session.requests == 0
    assert len(indexes.server.requests) == asked


def test_what_is_kept_is_answered_without_resolver_and_overlay(
    indexes: Indexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes.a.add(make_wheel("app", "1.0"))
    indexes.publish()
    asked = indexes.ask("app")
    assert asked.failure is None
    for module in ("resolver", "view", "overlay", "uv"):
        monkeypatch.setitem(sys.modules, f"pixi_diagnose.index.{module}", None)
    with IndexSession(tmp_path / "cache", offline=True) as indexes.session:
        assert indexes.ask("app") == asked
        with pytest.raises(ImportError):
            indexes.ask("app>=1")


def test_offline_what_is_not_kept_is_a_failure_that_says_so(indexes: Indexes, tmp_path: Path) -> None:
    with IndexSession(tmp_path / "empty", offline=True) as indexes.session:
        failure = indexes.ask("pack").failure
        assert failure is not None
        assert failure.kind == "index"
        assert "not in the cache" in failure.message
        with pytest.raises(IndexAccessError):
            indexes.session.source_tree(Distribution("pack", "1.0", "sdist", "p-1.tar.gz", f"{indexes.server.url}/p"))


def test_targets_share_one_download_of_a_page(indexes: Indexes) -> None:
    indexes.a.add(make_wheel("pack", "1.0", tag="py3-none-win_amd64")).add(sdist("pack", "1.0"))
    indexes.publish()
    assert indexes.chosen("pack") == {"pack": ("1.0", "sdist")}
    assert indexes.chosen("pack", platform=Platform("win-64", "win-64", ())) == {"pack": ("1.0", "wheel")}
    assert indexes.server.paths.count("/a/pack/") == 1


def test_reading_an_sdist_for_its_metadata_stops_early(indexes: Indexes) -> None:
    noise = os.urandom(3_000_000).hex()
    indexes.a.add(make_sdist("pack", "1.0", {"PKG-INFO": pkg_info("pack", "1.0"), "src/data.txt": noise}))
    indexes.publish()
    indexes.chosen("pack")
    assert indexes.session.received < 1_000_000
