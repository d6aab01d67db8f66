"""Usual names, versions, specifiers and markers are judged as packaging judges them, and without it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging import utils
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pixi_diagnose.pep508 import (
    allows,
    canonicalize_name,
    is_at_least,
    marker_holds,
    normal_specifier,
    normal_version,
)

LINUX = {
    "extra": "",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_version": "5.4",
    "python_version": "3.12",
    "python_full_version": "3.12.7",
}

PEP440 = st.from_regex(r"[0-9]{1,2}(?:\.[0-9]{1,3}){0,3}(?:a1|rc1|\.dev2|\.post1|\+cu124)?", fullmatch=True)
SPECIFIERS = st.lists(
    st.builds(
        lambda operator, numbers, star: f"{operator}{numbers}{star if operator in {'==', '!='} else ''}",
        st.sampled_from(["==", "!=", ">=", "<=", ">", "<", "~="]),
        st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?", fullmatch=True),
        st.sampled_from(["", ".*"]),
    ),
    max_size=3,
).map(",".join)


@settings(max_examples=300)
@given(SPECIFIERS, PEP440)
def test_projects_versions_are_compared_as_packaging_compares_them(specifier: str, version: str) -> None:
    assert allows(specifier, version) == SpecifierSet(specifier).contains(Version(version), prereleases=True)
    assert normal_specifier(specifier) == str(SpecifierSet(specifier))


@settings(max_examples=300)
@given(PEP440, PEP440)
def test_versions_are_ordered_and_written_as_packaging_does(one: str, other: str) -> None:
    assert is_at_least(one, other) == (Version(one) >= Version(other))
    assert normal_version(one) == str(Version(one))


@given(st.text(alphabet="aB9-_.", max_size=8))
def test_names_are_spelled_as_packaging_spells_them(name: str) -> None:
    assert canonicalize_name(name) == utils.canonicalize_name(name)


COMPARISONS = st.builds(
    lambda name, operator, text, quote: f"{name} {operator} {quote}{text}{quote}",
    st.sampled_from(sorted(LINUX)),
    st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "in", "not in"]),
    st.sampled_from(["3.12", "3.8", "3.12.*", "3.13.0a1", "linux", "win32", "x86_64", "posix", "Fast_Extra", "5.4"]),
    st.sampled_from(["'", '"']),
)
MARKERS = st.recursive(
    COMPARISONS,
    lambda inner: st.builds(
        lambda left, word, right, brackets: f"({left} {word} {right})" if brackets else f"{left} {word} {right}",
        inner,
        st.sampled_from(["and", "or"]),
        inner,
        st.booleans(),
    ),
    max_leaves=4,
)


@settings(max_examples=500)
@given(MARKERS, st.sampled_from(["", "fast-extra"]))
def test_markers_hold_as_packaging_evaluates_them(marker: str, extra: str) -> None:
    environment = {**LINUX, "extra": extra}
    try:
        expected: object = Marker(marker).evaluate(environment)
    except ValueError as error:
        expected = type(error)
    try:
        found: object = marker_holds(marker, environment)
    except ValueError as error:
        found = type(error)
    assert found == expected


@pytest.mark.parametrize("text", ["", "sys_platform ==", "sys_platform == 'linux' and", "nothing == 'x'"])
def test_what_is_no_marker_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        marker_holds(text, LINUX)


def test_what_is_no_version_or_specifier_is_a_value_error() -> None:
    for function in (normal_specifier, normal_version):
        with pytest.raises(ValueError, match="Invalid"):
            function("one")
    assert not allows("==one", "1")


def test_usual_forms_need_no_packaging() -> None:
    code = (
        "import sys\n"
        "from pixi_diagnose.pep508 import *\n"
        "assert allows('>=1.2,!=1.5.*,<3', '2.0.1') and is_at_least('0.77', '0.51')\n"
        "assert normal_specifier('==2.6.0') == '==2.6.0' and normal_version('1.26.0') == '1.26.0'\n"
        "linux = {'sys_platform': 'linux', 'python_version': '3.12', 'extra': ''}\n"
        "assert marker_holds(\"sys_platform != 'win32' and python_version >= '3.8' or extra == 'x'\", linux)\n"
        "print('packaging' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
