"""Every rule's page is true: its Example is found, its Use instead is not."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pixi_diagnose.report import Report
from pixi_diagnose.rules import LISTED, ListedRule, rules_on
from support.worlds import sections, world


def is_the_users(name: str) -> bool:
    """Whether a file of a page lies in the user's folder; the others are packages on the index."""
    return re.match(r"[a-z0-9_]+-[0-9][^/]*/", name) is None


SECTIONS = ("What it finds", "Why it breaks", "Example", "Use instead", "Limits")


@pytest.mark.parametrize("rule", LISTED, ids=lambda r: r.code)
def test_page_is_complete_and_true(rule: ListedRule, tmp_path: Path) -> None:
    pages = sections(rule.page)
    assert rule.page.startswith(f"# {rule.code} {rule.name}\n")
    assert tuple(pages) == SECTIONS
    example = pages["Example"]
    instead = example | pages["Use instead"]
    with world(tmp_path, instead) as packages:
        user_files = {name: text for name, text in example.items() if is_the_users(name)}
        report = packages.diagnose(user_files, plans=False)
        assert rule.code in {f.rule.code for f in report.findings}
        assert says_where_it_looks(rule, report)
        user_files = {name: text for name, text in instead.items() if is_the_users(name)}
        assert rule.code not in {f.rule.code for f in packages.diagnose(user_files, plans=False).findings}


def says_where_it_looks(listed: ListedRule, report: Report) -> bool:
    """A rule on manifests looks at nothing else, one on builds finds nothing where there is none."""
    rule = next(r for r in rules_on(*listed.subjects) if r.code == listed.code)
    if "manifest" not in listed.subjects and rule.check_manifest is not None:
        return False
    if "build" in listed.subjects:
        without = [replace(s, builds=()) for s in report.simulations]
        return rule.check_workspace is None and not any(f for s in without for f in rule.check(s))  # type: ignore[misc]
    return "resolution" in listed.subjects or (rule.check is None and rule.check_workspace is None)


def test_every_file_of_a_rule_is_listed_and_is_called_as_the_rule_calls_itself() -> None:
    folder = Path(__file__).parent.parent / "src" / "pixi_diagnose" / "rules"
    files = {p.stem for p in folder.glob("*.py") if re.match(r"[a-z]{3}\d{3}_", p.stem)}
    assert files == {listed.module for listed in LISTED}
    assert [(r.code, r.name) for r in rules_on("manifest", "resolution", "build")] == [
        (listed.code, listed.name) for listed in LISTED
    ]
    assert len({r.code for r in LISTED}) == len(LISTED)


def test_a_page_is_read_without_importing_the_rule() -> None:
    code = "from pixi_diagnose.rules import LISTED; import sys; LISTED[0].page; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in done.stdout.split() if name.startswith("pixi_diagnose")}
    assert ours == {"pixi_diagnose", "pixi_diagnose.rules", "pixi_diagnose.lazy_dataclass"}
