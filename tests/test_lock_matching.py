"""What a lock holds is compared with what is asked as rattler and packaging compare it, without importing rattler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rattler
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker

from pixi_diagnose.locks.conda_matching import build_meets, depends_name, meets, version_meets
from pixi_diagnose.locks.pypi_matching import MarkerReader, needs_other_extra, python_fits, read_requirement

LINUX = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "python_version": "3.12",
    "python_full_version": "3.12.7",
    "implementation_name": "cpython",
    "implementation_version": "3.12.7",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_version": "",
}

VERSIONS = st.from_regex(r"(?:[12]!)?[0-9]{1,2}(?:\.[0-9]{1,3}){0,3}(?:a0|rc1|\.dev0|\.post1|b|dev)?", fullmatch=True)
CLAUSES = st.builds(
    lambda operator, version, star: f"{operator}{version}{star if operator in {'', '!='} else ''}",
    st.sampled_from(["", "==", "!=", ">=", "<=", ">", "<", "~="]),
    VERSIONS,
    st.sampled_from(["", ".*"]),
)
SPECS = st.lists(st.lists(CLAUSES, min_size=1, max_size=2).map(",".join), min_size=1, max_size=2).map("|".join)


@settings(max_examples=300, deadline=None)
@given(SPECS, VERSIONS)
def test_conda_versions_are_compared_as_rattler_compares_them(spec: str, version: str) -> None:
    try:
        theirs = rattler.MatchSpec(f"name {spec}", strict=False)
    except Exception:  # noqa: BLE001 - what rattler refuses stands in no lock
        return
    record = rattler.PackageRecord("name", version, rattler.BuildString("0"), 0, "noarch")
    assert version_meets(spec, version) == theirs.matches(record)


@pytest.mark.parametrize(
    ("depends", "version", "build", "met"),
    [
        ("python", "3.12.7", "0", True),
        ("python >=3.12,<3.13.0a0", "3.12.7", "0", True),
        ("python >=3.12,<3.13.0a0", "3.13.0a1", "0", False),
        ("python_abi 3.12.* *_cp312", "3.12", "7_cp312", True),
        ("python_abi 3.12.* *_cp312", "3.12", "7_cp313", False),
        ("libblas 3.9.0 26_linux64_openblas", "3.9.0", "26_linux64_openblas", True),
        ("openssl 1.1.1*", "1.1.1w", "0", True),
        ("__cuda >=12|11.8.*", "11.8", "0", True),
        ("numpy[version='>=2']", "1.26.0", "0", False),
        ("x264 >=1!164.3095,<1!165", "1!164.3095", "0", True),
        ("pytorch =2.5.1=*cuda*", "2.5.1", "cuda126_0", True),
    ],
)
def test_an_entry_of_depends(depends: str, version: str, build: str, met: bool) -> None:
    assert meets(depends, version, build) is met


def test_the_name_of_an_entry_ends_where_its_version_begins() -> None:
    texts = ("Python >=3", "numpy>=2", "x[version='1']", "libx =1", "_openmp_mutex")
    assert [depends_name(t) for t in texts] == ["python", "numpy", "x", "libx", "_openmp_mutex"]


def test_a_build_string_is_a_glob_or_a_regular_expression() -> None:
    assert build_meets("*_cp312", "7_cp312")
    assert not build_meets("cuda*", "cpu_0")
    assert build_meets("^py3[0-9]+_.*$", "py312_0")
    assert build_meets(None, "any")


MARKERS = (
    "sys_platform == 'win32'",
    "python_full_version < '3.11'",
    "extra == 'fast'",
    "python_version >= '3.8' and extra == 'fast'",
    "sys_platform == 'win32' and extra == 'fast'",
    "(sys_platform == 'linux' or sys_platform == 'win32') and extra == 'fast'",
    "extra == 'other' or sys_platform == 'linux'",
)


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("extras", [(), ("fast",), ("other", "fast")], ids=["none", "one", "two"])
def test_a_marker_holds_with_one_of_the_extras(marker: str, extras: tuple[str, ...]) -> None:
    expected = any(Marker(marker).evaluate({**LINUX, "extra": extra}) for extra in extras or ("",))
    assert MarkerReader(LINUX).holds(marker, extras) == expected
    if needs_other_extra(f"x ; {marker}", extras):
        assert not expected


def test_a_requirement_is_read_in_every_form() -> None:
    plain = read_requirement("Foo.Bar[b,a]>=1.0, <2 ; extra == 'x'")
    assert plain is not None
    assert (plain.name, plain.extras, plain.specifier, plain.marker) == (
        "foo-bar",
        ("a", "b"),
        ">=1.0,<2",
        "extra == 'x'",
    )
    direct = read_requirement("foo @ git+https://git.example/foo@main")
    assert direct is not None
    assert direct.url == "git+https://git.example/foo@main"
    assert read_requirement("not a requirement") is None


def test_upper_bounds_of_requires_python_do_not_count() -> None:
    assert python_fits(">=3.8,<3.12", "3.13.1")
    assert not python_fits(">=3.14", "3.13.1")
    assert python_fits("", "3.13")


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from pixi_diagnose.locks import conda_matching as c\n"
        "assert c.meets('x264 >=1!164,<1!165', '1!164.3', '0')\n"
        "assert c.meets('python 3.12.* *_cpython', '3.12.1', 'h_cpython')\n"
        "print([m for m in ('rattler', 'httpx2', 'uv', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
