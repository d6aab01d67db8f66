"""Every rule's page is true: its Example is found, its Use instead is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.finding import Rule
from pixi_diagnose.rules import RULES
from support.worlds import sections, world

SECTIONS = ("What it finds", "Why it breaks", "Example", "Use instead", "Limits")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_page_is_complete_and_true(rule: Rule, tmp_path: Path) -> None:
    pages = sections(rule.page)
    assert rule.page.lstrip().startswith(f"# {rule.code} {rule.name}\n")
    assert tuple(pages) == SECTIONS
    example = pages["Example"]
    instead = example | pages["Use instead"]
    with world(tmp_path, instead) as packages:
        user_files = {name: text for name, text in example.items() if name == "pixi.toml"}
        assert rule.code in {f.rule.code for f in packages.diagnose(user_files, plans=False).findings}
        user_files = {name: text for name, text in instead.items() if name == "pixi.toml"}
        assert rule.code not in {f.rule.code for f in packages.diagnose(user_files, plans=False).findings}


def test_codes_names_and_files_agree() -> None:
    folder = Path(__file__).parent.parent / "src" / "pixi_diagnose" / "rules"
    files = {p.stem for p in folder.glob("*.py") if p.stem[-1] != "_"} - {"wording"}
    assert files == {f"{r.code.lower()}_{r.name.replace('-', '_')}" for r in RULES}
    assert len({r.code for r in RULES}) == len(RULES)
