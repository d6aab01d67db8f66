"""Extension modules and the libraries that help to build them: what making or calling them implies."""

from __future__ import annotations

from pathlib import PurePosixPath

from ...model import Strength
from ..models import CONSTANTS, Call, function
from ..values import Choice, Instance, Made, Opaque, Outside, Value
from ..version_tests import version_of

__all__: list[str] = []

# torch.utils.cpp_extension finds CUDA_HOME by the variables CUDA_HOME and CUDA_PATH, by nvcc on PATH, or in
# /usr/local/cuda; it is None where none of them is there.
CONSTANTS["torch.utils.cpp_extension.CUDA_HOME"] = lambda m: (
    None if "nvcc" in m.around.absent_tools else Opaque("CUDA_HOME", "nvcc")
)
# The torch of package indexes and of conda-forge is built for CUDA or the CPU; one for ROCm has an index of its own.
CONSTANTS["torch.utils.cpp_extension.ROCM_HOME"] = lambda _m: None
CONSTANTS["torch.utils.cpp_extension.IS_HIP_EXTENSION"] = lambda _m: False
CONSTANTS["torch.version.hip"] = lambda _m: None


def _unknown_attribute(path: str) -> None:
    version = version_of(Outside(path))
    CONSTANTS[path] = lambda _m, path=path: Opaque(path, about=version)  # type: ignore[misc]  # mypy infers no lambda with a default


for _path in (
    "torch.version.cuda",
    "torch.__version__",
    "numpy.__version__",
    "torch.version.git_version",
):
    _unknown_attribute(_path)


def _extension(call: Call, path: str) -> Made:
    made = Made(path, call.args, call.keywords, call.evidence)
    names = ("name", "sources")
    for position, name in enumerate(names):
        made.attributes[name] = call.argument(position, name)
    made.attributes["·conditional"] = bool(call.m.conditions)
    if isinstance(call.receiver, Instance):
        # A subclass of the tree: the object keeps its own class and gets these attributes.
        call.receiver.attributes.update(made.attributes)
        call.receiver.attributes["·made"] = made
    return made


@function(
    "setuptools.Extension", "Cython.Distutils.Extension", "Cython.Distutils.extension.Extension",
    "setuptools.Library", "pybind11.setup_helpers.Pybind11Extension", "pybind11.setup_helpers.ParallelCompile",
    "skbuild.Extension", "setuptools_rust.RustExtension", "setuptools_rust.RustBin",
    "setuptools_rust.extension.RustExtension",
    "cmake_build_extension.CMakeExtension", "pybind11.setup_helpers.Pybind11Extension.__init__",
    "setuptools.Extension.__init__", "torch.utils.cpp_extension.CppExtension",
    "torch.utils.cpp_extension.SyclExtension",
)  # fmt: skip
def _make_extension(call: Call) -> Value:
    return _extension(call, call.path.removesuffix(".__init__"))


@function("torch.utils.cpp_extension.CUDAExtension")
def _make_cuda_extension(call: Call) -> Value:
    """Making one looks for the toolkit's folders and raises OSError without CUDA_HOME: in whatever phase that is."""
    call.m.see_tool("nvcc", call.evidence)
    return _extension(call, call.path)


@function("torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline")
def _load(call: Call) -> Value:
    call.m.see_tool("cxx-compiler", call.evidence)
    call.m.see_tool("ninja", call.evidence)
    return Opaque("a compiled module")


@function("torch.utils.cpp_extension.library_paths", "torch.utils.cpp_extension.include_paths")
def _cuda_paths(call: Call) -> Value:
    if call.argument(0) in {True, "cuda"} or call.keywords.get("cuda") is True:
        call.m.see_tool("nvcc", call.evidence)
    return Opaque("paths of torch")


@function("Cython.Build.cythonize", "Cython.Build.Dependencies.cythonize")
def _cythonize(call: Call) -> Value:
    modules = call.argument(0, "module_list")
    made: list[Value] = []
    for option in modules.options if isinstance(modules, Choice) else (modules,):
        for item in option if isinstance(option, list | tuple) else [option]:
            if isinstance(item, str | PurePosixPath):
                extension = Made("setuptools.Extension", [str(item), [str(item)]], {}, call.evidence)
                extension.attributes |= {
                    "name": Opaque("a name"),
                    "sources": [str(item)],
                    "·conditional": bool(call.m.conditions),
                }
                made.append(extension)
            else:
                made.append(item)
    return made


@function("pkgconfig.parse", "pkgconfig.exists", "pkgconfig.libs", "pkgconfig.cflags", "pkgconfig.installed")
def _pkgconfig(call: Call) -> Value:
    call.m.see_tool("pkg-config", call.evidence, Strength.GUARDED if call.m.guards else None)
    if call.m.guards:
        call.m.guards[-1].maybe = True
    return Opaque(f"{call.path}()")


@function("cffi.FFI")
def _ffi(call: Call) -> Value:
    return Made("cffi.FFI", call.args, call.keywords, call.evidence)
