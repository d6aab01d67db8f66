"""What `inspect` must say of releases that people really stumble over, read from the live index.

The expectations are what running the hooks of these releases showed (Python 3.11, setuptools 84), and what stands in
their files.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from pixi_diagnose.cli import main

pytestmark = pytest.mark.online

LEGACY = "setuptools.build_meta:__legacy__"
BUILDS = {"pixi": False, "uv": False, "pip": False}
READS = {"pixi": True, "uv": True, "pip": False}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cards"))
    monkeypatch.setenv("COLUMNS", "80")


def inspected(requirement: str) -> Any:
    result = CliRunner().invoke(main, ["inspect", "--json", requirement])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def card(requirement: str) -> list[str]:
    result = CliRunner().invoke(main, ["inspect", requirement])
    assert result.exit_code == 0, result.stderr
    return result.stdout.splitlines()


def place(item: Any) -> str:
    return "{file}:{line}".format(**item["evidence"][0])


def undeclared(document: Any, strength: str) -> dict[str, tuple[str, str]]:
    """Project → phase and place of what nobody declares."""
    wanted = (n for n in document["undeclared_requirements"] if n["strength"] == strength)
    return {n["project"]: (n["phase"], place(n)) for n in wanted}


def tools(document: Any) -> set[tuple[str, str]]:
    return {(t["name"], t["phase"]) for t in document["tools"] if t["strength"] == "hard"}


@pytest.mark.parametrize(
    ("requirement", "hard", "static"),
    [
        ("flash-attn==2.7.4.post1", {"torch": ("metadata", "setup.py:22")}, READS),
        ("gsplat==1.0.0", {"torch": ("metadata", "setup.py:26")}, READS),
        ("mamba-ssm==2.2.2", {"torch": ("metadata", "setup.py:19")}, BUILDS),
        ("cython-bbox==0.1.3", {"cython": ("metadata", "setup.py:10"), "numpy": ("metadata", "setup.py:15")}, BUILDS),
        ("pystan==2.19.1.1", {"cython": ("metadata", "setup.py:233"), "numpy": ("metadata", "setup.py:235")}, READS),
        (
            "MinkowskiEngine==0.5.4",
            {
                "torch": ("metadata", "setup.py:52"),
                "pip": ("metadata", "setup.py:90"),
                "numpy": ("metadata", "setup.py:195"),
            },
            BUILDS,
        ),
        ("deepspeed==0.15.4", {}, BUILDS),
        ("openai-whisper==20231117", {}, BUILDS),
        ("cchardet==2.1.7", {}, READS),
    ],
)
def test_what_nobody_declares(requirement: str, hard: dict[str, tuple[str, str]], static: dict[str, bool]) -> None:
    found = inspected(requirement)
    assert (found["build_backend"], found["build_system_table"]) == (LEGACY, False)
    assert found["declared_requirements"] == ["setuptools>=40.8.0"]
    assert undeclared(found, "hard") == hard
    assert found["metadata"]["static_for"] == static
    assert (found["isolated_build"]["metadata"] == "fails") is bool(hard or found["pins"])


def test_flash_attn_asks_for_more_needs_nvcc_and_downloads() -> None:
    found = inspected("flash-attn==2.7.4.post1")
    assert sorted(found["hook_requirements"]) == ["ninja", "packaging", "psutil"]
    assert tools(found) >= {("nvcc", "metadata"), ("nvcc", "wheel"), ("cxx-compiler", "wheel")}
    assert {"FLASH_ATTENTION_SKIP_CUDA_BUILD", "FLASH_ATTENTION_FORCE_BUILD", "MAX_JOBS"} <= {
        knob["variable"] for knob in found["knobs"]
    }
    assert [(d["host"], d["phase"], d["checked"], place(d)) for d in found["downloads"]] == [
        ("github.com", "wheel", False, "setup.py:486")
    ]
    assert found["metadata"]["source"] == "PKG-INFO"
    said = card("flash-attn==2.7.4.post1")
    assert said[3] == "✗ An isolated build fails: nobody declares torch (setup.py:22)"
    assert all(len(line) <= 80 for line in said)


def test_mamba_lacks_its_own_sources() -> None:
    found = inspected("mamba-ssm==2.2.2")
    (stop,) = found["stops"]
    assert stop["phase"] == "wheel"
    assert "csrc/selective_scan/selective_scan.cpp" in stop["reason"]


def test_deepspeed_goes_on_without_torch() -> None:
    found = inspected("deepspeed==0.15.4")
    guarded = undeclared(found, "guarded")
    assert guarded["torch"] == ("metadata", "setup.py:34")
    assert {"intel-extension-for-pytorch", "torch-npu", "torch-mlu"} <= guarded.keys()
    assert found["stops"] == found["pins"] == []
    assert "goes on without  torch (setup.py:34)" in "\n".join(card("deepspeed==0.15.4"))


def test_whisper_needs_an_older_setuptools() -> None:
    found = inspected("openai-whisper==20231117")
    assert [(p["requirement"], p["phase"], place(p)) for p in found["pins"]] == [
        ("setuptools<81", "metadata", "setup.py:5")
    ]
    assert found["isolated_build"] == {"metadata": "fails", "wheel": "fails"}
    assert any(line.endswith("nobody: gone in setuptools 82") for line in card("openai-whisper==20231117"))


def test_cchardet_prefers_cython_and_its_shipped_code_is_too_old_for_a_compiler() -> None:
    found = inspected("cchardet==2.1.7")
    assert undeclared(found, "guarded") == {"cython": ("metadata", "setup.py:19")}
    assert ("cxx-compiler", "wheel") in tools(found)
    # generated by Cython 0.29.21, whose output Python 3.11 does not compile; with Cython it is made anew
    generated = [r for r in found["removed"] if r["phase"] == "wheel"]
    assert [(r["unless"], place(r)) for r in generated] == [(["Cython"], "src/cchardet/_cchardet.cpp:1")]
    assert found["isolated_build"] == {"metadata": "ok", "wheel": "fails"}


@pytest.mark.parametrize(("requirement", "backend"), [("numpy", "mesonpy"), ("xformers", "setuptools.build_meta")])
def test_what_is_well_declared_passes(requirement: str, backend: str) -> None:
    found = inspected(requirement)
    assert (found["build_backend"], found["build_system_table"]) == (backend, True)
    assert undeclared(found, "hard") == {}
    assert found["isolated_build"] == {"metadata": "ok", "wheel": "ok"}
    assert found["metadata"]["static_for"] == READS
    assert {t["name"] for t in found["tools"]} & {"c-compiler", "nvcc"}
    assert "✓ An isolated build gets all that it imports" in card(requirement)
