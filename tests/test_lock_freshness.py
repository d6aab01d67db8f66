"""When pixi keeps a lock, and why not where it does not: it has to satisfy what is asked (pixi.md P9, pixi 0.77)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pixi_diagnose.environment import environments
from pixi_diagnose.locks import LockAnswer, Staleness
from pixi_diagnose.locks.pixi_lock import read_pixi_lock
from pixi_diagnose.locks.workspace_lock import WorkspaceLock
from pixi_diagnose.manifest import read_manifest
from support.locks import CHANNEL, INDEX, conda_entry, lock_text, pypi_entry

MANIFEST = f"""\
[workspace]
name = "w"
channels = ["{CHANNEL}"]
platforms = ["linux-64"]

[dependencies]
python = "3.12.*"
numpy = ">=1.26"

[pypi-options]
index-url = "{INDEX}"

[pypi-dependencies]
app = ">=1"
"""
CONDA = (
    conda_entry("python", "3.12.7", "h0_0_cpython", ["__glibc >=2.17,<3.0.a0", "libz >=1.3,<2.0a0"]),
    conda_entry("libz", "1.3.1"),
    conda_entry("numpy", "1.26.4", "py312_0", ["python >=3.12,<3.13.0a0"], "numpy"),
)
PROJECTS = (
    pypi_entry("app", "1.2", ["click>=8", "six ; extra == 'fast'", "tomli ; python_full_version < '3.11'", "numpy<2"]),
    pypi_entry("click", "8.1.7"),
)
LOCK = lock_text([*CONDA, *PROJECTS])


def judged(
    manifest: str, lock: str = LOCK, root: Path = Path("/nowhere")
) -> tuple[LockAnswer | None, Staleness | None]:
    """The answer for the first environment, and the first reason to write another lock."""
    every = environments(read_manifest(manifest, str(root / "pixi.toml")))
    read = read_pixi_lock(lock, "pixi.lock")
    found = WorkspaceLock.of(read, "pixi.lock", every, lambda: "https://default.example/simple")
    stale = next((s for e in every if (s := found.staleness(e))), None)
    return found.answer(every[0]), stale


def reason(manifest: str, lock: str = LOCK, root: Path = Path("/nowhere")) -> str:
    """Why pixi would write another lock, "" where it keeps this one and answers from it."""
    answer, stale = judged(manifest, lock, root)
    assert answer is not None or stale is not None
    return stale.reason if stale else ""


def edit(old: str, new: str) -> str:
    assert old in MANIFEST
    return MANIFEST.replace(old, new)


KEPT = {
    "nothing": MANIFEST,
    "a comment and a task": MANIFEST + "# later\n[tasks]\ntest = 'pytest'\n",
    "a spec that the locked version still meets": edit('numpy = ">=1.26"', 'numpy = ">=1.20,<2"'),
    "a build that matches": edit('numpy = ">=1.26"', 'numpy = { version = "*", build = "py312*" }'),
    "a transitive project asked for": edit('app = ">=1"', 'app = ">=1"\nclick = "*"'),
    "a marker that is true here": edit('">=1"', '{ version = ">=1", env-markers = "sys_platform == \'linux\'" }'),
    "a solve group": MANIFEST + '[environments]\ndefault = { solve-group = "g" }\n',
    "an unused feature": MANIFEST + "[feature.x.dependencies]\nother = '*'\n",
    "a target for another platform": MANIFEST + "[target.osx-arm64.dependencies]\nother = '*'\n",
    "no-build-isolation": edit("[pypi-dep", 'no-build-isolation = ["app"]\n\n[pypi-dep'),
    "no-build, as all are wheels": edit("[pypi-dep", "no-build = true\n\n[pypi-dep"),
    "an index strategy": edit("[pypi-dep", 'index-strategy = "unsafe-best-match"\n\n[pypi-dep'),
    "an exclude-newer after all that is locked": edit(
        "[dependencies]", 'exclude-newer = "2025-01-01"\n\n[dependencies]'
    ),
    "a constraint that is met": MANIFEST + "[constraints]\nlibz = '>=1'\n",
}
STALE = {
    "an added conda package": (edit("[pypi-options]", "other = '*'\n\n[pypi-options]"), "'other *' could not be satis"),
    "a removed conda package": (edit('numpy = ">=1.26"\n', ""), "only requested by pypi"),
    "an unmet conda spec": (edit('numpy = ">=1.26"', 'numpy = ">=2"'), "requirement 'numpy >=2' could not be"),
    "another build": (edit('">=1.26"', '{ version = "*", build = "cuda*" }'), "'numpy * cuda*' could not be satisfied"),
    "another Python": (edit("3.12.*", "3.11.*"), "'python 3.11.*' could not be satisfied"),
    "an added project": (
        edit('app = ">=1"', 'app = ">=1"\nsix = "*"'),
        "'six' could not be satisfied (required by '<env",
    ),
    "a removed project": (edit('app = ">=1"\n', 'click = "*"\n'), "more pypi packages in the lock file"),
    "an unmet project": (edit('app = ">=1"', 'app = ">=2"'), "'app' has version 1.2 in the lock file"),
    "an extra": (edit('app = ">=1"', 'app = { version = "*", extras = ["fast"] }'), "'six' could not be satisfied"),
    "conda's version against a project's": (edit('app = ">=1"', 'app = "*"\nnumpy = ">=2"'), "conda package does not"),
    "another channel in front": (edit(f'["{CHANNEL}"]', f'["mine", "{CHANNEL}"]'), "channels in the lock file do not"),
    "a channel behind": (edit(f'["{CHANNEL}"]', f'["{CHANNEL}", "mine"]'), "channels were extended"),
    "a platform added": (edit('["linux-64"]', '["linux-64", "osx-64"]'), "not locked for the platform 'osx-64'"),
    "a platform replaced": (edit('["linux-64"]', '["osx-64"]'), "platform(s) 'linux-64' present in the lock file but"),
    "system requirements": (MANIFEST + '[system-requirements]\ncuda = "12"\n', "the platform 'linux-64-cuda-12'"),
    "an environment added": (MANIFEST + "[environments]\nx = []\n", "'x' does not exist in the lock file"),
    "another index": (
        edit(f'index-url = "{INDEX}"', 'index-url = "https://other.example"'),
        "indexes used to previously",
    ),
    "no index any more": (edit(f'index-url = "{INDEX}"', ""), "indexes used to previously"),
    "an index more": (
        edit("[pypi-dep", 'extra-index-urls = ["https://b.example"]\n\n[pypi-dep'),
        "indexes used to prev",
    ),
    "find-links": (
        edit("[pypi-dep", 'find-links = [{ path = "links" }]\n\n[pypi-dep'),
        "find-links were [] and are [links]",
    ),
    "an index for one project": (
        edit('">=1"', '{ version = "*", index = "https://b.example" }'),
        "locked from the index",
    ),
    "a direct URL": (edit('">=1"', '{ url = "https://f.example/app-1.2-py3-none-any.whl" }'), "by a direct URL"),
    "a git repository": (edit('">=1"', '{ git = "https://git.example/app" }'), "asked for from git and locked from"),
    "a path": (edit('">=1"', '{ path = "app" }'), "asked for as a path"),
    "channel priority": (
        edit("[dep", "[workspace.x]\n[dep").replace("[workspace.x]\n", 'channel-priority = "disabled"\n'),
        "pr",
    ),
    "solve strategy": (
        edit("[dep", 'solve-strategy = "lowest"\n[dep'),
        "a different strategy (highest) than lowest-version",
    ),
    "pre-release mode": (
        edit("[pypi-dep", 'prerelease-mode = "allow"\n\n[pypi-dep'),
        "PyPI prerelease mode (if-necessary",
    ),
    "an exclude-newer before": (
        edit("[dep", 'exclude-newer = "2023-01-01"\n[dep'),
        "timestamp 2023-11-14T22:13:20Z, which",
    ),
    "a violated constraint": (MANIFEST + "[constraints]\nlibz = '>=2'\n", "violates the constraint 'libz >=2'"),
}


@pytest.mark.parametrize("manifest", KEPT.values(), ids=KEPT)
def test_kept(manifest: str) -> None:
    assert reason(manifest) == ""


@pytest.mark.parametrize(("manifest", "says"), STALE.values(), ids=STALE)
def test_not_kept(manifest: str, says: str) -> None:
    assert says in reason(manifest)


def test_a_reason_points_at_what_was_changed() -> None:
    _, stale = judged(edit('app = ">=1"', 'app = ">=2"'))
    assert stale is not None
    assert stale.place is not None
    assert stale.place.key == ("pypi-dependencies", "app")


def test_packages_that_nobody_wants_make_a_lock_stale() -> None:
    more = lock_text([*CONDA, conda_entry("stray", "1.0"), *PROJECTS])
    assert reason(MANIFEST, more).endswith("than are used by the environment: stray")
    more = lock_text([*CONDA, *PROJECTS, pypi_entry("stray", "1.0")])
    assert reason(MANIFEST, more).endswith("than are used by the environment: stray")


def test_a_lock_that_was_merged_by_hand_contradicts_itself() -> None:
    assert "'libz >=1.3,<2.0a0' could not be satisfied (required by 'python')" in reason(
        MANIFEST, LOCK.replace("libz-1.3.1", "libz-2.0.0")
    )
    twice = lock_text([*CONDA, *PROJECTS, pypi_entry("click", "8.0", suffix=".tar.gz")])
    assert reason(MANIFEST, twice) == "there was a duplicate entry for 'click'"


def test_a_python_that_a_project_refuses() -> None:
    assert "requires Python >=3.13" in reason(MANIFEST, LOCK.replace("'>=3.8'", "'>=3.13'"))


def test_a_wheel_that_does_not_fit_the_declared_platform() -> None:
    wheel = pypi_entry("click", "8.1.7", suffix="-cp312-cp312-manylinux_2_34_x86_64.whl")
    lock = lock_text([*CONDA, PROJECTS[0], wheel])
    assert reason(MANIFEST, lock).endswith("incompatible with the tags on wheel (click)")
    newer = edit('["linux-64"]', '[{ name = "new", platform = "linux-64", glibc = "2.35" }]')
    named = lock.replace("- name: linux-64", "- name: p1\n  subdir: linux-64").replace("__glibc=2.28", "__glibc=2.35")
    assert reason(newer, named.replace("      linux-64:\n", "      p1:\n")) == ""


def test_a_source_distribution_under_no_build() -> None:
    lock = lock_text([*CONDA, PROJECTS[0], pypi_entry("click", "8.1.7", suffix=".tar.gz")])
    assert reason(MANIFEST, lock) == ""
    forbidden = edit("[pypi-dep", 'no-build = ["click"]\n\n[pypi-dep')
    assert (
        reason(forbidden, lock)
        == "the lock file contains non-binary package: 'click', but the pypi-option `no-build` is set"
    )


def test_an_override_counts_instead_of_what_is_required() -> None:
    lock = LOCK.replace("numpy<2", "numpy<1")
    assert "conda package does not satisfy the pypi requirement 'numpy<1'" in reason(MANIFEST, lock)
    overridden = edit("[pypi-dep", '[pypi-options.dependency-overrides]\nnumpy = "*"\n\n[pypi-dep')
    assert reason(overridden, lock) == ""


def test_an_environment_that_is_gone_is_told_and_the_others_are_answered() -> None:
    two = LOCK.replace("  default:\n", "  gone:\n    channels: []\n    packages: {}\n  default:\n")
    answer, stale = judged(MANIFEST, two)
    assert answer is not None
    assert stale == Staleness("it has environments that no longer exist: gone")


def test_a_stale_environment_takes_its_solve_group_along() -> None:
    group = (
        MANIFEST
        + "[feature.test.dependencies]\nother = '*'\n[environments]\n"
        + 'default = { solve-group = "g" }\ntest = { features = ["test"], solve-group = "g" }\n'
    )
    answer, stale = judged(group)
    assert answer is None
    assert stale == Staleness("the environment 'test' does not exist in the lock file")


def test_a_platform_is_the_same_under_another_name() -> None:
    renamed = LOCK.replace("- name: linux-64", "- name: p1\n  subdir: linux-64").replace("      linux-64:", "      p1:")
    assert reason(MANIFEST, renamed) == ""
    assert "platform 'linux-64' declares" not in reason(MANIFEST, LOCK.replace("__glibc=2.28", "__glibc=2.28=0"))
    changed = LOCK.replace("__glibc=2.28", "__glibc=2.35")
    assert reason(MANIFEST, changed) == (
        "the workspace platform 'linux-64' declares virtual packages [] but the lock-file was solved with "
        "[__glibc=2.35]"
    )


# --- path, git and URL dependencies -----------------------------------------------------------------------------------

LOCAL = "- pypi: ./local\n  name: local\n  requires_dist:\n  - click>=8\n  requires_python: '>=3.9'"
PYPROJECT = '[project]\nname = "local"\nversion = "1.0"\nrequires-python = ">=3.9"\ndependencies = ["click >= 8"]\n'


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t, ""),
        (lambda t: t.replace('"1.0"', '"2.0"'), ""),
        (lambda t: t + "[build-system]\nrequires = ['flit']\n", ""),
        (lambda t: t.replace("click >= 8", "click>=8 ; sys_platform != 'win32'"), "added click>=8, removed click>=8"),
        (lambda t: t + "[project.optional-dependencies]\nfast = ['six']\n", "added six"),
        (lambda t: t.replace('"click >= 8"', '"click >= 8", "six"'), "added six"),
        (lambda t: t.replace('"click >= 8"', ""), "removed click>=8"),
        (lambda t: t.replace(">=3.9", ">=3.10"), "requires-python changed from >=3.9 to >=3.10"),
        (lambda t: t.replace("dependencies = ", "dynamic = ['dependencies']\nx = "), ""),
        (lambda _: "not TOML", ""),
    ],
    ids=[
        "same",
        "version",
        "build system",
        "marker",
        "extra",
        "more",
        "less",
        "python",
        "dynamic",
        "broken",
    ],
)
def test_the_metadata_of_a_folder(change: Callable[[str], str], says: str, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "pyproject.toml").write_text(change(PYPROJECT))
    manifest = edit('app = ">=1"', 'local = { path = "local", editable = true }')
    found = reason(manifest, lock_text([*CONDA, LOCAL, PROJECTS[1]]), tmp_path)
    assert says in found
    assert bool(says) == bool(found)


def test_a_folder_that_was_moved(tmp_path: Path) -> None:
    manifest = edit('app = ">=1"', 'local = { path = "elsewhere" }')
    lock = lock_text([*CONDA, LOCAL, PROJECTS[1]])
    assert reason(manifest, lock, tmp_path) == "'local' is locked at ./local, and asked for at elsewhere"


COMMIT = "0123456789abcdef0123456789abcdef01234567"


GIT = "git+https://git.example/app"


@pytest.mark.parametrize(
    ("location", "spec", "kept"),
    [
        (f"{GIT}.git?branch=main#{COMMIT}", '{ git = "https://git.example/app", branch = "main" }', True),
        (f"{GIT}?rev=v1#{COMMIT}", '{ git = "https://git.example/app", rev = "v1" }', True),
        (f"{GIT}#{COMMIT}", '{ git = "https://git.example/app" }', True),
        (f"{GIT}?tag=v1#{COMMIT}", '{ git = "https://git.example/app", tag = "v2" }', False),
        (f"{GIT}?tag=v1#{COMMIT}", '{ git = "https://git.example/app", branch = "v1" }', False),
        (f"{GIT}?tag=v1#{COMMIT}", '{ git = "https://git.example/app" }', False),
        (f"{GIT}#{COMMIT}", '{ git = "https://git.example/other" }', False),
        (
            f"{GIT}?tag=a&subdirectory=a#{COMMIT}",
            '{ git = "https://git.example/app", subdirectory = "b", tag = "a" }',
            False,
        ),
        ("direct+https://f.example/app-1.0.zip", '{ url = "https://f.example/app-1.0.zip" }', True),
        ("direct+https://****@f.example/app-1.0.zip", '{ url = "https://me:secret@f.example/app-1.0.zip" }', True),
        ("direct+https://f.example/app-1.0.zip", '{ url = "https://f.example/app-1.1.zip" }', False),
    ],
)
def test_where_a_project_is_from(location: str, spec: str, kept: bool) -> None:
    entry = f"- pypi: {location}\n  name: app\n  requires_dist:\n  - click"
    assert (reason(edit('">=1"', spec), lock_text([*CONDA, entry, PROJECTS[1]])) == "") is kept


# --- what it answers --------------------------------------------------------------------------------------------------


def test_the_answer_says_where_everything_is_from_and_who_requires_it() -> None:
    answer, _ = judged(MANIFEST, lock_text([*CONDA, PROJECTS[0], pypi_entry("click", "8.1.7", suffix=".tar.gz")]))
    assert answer is not None
    assert answer.python == "3.12.7"
    assert [(c.name, c.projects, c.place is not None) for c in answer.conda] == [
        ("libz", (), False),
        ("numpy", (("numpy", "1.26.4"),), True),
        ("python", (), True),
    ]
    assert [(d.project, d.version, d.kind, d.required_by) for d in answer.distributions] == [
        ("app", "1.2", "wheel", ("",)),
        ("click", "8.1.7", "sdist", ("app",)),
        ("numpy", "1.26.4", "conda", ("app",)),
    ]
    click = answer.distributions[1]
    assert click.filename == "click-8.1.7.tar.gz"
    assert len(click.sha256) == 64
    assert click.index == INDEX


def test_the_index_of_a_manifest_that_names_none_is_pixis_own() -> None:
    manifest = edit(f'[pypi-options]\nindex-url = "{INDEX}"\n', "")
    lock = LOCK.replace(INDEX, "https://default.example/simple")
    assert reason(manifest, lock) == ""


def test_packages_that_pixi_builds_itself_leave_the_judgement_to_their_backends(tmp_path: Path) -> None:
    source = "- conda_source: tool[0123abcd] @ ./tool\n  version: 1.0\n  depends:\n  - python"
    lock = lock_text([*CONDA[:2], source])
    manifest = MANIFEST.partition("[pypi-options]")[0].replace('numpy = ">=1.26"', 'tool = { path = "tool" }')
    answer, stale = judged(manifest.replace("[dep", 'preview = ["pixi-build"]\n\n[dep'), lock, tmp_path)
    assert stale is None
    assert answer is not None
    assert [u.subject for u in answer.unknowns] == ["tool"]
