"""The command line: what it accepts, what it says and where, and the status that it exits with."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pixi_diagnose import __version__
from pixi_diagnose.cli import check as check_file
from pixi_diagnose.cli import main
from pixi_diagnose.cli import plan as plan_file
from pixi_diagnose.cli.answers import write
from pixi_diagnose.finding import Plan
from pixi_diagnose.report import Report
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
PASSES = FAILS.replace("trainer", "psutil")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world"), TRAINER) as made:
        yield made


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packages: World) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "PIXI_COLOR", "PIXI_PROJECT_MANIFEST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(packages.root / "xdg"))
    monkeypatch.setenv("UV_INDEX_URL", packages.index)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def subprocess_run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pixi_diagnose", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


# --- which command ----------------------------------------------------------------------------------------------------


def test_version_and_help() -> None:
    assert run("--version").stdout == f"pixi-diagnose {__version__}\n"
    for arguments in (["--help"], ["-h"], ["check", "--help"], ["plan", "-h"], ["inspect", "-h"], ["explain", "-h"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: pixi-diagnose")


def test_check_is_the_command_where_none_is_named(packages: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    by_name = json.loads(run("check", "--json", folder).stdout)
    assert json.loads(run("--json", folder).stdout) == by_name
    assert json.loads(run(folder / "pixi.toml", "--json").stdout) == by_name
    below = folder / "src"
    below.mkdir()
    monkeypatch.chdir(below)
    assert json.loads(run("--json").stdout) == by_name


def test_commands_are_completed_and_so_are_the_options_of_the_default_one() -> None:
    complete = {"_PIXI_DIAGNOSE_COMPLETE": "bash_complete"}
    commands = subprocess_run(COMP_WORDS="pixi-diagnose ", COMP_CWORD="1", **complete).stdout
    assert {"plain,check", "plain,plan", "plain,inspect", "plain,explain"} <= set(commands.split())


# --- exit status and where things are said ----------------------------------------------------------------------------


def test_findings_are_status_1_and_nothing_on_stderr(packages: World) -> None:
    result = run(packages.write({"pixi.toml": FAILS}))
    assert result.exit_code == 1
    assert result.stderr == ""
    assert "✗ pixi install  fails: trainer 1.0 cannot import torch" in result.stdout
    assert "\x1b" not in result.stdout


def test_no_findings_are_status_0(packages: World) -> None:
    result = run(packages.write({"pixi.toml": PASSES}))
    assert result.exit_code == 0
    assert "✓ pixi install  passes" in result.stdout


def test_quiet_gives_the_verdict_only(packages: World) -> None:
    result = run("-q", packages.write({"pixi.toml": FAILS}))
    assert result.exit_code == 1
    assert result.stdout == ("✓ pixi lock     passes\n✗ pixi install  fails: trainer 1.0 cannot import torch\n")


def test_no_manifest_is_an_error_with_a_hint(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.match(r"error: no manifest .*\nhint: .*pixi\.toml", result.stderr)


def test_with_json_an_error_is_a_document_too(tmp_path: Path) -> None:
    result = run("--json", tmp_path)
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert set(document["error"]) >= {"message", "hint"}
    assert document["error"]["message"] in result.stderr


def test_a_refused_manifest_is_status_2_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_text('[workspace]\nname = "x"\nchannels = 1\nplatforms = []\n')
    result = run("--json", "--offline", tmp_path)
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["environments"] == []
    assert document["findings"][0]["code"] == "CFG901"
    assert document["findings"][0]["location"]["start"]["line"] == 3
    assert "✗ pixi refuses this file" in run("--offline", tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["--frontend", "conda"], "there is no frontend 'conda'", "known: pixi, uv, pip"),
        (["--select", "ISO1O1"], "no rule is called 'ISO1O1'", "did you mean ISO1"),
        (["--ignore", "missing-build"], "no rule is called 'missing-build'", "did you mean"),
        (["chek"], "there is no file or folder chek", "did you mean the command check?"),
        (["-v", "plan"], "there is no file or folder plan", "options come after the command: pixi-diagnose plan"),
        (["nowhere/pixi.toml"], "there is no file or folder nowhere/pixi.toml", "name a manifest or its folder"),
        (["--colour"], "No such option", "pixi-diagnose check --help"),
        (["--output-format", "xml"], "Invalid value for '--output-format'", "pixi-diagnose check --help"),
        (["explain", "ISO999"], "no rule is called 'ISO999'", "did you mean ISO109"),
        (["inspect"], "Missing argument", "pixi-diagnose inspect --help"),
        (["inspect", "./nothing.tar.gz"], "there is no file or folder ./nothing.tar.gz", "write a requirement as"),
        (["inspect", "--python", "three", "six"], "'three' is no Python version", "write it as 3.12"),
    ],
)
def test_what_does_not_exist_is_said_with_what_does(arguments: list[str], error: str, hint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    said, _, hinted = result.stderr.partition("hint: ")
    assert said.startswith("error: ")
    assert error in said
    assert hint in hinted


def test_an_environment_that_does_not_exist(packages: World) -> None:
    result = run("-e", "cuda", packages.write({"pixi.toml": FAILS}))
    assert result.exit_code == 2
    assert "cuda" in result.stderr
    assert "default" in result.stderr


def test_an_unexpected_fault_is_one_line_and_a_traceback_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError("by \x1b[31mzero")

    monkeypatch.setattr(check_file, "question", broken)
    short = run("check")
    assert short.exit_code == 2
    assert short.stderr.startswith("error: this should not have happened: ZeroDivisionError: by zero\nhint: please")
    assert "Traceback" not in short.stderr
    assert "Traceback" in run("check", "-v").stderr


def test_a_closed_pipe_ends_it_quietly() -> None:
    command = f"{sys.executable} -m pixi_diagnose explain ISO101 | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "1"}  # 0 where it had written all before the reader went away


def test_a_terminal_without_the_signs_gets_question_marks_and_no_traceback(packages: World) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    done = subprocess_run("-q", str(folder), PYTHONIOENCODING="latin-1")
    assert done.returncode == 1
    assert "? pixi install  fails: trainer 1.0 cannot import torch" in done.stdout
    assert done.stderr == ""


# --- formats and colours ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output_format", "start"),
    [
        ("concise", "@MANIFEST@:"),
        ("github", "::error file="),
        ("gitlab", "[\n"),
        ("sarif", "{\n"),
        ("json", "{\n"),
        ("text", "@MANIFEST@ · default · linux-64"),
    ],
)
def test_output_formats(packages: World, output_format: str, start: str) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    result = run("--output-format", output_format, folder)
    assert result.exit_code == 1
    assert result.stdout.startswith(start.replace("@MANIFEST@", str(folder / "pixi.toml")))
    assert "ISO101" in result.stdout


def test_several_paths_give_an_array_in_their_order(packages: World, tmp_path: Path) -> None:
    folders = (packages.write({"pixi.toml": FAILS}), tmp_path / "none", packages.write({"pixi.toml": PASSES}))
    result = run("--json", *folders)
    assert result.exit_code == 2
    first, second, third = json.loads(result.stdout)
    assert first["findings"]
    assert "error" in second
    assert third["findings"] == []
    assert result.stderr.startswith("error: ")


def test_json_is_the_same_bytes_every_time(packages: World) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    assert run("--json", folder).stdout_bytes == run("--json", folder).stdout_bytes


def test_select_and_ignore(packages: World) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    assert run("--output-format", "concise", "--ignore", "ISO101", folder).stdout == ""
    assert "ISO101" in run("--output-format", "concise", "--select", "ENV,ISO", folder).stdout


@pytest.mark.parametrize(
    ("environment", "arguments", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"PIXI_COLOR": "always"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ],
)
def test_colours(packages: World, environment: dict[str, str], arguments: list[str], colored: bool) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    result = CliRunner().invoke(main, [*arguments, str(folder)], env=environment)
    assert ("\x1b[" in result.stdout) is colored


# --- plan -------------------------------------------------------------------------------------------------------------


def test_plan_shows_a_diff_and_writes_nothing(packages: World) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    before = (folder / "pixi.toml").read_bytes()
    result = run("plan", folder)
    assert result.exit_code == 1
    assert '+no-build-isolation = ["trainer"]' in result.stdout
    assert f"pixi-diagnose plan --write {folder}" in result.stdout
    assert (folder / "pixi.toml").read_bytes() == before


def test_plan_write_gives_a_manifest_that_passes_and_keeps_all_else(packages: World) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    manifest = folder / "pixi.toml"
    manifest.chmod(0o640)
    result = run("plan", "--write", folder)
    assert result.exit_code == 0
    assert result.stdout.endswith(f"✓ {manifest} is written\n")
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o640
    assert "# a comment that stays" in manifest.read_text()
    assert sorted(p.name for p in folder.iterdir()) == ["pixi.toml"]
    assert "passes" in run("-q", folder).stdout
    assert run("plan", folder).stdout.endswith("Nothing has to be changed.\n")


def test_plan_write_follows_a_link(packages: World, tmp_path: Path) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    link = tmp_path / "pixi.toml"
    link.symlink_to(folder / "pixi.toml")
    assert run("plan", "--write", link).exit_code == 0
    assert link.is_symlink()
    assert "no-build-isolation" in (folder / "pixi.toml").read_text()


def test_a_manifest_that_changed_meanwhile_is_left_alone(packages: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    manifest = folder / "pixi.toml"
    written = write

    def edited_by_somebody(report: Report, plan: Plan) -> None:
        manifest.write_text(manifest.read_text() + "# mine\n")
        written(report, plan)

    monkeypatch.setattr(plan_file, "write", edited_by_somebody)
    result = run("plan", "--write", folder)
    assert result.exit_code == 2
    assert "was changed meanwhile: nothing is written" in result.stderr
    assert manifest.read_text().endswith("# mine\n")
    assert "no-build-isolation" not in manifest.read_text()


def test_plan_json_is_the_document_of_check_with_its_plans(packages: World) -> None:
    folder = packages.write({"pixi.toml": FAILS})
    document = json.loads(run("plan", "--json", folder).stdout)
    checked = json.loads(run("check", "--json", folder).stdout)
    assert {**document, "plans": []} == {**checked, "plans": []}
    assert [p["tier"] for p in document["plans"]] == [0, 1, 2, 3]
    assert checked["plans"] == document["plans"][: len(checked["plans"])]
    assert [p["tier"] for p in checked["plans"] if p["recommended"]] == [checked["plans"][-1]["tier"]]


def test_a_tier_that_was_not_tried(packages: World) -> None:
    result = run("plan", "--tier", "7", packages.write({"pixi.toml": FAILS}))
    assert result.exit_code == 2
    assert "there is no plan of tier 7" in result.stderr


# --- inspect ----------------------------------------------------------------------------------------------------------


def test_inspect_takes_a_requirement_a_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text(TRAINER["trainer-1.0/setup.py"])
    archive = tmp_path / "trainer-1.0.tar.gz"
    archive.write_bytes(sdists(TRAINER)[0].data)
    result = run("inspect", "--json", "trainer==1.0", archive, tmp_path)
    assert result.exit_code == 0
    by_name, by_file, by_folder = json.loads(result.stdout)
    for document in (by_name, by_file, by_folder):
        assert [n["project"] for n in document["undeclared_requirements"]] == ["torch"]
        assert document["build_system_table"] is False
    assert by_name["source"]["kind"] == by_file["source"]["kind"] == "sdist"
    assert by_name["source"]["sha256"] == by_file["source"]["sha256"] != ""
    assert by_folder["source"]["kind"] == "directory"


def test_one_what_is_a_document_and_an_unreadable_one_keeps_its_place() -> None:
    assert json.loads(run("inspect", "--json", "trainer").stdout)["version"] == "1.0"
    result = run("inspect", "--json", "no-such-project", "trainer", "trainer==9")
    assert result.exit_code == 2
    missing, found, excluded = json.loads(result.stdout)
    assert missing == {
        "schema_version": 1,
        "error": {"message": "the index has no project no-such-project", "hint": ""},
    }
    assert found["project"] == "trainer"
    assert excluded["error"]["hint"] == "releases with an sdist: 1.0"


def test_inspect_for_people() -> None:
    said = run("inspect", "trainer").stdout
    assert said.startswith("trainer 1.0 · sdist · Python 3.11 on linux-64")
    assert re.search(r"^backend +setuptools.build_meta:__legacy__$", said, re.MULTILINE)
    assert re.search(r"^  torch +metadata +setup.py:1 +nobody$", said, re.MULTILINE)


# --- explain ----------------------------------------------------------------------------------------------------------


def test_explain_prints_the_page_as_it_is_when_piped() -> None:
    said = run("explain", "iso101").stdout
    assert said.startswith("# ISO101 undeclared-build-requirement\n")
    assert run("explain", "undeclared-build-requirement").stdout == said


def test_explain_renders_the_page_with_file_names_when_coloured() -> None:
    said = run("explain", "ISO101", "--color", "always").stdout
    assert "\x1b[" in said
    assert "```" not in said
    assert "fast_kernels-1.0/setup.py" in said


def test_explain_without_a_code_lists_every_rule() -> None:
    said = run("explain").stdout
    assert "ISO101  undeclared-build-requirement\n" in said
    assert "CFG901  invalid-manifest\n" in said


# --- speed ------------------------------------------------------------------------------------------------------------


def test_help_imports_neither_the_pipeline_nor_rich() -> None:
    code = (
        "import sys\n"
        "from pixi_diagnose.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "bad = {'rich', 'packaging', 'tomli', 'json', 'pixi_diagnose.diagnose', 'pixi_diagnose.finding'}\n"
        "print(sorted(bad & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_program_ends_with_its_status_after_all_output_and_what_others_registered(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    code = (
        "import atexit, sys\n"
        "from pixi_diagnose.cli import main\n"
        f"atexit.register(lambda: open({str(seen)!r}, 'w').close())\n"
        "sys.stdout.write('before ')\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "explain", "no-such-rule"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, seen.exists()) == (2, "before ", True)
