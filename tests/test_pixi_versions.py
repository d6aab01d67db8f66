"""Older versions of pixi: which one is imitated, and what it refuses (pixi.md P3, P6, P8; its changelog)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import tomli

from pixi_diagnose.finding import Confidence
from pixi_diagnose.frontends.installed import installed_version
from pixi_diagnose.manifest.pixi_versions import imitated_version, unsupported
from support.worlds import world


@pytest.mark.parametrize(
    ("given", "requires", "imitated"),
    [
        ("", None, "0.77"),
        ("", ">=0.60", "0.77"),
        ("", ">=0.80", "0.77"),
        ("", ">=0.77.2", "0.77"),
        ("", "<0.51", "0.50"),
        ("", "==0.46.*", "0.46"),
        ("", ">=0.40,<0.48.1", "0.48"),
        ("0.50.2", ">=0.60", "0.50.2"),
        ("0.77.0", None, "0.77"),
        ("1.2", None, "0.77"),
    ],
)
def test_which_version_is_imitated(given: str, requires: str | None, imitated: str) -> None:
    assert imitated_version("0.77", given, requires) == imitated


WORKSPACE = '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n'


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('[pypi-options]\nno-build-isolation = ["a"]', "0.29"),
        ("[pypi-options]\nno-build-isolation = true", "0.47"),
        ("[feature.x.pypi-options]\nno-build-isolation = true", "0.47"),
        ("[workspace.pypi-options]\nno-binary = true", "0.50"),
        ('[pypi-options]\nprerelease-mode = "allow"', "0.60"),
        ('[dev]\na = "*"', "0.62"),
        ('[constraints]\na = "*"', "0.66"),
        ('[feature.x.constraints]\na = "*"', "0.66"),
        ('[exclude-newer]\na = "7d"', "0.67"),
        ('[workspace]\nplatforms = [{ name = "gpu", platform = "linux-64" }]', "0.71"),
    ],
)
def test_a_key_is_refused_by_pixi_before_the_version_that_brought_it(text: str, first: str) -> None:
    data = tomli.loads(text)
    before = f"0.{int(first.partition('.')[2]) - 1}"
    (problem,) = unsupported(data, "pixi.toml", before)
    assert f"pixi {before} does not know" in problem.message
    assert f"it came with pixi {first}" in problem.message
    assert unsupported(data, "pixi.toml", first) == ()


def test_names_of_users_are_no_keys() -> None:
    text = '[dependencies]\ndev = "*"\n[tasks]\nconstraints = "x"\n[feature.dev.tasks]\ndev = "x"\n'
    assert unsupported(tomli.loads(WORKSPACE + text), "pixi.toml", "0.30") == ()


def test_requires_pixi_is_compared_first_and_alone() -> None:
    text = WORKSPACE + 'requires-pixi = ">=0.60"\n[dev]\na = "*"\n'
    (problem,) = unsupported(tomli.loads(text), "pixi.toml", "0.50")
    assert problem.place.key == ("workspace", "requires-pixi")
    assert unsupported(tomli.loads(text), "pixi.toml", "0.62") == ()


def test_the_tables_of_a_pyproject_are_below_tool_pixi() -> None:
    data = tomli.loads("[tool.pixi.pypi-options]\nno-build-isolation = true\n")
    (problem,) = unsupported(data, "pyproject.toml", "0.46")
    assert problem.place.key == ("tool", "pixi", "pypi-options", "no-build-isolation")


def test_an_older_pixi_rejects_the_manifest_at_the_key(tmp_path: Path) -> None:
    manifest = '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n[dependencies]\npython = "3.11.*"\n'
    manifest += "[pypi-options]\nno-build-isolation = true\n"
    with world(tmp_path) as packages:
        older = packages.diagnose({"pixi.toml": manifest}, frontend_version="0.46")
        newer = packages.diagnose({"pixi.toml": manifest}, frontend_version="0.47")
    assert older.rejected
    (found,) = older.findings
    assert (found.rule.code, found.confidence) == ("CFG901", Confidence.MEDIUM)
    assert not newer.rejected


class Facts:
    """A cache in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str, *, max_age: float | None = None) -> bytes | None:
        assert max_age is None
        return self.kept.get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.kept[kind, key] = value


def test_the_installed_pixi_is_asked_once(tmp_path: Path) -> None:
    program, counter, cache = tmp_path / "pixi", tmp_path / "runs", Facts()
    program.write_text(f"#!/bin/sh\necho run >> {counter}\necho 'pixi 0.55.0'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert [installed_version(str(program), cache) for _ in range(3)] == ["0.55.0"] * 3
    assert counter.read_text() == "run\n"


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho nothing\n", "no program"])
def test_a_pixi_that_does_not_answer_has_no_version(text: str, tmp_path: Path) -> None:
    program = tmp_path / "pixi"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert installed_version(str(program), Facts()) == ""
    assert installed_version("", Facts()) == ""
    assert installed_version(str(tmp_path / "absent"), Facts()) == ""
