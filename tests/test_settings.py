"""Settings: `[tool.pixi-diagnose]`, colour, suppressions in comments."""

import pytest

from pixi_diagnose.errors import ManifestError
from pixi_diagnose.settings import Settings, read_settings, suppressions, wants_color


def test_without_a_table_all_rules_are_reported() -> None:
    assert read_settings({"tool": {"ruff": {}}}, "pixi.toml") == Settings()


def test_rules_are_selected_and_ignored_by_code_group_or_name() -> None:
    table = {"select": ["ISO", "ENV201"], "ignore": ["late-build-requirement"]}
    settings = read_settings({"tool": {"pixi-diagnose": table}}, "pixi.toml")
    assert settings == Settings(("ISO", "ENV201"), ("late-build-requirement",))


@pytest.mark.parametrize(
    "table",
    [{"selcet": ["ISO"]}, {"select": "ISO"}, {"ignore": [1]}, {"ignore": ["everything"]}, {"ignore": {}}, "ISO"],
)
def test_a_setting_that_would_be_misread_is_an_error(table: object) -> None:
    with pytest.raises(ManifestError) as error:
        read_settings({"tool": {"pixi-diagnose": table}}, "folder/pixi.toml")
    assert error.value.path == "folder/pixi.toml"


def test_a_comment_suppresses_the_rules_that_it_names_on_its_line() -> None:
    text = 'a = 1\nb = "*"  # pixi-diagnose: ignore[ISO101, ISO104]\nc = 2  # why: pixi-diagnose: ignore\n'
    assert suppressions(text) == {(2, "ISO101"), (2, "ISO104"), (3, "*")}


def test_text_that_is_no_comment_suppresses_nothing() -> None:
    assert suppressions('description = "pixi-diagnose: ignore[ISO101]"\n') == frozenset()


@pytest.mark.parametrize(
    ("environ", "option", "terminal", "colored"),
    [
        ({}, "auto", True, True),
        ({}, "auto", False, False),
        ({"NO_COLOR": "1"}, "auto", True, False),
        ({"NO_COLOR": ""}, "auto", True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", True, False),
        ({"FORCE_COLOR": "1"}, "auto", False, True),
        ({"PIXI_COLOR": "always"}, "auto", False, True),
        ({"PIXI_COLOR": "never"}, "auto", True, False),
        ({"NO_COLOR": "1"}, "always", False, True),
        ({"FORCE_COLOR": "1"}, "never", True, False),
    ],
)
def test_color_is_decided_by_the_option_then_the_environment_then_the_terminal(
    environ: dict[str, str], option: str, terminal: bool, colored: bool
) -> None:
    assert wants_color(environ, option=option, terminal=terminal) is colored
