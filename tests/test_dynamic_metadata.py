"""What a tree without static metadata says of its version and requirements, by each backend's own rules."""

from __future__ import annotations

import pytest

from pixi_diagnose.build_needs.model import BuildTarget
from pixi_diagnose.core_metadata import MetadataSource, StaticMetadata
from pixi_diagnose.metadata import static_metadata
from pixi_diagnose.source_tree import SourceTree
from pixi_diagnose.sources.dynamic_metadata import predicted

BUILD = '[build-system]\nrequires = []\nbuild-backend = "{}"\n'
SETUPTOOLS = BUILD.format("setuptools.build_meta")
DYNAMIC = '[project]\nname = "pack"\ndynamic = ["version"]\n'


def of(files: dict[str, str], *, kind: str = "directory") -> StaticMetadata:
    tree = SourceTree(kind, ".", "", {p: t.encode() for p, t in files.items()}, {p: len(t) for p, t in files.items()})
    return predicted(static_metadata(tree, "pack"), tree, BuildTarget())


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"setup.py": "from setuptools import setup\nsetup(version='1.2')"}, "1.2"),
        (
            {
                "setup.py": "import re\nfrom setuptools import setup\n"
                "text = open('pack/__init__.py').read()\n"
                "setup(version=re.search(r'__version__ = \"(.*)\"', text).group(1))",
                "pack/__init__.py": '__version__ = "1.3.0"\n',
            },
            "1.3.0",
        ),
        ({"setup.py": "import torch\nfrom setuptools import setup\nsetup(version='1+' + torch.version.cuda)"}, "0"),
        ({"setup.py": "raise SystemExit"}, "0"),
        ({"setup.cfg": "[metadata]\nversion = 2.0\n", "setup.py": "from setuptools import setup\nsetup()"}, "2.0"),
        (
            {
                "setup.cfg": "[metadata]\nversion = attr: pack.__version__\n",
                "src/pack/__init__.py": "__version__ = '3'",
            },
            "3",
        ),
        ({"setup.cfg": "[metadata]\nversion = file: VERSION\n", "VERSION": "4.1\n"}, "4.1"),
        (
            {
                "pyproject.toml": SETUPTOOLS + DYNAMIC + '[tool.setuptools.dynamic]\nversion.file = "VERSION"\n',
                "VERSION": "5",
            },
            "5",
        ),
        (
            {
                "pyproject.toml": SETUPTOOLS + DYNAMIC + '[tool.setuptools.dynamic]\nversion.attr = "pack.v.V"\n',
                "pack/v.py": "V: str = '6'\n",
            },
            "6",
        ),
        (
            {
                "pyproject.toml": BUILD.format("hatchling.build")
                + DYNAMIC
                + '[tool.hatch.version]\npath = "pack/about.py"\n',
                "pack/about.py": "__version__ = 'v7.1'\n",
            },
            "7.1",
        ),
        ({"pyproject.toml": BUILD.format("hatchling.build") + DYNAMIC + '[tool.hatch.version]\nsource = "vcs"\n'}, "0"),
        ({"pyproject.toml": BUILD.format("flit_core.buildapi") + DYNAMIC, "pack.py": '__version__ = "8"\n'}, "8"),
        (
            {
                "pyproject.toml": BUILD.format("pdm.backend")
                + DYNAMIC
                + '[tool.pdm.version]\nsource = "file"\npath = "pack/v.py"\n',
                "pack/v.py": "__version__ = '9'\n",
            },
            "9",
        ),
        (
            {
                "pyproject.toml": BUILD.format("poetry.core.masonry.api")
                + '[tool.poetry]\nname = "pack"\nversion = "10"\n'
            },
            "10",
        ),
    ],
)
def test_versions(files: dict[str, str], version: str) -> None:
    assert of(files).version == version


def test_requirements_of_setup() -> None:
    script = """
import sys
from setuptools import setup
import torch
REQUIRED = ["numpy>=1", "torch"]
if sys.platform == "linux":
    REQUIRED.append("triton")
EXTRAS = {"dev": ["pytest"], ":python_version<'3'": "enum34"}
setup(install_requires=REQUIRED, extras_require=EXTRAS, python_requires=">=3.8")
"""
    found = of({"setup.py": script})
    assert found.requires == (
        "numpy>=1",
        "torch",
        "triton",
        "pytest ; extra == 'dev'",
        "enum34 ; (python_version<'3')",
    )
    assert found.provides_extra == ("dev",)
    assert found.requires_python == ">=3.8"
    assert found.source is MetadataSource.SCRIPT
    assert found.approximate
    assert found.unknowns == ()
    assert not found.is_static_for("pixi")


def test_a_part_that_is_computed_is_said() -> None:
    script = "import torch\nfrom setuptools import setup\nsetup(install_requires=['numpy', torch.needed()])\n"
    found = of({"setup.py": script})
    assert found.requires == ("numpy",)
    assert [u.reason for u in found.unknowns] == ["a part of its requirements is computed by its build"]
    assert found.unknowns[0].evidence[0].line == 3


def test_configuration_wins_over_arguments_of_setup() -> None:
    files = {
        "setup.py": "from setuptools import setup\nsetup(install_requires=['old'])\n",
        "setup.cfg": "[options]\ninstall_requires =\n    new>=1 ; python_version > '3'\n    other  # why\n"
        "[options.extras_require]\nx = a;b\n",
    }
    requires = of(files).requires
    assert requires == ("new>=1 ; python_version > '3'", "other", "a ; extra == 'x'", "b ; extra == 'x'")


def test_requirements_from_files() -> None:
    files = {
        "pyproject.toml": SETUPTOOLS
        + '[project]\nname = "pack"\nversion = "1"\ndynamic = ["dependencies"]\n'
        + '[tool.setuptools.dynamic]\ndependencies = { file = ["requirements.txt"] }\n',
        "requirements.txt": "# them\nnumpy\ntorch>=2 # why\n",
    }
    assert of(files).requires == ("numpy", "torch>=2")


def test_what_an_earlier_build_left_in_a_folder_does_not_count() -> None:
    files = {
        "setup.py": "from setuptools import setup\nsetup(install_requires=['new'])\n",
        "pack.egg-info/requires.txt": "old\n",
    }
    assert of(files).requires == ("new",)
    assert of(files, kind="sdist").requires == ("old",)


def test_poetrys_own_table() -> None:
    text = BUILD.format("poetry.core.masonry.api") + (
        '[tool.poetry]\nname = "pack"\nversion = "1"\n[tool.poetry.dependencies]\npython = "^3.9"\n'
        'a = "^1.2"\nb = "~2.3.4"\nc = "^0.0.3"\nd = "*"\ne = "1.5"\nf = ">=1,<3"\n'
        'g = { version = "^2", extras = ["x"], markers = "os_name == \'nt\'" }\n'
        'h = { version = "*", optional = true }\ni = { git = "https://index.example/i.git", tag = "v1" }\n'
        '[tool.poetry.extras]\nmore = ["h"]\n'
    )
    assert of({"pyproject.toml": text}).requires == (
        "a>=1.2,<2",
        "b>=2.3.4,<2.4",
        "c>=0.0.3,<0.0.4",
        "d",
        "e==1.5",
        "f>=1,<3",
        "g[x]>=2,<3 ; os_name == 'nt'",
        "h ; extra == 'more'",
        "i @ git+https://index.example/i.git@v1",
    )


def test_flits_own_table() -> None:
    text = BUILD.format("flit_core.buildapi") + '[tool.flit.metadata]\nmodule = "pack"\nrequires = ["numpy"]\n'
    found = of({"pyproject.toml": text, "pack/__init__.py": "__version__ = '1'\n"})
    assert (found.version, found.requires) == ("1", ("numpy",))
