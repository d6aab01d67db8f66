"""What an earlier install left behind: read by its names, and told where only that lets a build pass (pixi.md P4)."""

from __future__ import annotations

from pathlib import Path

from pixi_diagnose.finding import Confidence, Finding, Severity
from pixi_diagnose.prefix import read_prefix
from support.worlds import world

SITE = ".pixi/envs/default/lib/python3.11/site-packages"
METADATA = {f"{SITE}/torch-2.6.0.dist-info/METADATA": "Metadata-Version: 2.1\n"}
SDISTS = {
    "flash_dynamic-1.0/setup.py": "import torch\nfrom setuptools import setup\n\nsetup(name='flash-dynamic')\n",
    "two-1.0/setup.py": "import torch\nimport psutil\nfrom setuptools import setup\n\nsetup(name='two')\n",
}
MANIFEST = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[dependencies]
python = "3.11.*"
setuptools = "*"
[pypi-dependencies]
{project} = "*"
torch = "*"
[pypi-options]
no-build-isolation = {listed}
"""


def found(tmp_path: Path, project: str, listed: str, left: dict[str, str]) -> list[Finding]:
    with world(tmp_path, SDISTS) as packages:
        files = {"pixi.toml": MANIFEST.format(project=project, listed=listed), **left}
        report = packages.diagnose(files, plans=False)
    assert report.simulations[0].outcomes["lock"] == "fails"  # the simulation is of a clean machine all the same
    return [f for f in report.findings if f.rule.code == "ISO113"]


def test_a_lock_that_passes_thanks_to_a_torch_of_an_earlier_install(tmp_path: Path) -> None:
    """P4, seen: with a PyPI torch left by an earlier install, a non-isolated dynamic project locks."""
    (finding,) = found(tmp_path, "flash-dynamic", '["flash-dynamic"]', METADATA)
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.MEDIUM)
    assert "torch 2.6.0" in finding.message
    assert ".pixi/envs/default" in finding.message


def test_an_isolated_build_does_not_see_the_prefix(tmp_path: Path) -> None:
    assert found(tmp_path, "flash-dynamic", "[]", METADATA) == []


def test_what_has_to_be_there_has_to_be_there_altogether(tmp_path: Path) -> None:
    assert found(tmp_path, "two", '["two"]', METADATA) == []


def test_no_prefix_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, "flash-dynamic", '["flash-dynamic"]', {}) == []


def test_projects_are_read_from_the_names_of_their_metadata(tmp_path: Path) -> None:
    site = tmp_path / SITE
    for name in ("Flash_Attn-2.7.4.post1.dist-info", "old-1.0-py3.11.egg-info", "torch", "torch.py", "x.dist-info"):
        (site / name).mkdir(parents=True)
    prefix = read_prefix(str(tmp_path), "default")
    assert prefix is not None
    assert prefix.path == ".pixi/envs/default"
    assert prefix.projects == {"flash-attn": "2.7.4.post1", "old": "1.0"}


def test_a_prefix_that_cannot_be_listed_is_none(tmp_path: Path) -> None:
    assert read_prefix(str(tmp_path), "default") is None
    (tmp_path / ".pixi" / "envs").mkdir(parents=True)
    (tmp_path / ".pixi" / "envs" / "default").write_text("a file")
    assert read_prefix(str(tmp_path), "default") is None
