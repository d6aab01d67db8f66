"""ENV206: what a build fetches, when, and whether it compares a hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.finding import Finding, Severity
from support.worlds import world

MANIFEST = """\
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
fetcher = "*"
"""
FETCH = "from urllib.request import urlretrieve\nurlretrieve('https://models.example/weights', 'weights')\n"
SETUP = "from setuptools import setup\nsetup(name='fetcher', version='1.0')\n"
STATIC = "Metadata-Version: 2.2\nName: fetcher\nVersion: 1.0\n"


def findings(root: Path, script: str, **files: str) -> list[Finding]:
    tree = {"fetcher-1.0/setup.py": script} | {f"fetcher-1.0/{name}": text for name, text in files.items()}
    with world(root, tree) as packages:
        return [f for f in packages.diagnose({"pixi.toml": MANIFEST}, plans=False).findings if f.rule.code == "ENV206"]


def test_a_download_without_a_hash_is_a_warning_at_the_users_dependency(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, FETCH + SETUP)
    assert found.severity is Severity.WARNING
    assert found.message == "fetcher 1.0 downloads from models.example while it is built"
    assert found.place is not None
    assert found.place.key == ("pypi-dependencies", "fetcher")
    assert [str(e) for e in found.evidence] == ["setup.py:2"]


@pytest.mark.parametrize(
    ("info", "when"), [({}, "while locking and again while installing"), ({"PKG-INFO": STATIC}, "while installing")]
)
def test_it_is_fetched_whenever_the_hooks_run(tmp_path: Path, info: dict[str, str], when: str) -> None:
    (found,) = findings(tmp_path, FETCH + SETUP, **info)
    assert found.explanation[0] == (
        f"It fetches https://models.example/weights (setup.py:2) {when}, and compares no hash."
    )


def test_with_a_hash_it_is_a_note(tmp_path: Path) -> None:
    fetch = (
        "import hashlib\nfrom urllib.request import urlopen\ndata = urlopen('https://models.example/weights').read()\n"
    )
    check = "if hashlib.sha256(data).hexdigest() != '0' * 64:\n    raise SystemExit('another file')\n"
    (found,) = findings(tmp_path, fetch + check + SETUP)
    assert found.severity is Severity.INFO
    assert "compares a hash" in found.explanation[0]


def test_a_build_that_fails_anyway_is_not_reported_for_it(tmp_path: Path) -> None:
    assert findings(tmp_path, "import torch\n" + FETCH + SETUP) == []


def test_an_address_that_is_computed_is_said_to_be(tmp_path: Path) -> None:
    script = "import os\n" + FETCH.replace("'https://models.example/weights'", "os.environ['MIRROR']") + SETUP
    (found,) = findings(tmp_path, script)
    assert found.message == "fetcher 1.0 downloads from an address that it computes while it is built"
