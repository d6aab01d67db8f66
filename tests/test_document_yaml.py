"""Edits of YAML: what is not meant by them stays byte for byte."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pixi_diagnose.document import Edit
from pixi_diagnose.document.yaml_document import YamlDocument
from pixi_diagnose.errors import ManifestError

TEXT = """\
# what we work in
name: demo   # short
channels: [conda-forge]
dependencies:
  - python=3.12  # the interpreter
  - pip

  # from PyPI
  - pip:
      - flash-attn==2.7.4.post1
      - torch==2.6.0   # pinned
variables:
  A: "1"
"""
PIP = ("dependencies", 2, "pip")


def edited(*edits: Edit, text: str = TEXT) -> str:
    return YamlDocument(text, "environment.yml").apply(edits)


def changed(*edits: Edit, text: str = TEXT) -> list[str]:
    """The lines that an edit takes away and brings."""
    old, new = text.splitlines(), edited(*edits, text=text).splitlines()
    assert [line for line in old if line in new] == [line for line in new if line in old]
    return [*(f"-{o}" for o in old if o not in new), *(f"+{n}" for n in new if n not in old)]


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (
            Edit.set((*PIP, 0), "flash-attn==2.8.3", "has a wheel"),
            ["-      - flash-attn==2.7.4.post1", "+      - flash-attn==2.8.3  # has a wheel"],
        ),
        (
            Edit.set((*PIP, 1), "torch==2.7.0", "not written: there is a comment"),
            ["-      - torch==2.6.0   # pinned", "+      - torch==2.7.0   # pinned"],
        ),
        (Edit.remove((*PIP, 0)), ["-      - flash-attn==2.7.4.post1"]),
        (Edit.discard(PIP, "torch==2.6.0"), ["-      - torch==2.6.0   # pinned"]),
        (Edit.append(PIP, "psutil", "for flash-attn"), ["+      - psutil  # for flash-attn"]),
        (Edit.set(PIP, ("torch==2.6.0", "psutil")), ["-      - flash-attn==2.7.4.post1", "+      - psutil"]),
        (Edit.append(("dependencies",), "pytorch=2.6"), ["+  - pytorch=2.6"]),
        (Edit.append(("channels",), "nvidia"), ["-channels: [conda-forge]", "+channels: [conda-forge, nvidia]"]),
        (Edit.append(PIP, "--pre"), ["+      - --pre"]),
        (Edit.append(PIP, "a: b"), ["+      - 'a: b'"]),
        (Edit.append(PIP, "a @ file:///a#b"), ["+      - 'a @ file:///a#b'"]),
        (
            Edit.append(PIP, "a; python_version < '3.12'"),
            ["+      - a; python_version < '3.12'"],
        ),
    ],
)
def test_an_edit_changes_its_own_lines(edit: Edit, lines: list[str]) -> None:
    assert changed(edit) == lines


def test_conda_packages_come_before_the_pip_section() -> None:
    assert "  - pip\n  - pytorch=2.6\n\n  # from PyPI\n" in edited(Edit.append(("dependencies",), "pytorch=2.6"))


def test_a_section_that_loses_its_last_line_goes_as_a_whole() -> None:
    text = "dependencies:\n  - pip\n  - pip:\n    - a\n  - zlib\n"
    removed = Edit.remove(("dependencies", 1, "pip"))
    assert edited(removed, text=text) == "dependencies:\n  - pip\n  - zlib\n"


def test_it_does_so_when_all_its_lines_go_one_by_one() -> None:
    text = "dependencies:\n  - pip\n  - pip:\n    - a  # one\n    - b\n"
    pip = ("dependencies", 1, "pip")
    assert edited(Edit.discard(pip, "a"), Edit.discard(pip, "b"), text=text) == "dependencies:\n  - pip\n"
    left = edited(Edit.discard(pip, "a"), Edit.remove((*pip, 1)), Edit.append(pip, "c"), text=text)
    assert left == "dependencies:\n  - pip\n  - pip:\n    - c\n"


def test_edits_of_one_list_do_not_get_in_each_others_way() -> None:
    edits = (Edit.set((*PIP, 1), "torch==2.7.0"), Edit.remove((*PIP, 0)), Edit.append(PIP, "psutil"))
    assert yaml.safe_load(edited(*edits))["dependencies"][2] == {"pip": ["torch==2.7.0", "psutil"]}


def test_line_breaks_stay_what_they_are() -> None:
    text = TEXT.replace("\n", "\r\n")
    new = edited(Edit.append(PIP, "psutil"), Edit.set((*PIP, 0), "a", "b"), text=text)
    assert new.count("\n") == new.count("\r\n") == text.count("\n") + 1


def test_places_are_right_behind_any_character() -> None:
    text = "\ufeff# caf\u00e9 \U0001f389\n" + TEXT
    assert edited(Edit.set((*PIP, 0), "a"), text=text) == text.replace("flash-attn==2.7.4.post1", "a")


def test_a_key_that_is_there_keeps_its_value() -> None:
    assert edited(Edit.add_key(("name",), "other")) == TEXT


def test_a_last_line_without_a_break_is_ended() -> None:
    assert edited(Edit.append(("dependencies",), "b"), text="dependencies:\n- a") == "dependencies:\n- a\n- b"


@pytest.mark.parametrize(
    "edit", [Edit.set(("name",), ("a",)), Edit.remove(("name",)), Edit.append(("nowhere",), "a"), Edit.set(("new",), 1)]
)
def test_what_does_not_fit_is_refused(edit: Edit) -> None:
    with pytest.raises(ManifestError, match="cannot be edited in this YAML"):
        edited(edit)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30))
def test_whatever_is_added_is_read_back(value: str) -> None:
    try:
        expected = YamlDocument(edited(Edit.append(PIP, value)), "environment.yml").value_at(PIP)
    except ManifestError:
        return  # no YAML has this character
    assert expected[-1] == value
