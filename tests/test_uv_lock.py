"""uv.lock and pylock.toml: what they install here, and when uv would write another uv.lock (uv 0.13.8, uv.md U3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixi_diagnose.environment import Environment, environments
from pixi_diagnose.errors import LockError
from pixi_diagnose.index.tags import Target
from pixi_diagnose.locks.pylock import Choice, pylock_distributions, read_pylock
from pixi_diagnose.locks.uv_lock import Selection, locked_distributions, read_uv_lock
from pixi_diagnose.locks.uv_project import UvProjectLock
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.platforms import bare_platform

PROJECT = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["click>=8", "colorama ; sys_platform == 'win32'", "docopt"]

[project.optional-dependencies]
fast = ["six"]

[dependency-groups]
dev = ["toml", { include-group = "lint" }]
lint = ["ruff>=0.5"]

[tool.uv]
constraint-dependencies = ["six<2"]
"""
INDEX = "https://index.example/simple"


def package(name: str, version: str, *, wheel: str = "py3-none-any", sdist: bool = True) -> str:
    base = f"https://files.example/{name}-{version}"
    lines = [f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "{INDEX}" }}']
    lines += [f'sdist = {{ url = "{base}.tar.gz", hash = "sha256:{name}", size = 10 }}'] if sdist else []
    lines += [f'wheels = [\n  {{ url = "{base}-{wheel}.whl", hash = "sha256:w{name}" }},\n]'] if wheel else []
    return "\n".join(lines) + "\n"


LOCK = f"""\
version = 1
revision = 5
requires-python = ">=3.11"

[manifest]
constraints = [{{ name = "six", specifier = "<2" }}]

[[package]]
name = "demo"
version = "0.1.0"
source = {{ virtual = "." }}
dependencies = [
  {{ name = "click" }},
  {{ name = "colorama", marker = "sys_platform == 'win32'" }},
  {{ name = "docopt" }},
]
[package.optional-dependencies]
fast = [{{ name = "six" }}]
[package.dev-dependencies]
dev = [{{ name = "ruff" }}, {{ name = "toml" }}]
lint = [{{ name = "ruff" }}]
[package.metadata]
requires-dist = [
  {{ name = "click", specifier = ">=8" }},
  {{ name = "colorama", marker = "sys_platform == 'win32'" }},
  {{ name = "docopt" }},
  {{ name = "six", marker = "extra == 'fast'" }},
]
provides-extras = ["fast"]
[package.metadata.requires-dev]
dev = [{{ name = "ruff", specifier = ">=0.5" }}, {{ name = "toml" }}]
lint = [{{ name = "ruff", specifier = ">=0.5" }}]

{package("click", "8.1.7")}
{package("colorama", "0.4.6")}
{package("docopt", "0.6.2", wheel="")}
{package("ruff", "0.6.0", wheel="py3-none-win_amd64")}
{package("six", "1.17.0")}
{package("toml", "0.10.2")}
"""


def target(subdir: str = "linux-64", python: str = "3.12.7") -> Target:
    return Target.of(bare_platform(subdir), python)


def installed(selection: Selection, text: str = LOCK) -> dict[str, str]:
    return {d.project: d.kind for d in locked_distributions(read_uv_lock(text, "uv.lock"), selection)}


def test_what_is_installed_hangs_on_platform_extras_and_groups() -> None:
    assert installed(Selection(("demo",), target())) == {"click": "wheel", "docopt": "sdist"}
    windows = Selection(("demo",), target("win-64"), extras=("fast",))
    assert installed(windows) == {"click": "wheel", "colorama": "wheel", "docopt": "sdist", "six": "wheel"}
    grouped = Selection(("demo",), target(), groups=("dev",))
    assert installed(grouped) == {"click": "wheel", "docopt": "sdist", "ruff": "sdist", "toml": "wheel"}
    unbuilt = Selection(("demo",), target(), forbids_wheel={"click"}.__contains__)
    assert installed(unbuilt)["click"] == "sdist"


def test_a_distribution_says_where_it_is_from_and_why_it_is_built() -> None:
    docopt = locked_distributions(read_uv_lock(LOCK, "uv.lock"), Selection(("demo",), target()))[1]
    assert docopt.url == "https://files.example/docopt-0.6.2.tar.gz"
    assert (docopt.filename, docopt.sha256, docopt.index) == ("docopt-0.6.2.tar.gz", "docopt", INDEX)
    assert docopt.required_by == ("demo",)
    assert docopt.why_built == "uv.lock has no wheel for it that fits"


def test_forks_of_conflicting_extras_are_told_apart() -> None:
    text = LOCK.replace(
        'fast = [{ name = "six" }]',
        "fast = [{ name = \"six\", version = \"1.16.0\", marker = \"extra == 'extra-4-demo-fast'\" }]\n"
        "slow = [{ name = \"six\", version = \"1.17.0\", marker = \"extra == 'extra-4-demo-slow'\" }]",
    ) + package("six", "1.16.0")  # fmt: skip
    lock = read_uv_lock(text, "uv.lock")
    for extra, version in (("fast", "1.16.0"), ("slow", "1.17.0")):
        found = locked_distributions(lock, Selection(("demo",), target(), extras=(extra,)))
        assert [d.version for d in found if d.project == "six"] == [version]


def test_folders_and_repositories_are_source_trees() -> None:
    text = LOCK.replace('{ virtual = "." }', '{ editable = "." }') + (
        '[[package]]\nname = "tool"\nversion = "1"\nsource = { git = "https://git.example/tool?rev=v1#0123" }\n'
    )
    text = text.replace('{ name = "docopt" },\n]\n[package.opt', '{ name = "tool" },\n]\n[package.opt')
    assert installed(Selection(("demo",), target()), text) == {"click": "wheel", "demo": "directory", "tool": "git"}


# --- freshness --------------------------------------------------------------------------------------------------------


def judged(project: str, lock: str = LOCK) -> tuple[UvProjectLock, Environment]:
    manifest = read_manifest(project, "pyproject.toml", Invocation(frontend="uv", platforms=("linux-64",)))
    assert manifest.installer is not None
    every = environments(manifest)
    return UvProjectLock.of(lock, "uv.lock", every, manifest.installer), every[0]


KEPT = {
    "nothing": PROJECT,
    "a comment": PROJECT + "# later\n",
    "another spelling": PROJECT.replace('"click>=8"', '"Click >= 8"'),
    "another spelling of a marker": PROJECT.replace(
        "sys_platform == 'win32'", 'sys_platform=="win32"'.replace('"', "'")
    ),
    "a marker of all its Pythons": PROJECT.replace('"docopt"', "\"docopt ; python_version >= '3.8'\""),
    "a group written out": PROJECT.replace('{ include-group = "lint" }', '"ruff>=0.5"'),
    "no-build-isolation": PROJECT + "no-build-isolation = true\n",
    "no-binary": PROJECT + 'no-binary-package = ["click"]\n',
    "extra build dependencies": PROJECT + '[tool.uv.extra-build-dependencies]\ndocopt = ["setuptools"]\n',
    "the same Pythons": PROJECT.replace('">=3.11"', '">=3.11.0"'),
}
STALE = {
    "a tighter requirement": (PROJECT.replace("click>=8", "click>=8.1"), "the requirements have changed: click"),
    "an added requirement": (PROJECT.replace('"docopt"', '"docopt", "six"'), "the requirements have changed: six"),
    "a removed requirement": (PROJECT.replace(', "docopt"', ""), "the requirements have changed: docopt"),
    "another marker": (PROJECT.replace("== 'win32'", "!= 'linux'"), "the requirements have changed: colorama"),
    "an extra": (PROJECT.replace("fast = ", 'more = ["six"]\nfast = '), "the extras of demo have changed"),
    "an empty group": (PROJECT.replace("lint = ", "doc = []\nlint = "), "the groups of demo have changed"),
    "a group": (PROJECT.replace("ruff>=0.5", "ruff>=0.6"), "the requirements of the group dev have changed: ruff"),
    "a constraint": (PROJECT.replace("six<2", "six<3"), "the setting constraint-dependencies has changed"),
    "an override": (PROJECT + 'override-dependencies = ["toml<1"]\n', "the setting override-dependencies has changed"),
    "a Python": (PROJECT.replace(">=3.11", ">=3.12"), "requires-python was >=3.11 and is >=3.12"),
    "a strategy": (PROJECT + 'resolution = "lowest"\n', "the resolution mode was highest and is lowest"),
    "a cut-off": (PROJECT + 'exclude-newer = "2026-01-01T00:00:00Z"\n', "exclude-newer is now 2026-01-01T00:00:00Z"),
    "environments": (PROJECT + "environments = [\"os_name == 'posix'\"]\n", "the setting environments has changed"),
    "a conflict": (PROJECT + 'conflicts = [[{ extra = "fast" }, { group = "dev" }]]\n', "conflicting extras or groups"),
    "a package": (PROJECT + "package = true\n", "demo is now a package, and was not"),
    "an index": (PROJECT + '[[tool.uv.index]]\nurl = "https://b.example/"\ndefault = true\n', "not among the indexes"),
}  # fmt: skip


@pytest.mark.parametrize("project", KEPT.values(), ids=KEPT)
def test_uv_keeps_the_lock(project: str) -> None:
    lock, environment = judged(project)
    assert lock.staleness(environment) is None
    answer = lock.answer(environment)
    assert answer is not None
    assert [d.project for d in answer.distributions] == ["click", "docopt", "ruff", "toml"]


@pytest.mark.parametrize(("project", "says"), STALE.values(), ids=STALE)
def test_uv_would_write_another(project: str, says: str) -> None:
    lock, environment = judged(project)
    stale = lock.staleness(environment)
    assert stale is not None
    assert says in stale.reason
    assert stale.lock == "uv.lock"
    assert lock.answer(environment) is None


def test_a_lock_that_cannot_be_read_is_an_unknown_at_fault() -> None:
    lock, environment = judged(PROJECT, LOCK.replace("version = 1\n", "version = 2\n", 1))
    assert lock.answer(environment) is None
    assert lock.staleness(environment) is None
    assert [(u.subject, u.fault) for u in lock.unknowns] == [("uv.lock", True)]
    assert "version 2, is unknown to uv 0.13" in lock.unknowns[0].reason


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = ", "it is no TOML"),
        ("version = 1\n[[package]]\nname = 1\n", "its source is of no known kind"),
        ('version = 1\n[[package]]\nsource = { registry = "x" }\n', "package[0].name is not there"),
        ('version = 1\n[[package]]\nname = "a"\nsource = { git = 1 }\n', "package[0].source.git is not a string"),
        ("version = 1\npackage = 3\n", "package is not a list of tables"),
    ],
)
def test_the_part_of_a_uv_lock_that_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(LockError) as error:
        read_uv_lock(text, "uv.lock")
    assert says in error.value.message


@settings(max_examples=60, deadline=None)
@example(LOCK.index("-py3-none-any"), 8, "")
@given(st.integers(0, len(LOCK) - 1), st.integers(0, 12), st.text(" \n\"'{}[]=,abc1.", max_size=6))
def test_a_damaged_uv_lock_never_gives_a_traceback(start: int, length: int, put: str) -> None:
    text = LOCK[:start] + put + LOCK[start + length :]
    try:
        lock = read_uv_lock(text, "uv.lock")
        assert locked_distributions(lock, Selection(("demo",), target())) is not None
    except LockError:
        return


# --- pylock.toml ------------------------------------------------------------------------------------------------------

PYLOCK = """\
lock-version = "1.0"
created-by = "test"
extras = ["fast"]
dependency-groups = ["dev"]
default-groups = ["dev"]

[[packages]]
name = "click"
version = "8.1.7"
dependencies = [{ name = "colorama" }]
wheels = [{ name = "click-8.1.7-py3-none-any.whl", url = "https://f.example/click-8.1.7-py3-none-any.whl", hashes = { sha256 = "aa" } }]
[[packages]]
name = "colorama"
version = "0.4.6"
marker = "sys_platform == 'win32'"
wheels = [{ url = "https://f.example/colorama-0.4.6-py3-none-any.whl", hashes = { sha256 = "bb" } }]
[[packages]]
name = "docopt"
version = "0.6.2"
marker = "'dev' in dependency_groups"
index = "https://index.example/simple"
sdist = { url = "https://f.example/docopt-0.6.2.tar.gz", hashes = { sha256 = "cc" }, size = 10 }
[[packages]]
name = "six"
marker = "'fast' in extras"
directory = { path = "./six" }
"""  # noqa: E501


def test_a_pylock_is_selected_as_the_standard_says() -> None:
    lock = read_pylock(PYLOCK, "pylock.toml")
    found = pylock_distributions(lock, Choice(target()), "pylock.toml")
    assert [(d.project, d.version, d.kind, d.filename, d.sha256) for d in found] == [
        ("click", "8.1.7", "wheel", "click-8.1.7-py3-none-any.whl", "aa"),
        ("docopt", "0.6.2", "sdist", "docopt-0.6.2.tar.gz", "cc"),
    ]
    assert found[1].index == "https://index.example/simple"
    windows = pylock_distributions(lock, Choice(target("win-64"), ("fast",), ()), "pylock.toml")
    assert [(d.project, d.kind, d.required_by) for d in windows] == [
        ("click", "wheel", ("",)),
        ("colorama", "wheel", ("click",)),
        ("six", "directory", ("",)),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lock-version = ", "Invalid value"),
        (PYLOCK.replace('"1.0"', '"2.0"', 1), "2.0"),
        (PYLOCK.replace('name = "click"\n', "", 1), "name"),
    ],
)
def test_a_pylock_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(LockError) as error:
        read_pylock(text, "pylock.toml")
    assert says in error.value.message


def test_a_pylock_for_another_python_does_not_answer() -> None:
    lock = read_pylock('requires-python = ">=3.13"\n' + PYLOCK, "pylock.toml")
    with pytest.raises(LockError, match=r"3\.13"):
        pylock_distributions(lock, Choice(target()), "pylock.toml")


def test_the_lock_of_a_workspace_lies_above_its_members(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 9\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "root"\nversion = "1"\n[tool.uv.workspace]\nmembers = ["a"]\n'
    )
    (tmp_path / "a").mkdir()
    member = tmp_path / "a" / "pyproject.toml"
    member.write_text('[project]\nname = "a"\nversion = "1"\n')
    manifest = read_manifest(member.read_text(), str(member), Invocation(frontend="uv", platforms=("linux-64",)))
    assert manifest.installer is not None
    lock = UvProjectLock.beside(environments(manifest), manifest.installer)
    assert [u.subject for u in lock.unknowns] == ["uv.lock"]
