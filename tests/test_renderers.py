"""What holds for reports in general: hostile text, folding, the short forms, the rules of each format."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pixi_diagnose.document import Document
from pixi_diagnose.evidence import Place, Unknown
from pixi_diagnose.finding import Severity
from pixi_diagnose.frontends.model import Build, BuildPhase, Outcome, Simulation
from pixi_diagnose.renderers import FORMATS, renderer
from pixi_diagnose.renderers.foreign_text import printable, without_credentials
from pixi_diagnose.renderers.json_report import check_document
from pixi_diagnose.renderers.text.page import Page
from pixi_diagnose.renderers.text.report import render, render_plans, render_verdict
from pixi_diagnose.report import Report
from test_renderers_axolotl import ISOLATED, axolotl_report, findings, pure, rule, simulation


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tmp_path)
    return axolotl_report(tmp_path)


def passing(original: Simulation, count: int = 2) -> Simulation:
    """The simulation with builds that pass only."""
    builds = tuple(pure(f"project-{n}") for n in range(count))
    return replace(original, builds=builds, stages=(), outcomes={"lock": Outcome.OK, "install": Outcome.OK}, reasons={})


# --- foreign text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://index.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGVsbG8=", ""),
        ("\x9b2Jcleared", "cleared"),
        ("\x90sixel\x9cafter", "after"),
        ("\x1bcreset", "reset"),
        ("over\rwritten\x08\x07", "overwritten"),
        ("one\r\ntwo\nthree", "one\ntwo\nthree"),
        ("user\u202egnp.exe\u2066\u2069", "usergnp.exe"),
        ("to\u200brch\ufeff\u00ad\U000e0041", "torch"),
        ("half\ud800", "half"),
        ("a\tb", "a b"),
        ("größe 漢字 ✓", "größe 漢字 ✓"),
    ],
)
def test_control_sequences_do_not_reach_the_terminal(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://user:secret@index.example/simple", "https://index.example/simple"),
        ("see https://token@index.example and http://a:b@c/", "see https://index.example and http://c/"),
        ("https://index.example/t/to-ken/channel", "https://index.example/t/***/channel"),
        ("write to me@index.example", "write to me@index.example"),
    ],
)
def test_credentials_are_not_shown(given: str, shown: str) -> None:
    assert without_credentials(given) == shown


def test_a_quoted_line_keeps_its_columns_and_no_credentials() -> None:
    page = Page(120)
    page.source(3, 'index-url = "https://user:secret@index.example/t/to-ken/x"', 0, 9)
    assert str(page).splitlines() == [
        '  3 │ index-url = "https://***********@index.example/t/******/x"',
        "    │ ^^^^^^^^^",
    ]


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_format_passes_hostile_text_on(report: Report, output_format: str) -> None:
    hostile = "torch\x1b]0;owned\x07\x1b[2J\u202e from https://user:secret@index.example/"
    finding = replace(report.findings[0], message=hostile, explanation=(hostile,))
    said = renderer(output_format)(replace(report, findings=(finding,), unknowns=(Unknown(hostile),)))
    assert "torch" in said
    assert not set(said) & set("\x1b\x07\u202e")
    assert "secret" not in said


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100, 120])
def test_every_line_fits_the_width_and_no_word_is_broken(report: Report, width: int) -> None:
    said = render(report, width=width)
    assert max(map(len, said.splitlines())) <= width
    assert said.split() == render(report, width=1000).split()


def test_colour_adds_escape_sequences_and_nothing_else(report: Report) -> None:
    colored = render(report, color=True)
    assert "\x1b[" in colored
    assert printable(colored) == render(report)


def test_environments_and_platforms_with_equal_outcome_are_folded(report: Report) -> None:
    places = [("default", "linux-64"), ("default", "osx-arm64"), ("dev", "linux-64"), ("dev", "osx-arm64")]
    alike = tuple(simulation(report.path, name, platform) for name, platform in places)
    found = tuple(f for name in ("default", "dev") for f in findings(report.path, name, ("linux-64", "osx-arm64")))
    said = render(replace(report, simulations=alike, findings=found))
    assert said.startswith("pixi.toml · default, dev · linux-64, osx-arm64 · Python 3.12")
    assert said.count("✗ pixi lock") == 1
    assert said.count("error[ISO102]") == 1
    assert "missing-build-requirement · in default, dev" in said


def test_groups_of_different_outcome_are_told_apart_and_failing_ones_come_first(report: Report) -> None:
    fails = simulation(report.path)
    passes = passing(simulation(report.path, "cpu"))
    said = render(replace(report, simulations=(passes, fails)))
    verdicts = said[: said.index("What is built")]
    assert verdicts.index("default · linux-64") < verdicts.index("✗ pixi lock") < verdicts.index("cpu · linux-64")
    assert "✓ pixi lock     passes" in verdicts
    assert "What is built, in pixi's order, and what it sees (default · linux-64)" in said


def test_a_report_without_findings_is_short_and_says_what_is_built_and_unchecked(report: Report) -> None:
    good = replace(report, simulations=(passing(report.simulations[0]),), findings=(), plans=())
    assert render(good) == (
        "pixi.toml · default · linux-64 · Python 3.12 · as pixi 0.77 ·\n"
        "  232 projects from PyPI, 2 to build · no package code was run\n"
        "\n"
        "✓ pixi lock     passes\n"
        "✓ pixi install  passes\n"
        "\n"
        "Built from source, isolated: project-0 1.0, project-1 1.0\n"
        "\n"
        "Not checked\n"
        "  conda channels: they could not be read, so versions are not solved\n"
        "\n"
        "Nothing to report in 0.4 s\n"
    )


def test_uneventful_builds_are_folded_unless_all_are_asked_for(report: Report) -> None:
    assert "✓ 6 more" in render(report)
    assert "✓ word2number" not in render(report)
    assert "✓ word2number 1.0" in render(report, verbose=True)
    assert "setup.py:450" in render(report, verbose=True)


def test_what_is_not_known_and_what_is_at_risk_are_not_called_passing(report: Report) -> None:
    risk = BuildPhase("install", Outcome.AT_RISK, reason="torch may come after it", visible=ISOLATED)
    unknown = BuildPhase("lock", Outcome.UNKNOWN, reason="its source was not read", visible=ISOLATED)
    build = Build(pure("kernels").subject, True, (unknown, risk))
    stages = tuple(
        replace(stage, steps=(replace(stage.steps[0], project="kernels", build=build),))
        for stage in report.simulations[0].stages
        if stage.name in {"lock", "isolated builds"}
    )
    changed = replace(
        report.simulations[0],
        builds=(build,),
        stages=stages,
        outcomes={"lock": Outcome.UNKNOWN, "install": Outcome.AT_RISK},
    )
    said = render_verdict(replace(report, simulations=(changed,)))
    assert said == (
        "? pixi lock     is not known: kernels 1.0: its source was not read\n"
        "! pixi install  may fail: kernels 1.0: torch may come after it\n"
    )


def test_a_resolution_without_solution_is_told_by_its_finding(report: Report) -> None:
    finding = replace(
        report.findings[0], rule=rule("IDX404"), message="the PyPI dependencies cannot be resolved together", project=""
    )
    changed = replace(
        report.simulations[0],
        builds=(),
        stages=(),
        outcomes={"lock": Outcome.FAILS, "install": Outcome.UNKNOWN},
        reasons={"lock": "a long\nexplanation", "install": "what would be installed is not known"},
    )
    said = render_verdict(replace(report, simulations=(changed,), findings=(finding,)))
    assert said == "✗ pixi lock     fails: the PyPI dependencies cannot be resolved together\n"


def test_the_same_source_line_is_quoted_once(report: Report) -> None:
    assert render(report).count("15 │ axolotl = ") == 1


def test_lines_of_a_package_are_quoted_where_no_sentence_names_them(report: Report) -> None:
    finding = replace(report.findings[2], rule=rule("ENV201"), explanation=("No conda package brings nvcc.",))
    said = render(replace(report, findings=(finding,)))
    assert "  deepspeed setup.py:37\n  37 │ import torch\n" in said


def test_a_plan_that_does_not_pass_is_not_shown_as_a_diff(report: Report) -> None:
    failed = replace(report.plans[0], recommended=False, passes=False, reason="flash-attn: torch is missing")
    said = render_plans(replace(report, plans=(failed,)), (failed,))
    assert "(tier 1, declare: the least edit): flash-attn:\n  torch is missing" in said
    assert "@@" not in said
    assert "--write" not in said


def test_carets_stand_under_wide_characters() -> None:
    page = Page()
    page.source(3, 'a = "漢字\t", "torch"', 12, 17, indent=0)
    lines = str(page).splitlines()
    assert lines[0] == '3 │ a = "漢字 ", "torch"'
    assert lines[1] == "  │ " + " " * 14 + "^^^^^"


def test_a_long_source_line_is_cut_behind_its_carets() -> None:
    page = Page(40)
    page.source(1, "x" * 100, 2, 4, indent=0)
    lines = str(page).splitlines()
    assert lines[0].endswith("x…")
    assert len(lines[0]) == 40
    assert lines[1] == "  │   ^^"


# --- a manifest that is refused ---------------------------------------------------------------------------------------


@pytest.fixture
def rejected(report: Report) -> Report:
    finding = replace(
        report.findings[0],
        rule=rule("CFG901"),
        message="this is not TOML: expected '=' after a key",
        explanation=(),
        environment="",
        platforms=(),
        project="",
        place=Place(report.path, ()),
        position=(2, 6),
        evidence=(),
    )
    broken = Document("[workspace]\nname axolotl\n", report.path)
    return Report(
        report.path, "pixi", "0.77", None, {report.path: broken}, findings=(finding,), rejected=True, seconds=0.1
    )


def test_a_refused_manifest_is_shown_with_the_place_that_the_tool_names(rejected: Report) -> None:
    assert render(rejected) == (
        "pixi.toml · as pixi 0.77\n"
        "\n"
        "✗ pixi refuses this file, whatever is asked of it\n"
        "\n"
        "error[CFG901] this is not TOML: expected '=' after a key\n"
        "  pixi.toml:2:6 · invalid-manifest\n"
        "  2 │ name axolotl\n"
        "    │      ^\n"
        "\n"
        "1 error in 0.1 s · pixi-diagnose explain CFG901 says more\n"
    )


def test_a_refused_manifest_is_the_same_json_document_without_environments(rejected: Report) -> None:
    document = check_document(rejected)
    assert document["environments"] == []
    assert document["findings"][0]["code"] == "CFG901"
    assert document["findings"][0]["location"]["start"] == {"line": 2, "column": 6}


# --- JSON, SARIF, GitHub, GitLab --------------------------------------------------------------------------------------


def test_equal_input_gives_equal_bytes_in_whatever_order_it_comes(report: Report) -> None:
    names = ("default", "dev")
    both = replace(report, simulations=tuple(simulation(report.path, name) for name in names))
    turned = replace(
        both, simulations=both.simulations[::-1], findings=report.findings[::-1], unknowns=report.unknowns[::-1]
    )
    assert renderer("json")(both) == renderer("json")(turned)
    assert renderer("json")(replace(both, seconds=9.0)) == renderer("json")(both)


def test_json_holds_who_provides_each_import(report: Report) -> None:
    builds = check_document(report)["environments"][0]["builds"]
    needs = next(b["needs"] for b in builds if b["project"] == "flash-attn")
    assert {n["import_name"]: n["provided_by"] for n in needs} == {
        "setuptools": "declared",
        "packaging": "setuptools",
        "wheel": "setuptools",
        "torch": None,
        "psutil": "hook",
    }


def test_sarif_is_what_code_scanning_reads(report: Report) -> None:
    document = json.loads(renderer("sarif")(report))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == ["ISO101", "ISO102", "ISO109"]
    assert all(r["fullDescription"]["text"] and r["help"]["markdown"].startswith("# ISO") for r in rules)
    for result, finding in zip(run["results"], report.findings, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule.code
        assert result["message"]["text"].startswith(finding.message)
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == "pixi.toml"
    assert run["results"][0]["level"] == "error"
    assert run["results"][2]["level"] == "warning"
    assert physical["region"] == {"startLine": 15, "startColumn": 1, "endLine": 15, "endColumn": 8}


def test_a_file_elsewhere_has_a_full_address_in_sarif(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Path(report.path).parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = json.loads(renderer("sarif")(report))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == Path(report.path).as_uri()


def test_github_properties_are_escaped(report: Report) -> None:
    finding = replace(report.findings[0], severity=Severity.INFO, message="100%, a:b\nc", explanation=(), place=None)
    said = renderer("github")(replace(report, findings=(finding,)))
    assert said == "::notice file=pixi.toml,title=ISO102 missing-build-requirement::100%25, a:b%0Ac\n"


def test_gitlab_fingerprints_are_unique_and_do_not_move_with_lines(report: Report) -> None:
    twice = replace(report, findings=(*report.findings, report.findings[0]))
    issues = json.loads(renderer("gitlab")(twice))
    assert len({issue["fingerprint"] for issue in issues}) == 4
    shifted = Document("# one line more\n" + report.documents[report.path].text, report.path)
    moved = json.loads(renderer("gitlab")(replace(twice, documents={report.path: shifted})))
    assert [i["fingerprint"] for i in moved] == [i["fingerprint"] for i in issues]
    assert moved[0]["location"]["lines"]["begin"] == issues[0]["location"]["lines"]["begin"] + 1


def test_a_finding_without_a_place_is_about_the_file(report: Report) -> None:
    finding = replace(report.findings[0], place=None)
    assert report.locate(finding) is None
    said = renderer("concise")(replace(report, findings=(finding,)))
    assert said.startswith("pixi.toml: error[ISO102] ")
