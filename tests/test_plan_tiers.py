"""Each tier on the smallest world that calls for it: the exact lines of its diff, and what it says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.finding import Plan
from pixi_diagnose.plan import native_stack
from support.packages import make_wheel
from support.repositories import GitRepository
from support.server import Response
from support.worlds import World, sdists, world

STATIC = "Metadata-Version: 2.2\nName: {0}\nVersion: {1}\n"


def legacy(name: str, setup: str, version: str = "1.0", *, static: bool = True) -> dict[str, str]:
    """A project without pyproject.toml; `setup` stands above its call of setup()."""
    script = f"{setup}\nfrom setuptools import setup\nsetup(name='{name}', version='{version}')\n"
    files = {f"{name}-{version}/setup.py": script}
    return files | ({f"{name}-{version}/PKG-INFO": STATIC.format(name, version)} if static else {})


def manifest(conda: str = "", pypi: str = "", options: str = "", rest: str = "", platforms: str = '"linux-64"') -> str:
    return f"""\
[workspace]
channels = ["conda-forge"]
platforms = [{platforms}]

[dependencies]
python = "3.11.*"
{conda}
[pypi-dependencies]
{pypi}
[pypi-options]
{options}
{rest}"""


def plans(packages: World, text: str, name: str = "pixi.toml") -> dict[int, Plan]:
    return {p.tier: p for p in packages.diagnose({name: text}, every_tier=True).plans}


def changed(plan: Plan) -> list[str]:
    assert plan.passes, plan.reason
    return [
        line
        for line in plan.diff.splitlines()
        if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"} and line[1:].strip()
    ]


def check(packages: World, plan: Plan, name: str = "pixi.toml") -> None:
    """What a plan promises holds for the file that it writes."""
    after = packages.diagnose({name: plan.text})
    assert {o for s in after.simulations for o in s.outcomes.values()} == {"ok"}


# --- tier 0 -----------------------------------------------------------------------------------------------------------


def test_prebuilt_pins_an_older_release_that_has_a_wheel(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "import torch", "2.0")) as packages:
        packages.add(make_wheel("kern", "1.9", {"kern/__init__.py": ""}))
        plan = plans(packages, manifest(pypi='kern = "*"'))[0]
        check(packages, plan)
    assert changed(plan) == ['-kern = "*"', '+kern = "==1.9"  # has a wheel for linux-64']
    assert plan.trade_offs == ("kern 1.9 is older than 2.0, which the manifest gives now.",)
    assert plan.recommended
    assert not plan.safe


def test_prebuilt_takes_the_conda_package_of_the_same_project(tmp_path: Path) -> None:
    with world(tmp_path, legacy("flash", "import torch")) as packages:
        plan = plans(packages, manifest(pypi='flash = "*"', options='no-build-isolation = ["flash"]'))[0]
        check(packages, plan)
    assert sorted(changed(plan)) == sorted(
        [
            '+flash = "*"  # flash without a build',
            "-[pypi-dependencies]",
            '-flash = "*"',
            "-[pypi-options]",
            '-no-build-isolation = ["flash"]',
        ]
    )


def test_prebuilt_says_what_was_looked_for(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"'))[0]
    assert not plan.passes
    assert plan.reason.startswith("no release of kern has a wheel for linux-64")


@pytest.mark.parametrize("there", [True, False])
def test_prebuilt_offers_the_wheel_that_the_build_script_would_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    with world(tmp_path) as packages:
        base = f"{packages.server.url}/releases/"
        fetch = f"urlretrieve(f'{base}{{torch.__version__}}', 'x')"
        script = f"import torch\nfrom urllib.request import urlretrieve\n{fetch}"
        packages.add(*sdists(legacy("kern", script)), make_wheel("torch", "2.6.0+cu124", {"torch/__init__.py": ""}))
        path = "kern-1.0-py3-none-any.whl" if there else "kern-{version}+cu{cuda}torch{torch}-py3-none-any.whl"
        stack: dict[str, object] = {"pytorch-cuda": {}, "projects": {"names": []}}
        table = {"conda-forge": stack, "wheels": [{"project": "kern", "base": base, "path": path}]}
        if there:
            wheel = make_wheel("kern", "1.0", {"kern/__init__.py": ""})
            packages.server.routes[f"/releases/{path}"] = Response(body=wheel.data)
        monkeypatch.setattr(native_stack, "_table", lambda: table)
        plan = plans(packages, manifest(pypi='kern = "*"\ntorch = "==2.6.0+cu124"'))[0]
    if there:
        assert plan.passes, plan.reason
        assert f'+kern = {{ url = "{base}{path}" }}  # the project\'s own wheel' in plan.diff.splitlines()
    else:  # the host says that there is no such file: an answer, and no plan
        assert not plan.hinges_on
        assert not plan.edits


# --- tier 1 -----------------------------------------------------------------------------------------------------------


def test_declare_puts_a_listed_project_behind_the_one_that_its_build_needs(tmp_path: Path) -> None:
    files = legacy("lower", "import torch") | legacy("upper", "import lower")
    text = manifest(
        'setuptools = "*"\npytorch = "*"', 'lower = "*"\nupper = "*"', 'no-build-isolation = ["upper", "lower"]'
    )
    with world(tmp_path, files) as packages:
        plan = plans(packages, text)[1]
        check(packages, plan)
    assert changed(plan) == ['-no-build-isolation = ["upper", "lower"]', '+no-build-isolation = ["lower", "upper"]']
    assert plan.safe  # nothing is taken away, and nobody gets another version


def test_declare_uses_the_scripts_own_variable_where_nothing_gives_what_it_imports(tmp_path: Path) -> None:
    script = "import os\nif os.environ.get('PLAIN') != '1':\n    import not_on_any_index"
    with world(tmp_path, legacy("kern", script, static=False)) as packages:
        plan = plans(packages, manifest('setuptools = "*"', 'kern = "*"'))[1]
        check(packages, plan)
    assert changed(plan) == ["+[activation.env]", '+PLAIN = "1"  # kern builds without not_on_any_index then']
    assert any("PLAIN" in sentence for sentence in plan.trade_offs)


def test_declare_lets_a_build_import_what_lies_beside_its_setup_py(tmp_path: Path) -> None:
    files = {
        **legacy("kern", "import beside"),
        "kern-1.0/beside.py": "",
        "kern-1.0/pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
        'build-backend = "setuptools.build_meta"\n',
    }
    with world(tmp_path, files) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"'))[1]
        check(packages, plan)
    assert changed(plan) == ["+[activation.env]", '+PYTHONPATH = "."  # lets the build of kern import beside']


def test_declare_gives_conda_the_version_that_others_want(tmp_path: Path) -> None:
    with world(tmp_path) as packages:
        plan = plans(packages, manifest('pytorch = "2.5.0"', 'torch = ">=2.6"'))[1]
        check(packages, plan)
    assert changed(plan)[:2] == ['-pytorch = "2.5.0"', '+pytorch = ">=2.6"  # torch wants >=2.6']
    assert plan.trade_offs == ("torch is no longer ==2.5.0.",) or "2.5.0" in plan.trade_offs[0]
    assert not plan.safe


def test_declare_allows_the_only_file_that_a_project_has(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "")) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"', options='no-build = ["kern"]'))[1]
        check(packages, plan)
    assert changed(plan) == ["-[pypi-options]", '-no-build = ["kern"]']
    assert plan.trade_offs == ("no-build forbade it on purpose, perhaps.",)


def test_declare_adds_this_machines_platform(tmp_path: Path) -> None:
    text = manifest('setuptools = "*"', 'kern = "*"', platforms='"osx-arm64"')
    with world(tmp_path, legacy("kern", "", static=False)) as packages:
        plan = plans(packages, text)[1]
    assert changed(plan) == ['-platforms = ["osx-arm64"]', '+platforms = ["osx-arm64", "linux-64"]']


def test_declare_makes_a_build_for_another_platform_pass_on_this_one(tmp_path: Path) -> None:
    text = manifest(
        'setuptools = "*"',
        options='no-build-isolation = ["kern"]',
        rest='[target.osx-arm64.pypi-dependencies]\nkern = "*"\n',
        platforms='"linux-64", "osx-arm64"',
    )
    with world(tmp_path, legacy("kern", "import torch", static=False)) as packages:
        plan = plans(packages, text)[1]
        check(packages, plan)
    assert changed(plan) == ['+pytorch = "*"  # imported by the build of kern, which is not isolated']


def test_declare_does_not_ask_macos_for_nvcc(tmp_path: Path) -> None:
    script = (
        "from torch.utils.cpp_extension import CUDA_HOME, CUDAExtension\next_modules = [CUDAExtension('k', ['k.cu'])]"
    )
    source = f"{script}\nfrom setuptools import setup\nsetup(name='kern', version='1.0', ext_modules=ext_modules)\n"
    files = {"kern-1.0/setup.py": source, "kern-1.0/PKG-INFO": STATIC.format("kern", "1.0"), "kern-1.0/k.cu": ""}
    text = manifest(
        'setuptools = "*"\npytorch = "*"',
        options='no-build-isolation = ["kern"]',
        rest='[target.linux-64.pypi-dependencies]\nkern = "*"\n',
        platforms='"linux-64", "osx-arm64"',
    )
    with world(tmp_path, files) as packages:
        plan = plans(packages, text)[1]
        check(packages, plan)
    assert changed(plan) == ["+[target.linux-64.dependencies]", '+cuda-nvcc = "*"  # nvcc for the build of kern']


def test_a_key_that_pixi_refuses_is_taken_out_and_the_rest_mended(tmp_path: Path) -> None:
    options = 'no-build-isolation = ["kern"]\nextra-build-dependencies = { kern = ["torch"] }'
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        report = packages.diagnose({"pixi.toml": manifest('setuptools = "*"', 'kern = "*"\ntorch = "*"', options)})
    assert report.rejected
    (plan,) = report.plans
    assert changed(plan) == ['-extra-build-dependencies = { kern = ["torch"] }']


def test_a_pyproject_is_edited_in_its_own_tables(tmp_path: Path) -> None:
    text = """\
[project]
name = "example"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["kern"]

[tool.pixi.workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[tool.pixi.dependencies]
pytorch = "*"

[tool.pixi.pypi-options]
index-url = "@INDEX@"
"""
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        plan = plans(packages, text, "pyproject.toml")[1]
        check(packages, plan, "pyproject.toml")
    assert changed(plan) == [
        '+setuptools = "*"  # kern is built without isolation',
        '+no-build-isolation = ["kern"]  # kern imports torch while it is built',
    ]


# --- tiers 2 and 3 ----------------------------------------------------------------------------------------------------


def test_hybrid_moves_torch_to_conda_in_its_present_version(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"\ntorch = "==2.6.0"'))[2]
        check(packages, plan)
    assert changed(plan) == [
        '+pytorch = "2.6.*"  # in place of torch from PyPI',
        '+setuptools = "*"  # kern is built without isolation',
        '-torch = "==2.6.0"',
        '+no-build-isolation = ["kern"]  # kern imports torch while it is built',
    ]


CUDA_SCRIPT = """\
from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension
setup(name='kern', version='1.0', ext_modules=[CUDAExtension('k', ['k.cu'])])
"""
CUDA = {"kern-1.0/setup.py": CUDA_SCRIPT, "kern-1.0/PKG-INFO": STATIC.format("kern", "1.0"), "kern-1.0/k.cu": ""}
CUDA_TORCH = (
    make_wheel("torch", "2.4.0", {"torch/__init__.py": ""}, requires=["nvidia-cuda-runtime-cu12==12.4.127"]),
    make_wheel("nvidia-cuda-runtime-cu12", "12.4.127", {"cudart.py": ""}),
)


def test_hybrid_takes_the_cuda_of_the_pytorch_that_the_channels_have(tmp_path: Path) -> None:
    with world(tmp_path, CUDA) as packages:
        packages.add(*CUDA_TORCH)
        plan = plans(packages, manifest(pypi='kern = "*"\ntorch = "==2.4.0"'))[2]
        check(packages, plan)
    assert changed(plan) == [
        '-platforms = ["linux-64"]',
        '+platforms = [{ platform = "linux-64", cuda = "12" }]',
        '+cuda-version = "12.4.*"  # one CUDA for all',
        '+cuda-nvcc = "12.4.*"  # nvcc for kern',
        '+pytorch = { version = "2.4.*", build = "cuda*" }  # in place of torch from PyPI',
        '+setuptools = "*"  # kern is built without isolation',
        '-torch = "==2.4.0"',
        '+no-build-isolation = ["kern"]  # kern imports torch while it is built',
    ]


def test_hybrid_declares_a_driver_as_the_manifests_pixi_knows_it(tmp_path: Path) -> None:
    text = manifest(pypi='kern = "*"\ntorch = "==2.4.0"').replace("platforms", 'requires-pixi = ">=0.60"\nplatforms')
    with world(tmp_path, CUDA) as packages:
        packages.add(*CUDA_TORCH)
        plan = plans(packages, text)[2]
    assert '+cuda = "12"  # the driver that machines must have' in changed(plan)
    assert "+[system-requirements]" in changed(plan)


def test_hybrid_leaves_macos_users_of_the_same_file_alone(tmp_path: Path) -> None:
    text = manifest(
        pypi='torch = "==2.4.0"',
        rest='[target.linux-64.pypi-dependencies]\nkern = "*"\n',
        platforms='"linux-64", "osx-arm64"',
    )
    with world(tmp_path, CUDA) as packages:
        packages.add(*CUDA_TORCH)
        plan = plans(packages, text)[2]
    lines = plan.text.splitlines()
    assert 'platforms = [{ platform = "linux-64", cuda = "12" }, "osx-arm64"]' in lines
    assert 'pytorch = "2.4.*"  # in place of torch from PyPI' in lines
    mine = lines[lines.index("[target.linux-64.dependencies]") :]
    assert 'pytorch = { version = "2.4.*", build = "cuda*" }  # with CUDA' in mine
    assert 'cuda-nvcc = "12.4.*"  # nvcc for kern' in mine


def test_declare_asks_for_the_nvcc_that_fits_torch(tmp_path: Path) -> None:
    with world(tmp_path, CUDA) as packages:
        packages.add(*CUDA_TORCH)
        plan = plans(packages, manifest(pypi='kern = "*"\ntorch = "==2.4.0"'))[1]
    assert '+cuda-nvcc = "12.4.*"  # nvcc for the build of kern' in changed(plan)


def test_hybrid_has_nothing_to_do_where_no_build_touches_the_native_stack(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "import numpy")) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"'))[2]
    assert not plan.edits
    assert "torch or CUDA" in plan.reason


def test_staged_leaves_the_rest_to_pixi_and_installs_in_order(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"\ntorch = "==2.6.0"'))[3]
        check(packages, plan)
    index = f"--default-index {packages.index}"
    checked = "assert v('torch').split('+')[0] == '2.6.0'; assert v('kern').split('+')[0] == '1.0'"
    assert changed(plan) == [
        '+uv = "*"  # installs what the tasks name',
        '-kern = "*"',
        "+[tasks.install-build-requirements]",
        f'+cmd = "uv pip install --python \\"$CONDA_PREFIX\\" {index} \'setuptools>=40.8.0\'"',
        "+[tasks.install-kern]",
        f'+cmd = "uv pip install --python \\"$CONDA_PREFIX\\" {index} --no-build-isolation-package kern kern==1.0"',
        '+depends-on = ["install-build-requirements"]',
        "+[tasks.check-stack]",
        f'+cmd = "python -c \\"from importlib.metadata import version as v; {checked}\\""',
        '+depends-on = ["install-kern"]',
        "+[tasks.setup]",
        '+depends-on = ["check-stack"]',
    ]
    assert "One command does it all: pixi run setup" in plan.notes


def test_staged_takes_away_the_extra_that_asks_for_the_build_and_keeps_what_else_it_asked_for(tmp_path: Path) -> None:
    files = legacy("kern", "import torch")
    text = manifest(pypi='torch = "==2.6.0"\nuser = { version = "*", extras = ["gpu", "cpu"] }')
    with world(tmp_path, files) as packages:
        requires = ["kern==1.0; extra == 'gpu'", "psutil>=5; extra == 'gpu'", "numpy; extra == 'cpu'"]
        packages.add(make_wheel("user", "1.0", {"user.py": ""}, requires=requires, extras=["gpu", "cpu"]))
        plan = plans(packages, text)[3]
        check(packages, plan)
    assert '+user = { version = "*", extras = ["cpu"] }  # kern is installed by a task' in changed(plan)
    assert '+psutil = ">=5"  # as user\'s extra gpu asks' in changed(plan)


def test_staged_is_no_way_out_where_uv_would_meet_the_same(tmp_path: Path) -> None:
    script = "raise SystemExit('this release cannot be built')"
    with world(tmp_path, legacy("kern", script)) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"'))[3]
    assert not plan.edits
    assert plan.reason.endswith("uv would meet that, too")


def declaring(name: str, setup: str, *requires: str) -> dict[str, str]:
    """A project of setuptools that declares these further build requirements."""
    quoted = ", ".join(f'"{r}"' for r in ("setuptools", *requires))
    table = f'[build-system]\nrequires = [{quoted}]\nbuild-backend = "setuptools.build_meta"\n'
    return legacy(name, setup) | {f"{name}-1.0/pyproject.toml": table}


def test_staged_leaves_out_what_a_build_declares_and_nobody_has(tmp_path: Path) -> None:
    with world(tmp_path, declaring("kern", "import torch", "packaging==22.0", "ninja")) as packages:
        plan = plans(packages, manifest(pypi='kern = "*"\ntorch = "==2.6.0"'))[3]
        check(packages, plan)
        index = f"--default-index {packages.index}"
    command = f'+cmd = "uv pip install --python \\"$CONDA_PREFIX\\" {index} setuptools ninja"'
    assert command in changed(plan)
    left_out = "kern is built without its build requirement packaging, which cannot be had: nobody asks for it then."
    assert left_out in plan.notes


@pytest.mark.parametrize("there", [True, False])
def test_staged_installs_an_undeclared_import_only_where_it_can_be_had(tmp_path: Path, there: bool) -> None:
    with world(tmp_path, legacy("kern", "import numpy, pybind11")) as packages:
        if there:
            packages.add(make_wheel("pybind11", "2.13.0", {"pybind11/__init__.py": ""}))
        plan = plans(packages, manifest(pypi='kern = "*"'))[3]
        if there:
            check(packages, plan)
            assert any(line.endswith(' numpy pybind11"') for line in changed(plan))
        else:
            assert not plan.passes
            assert plan.reason.startswith("what the tasks would install before the builds cannot be had: ")
            assert "pybind11" in plan.reason


def test_staged_keeps_a_feature_of_which_it_takes_the_only_entry(tmp_path: Path) -> None:
    feature = '[feature.src.pypi-dependencies]\nkern = "*"\n[environments]\nsrc = ["src"]\n'
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        plan = plans(packages, manifest(pypi='torch = "==2.6.0"', rest=feature))[3]
        check(packages, plan)
    assert {"+[feature.src.dependencies]", '+uv = "*"  # installs what the tasks name'} <= set(changed(plan))
    assert "One command does it all: pixi run -e src setup" in plan.notes


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('{ path = "local" }', "'kern @ ./local'"),
        ('{ path = "./local", editable = true }', "-e 'kern @ ./local'"),
        ('{ path = "local", extras = ["gpu"] }', "'kern[gpu] @ ./local'"),
    ],
)
def test_staged_installs_a_folder_from_where_it_is(tmp_path: Path, source: str, words: str) -> None:
    files = {name.replace("kern-1.0", "local"): text for name, text in legacy("kern", "import torch").items()}
    text = manifest(pypi=f'kern = {source}\ntorch = "==2.6.0"')
    with world(tmp_path) as packages:
        found = packages.diagnose({"pixi.toml": text, **files}, every_tier=True)
    plan = next(p for p in found.plans if p.tier == 3)
    assert any(line.endswith(f' --no-build-isolation-package kern {words}"') for line in changed(plan))


def test_staged_installs_what_comes_from_a_repository_from_there(tmp_path: Path) -> None:
    files = {name.removeprefix("kern-1.0/"): text for name, text in legacy("kern", "import torch").items()}
    repository = GitRepository(tmp_path / "kern", files)
    commit = repository.git("rev-parse", "HEAD")
    with world(tmp_path) as packages:
        text = manifest(pypi=f'kern = {{ git = "{repository.url}", rev = "{commit}" }}\ntorch = "==2.6.0"')
        plan = plans(packages, text)[3]
    assert any(line.endswith(f" kern 'kern @ git+{repository.url}@{commit}'\"") for line in changed(plan))


def test_staged_asks_the_index_that_a_dependency_names(tmp_path: Path) -> None:
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        text = manifest(pypi=f'kern = {{ version = "*", index = "{packages.index}" }}\ntorch = "==2.6.0"')
        plan = plans(packages, text)[3]
    assert any(line.endswith(f' kern --index {packages.index} kern==1.0"') for line in changed(plan))


def test_a_plan_names_what_was_not_checked_where_no_channel_answers(tmp_path: Path) -> None:
    text = manifest(pypi='kern = "*"\ntorch = "==2.6.0"').replace('"conda-forge"', '"file:///nowhere/conda-forge"')
    with world(tmp_path, legacy("kern", "import torch")) as packages:
        declare = plans(packages, text)[1]
    assert declare.passes
    assert declare.unchecked == ("The channels could not be reached, so versions of conda packages were not solved.",)
