"""`plan --write`, `check --fix` and `init`: what they write, what they leave, and what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pixi_diagnose.cli import main
from support.packages import make_wheel
from support.worlds import World, sdists, world

TRAINER = {
    "trainer-1.0/setup.py": "import torch\nfrom setuptools import setup\nsetup(name='trainer', version='1.0')\n",
    "trainer-1.0/PKG-INFO": "Metadata-Version: 2.2\nName: trainer\nVersion: 1.0\n",
}
FAILS = """\
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "*"

[pypi-dependencies]
trainer = "*"  # a comment that stays
"""
MIXED = FAILS.replace("[pypi-dep", '[pypi-options]\nno-build = ["trainer"]\n\n[pypi-dep')


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world"), TRAINER) as made:
        yield made


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, packages: World) -> None:
    monkeypatch.delenv("PIXI_PROJECT_MANIFEST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(packages.root / "xdg"))
    monkeypatch.setenv("COLUMNS", "80")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def manifest(packages: World, text: str = FAILS) -> Path:
    return packages.write({"pixi.toml": text}) / "pixi.toml"


def test_plan_writes_the_tier_that_is_asked_for(packages: World) -> None:
    file = manifest(packages)
    result = run("plan", "--tier", "3", "--write", file)
    assert result.exit_code == 0
    assert "[tasks.setup]" in file.read_text()


def test_plan_writes_no_comments_on_request(packages: World) -> None:
    file = manifest(packages)
    run("plan", "--write", "--no-comments", file)
    text = file.read_text()
    assert 'no-build-isolation = ["trainer"]' in text
    assert [line for line in text.splitlines() if "#" in line] == ['trainer = "*"  # a comment that stays']


def test_fix_writes_what_is_safe_and_reports_what_is_left(packages: World) -> None:
    file = manifest(packages)
    result = run("check", "--fix", file)
    assert "fixed: trainer is built without isolation, so that it sees torch." in result.stderr
    assert "pixi install  passes" in result.stdout
    written = file.read_text()
    again = run("check", "--fix", file)
    assert "fixed" not in again.stderr
    assert file.read_text() == written


def test_fix_names_what_it_would_take_away_and_does_it_on_request(packages: World) -> None:
    file = manifest(packages, MIXED)
    before = file.read_text()
    result = run("check", "--fix", file)
    assert file.read_text() == before
    assert "not applied without --unsafe-fixes: trainer has nothing else to offer" in result.stderr
    run("check", "--unsafe-fixes", file)
    assert 'no-build = ["trainer"]' not in file.read_text()
    assert "pixi install  passes" in run("check", file).stdout


def test_diff_shows_what_fix_would_write_and_writes_nothing(packages: World) -> None:
    file = manifest(packages)
    before = file.read_text()
    result = run("check", "--fix", "--diff", "-q", file)
    assert '+no-build-isolation = ["trainer"]' in result.stdout
    assert file.read_text() == before


def test_fix_keeps_json_a_document(packages: World) -> None:
    result = run("check", "--fix", "--json", manifest(packages))
    (environment,) = json.loads(result.stdout)["environments"]
    assert environment["outcomes"] == {"install": "ok", "lock": "ok"}


def test_init_adds_an_environment_of_its_own_once(packages: World) -> None:
    file = manifest(packages)
    before = file.read_text()
    shown = run("init", "--check", file)
    assert shown.exit_code == 1
    assert "pixi diagnose" in shown.stdout
    assert file.read_text() == before
    assert run("init", file).exit_code == 0
    text = file.read_text()
    assert text.startswith(before.rstrip("\n"))
    assert "no-default-feature = true" in text
    assert run("init", "--check", file).exit_code == 0
    assert run("init", file).exit_code == 0
    assert file.read_text() == text
    environments = json.loads(run("check", "--json", "--offline", file).stdout)["environments"]
    assert [(e["name"], e["features"]) for e in environments] == [
        ("default", ["default"]),
        ("diagnose", ["diagnose"]),
    ]


# --- uv and pip -------------------------------------------------------------------------------------------------------

PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = ["trainer", "torch"]  # a comment that stays

[tool.uv]
package = false

[[tool.uv.index]]
url = "@INDEX@"
default = true
"""
MATCHED = 'trainer = [{ requirement = "torch", match-runtime = true }]'


def project(packages: World, **files: str) -> Path:
    """A folder with a user's files; `_` stands for the dot of their names."""
    folder = packages.root / f"project{len(list(packages.root.iterdir()))}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text.replace("@INDEX@", packages.index))
    return folder


def test_fix_writes_into_a_uv_project_and_then_has_nothing_left(packages: World) -> None:
    folder = project(packages, pyproject_toml=PROJECT)
    result = run("check", "--fix", folder)
    assert "fixed: trainer is built with the torch that the environment gets" in result.stderr
    written = (folder / "pyproject.toml").read_text()
    assert f"{MATCHED}  # trainer imports torch while it is built" in written
    assert 'dependencies = ["trainer", "torch"]  # a comment that stays' in written
    assert "fixed" not in run("check", "--fix", folder).stderr
    assert (folder / "pyproject.toml").read_text() == written


def test_a_plan_writes_the_settings_file_that_is_read_and_says_which(packages: World) -> None:
    uv_toml = '[[index]]\nurl = "@INDEX@"\ndefault = true\n'
    folder = project(packages, pyproject_toml=PROJECT.partition("[tool.uv]")[0], uv_toml=uv_toml)
    before = (folder / "pyproject.toml").read_text()
    result = run("plan", "--write", "--no-comments", "--frontend", "uv", folder)
    assert "uv.toml is written" in result.stdout
    assert "pyproject.toml is written" not in result.stdout
    assert (folder / "uv.toml").read_text().endswith(f"[extra-build-dependencies]\n{MATCHED}\n")
    assert (folder / "pyproject.toml").read_text() == before


def test_a_plan_makes_the_file_that_a_requirements_file_lacks(packages: World) -> None:
    folder = project(packages, requirements_txt="--index-url @INDEX@\ntorch==2.6.0\ntrainer\n")
    file = folder / "requirements.txt"
    asked = ("--python", "3.11", "--frontend", "uv", file)
    assert "+[extra-build-dependencies]" in run("check", "--fix", "--diff", "-q", *asked).stdout
    assert not (folder / "uv.toml").exists()
    document = json.loads(run("plan", "--json", *asked).stdout)
    (declare,) = (p for p in document["plans"] if p["tier"] == 1)
    assert [(Path(f["path"]).name, f["new"]) for f in declare["files"]] == [("uv.toml", True)]
    run("plan", "--write", *asked)
    assert MATCHED in (folder / "uv.toml").read_text()
    assert run("check", *asked).exit_code == 0


def test_a_plan_of_two_steps_is_written_and_says_what_to_run(packages: World) -> None:
    folder = project(packages, requirements_txt="--index-url @INDEX@\ntorch==2.6.0\ntrainer\n")
    result = run("plan", "--tier", "3", "--write", "--frontend", "pip", "--python", "3.11", folder / "requirements.txt")
    assert "pip install -r requirements-build.txt" in result.stdout
    assert "pip install --no-build-isolation -r requirements.txt" in result.stdout
    assert "torch==2.6.0  # trainer is built with it" in (folder / "requirements-build.txt").read_text()
    again = ("plan", "--tier", "3", "--write", "--frontend", "pip", "--python", "3.11", folder / "requirements.txt")
    assert run(*again).exit_code == 0
    (folder / "requirements-build.txt").write_text("torch\n")
    refused = run(*again)
    assert refused.exit_code == 2
    assert "requirements-build.txt already: nothing is written" in refused.stderr
    assert (folder / "requirements-build.txt").read_text() == "torch\n"


def test_a_plan_keeps_the_encoding_of_a_requirements_file(packages: World) -> None:
    wheel = make_wheel("stepped", "1.0", {"stepped.py": ""})
    packages.add(wheel, *sdists({"stepped-1.1/setup.py": "import nowhere_to_be_had\n"}))
    folder = project(packages, requirements_txt="")
    file = folder / "requirements.txt"
    file.write_bytes(f"--index-url {packages.index}\r\nstepped==1.1\r\n".encode("utf-16"))
    result = run("plan", "--write", "--no-comments", "--frontend", "pip", "--python", "3.11", file)
    assert result.exit_code == 0
    assert file.read_bytes() == f"--index-url {packages.index}\r\nstepped==1.0\r\n".encode("utf-16")
