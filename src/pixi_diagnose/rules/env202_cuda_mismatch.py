"""
# ENV202 cuda-mismatch

## What it finds
A build that compiles CUDA code with an nvcc whose CUDA is not the one that the torch it sees was built with.

## Why it breaks
torch compares the two before it compiles an extension (`_check_cuda_version` in torch/utils/cpp_extension.py): another
major version ends the build, another minor one is a warning. A torch without CUDA finds no toolkit at all.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = { version = "2.4.*", build = "cuda124*" }
cuda-nvcc = "11.8.*"
setuptools = "*"

[pypi-dependencies]
fast-kernels = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```
```python fast_kernels-1.0/setup.py
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="fast-kernels",
    version="1.0",
    ext_modules=[CUDAExtension("fast_kernels", ["kernels.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
```
```text fast_kernels-1.0/kernels.cu
__global__ void nothing() {}
```

## Use instead
The toolkit of the CUDA that torch was built with.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = { version = "2.4.*", build = "cuda124*" }
cuda-nvcc = "12.4.*"
setuptools = "*"

[pypi-dependencies]
fast-kernels = "*"

[pypi-options]
no-build-isolation = ["fast-kernels"]
```

## Limits
Read are: the version of conda's nvcc, a torch's local version (`+cu124`), the CUDA runtime that it requires, and the
build string of conda's pytorch. An nvcc on the machine's PATH is not run, and a range of versions says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.model import Build, BuildPhase, Refusal, Simulation
from ..frontends.visibility import compiles_through_torch
from .reporting import about_build, no_surer
from .wording import title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build whose nvcc and torch differ: an error where torch refuses that, else a warning."""
    for build in simulation.decisive_builds:
        for run in reversed(build.phases):
            refused = next((r for r in run.refused if r.kind == "cuda"), None)
            if refused is not None:
                yield _finding(simulation, build, run, refused)
                break
            if not run.refused and not run.missing and _differ(build, run):
                yield _finding(simulation, build, run, None)
                break


def _differ(build: Build, run: BuildPhase) -> bool:
    """Whether nvcc may be used, and its CUDA is in some way not torch's."""
    needs, seen = build.subject.needs, run.visible.toolchain if run.visible else None
    if needs is None or seen is None or not (seen.nvcc and seen.torch_cuda) or not compiles_through_torch(needs):
        return False
    if not any(t.name == "nvcc" for t in needs.tools):
        return False
    shortest = min(seen.nvcc.count("."), seen.torch_cuda.count(".")) + 1
    return seen.nvcc.split(".")[:shortest] != seen.torch_cuda.split(".")[:shortest]


def _finding(simulation: Simulation, build: Build, run: BuildPhase, refused: Refusal | None) -> Finding:
    needs, seen = build.subject.needs, run.visible.toolchain if run.visible else None
    nvcc, torch = (seen.nvcc, seen.torch_cuda) if seen else ("", "")
    if torch == "none":
        message = f"{title(build)} compiles CUDA code, and the torch that it sees was built without CUDA"
    else:
        message = f"{title(build)} is compiled by the nvcc of CUDA {nvcc}, and its torch was built with CUDA {torch}"
    major = torch == "none" or nvcc.partition(".")[0] != torch.partition(".")[0]
    if refused is not None:
        consequence = "torch checks that before it compiles, and ends the build."
    elif major:
        consequence = "Where the build comes to compile CUDA code, torch ends it."
    else:
        consequence = "torch warns of another minor version of CUDA and goes on; mostly that works."
    evidence = [e for t in needs.tools if t.name == "nvcc" for e in t.evidence[:1]] if needs else []
    severity = Severity.ERROR if refused else Severity.WARNING if major else Severity.INFO
    found = about_build(RULE, simulation, build, message, (consequence,), severity=severity, evidence=evidence)
    return no_surer(found, Confidence.MEDIUM)  # torch's check was read in its source, not seen


RULE = Rule("ENV202", "cuda-mismatch", check=check)
