"""Path, git and URL dependencies, with what they require in turn, as pixi's resolver follows them (uv's look-ahead)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.frontends.model import Simulation
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.outcome import Outcome
from pixi_diagnose.report import Report
from support.packages import make_sdist, make_wheel, pkg_info
from support.repositories import GitRepository, smart
from support.server import Response
from support.worlds import World, world

HEAD = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

"""
TORCH_SETUP = "import torch\nfrom setuptools import setup\nsetup(name={name!r}, version='1.0')\n"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    with world(tmp_path) as found:
        yield found


def project(name: str, *requires: str, more: str = "", version: str = "1.0") -> str:
    """A pyproject.toml whose metadata is static."""
    lines = f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {list(requires)!r}\n'
    return f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n{lines}{more}'


def check(packages: World, dependencies: str, files: dict[str, str] | None = None, *, head: str = HEAD) -> Report:
    return packages.diagnose(
        {"pixi.toml": f"{head}[pypi-dependencies]\n{dependencies}\n", **(files or {})}, plans=False
    )


def simulation(report: Report) -> Simulation:
    (only,) = report.simulations
    return only


def chosen(report: Report) -> dict[str, tuple[str, str]]:
    resolution = simulation(report).resolution
    assert resolution.failure is None, resolution.failure
    return {d.project: (d.version, d.kind) for d in resolution.distributions}


def failure(report: Report) -> str:
    found = simulation(report).resolution.failure
    assert found is not None
    assert simulation(report).outcomes["lock"] is Outcome.FAILS
    assert {f.rule.code for f in report.findings} & {"IDX404", "CFG904"}  # a failure is a finding
    return found.message


def missing(report: Report, name: str) -> list[str]:
    """What a project's build misses, at lock and at install."""
    build = simulation(report).build(name)
    assert build is not None
    return [f"{phase.phase}: {m.name}" for phase in build.phases for m in phase.missing]


# --- the same needs, wherever the tree lies ---


def test_a_git_dependency_needs_what_the_same_folder_needs(packages: World, tmp_path: Path) -> None:
    files = {"setup.py": TORCH_SETUP.format(name="kernels")}
    repository = GitRepository(tmp_path / "kernels", files)
    by_git = check(packages, f'kernels = {{ git = "{repository.url}" }}')
    by_path = check(packages, 'kernels = { path = "k" }', {"k/setup.py": files["setup.py"]})
    sdist = make_sdist("kernels", "1.0", files)
    packages.server.routes[f"/direct/{sdist.filename}"] = Response(sdist.data)
    by_url = check(packages, f'kernels = {{ url = "{packages.server.url}/direct/{sdist.filename}" }}')
    for report, kind in ((by_git, "git"), (by_path, "directory"), (by_url, "sdist")):
        assert chosen(report)["kernels"] == ("1.0", kind)
        assert missing(report, "kernels") == ["lock: torch", "install: torch"], kind


def test_static_metadata_saves_the_build_at_lock(packages: World, tmp_path: Path) -> None:
    files = {"pyproject.toml": project("kernels"), "setup.py": "import torch\nfrom setuptools import setup\nsetup()\n"}
    repository = GitRepository(tmp_path / "kernels", files)
    report = check(packages, f'kernels = {{ git = "{repository.url}" }}')
    assert missing(report, "kernels") == ["install: torch"]
    assert simulation(report).outcomes["lock"] is Outcome.OK


def test_a_git_dependency_can_be_listed(packages: World, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "kernels", {"setup.py": TORCH_SETUP.format(name="kernels")})
    head = HEAD + 'pytorch = "*"\nsetuptools = "*"\n\n[pypi-options]\nno-build-isolation = ["kernels"]\n\n'
    report = check(packages, f'kernels = {{ git = "{repository.url}" }}', head=head)
    assert simulation(report).outcomes == {"lock": Outcome.OK, "install": Outcome.OK}
    assert report.findings == ()


def test_the_second_run_is_offline(packages: World, tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "served" / "kernels", {"setup.py": TORCH_SETUP.format(name="kernels")})
    packages.server.routes |= smart(tmp_path / "served", "kernels")
    text = f'kernels = {{ git = "{packages.server.url}/kernels", branch = "main" }}'
    first = check(packages, text)
    asked = len(packages.server.requests)
    folder = packages.write({"pixi.toml": f"{HEAD}[pypi-dependencies]\n{text}\n"})
    from pixi_diagnose.diagnose import Question, diagnose

    with IndexSession(cache_dir=packages.cache, offline=True) as session:
        again = diagnose(str(folder), Question(machine=packages.machine, plans=False), session)
    assert chosen(again) == chosen(first)
    assert missing(again, "kernels") == missing(first, "kernels")
    assert len(packages.server.requests) == asked
    assert repository.git("rev-parse", "HEAD") in simulation(again).resolution.local[0].tree.location


# --- what they require in turn ---


def test_requirements_of_a_folder_are_followed(packages: World, tmp_path: Path) -> None:
    helper = GitRepository(tmp_path / "helper", {"pyproject.toml": project("helper", "psutil")})
    files = {
        "app/pyproject.toml": project("app", "lib @ file://@LIB@", f"helper @ git+{helper.url}"),
        "lib/setup.py": "from setuptools import setup\nsetup(name='lib', version='3', install_requires=['cython'])\n",
    }
    folder = packages.write(files)
    text = files["app/pyproject.toml"].replace("@LIB@", str(folder / "lib"))
    report = check(packages, 'app = { path = "app" }', {"app/pyproject.toml": text})
    assert chosen(report) == {
        "app": ("1.0", "directory"),
        "lib": ("3", "directory"),
        "helper": ("1.0", "git"),
        "cython": ("3.0.0", "wheel"),
        "psutil": ("6.0.0", "wheel"),
    }
    required_by = {d.project: d.required_by for d in simulation(report).resolution.distributions}
    assert required_by["lib"] == ("app",)
    assert required_by["psutil"] == ("helper",)


def test_uv_sources_of_a_path_package_are_honoured(packages: World) -> None:
    more = '[tool.uv.sources]\nlib = { path = "../lib" }\n'
    files = {"app/pyproject.toml": project("app", "lib>=99", more=more), "lib/pyproject.toml": project("lib")}
    assert chosen(check(packages, 'app = { path = "app" }', files))["lib"] == ("1.0", "directory")


def test_uv_sources_of_the_manifest_itself_are_not(packages: World) -> None:
    report = check(packages, 'numpy = "*"', {"lib/pyproject.toml": project("numpy")}, head=HEAD)
    assert chosen(report)["numpy"] == ("1.26.0", "wheel")


def test_a_source_counts_where_its_marker_and_extra_hold(packages: World) -> None:
    more = (
        '[project.optional-dependencies]\ngpu = ["cython"]\n[tool.uv.sources]\n'
        'numpy = [{ path = "../n", marker = "sys_platform == \'win32\'" }]\ncython = { path = "../c", extra = "gpu" }\n'
    )
    files = {"app/pyproject.toml": project("app", "numpy", more=more), "c/pyproject.toml": project("cython")}
    assert chosen(check(packages, 'app = { path = "app" }', files)) == {
        "app": ("1.0", "directory"),
        "numpy": ("1.26.0", "wheel"),
    }
    assert chosen(check(packages, 'app = { path = "app", extras = ["gpu"] }', files))["cython"] == ("1.0", "directory")


def test_a_workspace_member_is_found_by_its_name(packages: World) -> None:
    sources = "[tool.uv.sources]\nlib = { workspace = true }\n"
    files = {
        "mono/pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old"]\n',
        "mono/packages/app/pyproject.toml": project("app", "lib", more=sources),
        "mono/packages/the-lib/pyproject.toml": project("lib", version="7"),
        "mono/packages/old/pyproject.toml": project("old"),
    }
    both = 'app = { path = "mono/packages/app" }\nlib = { path = "mono/packages/the-lib" }'
    assert chosen(check(packages, both, files))["lib"] == ("7", "directory")
    alone = failure(check(packages, 'app = { path = "mono/packages/app" }', files))
    assert "app requires lib as a member of its workspace" in alone  # pixi 0.77, seen


def test_a_member_must_be_named_as_such(packages: World) -> None:
    files = {
        "pyproject.toml": '[tool.uv.workspace]\nmembers = ["*"]\n',
        "app/pyproject.toml": project("app", "lib"),
        "lib/pyproject.toml": project("lib"),
    }
    assert "`lib` is a workspace member, but has no entry in `tool.uv.sources`" in failure(
        check(packages, 'app = { path = "app" }', files)
    )


def test_a_workspace_in_a_git_repository_stays_there(packages: World, tmp_path: Path) -> None:
    repository = GitRepository(
        tmp_path / "mono",
        {
            "pyproject.toml": '[tool.uv]\nworkspace.members = ["packages/*"]\nsources.lib.workspace = true\n',
            "packages/app/pyproject.toml": project(
                "app", "lib", "beside", more='[tool.uv.sources]\nbeside.path = "../../b"\n'
            ),
            "packages/lib/pyproject.toml": project("lib", "psutil", version="7"),
            "b/setup.py": "from setuptools import setup\nsetup(name='beside', version='2')\n",
        },
    )
    report = check(packages, f'app = {{ git = "{repository.url}", subdirectory = "packages/app" }}')
    assert chosen(report) == {
        "app": ("1.0", "git"),
        "lib": ("7", "git"),
        "beside": ("2", "git"),
        "psutil": ("6.0.0", "wheel"),
    }
    locations = {p.project: p.tree.location for p in simulation(report).resolution.local}
    assert locations["beside"].endswith(f"@{repository.git('rev-parse', 'HEAD')}#subdirectory=b")


def test_a_source_may_name_an_index(packages: World) -> None:
    packages.server.routes |= {
        "/other/numpy/": Response(b'<a href="/files2/numpy-9.0-py3-none-any.whl">numpy</a>', content_type="text/html"),
        "/files2/numpy-9.0-py3-none-any.whl": Response(make_wheel("numpy", "9.0").data),
    }
    more = (
        f'[[tool.uv.index]]\nname = "other"\nurl = "{packages.server.url}/other"\n'
        '[tool.uv.sources]\nnumpy = { index = "other" }\n'
    )
    report = check(packages, 'app = { path = "app" }', {"app/pyproject.toml": project("app", "numpy", more=more)})
    assert chosen(report)["numpy"] == ("9.0", "wheel")


def test_projects_that_require_each_other_are_read_once(packages: World) -> None:
    files = {
        "a/pyproject.toml": project("a", "b", more='[tool.uv.sources]\nb = { path = "../b" }\n'),
        "b/pyproject.toml": project("b", "a[x]", more='[tool.uv.sources]\na = { path = "../a", editable = true }\n'),
    }
    assert chosen(check(packages, 'a = { path = "a" }', files)).keys() == {"a", "b"}


def test_an_extra_made_of_other_extras_is_followed(packages: World) -> None:
    more = '[project.optional-dependencies]\nall = ["app[x]"]\nx = ["lib"]\n[tool.uv.sources]\nlib.path = "../lib"\n'
    files = {"app/pyproject.toml": project("app", more=more), "lib/pyproject.toml": project("lib")}
    assert chosen(check(packages, 'app = { path = "app" }', files)).keys() == {"app"}
    assert chosen(check(packages, 'app = { path = "app", extras = ["all"] }', files)).keys() == {"app", "lib"}


def test_a_source_for_another_platform_is_not_read(packages: World) -> None:
    text = 'far = { git = "https://index.example/far.git", env-markers = "sys_platform == \'win32\'" }'
    report = check(packages, text)
    assert chosen(report) == {}
    assert report.unknowns == ()


def test_an_override_may_come_from_a_source(packages: World) -> None:
    head = HEAD + '[pypi-options.dependency-overrides]\nnumpy = { path = "n" }\n\n'
    files = {"n/pyproject.toml": project("numpy", version="99"), "app/pyproject.toml": project("app", "numpy<2")}
    assert chosen(check(packages, 'app = { path = "app" }', files, head=head))["numpy"] == ("99", "directory")


def test_a_version_that_only_a_build_tells_fits_whoever_wants_one(packages: World) -> None:
    dynamic = (
        '[build-system]\nrequires = ["setuptools", "setuptools-scm"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "lib"\ndynamic = ["version"]\n[project.optional-dependencies]\nx = ["cython"]\n'
    )
    files = {"lib/pyproject.toml": dynamic, "app/pyproject.toml": project("app", "lib>=3")}
    report = check(packages, 'app = { path = "app" }\nlib = { path = "lib", extras = ["x"] }', files)
    assert chosen(report) == {
        "app": ("1.0", "directory"),
        "lib": ("0", "directory"),
        "cython": ("3.0.0", "wheel"),
    }


# --- archives ---


def test_a_wheel_by_url_is_read_by_its_end(packages: World) -> None:
    wheel = make_wheel("direct", "2.0", {"direct/big.bin": os.urandom(200_000)}, requires=["psutil"])
    packages.server.routes[f"/direct/{wheel.filename}"] = Response(wheel.data)
    report = check(packages, f'direct = {{ url = "{packages.server.url}/direct/{wheel.filename}" }}')
    assert chosen(report) == {"direct": ("2.0", "wheel"), "psutil": ("6.0.0", "wheel")}
    assert simulation(report).builds == ()


@pytest.mark.parametrize(
    ("filename", "message"),
    [
        ("direct-2.0-cp38-cp38-win_amd64.whl", "its wheels are for Windows x86_64 only (cp38)"),
        ("other-2.0-py3-none-any.whl", "is no wheel of direct"),
    ],
)
def test_a_wheel_by_url_that_does_not_fit_is_refused(packages: World, filename: str, message: str) -> None:
    tag = filename.removesuffix(".whl").split("-", 2)[2]
    wheel = make_wheel("direct", "2.0", tag=tag)
    packages.server.routes[f"/direct/{filename}"] = Response(wheel.data)
    assert message in failure(check(packages, f'direct = {{ url = "{packages.server.url}/direct/{filename}" }}'))


def test_archives_by_path(packages: World) -> None:
    sdist = make_sdist("source", "1.5", {"PKG-INFO": pkg_info("source", "1.5", ["psutil"])})
    wheel = make_wheel("binary", "2.0")
    folder = packages.write({"pixi.toml": ""})
    (folder / sdist.filename).write_bytes(sdist.data)
    (folder / wheel.filename).write_bytes(wheel.data)
    text = f'source = {{ path = "{folder / sdist.filename}" }}\nbinary = {{ path = "{folder / wheel.filename}" }}'
    assert chosen(check(packages, text)) == {
        "source": ("1.5", "sdist"),
        "binary": ("2.0", "wheel"),
        "psutil": ("6.0.0", "wheel"),
    }


def test_a_subdirectory_of_an_archive_is_the_project(packages: World) -> None:
    sdist = make_sdist("many", "1.0", {"python/setup.py": TORCH_SETUP.format(name="inner"), "setup.py": "raise"})
    url = f"{packages.server.url}/direct/{sdist.filename}"
    packages.server.routes[f"/direct/{sdist.filename}"] = Response(sdist.data)
    report = check(packages, f'inner = {{ url = "{url}", subdirectory = "python" }}')
    assert missing(report, "inner") == ["lock: torch", "install: torch"]
    assert "has no folder absent" in failure(check(packages, f'inner = {{ url = "{url}", subdirectory = "absent" }}'))


def test_a_hash_in_the_url_is_verified(packages: World) -> None:
    sdist = make_sdist("exact", "1.0", {"setup.py": TORCH_SETUP.format(name="exact")})
    url = f"{packages.server.url}/direct/{sdist.filename}"
    packages.server.routes[f"/direct/{sdist.filename}"] = Response(sdist.data)
    assert chosen(check(packages, f'exact = {{ url = "{url}#sha256={sdist.sha256}" }}'))["exact"] == ("1.0", "sdist")
    report = check(packages, f'exact = {{ url = "{url}#sha256={"0" * 64}" }}')
    assert any("has the sha256" in u.reason and u.fault for u in report.unknowns)


def test_an_archive_without_a_version_in_its_name_is_dynamic_by_that_alone(packages: World) -> None:
    text = project("plain").replace('version = "1.0"', 'dynamic = ["version"]')
    sdist = make_sdist("plain", "1.0", {"pyproject.toml": text})
    packages.server.routes["/direct/archive/main.tar.gz"] = Response(sdist.data)
    report = check(packages, f'plain = {{ url = "{packages.server.url}/direct/archive/main.tar.gz" }}')
    build = simulation(report).build("plain")
    assert build is not None
    assert build.phase("lock") is not None


# --- what goes wrong ---


def test_a_server_that_is_not_there_is_said_and_the_rest_is_answered(packages: World) -> None:
    head = HEAD + '[pypi-options]\nno-build-isolation = ["far"]\n\n'
    report = check(packages, 'far = { git = "http://127.0.0.1:9/far.git" }\nnumpy = "*"', head=head)
    assert chosen(report)["numpy"] == ("1.26.0", "wheel")
    (unknown,) = (u for u in report.unknowns if u.subject == "far")
    assert unknown.fault
    assert "the git repository http://127.0.0.1:9/far.git cannot be read" in unknown.reason
    build = simulation(report).build("far")
    assert build is not None
    assert [p.outcome for p in build.phases] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert report.findings == ()  # it is listed, and it is there: nothing is wrong with that


@pytest.mark.parametrize(("status", "status_of_run"), [(404, 1), (410, 1), (403, 2), (500, 2)])
def test_an_address_where_nothing_is_fails_and_one_that_refuses_is_not_known(
    packages: World, status: int, status_of_run: int
) -> None:
    """404 is what pixi gets as well; what 403 hides depends on who asks, and 500 may pass."""
    packages.server.routes["/direct/kernels-1.0.tar.gz"] = Response(b"", status=status)
    report = check(packages, f'kernels = {{ url = "{packages.server.url}/direct/kernels-1.0.tar.gz" }}')
    assert report.exit_status == status_of_run
    if status_of_run == 1:
        assert f"kernels-1.0.tar.gz does not exist ({status})" in failure(report)
    else:
        (unknown,) = (u for u in report.unknowns if u.subject == "kernels")
        assert unknown.fault


def test_a_server_that_does_not_answer_is_waited_for_once(packages: World) -> None:
    packages.server.routes["/far.git/info/refs"] = Response(b"gone", 503)
    head = HEAD + '[pypi-options]\nno-build-isolation = ["kern"]\n\n'
    files = {
        "pixi.toml": f'{head}[pypi-dependencies]\nfar = {{ git = "{packages.server.url}/far.git" }}\nkern.path = "k"\n',
        "k/setup.py": TORCH_SETUP.format(name="kern"),
    }
    report = packages.diagnose(files)
    assert report.plans
    assert len([path for path in packages.server.paths if path.startswith("/far.git")]) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('path = "absent"', "there is nothing at absent"),
        ('path = "empty"', "empty is no Python project"),
        ('path = "empty/notes.txt"', "neither a wheel nor a source archive"),
        ('git = "@GIT@", branch = "gone"', "has no branch gone"),
        ('git = "@GIT@", subdirectory = "gone"', "has no folder gone"),
        ('git = "@GIT@", subdirectory = "docs"', "is no Python project"),
        ('url = "https://index.example/page.html"', "neither a wheel nor a source archive"),
    ],
)
def test_what_pixi_refuses_is_a_lock_that_fails(packages: World, tmp_path: Path, source: str, message: str) -> None:
    repository = GitRepository(tmp_path / "r", {"pyproject.toml": project("wrong"), "docs/index.md": ""})
    text = f"wrong = {{ {source.replace('@GIT@', repository.url)} }}\nnumpy = '*'"
    report = check(packages, text, {"empty/notes.txt": ""})
    assert message in failure(report)
    assert simulation(report).resolution.distribution("numpy") is not None  # the rest is answered


def test_another_name_than_the_one_that_is_asked_for_is_refused(packages: World) -> None:
    for files in (
        {"n/pyproject.toml": project("other")},
        {"n/setup.py": "from setuptools import setup\nsetup(name='other', version='1')\n"},
    ):
        assert "is other, not wrong" in failure(check(packages, 'wrong = { path = "n" }', files))


def test_a_path_must_be_there_even_where_its_marker_does_not_hold(packages: World) -> None:
    text = 'far = { path = "absent", env-markers = "sys_platform == \'win32\'" }'
    assert "there is nothing at absent" in failure(check(packages, text))


def test_no_build_forbids_what_is_given_by_path_unless_it_is_editable(packages: World) -> None:
    head = HEAD + "[pypi-options]\nno-build = true\n\n"
    files = {"a/pyproject.toml": project("a"), "b/setup.py": "from setuptools import setup\nsetup(name='b')\n"}
    report = check(packages, 'a = { path = "a" }', files, head=head)
    assert simulation(report).outcomes == {"lock": Outcome.OK, "install": Outcome.FAILS}
    assert [f.rule.code for f in report.findings] == ["ISO110"]
    editable = check(packages, 'a = { path = "a", editable = true }', files, head=head)
    assert simulation(editable).outcomes == {"lock": Outcome.OK, "install": Outcome.OK}
    assert simulation(check(packages, 'b = { path = "b" }', files, head=head)).outcomes["lock"] is Outcome.FAILS


def test_one_project_from_two_places_is_refused(packages: World) -> None:
    more = '[tool.uv.sources]\nlib = { path = "../lib2" }\n'
    files = {
        "app/pyproject.toml": project("app", "lib", more=more),
        "lib1/pyproject.toml": project("lib"),
        "lib2/pyproject.toml": project("lib"),
    }
    assert "lib is wanted from two places" in failure(
        check(packages, 'app = { path = "app" }\nlib = { path = "lib1" }', files)
    )


def test_the_same_place_may_be_written_in_two_ways(packages: World) -> None:
    more = '[tool.uv.sources]\nlib = { path = "../app/../lib/." }\n'
    files = {"app/pyproject.toml": project("app", "lib", more=more), "lib/pyproject.toml": project("lib")}
    assert chosen(check(packages, 'app = { path = "app" }\nlib = { path = "./lib" }', files)).keys() == {"app", "lib"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{ workspace = true }", "is not a workspace member"),
        ('{ index = "nowhere" }', "references an undeclared index: `nowhere`"),
        ('{ path = "x", workspace = true }', "cannot specify both `path` and `workspace`"),
        (
            '{ git = "https://index.example/r", tag = "a", branch = "b" }',
            "expected at most one of `rev`, `tag`, or `branch`",
        ),
    ],
)
def test_uv_sources_that_uv_refuses(packages: World, source: str, message: str) -> None:
    text = project("app", "lib", more=f"[tool.uv.sources]\nlib = {source}\n")
    assert message in failure(check(packages, 'app = { path = "app" }', {"app/pyproject.toml": text}))


def test_a_folder_with_a_broken_pyproject_is_refused_at_its_line(packages: World) -> None:
    report = check(packages, 'app = { path = "app" }', {"app/pyproject.toml": "[project]\nname = \n"})
    assert "app: pyproject.toml:2: this is not TOML" in failure(report)


def test_a_source_for_what_conda_provides_is_refused(packages: World) -> None:
    head = HEAD + 'numpy = "*"\n\n'
    files = {"n/pyproject.toml": project("numpy")}
    assert "a conda package provides it already" in failure(check(packages, 'numpy = { path = "n" }', files, head=head))


# --- safety ---


def test_nothing_of_a_source_runs(packages: World, tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    def setup(name: str) -> str:
        return f"open({str(marker)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name={name!r}, version='1')\n"

    direct = GitRepository(tmp_path / "direct", {"setup.py": setup("direct")})
    inner = GitRepository(tmp_path / "inner", {"setup.py": setup("by-git")})
    more = f'[tool.uv.sources]\nby-git.git = "{inner.url}"\nby-path.path = "../p"\n'
    files = {"app/pyproject.toml": project("app", "by-git", "by-path", more=more), "p/setup.py": setup("by-path")}
    report = check(packages, f'app.path = "app"\ndirect.git = "{direct.url}"', files)
    assert chosen(report).keys() == {"app", "by-git", "by-path", "direct"}
    assert not marker.exists()
