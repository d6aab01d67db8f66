"""Versions that have to fit each other where CUDA code is compiled: nvcc's, the one torch was built with, GCC's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from ..conda import CondaPackage, tools
from ..data import read_table
from ..index.model import Distribution
from .model import Refusal, Toolchain

__all__ = ["conda_toolchain", "refused_toolchain", "with_torch"]

_NVCC = ("cuda-nvcc", "cuda-nvcc-impl", "cuda-compiler", "cuda-toolkit", "cuda", "cudatoolkit-dev", "cuda-version")
_GCC = r"g(?:xx|cc)(?:_linux-\S+)?$"
_EXACT = r"=*\s*(\d+(?:\.\d+)?)(?:\.[\d*]+)*(?:\.\*)?$"
_BUILT_WITH = r"(?:^|_)cuda(\d+)(?:\.(\d+))?"
_LOCAL = r"\+cu(\d+)"
_RUNTIME = "nvidia-cuda-runtime"
_CPU = "none"


def conda_toolchain(conda: Sequence[CondaPackage]) -> Toolchain:
    """What the conda packages say of nvcc, the host compiler and their own pytorch; "" where they do not.

    A spec that allows several versions says nothing. An nvcc on the machine's PATH is not asked: it is not run.
    """
    by_name = {p.name: p for p in conda}
    nvcc = ""
    if "nvcc" in tools(conda):
        versions = (_exact(by_name[name].version) for name in _NVCC if name in by_name)
        nvcc = next((v for v in versions if v), "")
    gcc = next((v for p in conda if re.match(_GCC, p.name) and (v := _exact(p.version))), "")
    torch = next((p for p in conda if any(project == "torch" for project, _ in p.projects)), None)
    return Toolchain(nvcc, _conda_torch(torch) if torch else "", gcc)


def with_torch(toolchain: Toolchain, distributions: Iterable[Distribution]) -> Toolchain:
    """The same with the torch that is among these distributions; without any, a build sees no torch's CUDA."""
    by_project = {d.project: d for d in distributions}
    torch = by_project.get("torch")
    if torch is None or torch.kind == "conda":
        return toolchain
    return Toolchain(toolchain.nvcc, _index_torch(torch, by_project), toolchain.gcc)


def refused_toolchain(seen: Toolchain, *, through_torch: bool) -> Iterator[Refusal]:
    """What does not fit, for a build that compiles CUDA code; `through_torch` if torch.utils.cpp_extension does it.

    torch refuses another major version of CUDA and only warns of another minor one; without CUDA it finds no toolkit
    at all (torch/utils/cpp_extension.py: _check_cuda_version, CUDA_HOME). nvcc refuses a GCC that is too new.
    """
    if through_torch and seen.nvcc and seen.torch_cuda == _CPU:
        yield Refusal("cuda", "torch", "none", "a torch that was built with CUDA")
    elif through_torch and seen.nvcc and seen.torch_cuda and _major(seen.nvcc) != _major(seen.torch_cuda):
        yield Refusal("cuda", "nvcc", seen.nvcc, f"CUDA {_major(seen.torch_cuda)}", seen.torch_cuda)
    first = _first_refused().get(seen.nvcc)
    if first is not None and seen.gcc and int(_major(seen.gcc)) >= first:
        yield Refusal("compiler", "gcc", seen.gcc, f"GCC below {first}", seen.nvcc)


def _conda_torch(package: CondaPackage) -> str:
    """By its build string (cuda126_mkl_…, py3.12_cuda12.4_cudnn…), else by the CUDA that it depends on."""
    if package.build.startswith("cpu") or "_cpu_" in f"_{package.build}_":
        return _CPU
    match = re.search(_BUILT_WITH, package.build)
    if match:
        return f"{match[1]}.{match[2]}" if match[2] else _dotted(match[1])
    bounds = (d.split(None, 1)[1] for d in package.depends if re.match(r"(cuda-version|pytorch-cuda) ", d))
    return next((m[1] for text in bounds if (m := re.match(r">=(\d+\.\d+)", text))), "")


def _index_torch(torch: Distribution, by_project: Mapping[str, Distribution]) -> str:
    """By its local version (+cu124), else by the CUDA runtime that its wheel requires (nvidia-cuda-runtime-cu12)."""
    local = re.search(_LOCAL, torch.version)
    if local:
        return _dotted(local[1])
    if torch.version.endswith("+cpu"):
        return _CPU
    runtime = next((d for p, d in sorted(by_project.items()) if p.startswith(_RUNTIME)), None)
    return _exact(runtime.version) if runtime is not None and "torch" in runtime.required_by else ""


def _dotted(digits: str) -> str:
    return f"{digits[:-1]}.{digits[-1]}" if len(digits) > 2 else digits


def _exact(spec: str) -> str:
    """Major and minor of a version, or of a spec that fixes them ("12.4.*"); "" for any other spec."""
    match = re.match(_EXACT, spec.strip())
    return match[1] if match else ""


def _major(version: str) -> str:
    return version.partition(".")[0]


@cache
def _first_refused() -> Mapping[str, int]:
    found: Mapping[str, int] = read_table("cuda_host_compilers")["refuses"]
    return found
