"""A small world of packages on loopback, and cases written as Markdown: titled files in, a diagnosis out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pixi_diagnose.diagnose import diagnose
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.question import Question
from pixi_diagnose.report import Report

from .packages import PackageFile, PackageIndex, conda_record, make_sdist, make_wheel, pkg_info, write_channel
from .server import Server

MACHINE = Machine("linux-64", {})
"""A machine with nothing on its PATH, so that no test depends on where it runs."""

WHEELS: tuple[PackageFile, ...] = (
    make_wheel("torch", "2.5.0", {"torch/__init__.py": ""}),
    make_wheel("torch", "2.6.0", {"torch/__init__.py": ""}, requires=["setuptools"]),  # as the real one
    make_wheel("torch", "2.7.0", {"torch/__init__.py": ""}),
    make_wheel("numpy", "1.26.0", {"numpy/__init__.py": ""}),
    make_wheel("psutil", "6.0.0", {"psutil/__init__.py": ""}),
    make_wheel("ninja", "1.11.0", {"ninja/__init__.py": ""}),
    make_wheel("cython", "3.0.0", {"Cython/__init__.py": ""}),
    make_wheel("packaging", "23.2", {"packaging/__init__.py": ""}),
    make_wheel("packaging", "24.2", {"packaging/__init__.py": ""}),
    make_wheel("setuptools", "80.9.0", {"setuptools/__init__.py": ""}),
    make_wheel("wheel", "0.45.1", {"wheel/__init__.py": ""}),
)

CONDA = (
    conda_record("python", "3.11.7", "h0_0_cpython", subdir="linux-64", purls=[]),
    conda_record("python", "3.11.7", "h0_0_cpython", subdir="osx-arm64", purls=[]),
    *(
        conda_record(name, version, depends=["python >=3.8"], purls=[f"pkg:pypi/{project}"])
        for name, version, project in (
            ("pytorch", "2.6.0", "torch"),
            ("pytorch", "2.5.0", "torch"),
            ("setuptools", "80.9.0", "setuptools"),
            ("wheel", "0.45.1", "wheel"),
            ("packaging", "24.2", "packaging"),
            ("numpy", "1.26.0", "numpy"),
            ("psutil", "6.0.0", "psutil"),
            ("cython", "3.0.0", "cython"),
        )
    ),
    conda_record("flash", "1.0", depends=["python >=3.8"], purls=["pkg:pypi/flash"]),
    *(
        conda_record("cuda-nvcc", version, subdir="linux-64", purls=[])
        for version in ("12.6.85", "12.4.131", "11.8.89")
    ),
    *(conda_record("cuda-version", version, purls=[]) for version in ("12.6", "12.4", "11.8")),
    conda_record("uv", "0.11.15", subdir="linux-64", purls=[]),
    conda_record("pytorch", "2.4.0", "cuda124_py311_0", subdir="linux-64", purls=["pkg:pypi/torch"]),
    *(
        conda_record(name, version, subdir="linux-64", purls=[])
        for name, version in (
            ("c-compiler", "1.11.0"),
            ("gxx", "14.3.0"),
            ("gxx", "13.3.0"),
            ("gxx", "11.4.0"),
            ("cmake", "4.0.0"),
        )
    ),
)

_BLOCK = re.compile(r"^```\w+ (?P<title>\S+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<text>.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_SDIST = re.compile(r"^(?P<name>[a-z0-9_]+)-(?P<version>[0-9][^/]*)/(?P<path>.+)$")


def pixi_toml(*pypi: str, conda: Iterable[str] = (), rest: str = "", channel: str = "conda-forge") -> str:
    """A workspace for linux-64 and Python 3.11 with these lines as its dependencies, and the rest as it is."""
    lines = [
        "[workspace]",
        f'channels = ["{channel}"]',
        'platforms = ["linux-64"]',
        "",
        "[dependencies]",
        'python = "3.11.*"',
        *conda,
        "",
        *(["[pypi-dependencies]", *pypi, ""] if pypi else []),
    ]
    return "\n".join(lines) + rest


def sections(markdown: str) -> dict[str, dict[str, str]]:
    """The titled files of each `## section` of a page: section title → file name → text."""
    return {
        section["title"].strip(): {block["title"]: block["text"] for block in _BLOCK.finditer(section["text"])}
        for section in _SECTION.finditer(markdown)
    }


@dataclass
class World:
    """A channel and an index on loopback, with the sdists of one case; `manifest` is the folder of its user's files."""

    root: Path
    channel: str
    index: str
    cache: Path
    server: Server
    machine: Machine = MACHINE
    packages: PackageIndex = field(default_factory=PackageIndex)
    _count: int = field(default=0)

    def add(self, *files: PackageFile) -> None:
        """Offer further files on this world's index."""
        for file in files:
            self.packages.add(file)
        self.server.routes.update(self.packages.routes())

    def write(self, files: Mapping[str, str]) -> Path:
        """Write a user's files into a fresh folder; `conda-forge` becomes this world's channel."""
        self._count += 1
        folder = self.root / f"workspace{self._count}"
        for name, text in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name == "pixi.lock":
                target.write_text(text.replace("conda-forge", self.channel).replace("@INDEX@", self.index))
                continue
            target.write_text(self.fill(text) if name.endswith(".toml") and "/" not in name else text)
        return folder

    def fill(self, text: str) -> str:
        """The text with this world's channel, and with its index as the workspace's: no test asks the live one."""
        text = text.replace('"conda-forge"', f'"{self.channel}"').replace("@INDEX@", self.index)
        if "[tool.uv" in text and "channels" not in text:
            return f'{text}\n[[tool.uv.index]]\nurl = "{self.index}"\ndefault = true\n'
        table = "project" if "[project]" in text else "workspace"
        return text if "index-url" in text else f'{text}\n[{table}.pypi-options]\nindex-url = "{self.index}"\n'

    def diagnose(self, files: Mapping[str, str], **question: object) -> Report:
        """Diagnose a user's files in this world."""
        folder = self.write(files)
        with IndexSession(cache_dir=self.cache) as session:
            return diagnose(str(folder), Question(machine=self.machine, **question), session)  # type: ignore[arg-type]


@contextmanager
def world(root: Path, files: Mapping[str, str] | None = None) -> Iterator[World]:
    """Serve the stub wheels and an sdist for each `name-version/…` group of files, beside a conda channel."""
    index = PackageIndex(WHEELS)
    for sdist in sdists(files or {}):
        index.add(sdist)
    channel = write_channel(root / "conda-forge", CONDA, ("linux-64", "osx-arm64"))
    with Server(index.routes()) as server:
        yield World(root, channel, f"{server.url}/simple", root / "cache", server, packages=index)


def sdists(files: Mapping[str, str]) -> list[PackageFile]:
    """The sdists that titled files describe (`name-version/path`); without a PKG-INFO it gets an old, dynamic one."""
    trees: dict[tuple[str, str], dict[str, str | bytes]] = {}
    for title, text in files.items():
        if match := _SDIST.match(title):
            trees.setdefault((match["name"].replace("_", "-"), match["version"]), {})[match["path"]] = text
    return [
        make_sdist(name, version, {"PKG-INFO": pkg_info(name, version, metadata_version="2.1")} | tree)
        for (name, version), tree in trees.items()
    ]
